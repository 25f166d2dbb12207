"""Lines of bank statements: which payment code they name, and which payment they are (PAY-03).

A payment is told twice, by the provider's list and by the bank. The two must agree: one payment,
seen from two sides. What cannot be agreed is a difference that a person decides.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from kernel.bank_statement import Direction, Place, StatementEntry
from kernel.business_days import Calendar
from kernel.identifiers import rf
from kernel.money import Money
from kernel.stamp import NEW, Stamp

NEAR: Final = timedelta(days=10)
"""Two equal amounts of one code this close are perhaps one payment: a person decides."""


class LineOutcome(StrEnum):
    """What a line of a statement was."""

    BOOKED = "booked"
    UNMATCHED = "unmatched"
    AGREED = "agreed"
    KNOWN = "known"
    DIFFERS = "differs"
    OUTGOING = "outgoing"
    WITHOUT_CODE = "without_code"


# ---------------------------------------------------------------------------- codes in texts

# Greek capitals that look like R and F are what a Greek keyboard gives for them.
_LETTERS: Final = {"R": "RrΡρ", "F": "FfΦφ"}
_GAP: Final = r"[\s\u00a0\u202f./_-]{0,3}"
_CODE: Final = re.compile(
    rf"(?=([{_LETTERS['R']}]{_GAP}[{_LETTERS['F']}](?:{_GAP}[0-9]){{23}})(?![0-9]))"
)
_NOT_DIGIT: Final = re.compile(r"[^0-9]")


@dataclass(frozen=True, slots=True)
class FoundCodes:
    """Codes of a line; ``damaged`` when something looks like one and its check digits are wrong."""

    codes: tuple[str, ...] = ()
    damaged: bool = False


def find_codes(entry: StatementEntry) -> FoundCodes:
    """Payment codes that a line names: structured references, then texts, then the payer's id.

    The first place that has a valid code counts. A pattern alone is never a code: its check digits
    must be those of its other digits. Codes may be in groups, in lower case, with Greek letters
    that look alike, and cut by the bank into several texts.
    """
    damaged = False
    for texts in (
        entry.creditor_references,
        (" ".join(entry.remittance),),
        (entry.end_to_end_id,),
    ):
        found: dict[str, None] = {}
        for text in texts:
            for match in _CODE.finditer(text):
                code = "RF" + _NOT_DIGIT.sub("", match[1])
                if rf.fault(code) is None:
                    found[code] = None
                else:
                    damaged = True
        if found:
            return FoundCodes(tuple(found), damaged)
    return FoundCodes((), damaged)


def chosen_code(found: FoundCodes, org_code: str) -> str | None:
    """The one code a line is for: the only one, or the only one of ours; None when unclear."""
    if len(found.codes) == 1:
        return found.codes[0]
    ours = [code for code in found.codes if code[4:9] == org_code]
    return ours[0] if len(ours) == 1 else None


# ---------------------------------------------------------------------------- lines


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line that concerns a payment code.

    Shapes: ``id`` follows from the content of the line, so that the same line is there once;
    ``rf`` is empty while several codes are possible; ``payment_id`` is the payment it told, agreed
    with, or differs from. ``import_id`` is the job that brought it first.
    """

    id: str
    import_id: str
    place: Place
    rf: str
    amount: Money
    direction: Direction
    reversal: bool
    booking_date: date
    value_date: date
    bank_reference: str = ""
    end_to_end_id: str = ""
    transaction_id: str = ""
    payer_name: str = ""
    payer_bank: str = ""
    accepted_at: str = ""
    outcome: LineOutcome = LineOutcome.DIFFERS
    reason: str = ""
    payment_id: str = ""
    code_id: str = ""
    note: str = ""
    stamp: Stamp = NEW

    @property
    def references(self) -> frozenset[str]:
        """Ids under which the provider may know the payment."""
        return frozenset({self.bank_reference, self.end_to_end_id, self.transaction_id} - {""})

    @property
    def takes_back(self) -> bool:
        """Whether the line takes an earlier credit back."""
        return self.direction is Direction.DEBIT


def line_of(entry: StatementEntry, code: str, identity: str, import_id: str) -> StatementLine:
    """The line of an entry."""
    return StatementLine(
        id=identity,
        import_id=import_id,
        place=entry.place,
        rf=code,
        amount=entry.amount,
        direction=entry.direction,
        reversal=entry.reversal,
        booking_date=entry.booking_date,
        value_date=entry.value_date,
        bank_reference=entry.bank_reference,
        end_to_end_id=entry.end_to_end_id,
        transaction_id=entry.transaction_id,
        payer_name=entry.counterparty[:140],
        payer_bank=entry.counterparty_bank,
        accepted_at=entry.accepted_at.isoformat() if entry.accepted_at is not None else "",
    )


# ---------------------------------------------------------------------------- days


@dataclass(frozen=True)
class Settlement:
    """How long a payment takes from the payer to the account.

    Instant payments are made on every day, banks book them on days that are open in Greece and at
    TARGET. The two Easters differ, so neither calendar is enough (domain/identifiers.md §8).
    """

    make_calendars: Callable[[], Sequence[Calendar]]

    @cached_property
    def _calendars(self) -> Sequence[Calendar]:
        return self.make_calendars()

    def _is_open(self, day: date) -> bool:
        return all(
            calendar.is_business_day(day)
            if calendar.first <= day <= calendar.last
            else day.weekday() < 5
            for calendar in self._calendars
        )

    def latest(self, paid_on: date) -> date:
        """The last day on which the bank books what was paid on a day: the next open one."""
        day = paid_on + timedelta(days=1)
        while not self._is_open(day):
            day += timedelta(days=1)
        return day

    def earliest(self, booked_on: date) -> date:
        """The first day on which what the bank booked may have been paid: in the payer's favour."""
        day = booked_on
        while not self._is_open(day - timedelta(days=1)):
            day -= timedelta(days=1)
        return day

    def fits(self, paid: Iterable[date], booked: Iterable[date]) -> bool:
        """Whether a payment of these days may be the line of those."""
        days = tuple(booked)
        return any(first <= day <= self.latest(first) for first in paid for day in days)


