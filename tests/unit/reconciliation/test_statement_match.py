"""Two statements matched line by line: categories, nothing lost, near-linear."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statement_matching import statements
from kernel.errors import RuleViolationError
from kernel.money import Money
from reconciliation.domain.statement_match import (
    Category,
    Comparison,
    Match,
    StatementLine,
    compare,
    number_key,
    number_tail,
)
from tests.support.effort import calls_of

DAY = date(2026, 1, 15)


def line(number: str, minor: int, on: date = DAY, name: str = "") -> StatementLine:
    return StatementLine(name or f"{number}/{minor}/{on}", number, on, Money(minor, "TRY"))


def only(ours: list[StatementLine], theirs: list[StatementLine]) -> Match:
    (match,) = compare(ours, theirs, "TRY").matches
    return match


def categories(found: Comparison) -> list[Category]:
    return [match.category for match in found.matches]


@pytest.mark.parametrize(
    ("theirs", "category", "difference"),
    [
        (line("A-1001", -500), Category.AGREED, 0),
        (line("a 1001", -500), Category.AGREED, 0),
        (line("A-1001", -500, DAY + timedelta(days=3)), Category.DATE_DIFFERS, 0),
        (line("A-1001", -500, date(2026, 2, 1)), Category.PERIOD_SHIFT, 0),
        (line("A-1001", -450), Category.AMOUNT_DIFFERS, 50),
        (line("A-1001", 500), Category.SIGN_DIFFERS, 1000),
        (line("1001", -500), Category.NUMBER_DIFFERS, 0),
        (line("X-77", -500, DAY + timedelta(days=10)), Category.NUMBER_DIFFERS, 0),
        (line("", -500), Category.NUMBER_DIFFERS, 0),
        (line("X-77", -500, date(2026, 1, 5)), Category.NUMBER_DIFFERS, 0),
    ],
)
def test_a_pair_and_what_is_different(
    theirs: StatementLine, category: Category, difference: int
) -> None:
    match = only([line("A-1001", 500)], [theirs])
    assert (match.category, match.difference.minor) == (category, difference)
    assert match.why


@pytest.mark.parametrize(
    "theirs",
    [
        line("X-77", -500, DAY + timedelta(days=11)),
        line("X-77", -500, DAY - timedelta(days=11)),
        line("X-77", -501),
        line("X-77", 500),
        line("9901", -501),
    ],
)
def test_what_is_no_pair_stands_on_both_sides(theirs: StatementLine) -> None:
    found = compare([line("A-1001", 500)], [theirs], "TRY")
    assert sorted(categories(found)) == [Category.ONLY_OURS, Category.ONLY_THEIRS]


def test_a_document_that_stands_twice_on_one_side_is_named_so() -> None:
    twice = [line("A-1001", 500, name="1"), line("A-1001", 500, name="2")]
    found = compare(twice, [line("A-1001", -500)], "TRY")
    assert sorted(categories(found)) == [Category.AGREED, Category.DUPLICATE]
    assert found.difference.minor == 500


def test_a_common_number_outweighs_an_equal_amount() -> None:
    found = compare(
        [line("A-1001", 500), line("A-1002", 700)],
        [line("A-1002", -500), line("A-1001", -700)],
        "TRY",
    )
    assert categories(found) == [Category.AMOUNT_DIFFERS, Category.AMOUNT_DIFFERS]


def test_the_same_day_is_paired_before_an_older_line_may_take_it() -> None:
    first = DAY - timedelta(days=5)
    found = compare(
        [line("A-1001", 500)], [line("A-1001", -500, first), line("A-1001", -500)], "TRY"
    )
    agreed = next(match for match in found.matches if match.category is Category.AGREED)
    assert agreed.theirs is not None
    assert agreed.theirs.on == DAY


def test_another_currency_is_refused() -> None:
    euro = replace(line("A", 1), amount=Money(1, "EUR"))
    with pytest.raises(RuleViolationError, match="currency"):
        compare([euro], [], "TRY")


def test_numbers_are_compared_without_case_signs_and_leading_zeros() -> None:
    assert number_key("abc-2026 000123") == number_key("ABC2026000123")
    assert number_key("00012") == "12"
    assert number_tail("ABC2026000001234") == "2026000001234"
    assert [number_tail(text) for text in ("A-1234", "A-123", "ABC", "")] == ["1234", "", "", ""]


LINES = st.lists(
    st.builds(
        lambda number, minor, days: (number, minor, DAY + timedelta(days=days)),
        st.sampled_from(["", "A1", "A-1", "B-2001", "2001", "C-3001"]),
        st.sampled_from([-700, -500, 500, 700]),
        st.integers(0, 30),
    ),
    max_size=8,
)


def _named(raw: list[tuple[str, int, date]]) -> list[StatementLine]:
    return [line(number, minor, on, f"{at:02d}") for at, (number, minor, on) in enumerate(raw)]


@given(LINES, LINES)
def test_every_line_stands_once_and_differences_sum_to_the_balances(
    first: list[tuple[str, int, date]], second: list[tuple[str, int, date]]
) -> None:
    ours, theirs = _named(first), _named(second)
    found = compare(ours, theirs, "TRY")
    mine = [match.ours.id for match in found.matches if match.ours is not None]
    yours = [match.theirs.id for match in found.matches if match.theirs is not None]
    assert sorted(mine) == [each.id for each in ours]
    assert sorted(yours) == [each.id for each in theirs]
    assert sum(match.difference.minor for match in found.matches) == found.difference.minor
    assert compare(ours[::-1], theirs[::-1], "TRY") == found
    for match in found.matches:
        agreed = {Category.AGREED, Category.DATE_DIFFERS, Category.NUMBER_DIFFERS}
        if match.category in agreed | {Category.PERIOD_SHIFT}:
            assert not match.difference
        else:
            assert match.difference


@given(LINES)
def test_a_statement_agrees_with_its_own_mirror(raw: list[tuple[str, int, date]]) -> None:
    ours = _named(raw)
    mirror = [replace(each, amount=-each.amount) for each in ours]
    found = compare(ours, mirror, "TRY")
    assert not found.difference
    assert all(match.ours is not None and match.theirs is not None for match in found.matches)


def _large(count: int) -> tuple[list[StatementLine], list[StatementLine]]:
    """Many lines of one amount and no common number: the hardest case for every round."""
    days = [DAY + timedelta(days=at % 360) for at in range(count)]
    ours = [line(f"A-{at:06d}", 500, days[at], f"{at:06d}") for at in range(count)]
    theirs = [line(f"B{at}X", -500, days[-at], f"{at:06d}") for at in range(count)]
    return ours, theirs


def test_effort_grows_with_the_lines_and_not_with_their_product() -> None:
    """Four times the lines, a little more than four times the calls (a sort is in it)."""
    small, large = _large(500), _large(2_000)
    effort = [calls_of(partial(compare, *pair, "TRY")) for pair in (small, large)]
    assert effort[1] / effort[0] <= 4.6
    assert len(compare(*large, "TRY").matches) == 2_000


def test_the_bench_has_every_category_and_agrees_for_the_most_part() -> None:
    ours, theirs = statements(400)
    counts = Counter(match.category for match in compare(ours, theirs, "TRY").matches)
    assert counts[Category.AGREED] > 300
    assert {
        Category.AMOUNT_DIFFERS,
        Category.DATE_DIFFERS,
        Category.NUMBER_DIFFERS,
        Category.SIGN_DIFFERS,
        Category.ONLY_OURS,
        Category.ONLY_THEIRS,
    } <= set(counts)
