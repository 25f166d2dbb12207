"""Send a code to the customer by mail: asked for in one transaction, handed over by a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kernel.errors import ConflictError
from kernel.links import Links
from kernel.mail_delivery import (
    LEASE_MARGIN,
    MailState,
    claimed,
    handed_over,
    lost_sight_of,
    not_sent,
    refused,
    suppressed,
)
from kernel.mailing import MailOutcome, MailResult
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from payment_codes.application.connection import CODE_ATTENTION_RAISED
from payment_codes.application.context import RESERVE_SECONDS, TRIES, Scope, TryAgainError
from payment_codes.application.issue_code import queue_mail
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.payment_code import PaymentCode, Registration
from payment_codes.ports import CodeMailer, PayLinks, PaymentsUnit

MAIL_SECONDS: Final = 8
_WITHDRAWN: Final = "code_not_payable"
"""Reason of a mail that is not sent because its code was withdrawn: nobody need look."""
_TELL: Final = frozenset({MailState.UNKNOWN, MailState.REFUSED, MailState.SUPPRESSED})


def attention_key(mail: CodeMail) -> str:
    """All mails with one code are one matter for a person."""
    return f"code_mail:{mail.code_id}"


def raise_mail_attention(unit: PaymentsUnit, mail: CodeMail) -> None:
    """Have a person look at a mail that did not reach the customer, or of which nobody knows."""
    subject = f"payment_code:{mail.code_id}"
    unit.publish(
        CODE_ATTENTION_RAISED,
        subject,
        {
            "key": attention_key(mail),
            "subject": subject,
            "code": f"code_mail_{mail.state.value}",
            "severity": "medium",
        },
    )


class SendCode:
    """Ask that a code be mailed.

    Raises: ConflictError("code_not_payable" | "address_suppressed");
    ValidationError("email_missing").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code_id: str, command: CommandIdentity | None = None) -> str:
        """Id of the mail."""
        store = self._scope.store
        if command is not None and (repeated := store.answered(command)) is not None:
            return str(repeated.body["mail_id"])
        code = store.code(code_id)
        if not code.may_be_told:
            raise ConflictError(
                "code_not_payable", "Nothing can be paid under this code; it is not sent."
            )
        if code.customer.email is not None and store.is_suppressed(code.customer.email):
            raise ConflictError(
                "address_suppressed",
                "Mails to this address came back for good, or its owner complained.",
            )
        unit = store.unit()
        mail = queue_mail(self._scope, unit, code, self._scope.organisation())
        if command is not None:
            unit.remember(command, Remembered(202, {"mail_id": mail.id}, {}))
        try:
            unit.commit()
        except WriteRefusedError as error:
            if command is None or not error.refused("idempotency"):
                raise
            first = store.answered(command)
            if first is None:
                raise
            return str(first.body["mail_id"])
        return mail.id


@dataclass(frozen=True, slots=True)
class SendMail:
    """Hand one mail over: claim, effect, commit (reliability.md §2).

    A lost answer leaves the mail unknown: the service cannot be asked, and a second mail is worse
    than a question to a person.
    """

    scope: Scope
    mailer: CodeMailer
    tokens: PayLinks
    links: Links

    def __call__(self, mail_id: str, *, remaining: Callable[[], float]) -> None:
        """Raises: TryAgainError while somebody alive holds the mail, or when time is short."""
        scope = self.scope
        mail = scope.store.mail(mail_id)
        if mail is None or mail.state not in (MailState.QUEUED, MailState.SENDING):
            return
        now = scope.clock.now()
        if mail.state is MailState.SENDING:
            if mail.lease_until is not None and now < mail.lease_until:
                raise TryAgainError
            self._save(mail, lost_sight_of(mail, "lease_ended"), "mail.unknown")
            return
        if remaining() < MAIL_SECONDS + RESERVE_SECONDS:
            raise TryAgainError
        code = scope.store.code(mail.code_id)
        if not code.may_be_told:
            self._save(mail, refused(mail, _WITHDRAWN), "mail.refused")
            return
        if code.registration is Registration.PENDING:
            # The banks do not know the code yet; the sweep brings the mail back.
            again = not_sent(mail, "code_not_registered", now)
            self._save(mail, again, "mail.not_sent")
            return
        lease = now + timedelta(seconds=remaining()) + LEASE_MARGIN
        mine = self._claim(mail, claimed(mail, scope.ids.new(), lease), code)
        if mine is None:
            return
        link = self.links.to(f"/pay/{self.tokens.token(scope.tenant_id, code.id)}")
        outcome = self.mailer.send(mine, code, scope.organisation(), link)
        self._commit(mine, outcome)

    def _claim(self, before: CodeMail, after: CodeMail, code: PaymentCode) -> CodeMail | None:
        """The mail in our hands; None when nothing may be sent to its address."""
        unit = self.scope.store.unit()
        mine = unit.save_mail(before, after, "mail.claimed")
        # In the transaction of the claim: a complaint, a payment or a cancellation that comes
        # meanwhile still stops this mail, or changes what it says.
        unit.require_not_suppressed(after.to)
        unit.require_code(code)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("suppressed"):
                raise TryAgainError from error
            self._save(before, suppressed(before), "mail.suppressed")
            return None
        return mine

    def _save(self, before: CodeMail, after: CodeMail, action: str) -> CodeMail:
        unit = self.scope.store.unit()
        saved = unit.save_mail(before, after, action)
        if after.state in _TELL and after.reason != _WITHDRAWN:
            raise_mail_attention(unit, after)
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise TryAgainError from error
        return saved

    def _commit(self, mine: CodeMail, outcome: MailOutcome) -> None:
        if outcome.result is MailResult.TAKEN:
            self._taken(mine, outcome)
        elif outcome.result is MailResult.REFUSED:
            self._save(mine, refused(mine, outcome.code), "mail.refused")
        elif outcome.result is MailResult.NOT_SENT:
            again = not_sent(mine, outcome.code, self.scope.clock.now())
            self._save(mine, again, "mail.not_sent")
        else:
            self._save(mine, lost_sight_of(mine, outcome.code), "mail.unknown")

    def _taken(self, mine: CodeMail, outcome: MailOutcome) -> None:
        scope = self.scope
        organisation = scope.organisation()
        for _ in range(TRIES):
            code = scope.store.code(mine.code_id)
            unit = scope.store.unit()
            unit.save_mail(mine, handed_over(mine, outcome.provider_id), "mail.sent")
            after = code.sent(scope.today(organisation), organisation.tolerance)
            after = scope.with_due(after, organisation)
            unit.save_code(code, after, "code.sent", {"mail_id": mine.id})
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("code_mail:"):
                    return  # somebody wrote the end of this mail already
                continue
            return
        raise TryAgainError
