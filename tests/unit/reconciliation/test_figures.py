"""Figures of a month: threshold over everything, the listed part, merging, truncation, why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.identifiers import ledger_party
from kernel.money import Money
from kernel.periods import Period
from reconciliation.domain.counterparty import merge_key
from reconciliation.domain.figures import Figure, MonthFigures, Tally, month_figures, tally
from reconciliation.domain.ledger import Direction, EntryState, LedgerEntry
from reconciliation.domain.parameters import EntryKind, rules_for
from tests.support.reconciliation_builders import VKN, entry, lira

JANUARY = Period(2026, 1)
NOW = rules_for(JANUARY)


def figures(
    *entries: LedgerEntry,
    period: Period = JANUARY,
    direction: Direction = Direction.PURCHASE,
    keys: dict[str, str] | None = None,
) -> MonthFigures:
    rules = rules_for(period)
    return month_figures(tally(entries, direction, rules).values(), keys or {}, rules)


def only(found: MonthFigures) -> Figure:
    (row,) = found.rows
    return row


def keys_of(row: Figure) -> list[str]:
    return [why.key.rpartition(".")[2] for why in row.why]


def test_paper_and_electronic_reach_the_threshold_together_and_paper_is_listed() -> None:
    row = only(figures(entry("a", "4000.00", 1, is_electronic=True), entry("a", "2500.00", 2)))
    assert (row.listed, row.listed_documents, row.listed_total) == (True, 1, lira("2500.00"))
    assert (row.form.documents, row.form.total) == (1, lira("2500.00"))
    assert (row.all_documents.documents, row.all_documents.total) == (2, lira("6500.00"))
    assert keys_of(row) == ["threshold_reached", "e_documents_left_out"]


def test_only_electronic_documents_are_no_row_and_no_form() -> None:
    found = figures(entry("a", "6000.00", is_electronic=True))
    assert keys_of(only(found)) == ["threshold_reached", "e_documents_left_out", "only_e_documents"]
    assert (only(found).listed, only(found).listed_documents) == (False, 0)
    assert found.file_form is False
    assert found.why.key == "reconciliation.why.form_not_filed"


def test_an_empty_form_was_filed_until_december_2022() -> None:
    assert figures(period=Period(2022, 12)).file_form is True
    assert figures(period=Period(2023, 1)).file_form is False


@pytest.mark.parametrize(("net", "listed"), [("4999.99", False), ("5000.00", True)])
def test_the_threshold_is_inclusive_and_exact(net: str, listed: bool) -> None:
    assert only(figures(entry("a", net))).listed is listed


def test_the_threshold_is_tested_before_kurus_are_dropped() -> None:
    row = only(figures(entry("a", "3000.00", 1), entry("a", "2500.50", 2)))
    assert (row.form.total, row.listed_total) == (lira("5500.50"), lira("5500.00"))
    assert keys_of(row)[-1] == "truncated"
    below = [entry("a", "2499.99", 1), entry("a", "2500.00", 2)]
    assert only(figures(*below)).listed is False


def test_cards_with_one_tax_number_are_one_row_in_order_of_first_appearance() -> None:
    found = figures(
        entry("late", "9000.00", 3),
        entry("a", "3000.00", 2),
        entry("b", "2500.50", 1),
        keys={"a": VKN, "b": VKN},
    )
    assert [row.cards for row in found.rows] == [("b", "a"), ("late",)]
    assert found.rows[0].listed_total == lira("5500.00")
    assert keys_of(found.rows[0])[0] == "cards_merged"


@pytest.mark.parametrize("number", ["11111111111", "2222222222"])
def test_a_number_that_stands_for_nobody_merges_nobody(number: str) -> None:
    party = ledger_party.parse(number)
    keys = {card: merge_key(party, card) for card in ("a", "b")}
    found = figures(entry("a", "3000.00", 1), entry("b", "3000.00", 2), keys=keys)
    assert [(row.cards, row.listed) for row in found.rows] == [(("a",), False), (("b",), False)]


def test_what_is_no_document_of_the_period_does_not_count() -> None:
    rent = entry("a", "6000.00", 2, kind=EntryKind.RENT)
    payment = entry("a", "6000.00", 3, kind=EntryKind.PAYMENT)
    moved = replace(entry("a", "6000.00", 4), state=EntryState.MOVED)
    sale = entry("a", "6000.00", 5, direction=Direction.SALES)
    cancelled = entry("a", "6000.00", 6, cancelled=True)
    lines = (rent, payment, moved, sale, cancelled)
    assert figures(*lines, period=Period(2022, 12)).rows == ()
    assert only(figures(*lines)).all_documents.documents == 1
    assert only(figures(*lines, direction=Direction.SALES)).form.documents == 1


def test_a_document_in_another_currency_counts_with_its_net_in_lira() -> None:
    euro = Money.from_api("100.00", "EUR")
    line = entry("a", "1.00", 1)
    line = replace(
        line, fields=replace(line.fields, net=euro, total=euro, net_home=lira("5100.00"))
    )
    assert only(figures(line)).listed_total == lira("5100.00")


LINES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(1, 900_000),
        st.booleans(),
        st.sampled_from(list(Direction)),
    ),
    max_size=12,
)
PERIODS = st.dates(date(2019, 1, 1), date(2027, 12, 31)).map(Period.of)


def _entries(lines: list[tuple[str, int, bool, Direction]]) -> list[LedgerEntry]:
    made = []
    for number, (card, net, electronic, direction) in enumerate(lines):
        line = entry(card, "1.00", number, is_electronic=electronic, direction=direction)
        amount = Money(net, "TRY")
        made.append(replace(line, fields=replace(line.fields, net=amount, total=amount)))
    return made


@given(LINES, PERIODS)
def test_nothing_is_lost_nothing_doubled_and_arrival_does_not_matter(
    lines: list[tuple[str, int, bool, Direction]], period: Period
) -> None:
    entries = _entries(lines)
    keys = {"a": VKN, "b": VKN}
    rules = rules_for(period)
    found = figures(*entries, period=period, keys=keys)
    assert figures(*reversed(entries), period=period, keys=keys) == found
    ours = [line for line in entries if line.fields.direction is Direction.PURCHASE]
    assert sum(row.all_documents.documents for row in found.rows) == len(ours)
    assert sum(row.all_documents.total.minor for row in found.rows) == sum(
        line.fields.net.minor for line in ours
    )
    cards = [card for row in found.rows for card in row.cards]
    assert sorted(cards) == sorted({line.counterparty_id for line in ours})
    for row in found.rows:
        assert row.form.documents <= row.all_documents.documents
        assert 0 <= row.form.total.minor - row.listed_total.minor < 100 or not row.listed
        expected = row.all_documents.total >= rules.threshold and row.form.documents > 0
        assert row.listed is expected
        assert row.listed_total.minor % 100 == 0
        assert row.why
    listed = any(row.listed for row in found.rows)
    assert found.file_form is (listed or period < Period(2023, 1))


@given(st.lists(st.tuples(st.integers(1, 10_000_000), st.booleans()), min_size=1, max_size=12))
def test_splitting_one_account_into_cards_changes_nothing(parts: list[tuple[int, bool]]) -> None:
    one, several = Tally("x"), []
    for number, (minor, electronic) in enumerate(parts):
        net = Money(minor, "TRY")
        one = one.with_document(net, is_electronic=electronic, first=f"{number:03d}")
        several.append(
            Tally(f"x{number}").with_document(net, is_electronic=electronic, first=f"{number:03d}")
        )
    merged = only(month_figures(several, {card.card: VKN for card in several}, NOW))
    single = only(month_figures([one], {}, NOW))
    assert (merged.form, merged.all_documents) == (single.form, single.all_documents)
    assert (merged.listed, merged.listed_total) == (single.listed, single.listed_total)
