"""Send one mail: claim, hand over once, commit (reliability.md §2). Links and codes are made at the
claim, so no token is stored or queued anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.clock import Clock
from kernel.ids import IdSource
from kernel.links import Links
from kernel.mail_delivery import MailNews
from kernel.mailing import MailOutcome, MailResult
from kernel.parsing import format_instant
from kernel.sensitive import Email
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.link import LinkPurpose, new_link
from workspace.domain.message import (
    LEASE_MARGIN,
    Message,
    MessageKind,
    MessageState,
    claimed,
    joined,
    lost_sight_of,
    not_sent,
    refused,
    suppressed,
    withdrawn,
)
from workspace.ports import (
    CodeDigest,
    Digest,
    Mailer,
    SystemStore,
    Tokens,
    WorkspaceUnit,
)

EFFECT_SECONDS: Final = 8.0
"""Longest time one hand-over takes: connect 2 s and read 5 s, without repetition."""
RESERVE_SECONDS: Final = 6.0
"""What must be left for the commit afterwards."""
ACTOR: Final = "system:mail"
_LINKS: Final = {
    MessageKind.INVITATION: (LinkPurpose.INVITATION, "/invitations/"),
    MessageKind.ACTIVATION: (LinkPurpose.ACTIVATION, "/activations/"),
    MessageKind.PASSWORD_RESET: (LinkPurpose.PASSWORD_RESET, "/password-resets/"),
    MessageKind.TASK: (LinkPurpose.TASK, "/task-links/"),
    MessageKind.SUPPORT_ACCESS: (LinkPurpose.TASK, "/task-links/"),
}
_TRIES: Final = 3


class SendResult(StrEnum):
    """Whether the work order is done with, or must come again."""

    DONE = "done"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a mail is for, and about which company it speaks (empty for none)."""

    email: Email
    name: str
    language: str
    company: str


@dataclass(frozen=True, slots=True)
class SendMail:
    """Moves one message from queued to sent, or says truthfully what is known of it."""

    store: SystemStore
    clock: Clock
    ids: IdSource
    tokens: Tokens
    digest: Digest
    links: Links
    mailer: Mailer
    code_digest: CodeDigest

    def __call__(
        self, tenant_id: str, message_id: str, remaining_seconds: Callable[[], float]
    ) -> SendResult:
        """Raises: ConflictError when somebody else moved the message; the record comes again."""
        message = self.store.message(tenant_id, message_id)
        if message is None or not message.in_flight:
            return SendResult.DONE
        now = self.clock.now()
        if message.state is MessageState.SENDING:
            if message.lease_until is not None and now < message.lease_until:
                return SendResult.LATER
            # Its sender died: perhaps before, perhaps after the hand-over. Only news can tell.
            self._save(message, lost_sight_of(message, "lease_ended", now), "message.unknown")
            return SendResult.DONE
        if message.state is MessageState.UNKNOWN:
            return SendResult.DONE
        if remaining_seconds() < EFFECT_SECONDS + RESERVE_SECONDS:
            return SendResult.LATER
        lease = now + timedelta(seconds=remaining_seconds()) + LEASE_MARGIN
        return self._send(message, lease)

    def _send(self, message: Message, lease_until: datetime) -> SendResult:
        if message.params.get("task") and not self._waits(message):
            self._save(message, withdrawn(message, "task_closed"), "message.withdrawn")
            return SendResult.DONE
        reader = self._reader(message)
        unit = self._unit(message)
        unit.require_not_suppressed(reader.email)
        attempt_id = self.ids.new()
        link, code = "", ""
        if message.kind is MessageKind.SIGN_IN_CODE:
            code = self._code(unit, message, attempt_id)
        else:
            link = self._link(unit, message)
        after = claimed(message, attempt_id, reader.email, reader.language, lease_until)
        mine = unit.save_message(message, after, "message.claimed")
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("suppressed"):
                raise
            self._save(message, suppressed(message, reader.email), "message.suppressed")
            return SendResult.DONE
        outcome = self.mailer.send(
            mine,
            to=reader.email,
            name=reader.name,
            company=reader.company,
            link=link,
            code=code,
        )
        self._commit(mine, outcome)
        return SendResult.DONE

    def _reader(self, message: Message) -> Reader:
        """Whom the mail is for, read now; an applicant who was turned down is nobody's member."""
        if message.kind is MessageKind.SIGNUP_REJECTED:
            signup = self.store.signup(message.params["signup_id"])
            return Reader(signup.email, signup.name, signup.language, signup.company)
        person = self.store.person(message.person_id)
        company = ""
        if message.tenant_id:
            company = self.store.company(self._context(message)).tenant().name
        return Reader(person.email, person.name, person.language, company)

    def _waits(self, message: Message) -> bool:
        """Whether what a mail is about still waits for its reader."""
        found = self.store.company(self._context(message)).find_attention(message.params["task"])
        return found is not None and found.waits(self.clock.now())

    def _link(self, unit: WorkspaceUnit, message: Message) -> str:
        """The link this mail carries, its hash added to the claim."""
        if message.kind is MessageKind.CREDENTIALS_REFUSED:
            return self.links.to(f"/pensions/contracts/{message.params['contract_id']}")
        if message.kind is MessageKind.SIGNUP_REJECTED:
            return self.links.to("/sign-up")
        purpose, path = _LINKS[message.kind]
        token = self.tokens.new().reveal("write a link into a mail")
        unit.add_link(
            new_link(
                self.digest(token),
                purpose,
                message.person_id,
                message.tenant_id,
                self.clock.now(),
                message.params.get("task", ""),
            )
        )
        return self.links.to(path + token)

    def _code(self, unit: WorkspaceUnit, message: Message, attempt_id: str) -> str:
        """The code this mail carries, its hash added to the claim."""
        step, code = message.params["step"], self.tokens.digits()
        unit.add_step_code(step, attempt_id, self.code_digest(step, code))
        return code

    def _commit(self, mine: Message, outcome: MailOutcome) -> None:
        """Write the outcome over whatever news arrived in the meantime, never weakening it."""
        current = mine
        for _ in range(_TRIES):
            after, action = self._after(current, outcome)
            if after == current:
                return
            try:
                self._save(current, after, action)
            except WriteRefusedError:
                fresh = self.store.message(mine.tenant_id, mine.id)
                if fresh is None or fresh.attempt_id != mine.attempt_id:
                    return
                current = fresh
                continue
            return

    def _after(self, message: Message, outcome: MailOutcome) -> tuple[Message, str]:
        now = self.clock.now()
        if outcome.result is MailResult.TAKEN:
            at = format_instant(now)
            return joined(message, MailNews.SENT, outcome.provider_id, at), "message.sent"
        if not message.in_flight:
            return message, ""  # its own news was quicker and says more
        if outcome.result is MailResult.REFUSED:
            return refused(message, outcome.code), "message.refused"
        if outcome.result is MailResult.NOT_SENT:
            return not_sent(message, outcome.code, now), "message.not_sent"
        return lost_sight_of(message, outcome.code, now), "message.unknown"

    def _save(self, before: Message, after: Message, action: str) -> None:
        unit = self._unit(before)
        unit.save_message(before, after, action)
        unit.commit()

    def _unit(self, message: Message) -> WorkspaceUnit:
        if message.tenant_id:
            return self.store.company(self._context(message)).unit()
        return self.store.unit(ACTOR)

    @staticmethod
    def _context(message: Message) -> TenantContext:
        return TenantContext(message.tenant_id, ACTOR, message.id)
