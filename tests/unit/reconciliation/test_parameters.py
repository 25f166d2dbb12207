"""Dated parameters, deadlines and what a ledger line may not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kernel.errors import RuleViolationError, ValidationError
from kernel.money import Money
from kernel.periods import Period
from reconciliation.domain.deadlines import due_date, objection_last_day
from reconciliation.domain.ledger import EntryFields, check_entry
from reconciliation.domain.parameters import (
    EARLIEST,
    EntryKind,
    Key,
    OwnRows,
    ParameterRow,
    Roll,
    check_rows,
    in_order,
    row_for,
    rules_for,
)
from tests.support.reconciliation_builders import fields, lira
from toolkit.calendars import calendar


def own(key: Key, since: Period, value: str) -> ParameterRow:
    return ParameterRow(key, since, value, "RG 01.01.2027", own=True)


def test_what_the_law_said_when() -> None:
    assert rules_for(Period(2021, 6)).e_documents_listed is True
    assert rules_for(Period(2021, 7)).e_documents_listed is False
    assert rules_for(Period(2022, 12)).kinds == {EntryKind.INVOICE}
    assert rules_for(Period(2023, 1)).kinds > {EntryKind.INVOICE}
    assert rules_for(EARLIEST).threshold == lira("5000.00")


def test_a_company_says_from_which_period_on_another_value_counts() -> None:
    rows = OwnRows((own(Key.THRESHOLD, Period(2027, 1), "10000.00"),))
    assert rules_for(Period(2026, 12), rows).threshold == lira("5000.00")
    assert rules_for(Period(2027, 1), rows).threshold == lira("10000.00")


def test_its_own_value_wins_from_the_same_period_on() -> None:
    rows = OwnRows((own(Key.E_DOCUMENTS, Period(2021, 7), "listed"),))
    assert row_for(Key.E_DOCUMENTS, Period(2021, 7), rows).own is True
    assert rules_for(Period(2022, 1), rows).e_documents_listed is True
    assert [row.own for row in in_order(rows) if row.key is Key.E_DOCUMENTS] == [False, False, True]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (Key.THRESHOLD, "5.000,00"),
        (Key.THRESHOLD, "-1.00"),
        (Key.E_DOCUMENTS, "yes"),
        (Key.EMPTY_FORM, ""),
        (Key.KINDS, "invoice,invoice"),
        (Key.KINDS, "invoice,gift"),
        (Key.DUE_ROLL, "preceding"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(key: Key, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_rows([own(key, Period(2027, 1), value)])
    assert [problem.pointer for problem in caught.value.problems] == ["/items/0/value"]


def test_two_values_from_one_period_on_are_refused() -> None:
    row = own(Key.DUE_ROLL, Period(2027, 1), "none")
    with pytest.raises(ValidationError) as caught:
        check_rows([row, row])
    assert [problem.pointer for problem in caught.value.problems] == ["/items/1/since"]


def test_a_due_day_on_a_weekend_moves_and_says_so() -> None:
    due = due_date(Period(2026, 1), Roll.FOLLOWING, calendar("TR"))
    assert due.due_on == date(2026, 3, 2)
    assert [why.key for why in due.why] == [
        "reconciliation.why.due_month_end",
        "reconciliation.why.due_moved",
    ]
    assert due_date(Period(2026, 1), Roll.NONE, calendar("TR")).due_on == date(2026, 2, 28)
    # 31.12.2026 is a Thursday.
    assert len(due_date(Period(2026, 11), Roll.FOLLOWING, calendar("TR")).why) == 1


def test_a_year_the_calendar_does_not_know_is_said() -> None:
    with pytest.raises(RuleViolationError, match="not_covered"):
        due_date(Period(2098, 1), Roll.FOLLOWING, calendar("TR"))


def test_the_last_day_of_an_objection_is_clamped() -> None:
    assert objection_last_day(date(2026, 1, 31)) == date(2026, 2, 28)
    assert objection_last_day(date(2028, 1, 30)) == date(2028, 2, 29)


EURO = Money.from_api("1.00", "EUR")


@pytest.mark.parametrize(
    ("line", "pointer", "code"),
    [
        (replace(fields(), total=lira("999.00")), "/total", "sum"),
        (replace(fields(), vat=EURO), "/total", "currency"),
        (replace(fields(), net_home=lira("1.00")), "/net_amount_try", "unexpected"),
        (
            replace(fields(), net=EURO, total=EURO, vat=Money.zero("EUR")),
            "/net_amount_try",
            "required",
        ),
        (
            replace(fields(), net=EURO, total=EURO, vat=Money.zero("EUR"), net_home=EURO),
            "/net_amount_try",
            "currency",
        ),
        (replace(fields(), due_on=date(2026, 1, 14)), "/due_on", "order"),
    ],
)
def test_a_line_that_contradicts_itself(line: EntryFields, pointer: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_entry(line)
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        (pointer, code)
    ]


def test_a_payment_in_another_currency_needs_no_lira() -> None:
    zero = Money.zero("EUR")
    check_entry(replace(fields(kind=EntryKind.PAYMENT), net=EURO, total=EURO, vat=zero))


def test_a_line_is_the_same_line_by_its_own_name_or_its_document() -> None:
    line = fields()
    later = replace(line, document_date=date(2026, 2, 1), net=lira("1.00"))
    assert later.identity() == line.identity()
    named = replace(line, source_id="7")
    assert replace(named, document_no="B").identity() == named.identity() != line.identity()
    assert replace(line, source_id="A-1").identity() != line.identity()
