"""The plan engine: exact sums, dates from the anchor, strategies that must be chosen."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing
from card_contracts.domain.plan import Plan, Terms, draw_up
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import (
    Band,
    Blockage,
    BlockageKind,
    Collection,
    Cutoff,
    Maturity,
    MaturityKind,
    OnDay,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.business_days import Override, OverrideKind
from kernel.errors import RuleViolationError
from kernel.money import Money, RemainderOn
from kernel.rates import Rate
from tests.support.card_contracts_builders import THIRTY_DAYS, commission, lira, tax, term
from toolkit.calendars import calendar

NONE, FOLLOWING = BusinessDayRule.NONE, BusinessDayRule.FOLLOWING


def plan(
    of: Term,
    sold_on: date,
    amount: Money | None = None,
    instalments: int = 3,
    rule: BusinessDayRule = NONE,
    remainder_on: RemainderOn = "first",
) -> Plan:
    terms = Terms(of, rule, remainder_on, calendar("TR"))
    return draw_up(terms, sold_on, amount or lira("300.00"), instalments)


def raws(made: Plan) -> list[str]:
    return [line.raw.isoformat() for line in made.lines]


# ---------------------------------------------------------------------------- dates


def test_a_later_instalment_counts_from_the_raw_date_not_from_the_shifted_one() -> None:
    made = plan(term(blockage=THIRTY_DAYS), date(2026, 4, 28), rule=FOLLOWING)
    assert raws(made) == ["2026-05-28", "2026-06-28", "2026-07-28"]
    assert [line.pay.isoformat() for line in made.lines] == [
        "2026-06-01",
        "2026-06-29",
        "2026-07-28",
    ]


def test_months_step_from_the_anchor_through_short_months() -> None:
    made = plan(term(1, 36), date(2026, 1, 31), instalments=36)
    assert {line.raw.day for line in made.lines} == {28, 29, 30, 31}
    assert made.lines[2].raw == date(2026, 3, 31)
    assert made.lines[25].raw == date(2028, 2, 29)


def test_thirty_days_are_not_one_month() -> None:
    sold_on = date(2026, 1, 31)
    assert raws(plan(term(blockage=THIRTY_DAYS), sold_on, instalments=1)) == ["2026-03-02"]
    assert raws(plan(term(skip_months=1), sold_on, instalments=1)) == ["2026-02-28"]


@pytest.mark.parametrize(
    ("on_day", "first"), [(OnDay.SAME_DAY, "2026-06-10"), (OnDay.NEXT_MONTH, "2026-07-10")]
)
def test_a_sale_on_the_fixed_day_follows_the_named_strategy(on_day: OnDay, first: str) -> None:
    block = Blockage(BlockageKind.FIXED_DAY, 10, on_day)
    assert raws(plan(term(blockage=block), date(2026, 6, 10)))[0] == first


def test_a_fixed_31st_is_clamped_for_every_instalment_by_itself() -> None:
    block = Blockage(BlockageKind.FIXED_DAY, 31)
    made = plan(term(blockage=block), date(2026, 2, 15), instalments=4)
    assert raws(made) == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


@pytest.mark.parametrize(
    ("order", "first"),
    [(SkipAndBlock.SKIP_THEN_BLOCK, "2026-03-30"), (SkipAndBlock.BLOCK_THEN_SKIP, "2026-04-02")],
)
def test_skip_and_blockage_follow_the_stated_order(order: SkipAndBlock, first: str) -> None:
    of = term(skip_months=1, blockage=THIRTY_DAYS, skip_and_block=order)
    assert raws(plan(of, date(2026, 1, 31)))[0] == first


def test_skip_and_blockage_without_an_order_are_refused() -> None:
    with pytest.raises(RuleViolationError) as refused:
        plan(term(skip_months=1, blockage=THIRTY_DAYS), date(2026, 1, 31))
    assert refused.value.code == "card_contracts.strategy_missing"


@pytest.mark.parametrize(
    ("maturity", "expected"),
    [
        (
            Maturity(MaturityKind.FIXED_DAY, 15),
            ["2026-06-05", "2026-07-15", "2026-08-15"],
        ),
        (
            Maturity(MaturityKind.ADDED_DAYS, 30),
            ["2026-06-05", "2026-07-05", "2026-08-04"],
        ),
        (
            Maturity(MaturityKind.ADDED_DAYS_PLUS_ONE, 30, Strategy.CALENDAR_DAY),
            ["2026-06-05", "2026-07-06", "2026-08-06"],
        ),
        (
            Maturity(MaturityKind.ADDED_DAYS_PLUS_ONE, 30, Strategy.BUSINESS_DAY),
            ["2026-06-05", "2026-07-06", "2026-08-05"],
        ),
        (
            Maturity(MaturityKind.DYNAMIC, strategy=Strategy.CUTOFF, cutoff=Cutoff(10, 20)),
            ["2026-06-20", "2026-07-20", "2026-08-20"],
        ),
    ],
)
def test_each_maturity_gives_its_own_dates(maturity: Maturity, expected: list[str]) -> None:
    assert raws(plan(term(maturity=maturity), date(2026, 6, 5))) == expected


def test_a_cutoff_is_two_bands() -> None:
    bands = (Band(1, 10, 20, 0), Band(11, 31, 20, 1))
    assert Cutoff(10, 20).bands() == bands
    assert Cutoff(31, 20).bands() == (Band(1, 31, 20, 0),)


def test_the_added_day_without_a_strategy_is_refused() -> None:
    of = term(maturity=Maturity(MaturityKind.ADDED_DAYS_PLUS_ONE, 30))
    with pytest.raises(RuleViolationError) as refused:
        plan(of, date(2026, 6, 5))
    assert refused.value.code == "card_contracts.strategy_missing"


def test_a_decree_moves_the_payment_and_says_so() -> None:
    day = date(2026, 7, 28)
    closed = Override(OverrideKind.HOLIDAY, "Köprü günü", "RG 01.07.2026", "op")
    terms = Terms(
        term(blockage=THIRTY_DAYS), FOLLOWING, "first", calendar("TR").with_overrides({day: closed})
    )
    made = draw_up(terms, date(2026, 4, 28), lira("300.00"), 3)
    assert made.lines[2].pay == day + timedelta(days=1)
    assert made.lines[2].why[-1].params["name_tr"] == "Köprü günü"


# ---------------------------------------------------------------------------- amounts


def test_paid_at_once_is_one_line_whatever_the_instalments() -> None:
    of = term(collection=Collection.SINGLE, blockage=THIRTY_DAYS, deductions=(commission(),))
    made = plan(of, date(2026, 4, 28), lira("1000.00"), 9)
    assert [(line.gross, line.deductions, line.net) for line in made.lines] == [
        (100_000, {"COMMISSION": 2_400}, 97_600)
    ]


def test_points_are_paid_in_one_sum() -> None:
    made = plan(term(0, 0), date(2026, 4, 28), instalments=0)
    assert [line.gross for line in made.lines] == [30_000]


def test_a_first_collection_takes_the_whole_deduction() -> None:
    first = commission(timing=Timing.FIRST_COLLECTION)
    made = plan(term(deductions=(first,)), date(2026, 3, 2), lira("1000.00"))
    assert [line.deductions["COMMISSION"] for line in made.lines] == [2_400, 0, 0]


def test_net_means_after_the_deductions_before() -> None:
    net = commission("10", sequence=2, code="SERVICE", basis=Basis.NET)
    of = term(deductions=(net, commission("10")))
    assert plan(of, date(2026, 3, 2), lira("100.00"), 1).totals == {
        "COMMISSION": 1_000,
        "SERVICE": 900,
    }


def test_a_deduction_larger_than_its_payment_is_an_error() -> None:
    first = commission("40", timing=Timing.FIRST_COLLECTION)
    with pytest.raises(RuleViolationError) as refused:
        plan(term(deductions=(first,)), date(2026, 3, 2))
    assert refused.value.code == "card_contracts.negative_net"


def test_a_fixed_amount_is_taken_once_per_sale() -> None:
    fixed = commission(kind=Kind.AMOUNT, amount=100)
    made = plan(term(deductions=(fixed,)), date(2026, 3, 2))
    assert [line.deductions["COMMISSION"] for line in made.lines] == [34, 33, 33]


def test_a_deduction_cannot_refer_to_a_later_one() -> None:
    with pytest.raises(RuleViolationError) as refused:
        plan(term(deductions=(tax(sequence=0), commission())), date(2026, 3, 2))
    assert refused.value.code == "card_contracts.deduction_of"


def test_every_date_and_amount_says_why() -> None:
    of = term(blockage=THIRTY_DAYS, deductions=(commission(), tax()))
    made = plan(of, date(2026, 4, 28), lira("1000.00"), rule=FOLLOWING)
    first = made.lines[0]
    assert [why.key.rpartition(".")[2] for why in first.why] == [
        "blocked_days",
        "shifted",
        "skipped_holiday",
        "skipped_holiday",
        "skipped_holiday",
        "skipped_weekend",
    ]
    assert [why.key.rpartition(".")[2] for why in first.why_gross] == ["part_remainder_first"]
    assert first.why_deductions["BSMV"][0].params == {
        "code": "BSMV",
        "rate": "5",
        "base": {"amount": "24.00", "currency": "TRY"},
        "total": {"amount": "1.20", "currency": "TRY"},
    }


def test_time_to_the_money_is_weighted_by_what_arrives() -> None:
    made = plan(term(), date(2026, 6, 1), lira("300.00"), 3)
    assert made.days_to_money == 61
    assert made.average_days == 31  # (0 + 30 + 61) / 3, rounded up


# ---------------------------------------------------------------------------- invariants


@st.composite
def a_deduction(draw: st.DrawFn, sequence: int, before: tuple[str, ...]) -> Deduction:
    basis = draw(st.sampled_from([Basis.GROSS, Basis.NET, *([Basis.ON_DEDUCTION] * bool(before))]))
    return Deduction(
        sequence,
        f"D{sequence}",
        Kind.RATE,
        draw(st.sampled_from(Timing)),
        basis,
        Rate(Decimal(draw(st.integers(0, 3_000_000))).scaleb(-6)),
        of=draw(st.sampled_from(before)) if basis is Basis.ON_DEDUCTION else "",
    )


@st.composite
def a_term(draw: st.DrawFn) -> Term:
    deductions: tuple[Deduction, ...] = ()
    for sequence in range(draw(st.integers(0, 4))):
        codes = tuple(one.code for one in deductions)
        deductions = (*deductions, draw(a_deduction(sequence, codes)))
    blockage = draw(
        st.none()
        | st.builds(
            Blockage, st.just(BlockageKind.FIXED_DAY), st.integers(1, 31), st.sampled_from(OnDay)
        )
        | st.builds(Blockage, st.just(BlockageKind.ADDED_DAYS), st.integers(0, 90))
    )
    maturity = draw(
        st.just(Maturity())
        | st.builds(Maturity, st.just(MaturityKind.FIXED_DAY), st.integers(1, 31))
        | st.builds(Maturity, st.just(MaturityKind.ADDED_DAYS), st.integers(1, 60))
        | st.builds(
            lambda value, strategy: Maturity(MaturityKind.ADDED_DAYS_PLUS_ONE, value, strategy),
            st.integers(1, 60),
            st.sampled_from([Strategy.CALENDAR_DAY, Strategy.BUSINESS_DAY]),
        )
        | st.builds(
            lambda day, pay: Maturity(
                MaturityKind.DYNAMIC, strategy=Strategy.CUTOFF, cutoff=Cutoff(day, pay)
            ),
            st.integers(1, 31),
            st.integers(1, 31),
        )
    )
    return Term(
        1,
        36,
        draw(st.sampled_from(Collection)),
        draw(st.integers(0, 6)),
        blockage,
        draw(st.sampled_from(SkipAndBlock)),
        maturity,
        deductions=deductions,
    )


@settings(max_examples=150, deadline=None)
@given(
    of=a_term(),
    sold_on=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    minor=st.integers(100, 10**12),
    instalments=st.integers(1, 36),
    rule=st.sampled_from(BusinessDayRule),
    remainder_on=st.sampled_from(["first", "last"]),
)
def test_sums_are_exact_and_the_remainder_sits_where_the_contract_puts_it(
    of: Term,
    sold_on: date,
    minor: int,
    instalments: int,
    rule: BusinessDayRule,
    remainder_on: RemainderOn,
) -> None:
    """I-2, for any terms."""
    terms = Terms(of, rule, remainder_on, calendar("TR"))
    try:
        made = draw_up(terms, sold_on, Money(minor, "TRY"), instalments)
    except RuleViolationError as error:
        if error.code != "card_contracts.negative_net":
            raise
        return
    grosses = [line.gross for line in made.lines]
    assert len(grosses) == (1 if of.collection is Collection.SINGLE else instalments)
    assert sum(grosses) == minor
    for code, total in made.totals.items():
        assert sum(line.deductions[code] for line in made.lines) == total
    assert sum(line.net for line in made.lines) == minor - sum(made.totals.values())
    assert all(line.net >= 0 for line in made.lines)
    assert all(part >= 0 for line in made.lines for part in line.deductions.values())
    equal = grosses[1:] if remainder_on == "first" else grosses[:-1]
    assert len(set(equal)) <= 1
    assert all(line.raw <= line.pay for line in made.lines)
    assert all(terms.calendar.is_business_day(x.pay) for x in made.lines if rule is FOLLOWING)
    again = draw_up(terms, sold_on, Money(minor, "TRY"), instalments)
    assert again == made
