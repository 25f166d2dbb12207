"""Balances, statements and open invoices of one account."""

from datetime import date
from typing import Any

from reconciliation.domain.account import open_items, signed, statement
from reconciliation.domain.ledger import Direction, LedgerEntry
from reconciliation.domain.parameters import EntryKind
from tests.support.reconciliation_builders import entry, lira

YEAR = date(2026, 1, 1)
SALES, PURCHASE = Direction.SALES, Direction.PURCHASE
PAYMENT, OPENING = EntryKind.PAYMENT, EntryKind.OPENING_BALANCE


def _line(number: int, net: str, day: int, month: int = 1, **more: Any) -> LedgerEntry:
    more.setdefault("direction", SALES)
    return entry("c", net, number, on=date(2026, month, day), **more)


def test_who_owes_by_a_line() -> None:
    assert signed(_line(1, "10.00", 1).fields) == lira("10.00")
    assert signed(_line(1, "10.00", 1, kind=PAYMENT).fields) == lira("-10.00")
    assert signed(_line(1, "10.00", 1, direction=PURCHASE).fields) == lira("-10.00")
    paid = _line(1, "10.00", 1, direction=PURCHASE, kind=PAYMENT)
    assert signed(paid.fields) == lira("10.00")


def test_a_statement_carries_what_came_before_and_ends_at_its_last_day() -> None:
    lines = [
        _line(1, "100.00", 5),
        _line(2, "40.00", 20, kind=PAYMENT),
        _line(3, "7.00", 3, month=2),
        _line(4, "1.00", 1, month=3),
    ]
    seen = statement(lines, date(2026, 1, 20), date(2026, 2, 28), since=YEAR, complete=False)
    (one,) = seen.currencies
    assert one.opening == lira("100.00")
    assert [line.balance for line in one.lines] == [lira("60.00"), lira("67.00")]
    assert (one.lines[0].credit, one.lines[0].debit) == (lira("40.00"), None)
    assert one.closing == lira("67.00")


def test_a_balance_carried_forward_sets_the_balance_and_is_not_added() -> None:
    lines = [
        entry("c", "100.00", 1, on=date(2025, 12, 5), direction=SALES),
        _line(2, "90.00", 1, kind=OPENING),
        _line(3, "20.00", 1, kind=OPENING, direction=PURCHASE),
        _line(4, "5.00", 2),
    ]
    start = date(2025, 12, 1)
    (one,) = statement(lines, start, date(2026, 1, 31), since=start, complete=True).currencies
    assert one.closing == lira("75.00"), "90 − 20 + 5"
    assert sum(line.amount.minor for line in one.lines) == one.closing.minor


def test_cancelled_lines_count_nowhere_and_currencies_stay_apart() -> None:
    lines = [_line(1, "100.00", 5, cancelled=True), _line(2, "5.00", 6)]
    (one,) = statement(lines, YEAR, date(2026, 1, 31), since=YEAR, complete=False).currencies
    assert one.closing == lira("5.00")


def test_payments_settle_the_oldest_due_document_first() -> None:
    lines = [
        _line(1, "100.00", 1, due_on=date(2026, 3, 1)),
        _line(2, "50.00", 2, due_on=date(2026, 2, 1)),
        _line(3, "70.00", 10, kind=PAYMENT),
        _line(4, "30.00", 3, direction=PURCHASE),
    ]
    found = open_items(lines, date(2026, 3, 11))
    said = [(one.entry.key, one.left, one.days_late, one.we_owe) for one in found]
    assert said == [("k4", lira("30.00"), 67, True), ("k1", lira("80.00"), 10, False)]


def test_a_balance_carried_forward_is_the_oldest_open_item() -> None:
    lines = [
        entry("c", "100.00", 1, on=date(2025, 12, 5), direction=SALES),
        _line(2, "60.00", 1, kind=OPENING),
        _line(3, "20.00", 5, kind=PAYMENT),
    ]
    (one,) = open_items(lines, date(2026, 2, 1))
    assert (one.entry.key, one.left) == ("k2", lira("40.00"))
