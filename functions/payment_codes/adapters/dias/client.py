"""The DIAS-like gateway over HTTP: one request a call, one deadline, no repetition of its own.

The real interface of DIAS for merchants is not public; this speaks the shape its intermediaries
share (domain/payment-codes.md §4): create by identification, full list by code, cancel, list of the
organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from kernel.errors import GatewayError, TransientGatewayError
from kernel.exchange import RawCall, RawPart
from kernel.parsing import format_instant
from kernel.sensitive import Secret
from payment_codes.adapters.dias import transformers
from payment_codes.adapters.dias.faults import answer_of
from payment_codes.ports import Answer, Created, Listed, Order
from toolkit.http.client import HttpClient
from toolkit.soap.audit import scrub


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one call brought. Shapes: ``failed`` is set when there was no answer to read."""

    said: RawCall
    status: int = 0
    found: Mapping[str, object] | None = None
    failed: Answer | None = None


class DiasGateway:
    """``PaymentProvider`` over HTTP; the address is decided at deployment, never by a tenant."""

    def __init__(self, url: str, client: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    def create(self, key: Secret, order: Order, *, deadline_seconds: float) -> Created:
        """Make a code known; "exists" is success, because the identification is ours."""
        return self._effect(
            key, "/v1/requests", transformers.order_body(order), deadline_seconds, order.reference
        )

    def cancel(self, key: Secret, rf: str, *, deadline_seconds: float) -> Created:
        """Take a code back."""
        path = f"/v1/requests/{quote(rf)}/cancel"
        return self._effect(key, path, b"{}", deadline_seconds, f"cancel-{rf}")

    def payments(self, key: Secret, rf: str, *, deadline_seconds: float) -> Listed:
        """The full list of one code."""
        return self._list(key, f"/v1/requests/{quote(rf)}/payments", deadline_seconds)

    def recent(
        self, key: Secret, org_code: str, since: datetime, *, deadline_seconds: float
    ) -> Listed:
        """What the organisation got since an instant."""
        query = urlencode({"since": format_instant(since)})
        path = f"/v1/organisations/{quote(org_code)}/payments?{query}"
        return self._list(key, path, deadline_seconds)

    def _effect(
        self, key: Secret, path: str, content: bytes, deadline: float, reference: str
    ) -> Created:
        headers = {"content-type": "application/json", "idempotency-key": reference}
        heard = self._call("POST", key, path, content, headers, deadline)
        if heard.failed is not None:
            return Created(heard.failed, said=heard.said)
        code = transformers.code_of(heard.found)
        answer = answer_of(heard.status, code)
        if answer is Answer.OK and heard.found is None:
            return Created(Answer.UNKNOWN, reason="unreadable", said=heard.said)
        found = heard.found or {}
        return Created(
            answer,
            rf=transformers.member(found, "rf"),
            provider_id=transformers.member(found, "request_id"),
            reason=code,
            qr=transformers.qr_of(found),
            said=heard.said,
        )

    def _list(self, key: Secret, path: str, deadline: float) -> Listed:
        heard = self._call("GET", key, path, b"", {}, deadline)
        return replace(self._listed(heard), said=heard.said)

    def _listed(self, heard: _Heard) -> Listed:
        if heard.failed is not None:
            return Listed(heard.failed)
        code = transformers.code_of(heard.found)
        answer = answer_of(heard.status, code)
        if code == "UNKNOWN_CODE":
            return Listed(Answer.OK)  # nobody can have paid what the provider does not know
        if answer is not Answer.OK:
            return Listed(answer, reason=code)
        return transformers.listed(heard.found)

    def _call(
        self,
        method: str,
        key: Secret,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        deadline: float,
    ) -> _Heard:
        secret = key.reveal("call the provider")
        sent = {**headers, "authorization": f"Bearer {secret}"}
        asked = RawPart(f"{method} {path}", content)
        try:
            answer = self._client.exchange(
                method,
                self._url + path,
                deadline_seconds=deadline,
                content=content,
                headers=sent,
                idempotent=method == "GET",
            )
        except GatewayError as error:
            lost = isinstance(error, TransientGatewayError)
            said = RawCall(asked, RawPart(f"no answer: {error.code}"))
            return _Heard(said, failed=Answer.NOT_SENT if lost else Answer.UNKNOWN)
        body = scrub(answer.body, values=(secret,))
        said = RawCall(asked, RawPart(f"HTTP {answer.status}", body))
        return _Heard(said, answer.status, transformers.members(answer.body))
