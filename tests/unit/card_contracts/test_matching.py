"""Which movement pays which receivables: every step, what is certain, and near-linear time."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.card_matching import lines, peak, receivables, run
from card_contracts.domain.matching import DayResult, Found, MatchKind, Movement, Rules, match
from card_contracts.domain.open_payments import Expected
from tests.support.effort import calls_of

DAY = date(2026, 6, 1)


def owed(key: str, gross: int = 10_000, kept: int = 240, **changes: object) -> Expected:
    members = {
        "contract_code": "AXESS",
        "day": DAY,
        "currency": "TRY",
        "document_no": f"FTR-{key}",
        **changes,
    }
    return Expected(key=key, gross=gross, kept=kept, **members)  # type: ignore[arg-type]


def paid(amount: int, text: str = "POS", name: str = "m", days: int = 0) -> Movement:
    return Movement(f"{name}{amount}{days}", DAY + timedelta(days=days), "TRY", amount, text)


def solve(movements: list[Movement], expected: list[Expected]) -> DayResult:
    (result,) = match(movements, sorted(expected, key=lambda one: one.day))
    return result


def only(movements: list[Movement], expected: list[Expected]) -> Found:
    (found,) = solve(movements, expected).found
    return found


def keys(found: Found) -> list[str]:
    return sorted(one.key for one in found.expected)


def whys(found: Found) -> list[str]:
    return [why.key.removeprefix("card_contracts.why.") for why in found.why]


def test_the_same_amount_on_its_day_is_certain() -> None:
    found = only([paid(9_760)], [owed("1"), owed("2", gross=20_000)])
    assert (found.kind, found.sure, keys(found)) == (MatchKind.EXACT, True, ["1"])
    assert whys(found) == ["match_amount", "match_on_day"]


@pytest.mark.parametrize(("days", "sure"), [(1, True), (7, True), (8, None), (-1, False)])
def test_late_is_certain_for_a_week_and_early_is_a_suggestion(days: int, sure: bool | None) -> None:
    result = solve([paid(9_760, days=days)], [owed("1")])
    assert [found.sure for found in result.found] == ([] if sure is None else [sure])


def test_more_receivables_than_money_is_a_suggestion_and_as_many_is_not() -> None:
    three = [owed("1"), owed("2"), owed("3")]
    assert [f.sure for f in solve([paid(9_760, name="a")], three).found] == [False]
    both = solve([paid(9_760, name=name) for name in "abc"], three)
    assert [found.sure for found in both.found] == [True] * 3


def test_a_named_document_decides_between_equal_amounts() -> None:
    found = only([paid(9_760, "POS SATIS (FTR-2)")], [owed("1"), owed("2"), owed("3")])
    assert (keys(found), found.sure, whys(found)[0]) == (["2"], True, "match_document")


def test_a_named_document_released_early_for_less_is_suggested() -> None:
    found = only([paid(9_700, "ERKEN FTR-1", days=-20)], [owed("1")])
    assert (found.kind, found.sure, found.difference) == (MatchKind.DIFFERENCE, False, -60)
    assert whys(found) == ["match_document", "match_early", "match_rest"]


def test_one_credit_for_everything_of_a_day() -> None:
    many = [owed(str(n), gross=1_000 + n, kept=7) for n in range(300)]
    other = owed("x", gross=55_555, contract_code="BONUS")
    total = sum(one.net for one in many)
    found = only([paid(total)], [*many, other])
    assert (found.kind, found.sure, len(found.expected)) == (MatchKind.MERGED, True, 300)
    assert whys(found)[0] == "match_sum"
    both = only([paid(total + other.net)], [*many, other])
    assert (len(both.expected), whys(both)[0]) == (301, "match_sum_all")


def test_one_credit_for_a_weekend() -> None:
    days = [owed(str(n), gross=1_000 * (n + 1), day=DAY - timedelta(days=n)) for n in range(3)]
    found = only([paid(sum(one.net for one in days))], days)
    assert (found.sure, keys(found)) == (True, ["0", "1", "2"])


def test_refunds_are_part_of_a_sum_and_match_a_debit() -> None:
    refund = owed("r", gross=-3_000, kept=-72)
    found = only([paid(9_760 - 2_928)], [owed("1"), refund])
    assert (found.kind, keys(found)) == (MatchKind.MERGED, ["1", "r"])
    assert keys(only([paid(-2_928)], [owed("1"), refund])) == ["r"]


def test_gross_and_deduction_in_two_movements() -> None:
    found = only([paid(10_000), paid(-240)], [owed("1"), owed("2", gross=777)])
    assert (found.kind, found.sure, keys(found)) == (MatchKind.SPLIT, True, ["1"])
    assert found.difference == 0


def test_two_parts_of_one_payment_are_suggested_or_certain_by_document() -> None:
    parts = [paid(6_000, name="a"), paid(3_760, name="b")]
    assert (only(parts, [owed("1")]).kind, only(parts, [owed("1")]).sure) == ("split", False)
    named = [paid(6_000, "FTR-1", "a"), paid(3_760, "FTR-1", "b")]
    assert only(named, [owed("1")]).sure


def test_rounding_is_certain_and_drift_is_suggested_and_more_is_neither() -> None:
    assert only([paid(9_758)], [owed("1")]).sure
    drift = only([paid(9_740)], [owed("1")])
    assert (drift.kind, drift.sure, drift.difference) == (MatchKind.DIFFERENCE, False, -20)
    assert solve([paid(9_600)], [owed("1")]).found == ()


def test_a_day_at_another_commission_is_suggested_as_a_whole() -> None:
    many = [owed(str(n), gross=10_000 + n, kept=240) for n in range(20)]
    found = only([paid(sum(one.net for one in many) - 400)], many)
    assert (found.kind, found.sure, found.difference) == (MatchKind.MERGED, False, -400)


def test_a_day_without_one_payment() -> None:
    many = [owed(str(n), gross=90_000 + n * n * 1_000) for n in range(5)]
    found = only([paid(sum(one.net for one in many) - many[3].net)], many)
    assert (found.sure, keys(found)) == (False, ["0", "1", "2", "4"])


def test_other_currencies_and_aliens_stay() -> None:
    result = solve([paid(9_760), paid(1)], [owed("1", currency="EUR")])
    assert (result.found, len(result.left)) == ((), 2)


def test_the_same_money_twice_is_told() -> None:
    result = solve([paid(9_760, name="a"), paid(9_760, name="b")], [owed("1")])
    assert len(result.found) == 1
    assert result.again == frozenset(one.id for one in result.left)


_MONEY = st.integers(min_value=-40, max_value=40).map(lambda n: n * 50)


@given(
    st.lists(st.tuples(_MONEY, st.integers(0, 12), st.sampled_from("AB")), max_size=30),
    st.lists(st.tuples(_MONEY, st.integers(0, 12)), max_size=30),
)
def test_nothing_is_used_twice_and_sums_hold(
    owed_ones: list[tuple[int, int, str]], paid_ones: list[tuple[int, int]]
) -> None:
    """Any mixture: each line and each receivable once; what is certain differs by cents only."""
    expected = sorted(
        (
            owed(
                str(n), gross=gross, kept=gross // 10, day=DAY + timedelta(days=d), contract_code=c
            )
            for n, (gross, d, c) in enumerate(owed_ones)
        ),
        key=lambda one: one.day,
    )
    movements = sorted(
        (
            Movement(str(n), DAY + timedelta(days=d), "TRY", amount)
            for n, (amount, d) in enumerate(paid_ones)
        ),
        key=lambda one: one.day,
    )
    results = list(match(movements, expected))
    used = [one.id for r in results for f in r.found for one in f.movements]
    left = [one.id for r in results for one in r.left]
    taken = [one.key for r in results for f in r.found for one in f.expected]
    assert sorted(used + left) == sorted(one.id for one in movements)
    assert len(taken) == len(set(taken))
    for result in results:
        for found in result.found:
            limit = (
                Rules().rounding
                if found.sure
                else 10 * Rules().allowed(sum(abs(e.gross) for e in found.expected))
            )
            assert abs(found.difference) <= limit
            assert found.why


def test_twice_the_lines_take_twice_the_steps_and_the_same_memory() -> None:
    """A small run of ``make bench``, in calls instead of seconds."""
    counts: dict[str, int] = {}
    small = calls_of(lambda: run(4_000))
    large = calls_of(lambda: counts.update(run(8_000)[1]))
    assert large <= 2.2 * small
    assert counts["sure"] > 3 * counts["suggested"] / 2
    narrow = Rules(early_days=5)
    small, large = peak(6_000, narrow), peak(12_000, narrow)
    assert large < 1.2 * small


def test_the_mixture_of_the_bench_is_matched_with_what_it_was_made_of() -> None:
    expected = {one.key: one for one in receivables(2_000)}
    results = match(sorted(lines(2_000), key=lambda one: one.day), expected.values())
    sure = [found for result in results for found in result.found if found.sure]
    named = [found for found in sure if "FTR-" in found.movements[0].text]
    assert len(named) > 200
    for found in named:
        assert found.movements[0].text == f"POS {found.expected[0].document_no}"
