"""Hands notifications to the receivers of a company: signed, once, to public addresses only."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from kernel.clock import Clock
from kernel.errors import TransientGatewayError, UnknownOutcomeError
from kernel.sensitive import Secret
from toolkit.http.client import HttpAnswer, HttpClient
from toolkit.http.webhook_signature import headers, key_of, sign
from toolkit.redaction import redact_text
from workspace.domain.delivery import MAX_EXCERPT, Answer, AnswerKind

USER_AGENT: Final = "Kopru-Webhooks/1.0"
MAX_ANSWER_BYTES: Final = 4_096
_GONE: Final = 410
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class HttpWebhookSender:
    """``WebhookSender`` over our HTTP client."""

    def __init__(self, client: HttpClient, clock: Clock) -> None:
        """``client`` goes to public addresses only and cuts answers."""
        self._client = client
        self._clock = clock

    def send(
        self,
        url: str,
        *,
        identity: str,
        at: datetime,
        body: bytes,
        secrets: Sequence[Secret],
        deadline_seconds: float,
    ) -> Answer:
        stamp = int(at.timestamp())
        keys = [key_of(secret) for secret in secrets]
        signed = headers(keys[0], identity, stamp, body)
        # One signature per secret: the receiver needs to know one of them only.
        signatures = [sign(key, identity, stamp, body) for key in keys]
        try:
            answer = self._client.exchange(
                "POST",
                url,
                deadline_seconds=deadline_seconds,
                content=body,
                headers={
                    **signed,
                    "webhook-signature": " ".join(signatures),
                    "content-type": "application/json",
                    "user-agent": USER_AGENT,
                },
            )
        except (TransientGatewayError, UnknownOutcomeError) as error:
            return Answer(AnswerKind.NOT_TAKEN, error.code.replace(".", "_"))
        return self._understood(answer)

    def _understood(self, answer: HttpAnswer) -> Answer:
        kind, code = AnswerKind.NOT_TAKEN, "status_refused"
        if 200 <= answer.status < 300:
            kind, code = AnswerKind.TAKEN, "taken"
        elif answer.status == _GONE:
            kind, code = AnswerKind.GONE, "gone"
        elif 300 <= answer.status < 400:
            code = "redirect_refused"
        return Answer(
            kind,
            code,
            answer.status,
            excerpt(answer.body),
            self._retry_after(answer.headers.get("retry-after", "")),
        )

    def _retry_after(self, text: str) -> int | None:
        """Seconds a receiver asks us to wait, by number or by date; None for no or an odd wish."""
        if _SECONDS.fullmatch(text.strip()):
            return int(text)
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0, int((until - self._clock.now()).total_seconds()))


def excerpt(body: bytes) -> str:
    """The beginning of an answer, with numbers of people masked and nothing invisible in it."""
    text = "".join(c if c.isprintable() else " " for c in body.decode("utf-8", "replace"))
    return redact_text(text)[:MAX_EXCERPT].strip()
