"""Issue a code for a document: once, with an identification nobody ever had (PAY-01)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from kernel.errors import ConflictError, Problem, RuleViolationError, ValidationError
from kernel.money import Money
from kernel.parsing import format_instant
from kernel.stamp import Stamp
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from payment_codes.application.context import TRIES, Scope
from payment_codes.domain import rf_reference
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment import ABSURD, CURRENCY
from payment_codes.domain.payment_code import (
    PAYABLE,
    CodeStatus,
    Customer,
    PaymentCode,
    Registration,
    ident_of,
)
from payment_codes.domain.source import Source
from payment_codes.ports import PaymentsUnit

CODE_ISSUED: Final = "payment_codes.CodeIssued.v1"
RECEIPTS: Final = "document-event"
"""Under which name the inbox keeps ids of signed document events."""
CODE_CLOSED: Final = "payment_codes.CodeClosed.v1"
DEAD: Final = frozenset({CodeStatus.CANCELLED, CodeStatus.EXPIRED})
_LEAPS: Final = 24
"""How often the counter is pushed forward, each time twice as far: past sixteen million numbers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a document asks for. ``customer_enabled`` is what the request says of the customer.

    Shapes: ``batch`` is the job that issues many at once; ``stated_at`` is when the document said
    it, so that older news never replaces newer (None: now); ``receipt`` is the id of the signed
    message it came in, noted together with the effect.
    """

    source: Source
    customer: Customer
    amount: Money | None
    description: str
    valid_until: date | None = None
    customer_enabled: bool | None = None
    batch: str = ""
    stated_at: datetime | None = None
    receipt: str = ""

    def is_older_than(self, code: PaymentCode) -> bool:
        """Whether the document said this before it asked for a code that there is already."""
        if self.stated_at is None or code.stated_at is None:
            return False
        return self.stated_at < code.stated_at


@dataclass(frozen=True, slots=True)
class Issued:
    """The code of a document, and whether it was made now."""

    code: PaymentCode
    created: bool


class IssueCode:
    """Make the code of a document, or give the one it has.

    Raises: ValidationError with pointers; RuleViolationError("customer_disabled");
    ConflictError("document_has_code") when the document has a code with another amount.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, wish: Wish, command: CommandIdentity | None = None, *, correct: bool = False
    ) -> Issued:
        """``correct`` replaces an unpaid code of another amount, as a corrected document asks."""
        store = self._scope.store
        if command is not None and (repeated := store.answered(command)) is not None:
            return Issued(store.code(str(repeated.body["code_id"])), created=True)
        organisation = self._scope.organisation()
        self.check(wish, organisation)
        if not self.customer_enabled(wish):
            raise customer_disabled()
        step = 1
        for _ in range(_LEAPS):
            known = store.code_of_source(wish.source)
            if known is not None and wish.is_older_than(known):
                return Issued(known, created=False)
            if known is not None and known.status not in DEAD:
                if known.amount == wish.amount:
                    return Issued(known, created=False)
                if not correct or known.paid:
                    raise document_has_code()
            try:
                return self._make(wish, organisation, known, command, step)
            except WriteRefusedError as error:
                if error.refused("unique:IDENT") or error.refused("unique:RF"):
                    # The counter was set back: leap over what was given out before.
                    step *= 2
                elif command is not None and error.refused("idempotency"):
                    first = store.answered(command)
                    if first is None:
                        raise
                    return Issued(store.code(str(first.body["code_id"])), created=True)
                elif not (error.refused("unique:SOURCE") or error.refused("payment_code:")):
                    raise
        raise ConflictError("idents_exhausted", "No free number was found for this organisation.")

    def customer_enabled(self, wish: Wish) -> bool:
        """Whether the customer gets codes: what the request says, else the customer's switch."""
        if wish.customer_enabled is not None:
            return wish.customer_enabled
        return self._scope.store.customer_enabled(wish.customer.id) is not False

    def check(self, wish: Wish, organisation: Organisation) -> None:
        """Refuse what no code can be made of; raises ValidationError with everything wrong."""
        problems = []
        if wish.amount is None:
            if not wish.source.kind.may_be_open:
                problems.append(
                    Problem("/amount", "amount_required", "This kind of document has an amount.")
                )
        elif wish.amount.currency != CURRENCY:
            problems.append(Problem("/amount/currency", "currency", "Payment codes are in EUR."))
        elif wish.amount.minor > ABSURD:
            problems.append(Problem("/amount/amount", "amount_too_large", "The amount is absurd."))
        if wish.valid_until is not None and wish.valid_until < self._scope.today(organisation):
            problems.append(Problem("/valid_until", "in_the_past", "This day is over already."))
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)

    def _make(
        self,
        wish: Wish,
        organisation: Organisation,
        known: PaymentCode | None,
        command: CommandIdentity | None,
        step: int,
    ) -> Issued:
        sequence = self._scope.store.next_sequence(organisation.org_code, step)
        unit = self._scope.store.unit()
        code = self.add(unit, wish, organisation, sequence, known)
        if wish.receipt:
            unit.received(RECEIPTS, wish.receipt)
        if command is not None:
            unit.remember(command, Remembered(201, {"code_id": code.id}, {}))
        unit.commit()
        return Issued(code, created=True)

    def add(
        self,
        unit: PaymentsUnit,
        wish: Wish,
        organisation: Organisation,
        sequence: int,
        known: PaymentCode | None,
    ) -> PaymentCode:
        """Add the code of a document to a unit: its rows, its work and its news.

        Units: ``sequence`` is a number of the organisation's counter that nobody else was given.
        Shapes: ``known`` is the code that the document has or had.
        """
        scope = self._scope
        ident = ident_of(wish.source.kind.digit, organisation.branch, sequence)
        reference = rf_reference.encode(organisation.org_code, ident, wish.amount)
        now = format_instant(scope.clock.now())
        code = PaymentCode(
            id=scope.ids.new(),
            code=reference.code,
            org_code=organisation.org_code,
            ident=reference.ident,
            source=wish.source,
            customer=wish.customer,
            description=wish.description,
            currency=CURRENCY,
            amount=wish.amount,
            registration=Registration.PENDING if organisation.is_online else Registration.LOCAL,
            valid_until=wish.valid_until or organisation.valid_until(scope.today(organisation)),
            supersedes=known.id if known is not None else "",
            batch=wish.batch,
            stated_at=wish.stated_at or scope.clock.now(),
        )
        code = scope.with_due(code, organisation)
        unit.add_code(code, replaces=code.supersedes)
        if known is not None and known.status not in DEAD:
            old = known.cancelled("superseded", superseded_by=code.id)
            old = scope.with_due(old, organisation)
            unit.save_code(known, old, "code.superseded", {"by": code.id})
            if old.registration is Registration.CANCELLING:
                unit.enqueue("issue", {"code_id": old.id})
        if code.registration is Registration.PENDING:
            unit.enqueue("issue", {"code_id": code.id})
        else:
            mail_by_itself(scope, unit, code, organisation)
        unit.publish(
            CODE_ISSUED,
            f"payment_code:{code.id}",
            {
                "code_id": code.id,
                "code": code.code,
                "source_kind": code.source.kind.value,
                "amount_minor": code.amount.minor if code.amount is not None else None,
                "currency": code.currency,
            },
        )
        return replace(code, stamp=Stamp(1, "", now, now))


