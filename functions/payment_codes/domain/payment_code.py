"""A payment code of one document: its states, its amount, and what was paid under it (PAY-03)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError
from kernel.identifiers import rf
from kernel.money import Money
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp
from payment_codes.domain.source import Source

SEQUENCE_DIGITS: Final = 12
LAST_SEQUENCE: Final = 10**SEQUENCE_DIGITS - 1


class CodeStatus(StrEnum):
    """Where a code stands."""

    ISSUED = "issued"
    SENT = "sent"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


PAYABLE: Final = frozenset({CodeStatus.ISSUED, CodeStatus.SENT, CodeStatus.PARTIALLY_PAID})
"""States in which money is expected, so that news is asked for often."""


class AmountMode(StrEnum):
    """Whether the payer may choose the amount."""

    FIXED = "fixed"
    OPEN = "open"


class Registration(StrEnum):
    """Whether the provider knows the code."""

    LOCAL = "local"
    PENDING = "pending"
    REGISTERED = "registered"
    DIFFERS = "differs"
    REFUSED = "refused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


WAITING: Final = frozenset({Registration.PENDING, Registration.CANCELLING})
"""The provider has still to be told."""
UNUSABLE: Final = frozenset({Registration.DIFFERS, Registration.REFUSED})
"""The provider will not take money under the code as we show it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who is to pay, as the document's own system knows them."""

    id: str
    name: str
    email: Email | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class PaymentCode:
    """One code.

    Units: ``paid`` and ``late`` are minor units of ``currency``: everything booked under the code
    less what was reversed, and the part of it that came too late. ``amount`` None is open.
    ``valid_until`` is the last day, inclusive, in the organisation's zone; ``due_at`` is when the
    sweep must look at the code. Shapes: ``missing`` counts booked payments that the provider's last
    list did not hold; ``batch`` is the job that issued it among many; ``stated_at`` is when its
    document asked for it; ``qr`` is the text of the provider's own QR picture, never made by us.
    """

    id: str
    code: str
    org_code: str
    ident: str
    source: Source
    customer: Customer
    description: str
    currency: str
    amount: Money | None
    status: CodeStatus = CodeStatus.ISSUED
    registration: Registration = Registration.LOCAL
    valid_until: date | None = None
    was_sent: bool = False
    paid: int = 0
    late: int = 0
    payments: int = 0
    missing: int = 0
    supersedes: str = ""
    superseded_by: str = ""
    cancel_reason: str = ""
    provider_id: str = ""
    pulled_at: datetime | None = None
    due_at: datetime | None = None
    batch: str = ""
    stated_at: datetime | None = None
    qr: str = ""
    stamp: Stamp = NEW

    @property
    def mode(self) -> AmountMode:
        """Fixed or open."""
        return AmountMode.OPEN if self.amount is None else AmountMode.FIXED

    @property
    def grouped(self) -> str:
        """The code in groups of four."""
        return rf.format_groups(self.code)

    @property
    def on_time(self) -> int:
        """Minor units that count towards the document."""
        return self.paid - self.late

    @property
    def due(self) -> int:
        """Minor units that are still open; 0 for an open amount."""
        return 0 if self.amount is None else max(0, self.amount.minor - self.on_time)

    @property
    def paid_total(self) -> Money:
        """Everything booked under the code, late money included."""
        return Money(self.paid, self.currency)

    @property
    def remaining(self) -> Money | None:
        """What is still to pay; None when the amount is open."""
        return None if self.amount is None else Money(self.due, self.currency)

    @property
    def may_be_told(self) -> bool:
        """Whether a customer may be asked to pay with this code, now or once it is registered."""
        return self.status in PAYABLE and self.registration not in UNUSABLE

    @property
    def surplus(self) -> Money:
        """What was paid beyond the document."""
        beyond = 0 if self.amount is None else max(0, self.on_time - self.amount.minor)
        return Money(beyond, self.currency)

    def is_past(self, today: date) -> bool:
        """Whether the last day is over."""
        return self.valid_until is not None and today > self.valid_until

    def judged(self, today: date, tolerance: int = 0) -> CodeStatus:
        """The state that the money and the calendar say.

        A cancelled code stays cancelled whatever arrives under it: that money waits for a person.
        An open amount is never paid by itself.
        """
        if self.status is CodeStatus.CANCELLED:
            return CodeStatus.CANCELLED
        if self.amount is not None and self.on_time > 0:
            if self.on_time > self.amount.minor + tolerance:
                return CodeStatus.OVERPAID
            if self.on_time >= self.amount.minor - tolerance:
                return CodeStatus.PAID
        if self.is_past(today):
            return CodeStatus.EXPIRED
        if self.on_time > 0:
            return CodeStatus.PARTIALLY_PAID
        return CodeStatus.SENT if self.was_sent else CodeStatus.ISSUED

    def sent(self, today: date, tolerance: int = 0) -> "PaymentCode":
        """The code after it left for the customer."""
        after = replace(self, was_sent=True)
        return replace(after, status=after.judged(today, tolerance))

    def cancelled(self, reason: str, *, superseded_by: str = "") -> "PaymentCode":
        """The code that nobody shall pay any more.

        Raises: ConflictError("code_cancelled" | "code_has_payments").
        """
        if self.status is CodeStatus.CANCELLED:
            raise ConflictError("code_cancelled", "This code is cancelled already.")
        if self.paid:
            raise ConflictError(
                "code_has_payments", "Money was paid under this code; it cannot be cancelled."
            )
        known = self.registration not in (Registration.LOCAL, Registration.REFUSED)
        return replace(
            self,
            status=CodeStatus.CANCELLED,
            cancel_reason=reason,
            superseded_by=superseded_by,
            registration=Registration.CANCELLING if known else self.registration,
        )


def next_poll(code: PaymentCode, changed_at: datetime, now: datetime) -> datetime | None:
    """When the provider's list of this code is to be read again by itself.

    Open codes with something going on every minute, other open codes every hour, all others once a
    day while late money is still likely; then only when news or a person asks.
    """
    if code.registration is Registration.LOCAL:
        return None
    quiet = now - changed_at
    if code.status in PAYABLE:
        return now + (_OFTEN if quiet < _BUSY else _SELDOM)
    return now + _RARELY if quiet < _FORGET else None


_OFTEN: Final = timedelta(seconds=60)
_SELDOM: Final = timedelta(hours=1)
_RARELY: Final = timedelta(days=1)
_BUSY: Final = timedelta(hours=1)
_FORGET: Final = timedelta(days=400)


def ident_of(source_digit: str, branch: str, sequence: int) -> str:
    """Identification of a code: source, branch, number from the counter.

    Shapes: one digit, two digits, twelve digits. Raises: ConflictError("idents_exhausted").
    """
    if not 1 <= sequence <= LAST_SEQUENCE:
        raise ConflictError("idents_exhausted", "All numbers of this organisation are used up.")
    return f"{source_digit}{branch}{sequence:0{SEQUENCE_DIGITS}d}"