# ---------------------------------------------------------------------------- agreement


@dataclass(frozen=True, slots=True)
class Sighting:
    """A payment of one code and from which sides it was seen.

    Shapes: ``paid`` are the days the provider says (empty while not ``listed``), ``booked`` those
    of the bank (empty while there is no line). ``import_id`` is the import that saw it last.
    """

    payment_id: str
    amount: Money
    takes_back: bool
    listed: bool = False
    provider_payment_id: str = ""
    paid: tuple[date, ...] = ()
    line_id: str = ""
    booked: tuple[date, ...] = ()
    bank_reference: str = ""
    end_to_end_id: str = ""
    import_id: str = ""

    def is_like(self, amount: Money, *, takes_back: bool) -> bool:
        """Whether money and direction are the same."""
        return self.amount == amount and self.takes_back == takes_back

    def with_line(self, line: StatementLine) -> "Sighting":
        """The payment as the bank's line shows it too."""
        return replace(
            self,
            line_id=line.id,
            booked=tuple(sorted({line.booking_date, line.value_date})),
            bank_reference=line.bank_reference or self.bank_reference,
            end_to_end_id=line.end_to_end_id or self.end_to_end_id,
            import_id=line.import_id,
        )


@dataclass(frozen=True, slots=True)
class Sightings:
    """All payments of one code, whichever side told them; ``version`` guards the whole list."""

    version: int = 0
    items: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a new report of a payment is; BOOKED means that nobody told of it before."""

    outcome: LineOutcome
    sighting: Sighting | None = None
    reason: str = ""


def decide_line(line: StatementLine, seen: Sightings, settlement: Settlement) -> Verdict:
    """Which payment a line is.

    In this order: a line of another statement again; the provider's payment with the same id; its
    payment of the same amount and fitting days, the nearest first; otherwise new. The same id with
    another amount, or the same amount some days off, is a difference. Every payment is given away
    once only, so equal payments are counted one for one.
    """
    days = (line.booking_date, line.value_date)
    for item in seen.items:
        if item.line_id and item.import_id != line.import_id and _is_same_line(item, line):
            return Verdict(LineOutcome.KNOWN, item)
    free = [item for item in seen.items if item.listed and not item.line_id]
    for item in free:
        if item.provider_payment_id and item.provider_payment_id in line.references:
            if item.is_like(line.amount, takes_back=line.takes_back):
                return Verdict(LineOutcome.AGREED, item)
            return Verdict(LineOutcome.DIFFERS, item, "amount_differs")
    alike = [item for item in free if item.is_like(line.amount, takes_back=line.takes_back)]
    alike.sort(key=lambda item: (_distance(item.paid, days), item.payment_id))
    for item in alike:
        if settlement.fits(item.paid, days):
            return Verdict(LineOutcome.AGREED, item)
    if alike and _distance(alike[0].paid, days) <= NEAR.days:
        return Verdict(LineOutcome.DIFFERS, alike[0], "date_differs")
    return Verdict(LineOutcome.BOOKED)


def _is_same_line(item: Sighting, line: StatementLine) -> bool:
    """A line of an earlier file (another format, a notice before the statement) that comes again.

    References that both have must be equal; where one has none, money and booking day decide.
    """
    if not item.is_like(line.amount, takes_back=line.takes_back):
        return False
    if line.booking_date not in item.booked:
        return False
    pairs = (
        (item.bank_reference, line.bank_reference),
        (item.end_to_end_id, line.end_to_end_id),
    )
    return all(not old or not new or old == new for old, new in pairs)


def _distance(some: Iterable[date], others: Iterable[date]) -> int:
    days = tuple(others)
    return min((abs((a - b).days) for a in some for b in days), default=NEAR.days + 1)


@dataclass(frozen=True, slots=True)
class Listing:
    """A payment as the provider lists it, for the question whether the bank told of it first."""

    amount: Money
    takes_back: bool
    provider_payment_id: str
    paid: tuple[date, ...]


def decide_listing(listing: Listing, seen: Sightings, settlement: Settlement) -> Verdict:
    """Which payment a row of the provider's list is; the mirror of ``decide_line``."""
    free = [item for item in seen.items if item.line_id and not item.listed]
    for item in free:
        known = {item.bank_reference, item.end_to_end_id} - {""}
        if listing.provider_payment_id and listing.provider_payment_id in known:
            same = item.is_like(listing.amount, takes_back=listing.takes_back)
            return Verdict(LineOutcome.AGREED, item, "" if same else "amount_differs")
    alike = [item for item in free if item.is_like(listing.amount, takes_back=listing.takes_back)]
    alike.sort(key=lambda item: (_distance(listing.paid, item.booked), item.payment_id))
    for item in alike:
        if settlement.fits(listing.paid, item.booked):
            return Verdict(LineOutcome.AGREED, item)
    near = alike and _distance(listing.paid, alike[0].booked) <= NEAR.days
    return Verdict(LineOutcome.BOOKED, reason="perhaps_double" if near else "")