def customer_disabled() -> RuleViolationError:
    """The refusal for a customer whose switch is off."""
    return RuleViolationError(
        "customer_disabled",
        "Payment codes are switched off for this customer.",
        problems=[
            Problem(
                "/customer/payment_code_enabled",
                "customer_disabled",
                "Switch payment codes on for this customer first.",
            )
        ],
    )


def document_has_code() -> ConflictError:
    """The refusal for a document whose living code has another amount."""
    return ConflictError(
        "document_has_code",
        "This document has a payment code with another amount. Cancel it first.",
    )


def mail_by_itself(
    scope: Scope, unit: PaymentsUnit, code: PaymentCode, organisation: Organisation
) -> None:
    """Add the mail that goes without anybody asking, once the code can be paid with.

    That is at once for codes issued offline, else together with the provider's answer: a customer
    must not hold a code that the banks do not know yet.
    """
    wanted = organisation.mail_on_issue and not code.was_sent and code.status in PAYABLE
    if wanted and code.customer.email is not None:
        queue_mail(scope, unit, code, organisation)


def queue_mail(
    scope: Scope, unit: PaymentsUnit, code: PaymentCode, organisation: Organisation
) -> CodeMail:
    """Add the mail with a code to a unit; the worker sends it.

    Raises: ValidationError("email_missing").
    """
    if code.customer.email is None:
        raise ValidationError(
            "email_missing",
            "The customer has no mail address.",
            problems=[Problem("/channel", "email_missing", "The customer has no mail address.")],
        )
    mail = CodeMail(
        id=scope.ids.new(),
        code_id=code.id,
        to=code.customer.email,
        language=code.customer.language or organisation.language,
        next_at=scope.clock.now(),
    )
    unit.add_mail(mail)
    unit.enqueue("mail", {"mail_id": mail.id, "code_id": code.id})
    return mail


def close_code(
    unit: PaymentsUnit,
    before: PaymentCode,
    after: PaymentCode,
    action: str,
    detail: Mapping[str, Any],
) -> PaymentCode:
    """Add a cancellation to a unit: the code, the withdrawal at the provider, the news."""
    saved = unit.save_code(before, after, action, detail)
    if after.registration is Registration.CANCELLING:
        unit.enqueue("issue", {"code_id": before.id})
    unit.publish(
        CODE_CLOSED,
        f"payment_code:{before.id}",
        {
            "code_id": before.id,
            "status": after.status.value,
            "source_kind": after.source.kind.value,
        },
    )
    return saved


class CancelCode:
    """Say that a code shall not be paid any more; money that comes anyway is booked as late.

    Raises: ConflictError("code_cancelled" | "code_has_payments").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code_id: str, reason: str) -> PaymentCode:
        organisation = self._scope.organisation()
        for _ in range(TRIES):
            before = self._scope.store.code(code_id)
            after = self._scope.with_due(before.cancelled(reason), organisation)
            unit = self._scope.store.unit()
            saved = close_code(unit, before, after, "code.cancelled", {})
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return saved
        raise ConflictError("too_much_contention", "Others changed the same code; try again.")
