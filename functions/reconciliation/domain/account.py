"""A counterparty's account: running balance, statement (*ekstre*), open invoices.

Units: amounts are signed in the company's books: debit (positive) is what the counterparty owes,
credit (negative) what it is owed. An invoice of ours and a payment of ours are debit; an invoice of
theirs and a payment of theirs credit.
Source: Ba-Bs document, current account screen (*Cari Hesap Ekranı*).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.money import Money
from kernel.periods import Period
from kernel.why import Why
from reconciliation.domain.ledger import Direction, EntryFields, LedgerEntry
from reconciliation.domain.parameters import EntryKind
from reconciliation.domain.statement_match import StatementLine

MAX_MONTHS: Final = 36
"""Months that are read back for a balance when the books never carried one forward."""


def signed(fields: EntryFields) -> Money:
    """What a line adds to the balance."""
    sales = fields.direction is Direction.SALES
    paid = fields.kind is EntryKind.PAYMENT
    return fields.total if sales is not paid else -fields.total


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A line with the balance after it. Units: ``debit`` and ``credit`` are positive or None."""

    entry: LedgerEntry
    amount: Money
    balance: Money

    @property
    def debit(self) -> Money | None:
        """What the counterparty owes by this line."""
        return self.amount if self.amount.minor > 0 else None

    @property
    def credit(self) -> Money | None:
        """What it is owed by this line."""
        return -self.amount if self.amount.minor < 0 else None


@dataclass(frozen=True, slots=True)
class CurrencyStatement:
    """The account in one currency between two days, both included.

    Shapes: ``lines`` by date and the order of the books; ``opening`` plus all amounts is
    ``closing``, except where the books carried a balance forward inside the period: such a line
    sets the balance, and ``amount`` is what it changed.
    """

    currency: str
    opening: Money
    lines: tuple[AccountLine, ...]
    closing: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """The account of a period, by currency.

    Shapes: ``since`` is the day from which lines were read; ``complete`` is whether the books
    carried a balance forward there, so that nothing older is missing.
    """

    first: date
    last: date
    since: date
    complete: bool
    currencies: tuple[CurrencyStatement, ...]
    why: Why

    @property
    def line_count(self) -> int:
        """Lines of all currencies."""
        return sum(len(one.lines) for one in self.currencies)


def _order(entry: LedgerEntry) -> tuple[date, bool, str, str]:
    opening = entry.fields.kind is EntryKind.OPENING_BALANCE
    return (entry.fields.document_date, not opening, entry.order, entry.key)


def is_opening(entry: LedgerEntry) -> bool:
    """Whether the books carried a balance forward by this line."""
    return entry.counts and entry.fields.kind is EntryKind.OPENING_BALANCE


def statement(
    entries: Iterable[LedgerEntry], first: date, last: date, *, since: date, complete: bool
) -> Statement:
    """The statement of ``first`` to ``last`` from all lines since ``since``."""
    by_currency: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        if entry.counts and entry.fields.document_date <= last:
            by_currency.setdefault(entry.fields.total.currency, []).append(entry)
    found = tuple(
        _in_currency(currency, sorted(lines, key=_order), first)
        for currency, lines in sorted(by_currency.items())
    )
    day = {"since": since.isoformat()}
    if complete:
        why = Why("reconciliation.why.balance_carried_forward", day)
    else:
        why = Why("reconciliation.why.balance_known_lines", day)
    return Statement(first, last, since, complete, found, why)


def _in_currency(currency: str, entries: Sequence[LedgerEntry], first: date) -> CurrencyStatement:
    balance = opening = Money.zero(currency)
    lines: list[AccountLine] = []
    carried: tuple[date, Money] | None = None
    for entry in entries:
        fields = entry.fields
        amount = signed(fields)
        if fields.kind is EntryKind.OPENING_BALANCE:
            # Both directions of one day are one balance carried forward; older lines are in it.
            before = carried[1] if carried and carried[0] == fields.document_date else None
            target = amount if before is None else before + amount
            carried = (fields.document_date, target)
            amount = target - balance
        balance = balance + amount
        if fields.document_date < first:
            opening = balance
        else:
            lines.append(AccountLine(entry, amount, balance))
    return CurrencyStatement(currency, opening, tuple(lines), balance)


# ---------------------------------------------------------------------------- open invoices


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document that is not settled yet, or only in part.

    Units: ``total`` and ``left`` as the document says them, positive; ``days_late`` is 0 before its
    due day.
    """

    entry: LedgerEntry
    total: Money
    left: Money
    days_late: int

    @property
    def we_owe(self) -> bool:
        """Whether it is the company that has to pay."""
        return self.entry.fields.direction is Direction.PURCHASE


_OPEN_KINDS: Final = frozenset(EntryKind) - {EntryKind.PAYMENT}


def open_items(entries: Iterable[LedgerEntry], today: date) -> list[OpenItem]:
    """What is not settled, by due day; what settles one side is used up for its oldest items first.

    The books say which documents there are, not which payment meant which: the oldest due document
    is settled first (*en eski borç*), and credit notes settle like payments.
    Source: Türk Borçlar Kanunu m.102 names the same order for payments that name no debt; DESIGN.
    """
    queues: dict[tuple[str, Direction], list[LedgerEntry]] = {}
    paid: dict[tuple[str, Direction], int] = {}
    carried = _carried_forward(entries := [one for one in entries if one.counts])
    for entry in sorted(entries, key=_due):
        fields = entry.fields
        if fields.document_date < carried.get(fields.total.currency, date.min):
            continue  # the balance carried forward stands for it
        key = (fields.total.currency, fields.direction)
        settles = fields.kind is EntryKind.PAYMENT or fields.total.minor < 0
        if settles:
            paid[key] = paid.get(key, 0) + abs(fields.total.minor)
        elif fields.total.minor and fields.kind in _OPEN_KINDS:
            queues.setdefault(key, []).append(entry)
    found: list[OpenItem] = []
    for key, documents in queues.items():
        rest = paid.get(key, 0)
        for entry in documents:
            fields = entry.fields
            used = min(rest, fields.total.minor)
            rest -= used
            if used == fields.total.minor:
                continue
            left = Money(fields.total.minor - used, fields.total.currency)
            late = max(0, (today - (fields.due_on or fields.document_date)).days)
            found.append(OpenItem(entry, fields.total, left, late))
    return sorted(found, key=lambda item: _due(item.entry))


def _carried_forward(entries: Sequence[LedgerEntry]) -> Mapping[str, date]:
    latest: dict[str, date] = {}
    for entry in entries:
        if is_opening(entry):
            currency = entry.fields.total.currency
            latest[currency] = max(latest.get(currency, date.min), entry.fields.document_date)
    return latest


def _due(entry: LedgerEntry) -> tuple[date, date, str]:
    fields = entry.fields
    return (fields.due_on or fields.document_date, fields.document_date, entry.key)


# ---------------------------------------------------------------------------- for comparing


def statement_lines(found: CurrencyStatement) -> list[StatementLine]:
    """A statement as lines that can be compared with the other side's."""
    return [
        StatementLine(
            line.entry.key,
            line.entry.fields.document_no,
            line.entry.fields.document_date,
            line.amount,
        )
        for line in found.lines
    ]


def months_back(today: date) -> tuple[Period, ...]:
    """The present month and those before it, newest first, as far as a balance is read back."""
    current = Period.of(today)
    return tuple(current.shift(-back) for back in range(MAX_MONTHS))
