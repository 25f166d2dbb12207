"""Contracts: everything wrong at once, one range per sale, revisions that change nothing before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_contracts.domain.contract import (
    MAX_INSTALMENTS,
    Contract,
    ContractState,
    Pair,
    check,
    in_force,
)
from card_contracts.domain.deductions import Kind, Timing
from card_contracts.domain.limits import (
    TCMB,
    CardKind,
    LegalWarning,
    Settlement,
    limits_on,
    warnings,
)
from card_contracts.domain.terms import (
    Band,
    Blockage,
    BlockageKind,
    Cutoff,
    Maturity,
    MaturityKind,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.errors import ConflictError, RuleViolationError
from kernel.ranges import find_conflict
from tests.support.card_contracts_builders import (
    THIRTY_DAYS,
    commission,
    contract,
    lira,
    tax,
    term,
)
from toolkit.calendars import calendar

TR = calendar("TR")


def found(of: Contract) -> set[tuple[str, str]]:
    return {(problem.pointer, problem.code) for problem in check(of, TR)}


def test_a_good_contract_has_no_problem() -> None:
    of = contract(term(0, 0), term(1, 1), term(2, 12, deductions=(commission(), tax())))
    assert found(of) == set()


def test_everything_wrong_is_said_at_once() -> None:
    bad = term(
        2,
        6,
        skip_months=1,
        blockage=Blockage(BlockageKind.FIXED_DAY, 32),
        maturity=Maturity(MaturityKind.ADDED_DAYS_PLUS_ONE),
        deductions=(commission(), tax(of="FEE"), tax(code="COMMISSION", sequence=1)),
    )
    of = contract(bad, term(6, 9), term(0, 3), code="sales", ends_on=date(2025, 1, 1))
    assert found(of) == {
        ("/code", "reserved"),
        ("/ends_on", "ends_before_start"),
        ("/terms/1", "overlap"),
        ("/terms/2", "bad_range"),
        ("/terms/0/blockage/value", "out_of_range"),
        ("/terms/0/skip_and_block", "strategy_required"),
        ("/terms/0/maturity/value", "required"),
        ("/terms/0/maturity/strategy", "strategy_required"),
        ("/terms/0/deductions/1/of", "not_before"),
        ("/terms/0/deductions/2/sequence", "duplicate"),
        ("/terms/0/deductions/2/code", "duplicate"),
        ("/terms/0/deductions/2/of", "not_before"),
    }


def test_an_overlap_names_both_ranges() -> None:
    problem = check(contract(term(1, 1), term(2, 6), term(6, 9)), TR)[0]
    assert "2–6" in problem.message
    assert "6–9" in problem.message


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ((Band(1, 15, 20, 0), Band(15, 31, 5, 1)), "bands_overlap"),
        ((Band(1, 15, 20, 0), Band(17, 31, 5, 1)), "band_missing"),
        ((Band(1, 31, 32, 0),), "bad_band"),
        ((), "required"),
    ],
)
def test_bands_hold_every_day_exactly_once(bands: tuple[Band, ...], code: str) -> None:
    maturity = Maturity(MaturityKind.DYNAMIC, strategy=Strategy.BANDS, bands=bands)
    assert code in {problem.code for problem in check(contract(term(maturity=maturity)), TR)}


@pytest.mark.parametrize(
    ("of", "pointer"),
    [
        (term(maturity=Maturity(value=3)), "/terms/0/maturity/value"),
        (
            term(maturity=Maturity(MaturityKind.ADDED_DAYS, 3, Strategy.BANDS)),
            "/terms/0/maturity/strategy",
        ),
        (term(maturity=Maturity(cutoff=Cutoff(1, 2))), "/terms/0/maturity/cutoff"),
        (term(skip_and_block=SkipAndBlock.SKIP_THEN_BLOCK), "/terms/0/skip_and_block"),
        (term(deductions=(commission(of="X"),)), "/terms/0/deductions/0/of"),
        (term(deductions=(tax(kind=Kind.AMOUNT),)), "/terms/0/deductions/0/basis"),
    ],
)
def test_what_would_be_ignored_is_refused(of: Term, pointer: str) -> None:
    assert pointer in {problem.pointer for problem in check(contract(of), TR)}


def test_a_deduction_larger_than_a_payment_is_found_before_anything_is_sold() -> None:
    first = commission("10", timing=Timing.FIRST_COLLECTION)
    of = contract(term(1, 12, deductions=(first,)))
    assert found(of) == {("/terms/0/deductions", "negative_net")}


# ---------------------------------------------------------------------------- I-6


@given(
    ranges=st.lists(
        st.tuples(st.integers(0, MAX_INSTALMENTS + 2), st.integers(0, MAX_INSTALMENTS + 2)),
        min_size=1,
        max_size=6,
    ),
    instalments=st.integers(0, MAX_INSTALMENTS + 2),
)
def test_every_sold_count_hits_exactly_one_range_or_is_refused(
    ranges: list[tuple[int, int]], instalments: int
) -> None:
    """I-6: only disjoint ranges pass, and then at most one holds any count."""
    of = contract(*(term(first, last) for first, last in ranges))
    if found(of):
        assert find_conflict(ranges) is not None or max(max(ranges)) > MAX_INSTALMENTS
        return
    holding = [pair for pair in ranges if pair[0] <= instalments <= pair[1]]
    if holding:
        assert [of.term_for(instalments).range] == holding
    else:
        with pytest.raises(RuleViolationError) as refused:
            of.term_for(instalments)
        assert refused.value.problems[0].pointer == "/instalments"


def test_a_gap_is_refused_with_the_ranges_there_are() -> None:
    of = contract(term(1, 1), term(3, 6))
    assert of.gaps == ((2, 2),)
    with pytest.raises(RuleViolationError) as refused:
        of.plan(date(2026, 3, 2), lira("10.00"), 2, TR)
    assert "1–1, 3–6" in refused.value.message


# ---------------------------------------------------------------------------- validity


@pytest.mark.parametrize(
    ("day", "valid"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_validity_includes_both_ends(day: date, *, valid: bool) -> None:
    of = contract()
    assert of.valid_on(day) is valid
    if not valid:
        with pytest.raises(RuleViolationError) as refused:
            of.plan(day, lira("10.00"), 1, TR)
        assert refused.value.code == "card_contracts.not_valid"


def test_contracts_of_one_card_and_account_may_touch_but_not_overlap() -> None:
    first = contract(ends_on=date(2026, 6, 30))
    pair = Pair("AXESS", "102.01.001").holding(first)
    second = replace(first, code="B", starts_on=date(2026, 7, 1), ends_on=None)
    assert pair.conflict(second) is None
    assert pair.conflict(first) is None, "a contract does not overlap itself"
    clash = pair.conflict(replace(second, starts_on=date(2026, 6, 30)))
    assert clash is not None
    assert "AXESS-26" in clash.message
    assert pair.conflict(replace(second, ends_on=None, starts_on=date(2025, 1, 1))) is not None
    assert pair.conflict(replace(first, code="B", state=ContractState.LOCKED)) is None
    locked = pair.holding(replace(first, state=ContractState.LOCKED))
    assert locked.conflict(replace(first, code="B")) is None


def test_a_locked_contract_takes_no_collection_and_stays_readable() -> None:
    locked = contract(state=ContractState.LOCKED)
    with pytest.raises(ConflictError) as refused:
        locked.for_posting()
    assert refused.value.code == "card_contracts.locked"
    assert locked.plan(date(2026, 3, 2), lira("10.00"), 1, TR).net == 1_000


def test_dates_before_the_sale_are_refused() -> None:
    cutoff = Maturity(MaturityKind.DYNAMIC, strategy=Strategy.CUTOFF, cutoff=Cutoff(20, 5))
    with pytest.raises(RuleViolationError) as refused:
        contract(term(maturity=cutoff)).plan(date(2026, 3, 12), lira("10.00"), 1, TR)
    assert refused.value.code == "card_contracts.before_sale"


def test_another_currency_is_refused_where_the_contract_has_one() -> None:
    with pytest.raises(RuleViolationError) as refused:
        contract(currency="EUR").plan(date(2026, 3, 2), lira("10.00"), 1, TR)
    assert refused.value.code == "card_contracts.currency"


# ---------------------------------------------------------------------------- I-8


@given(
    days=st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), min_size=1, max_size=5),
    sold_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_a_new_revision_changes_no_result_before_its_start(days: list[date], sold_on: date) -> None:
    """I-8: revisions in any order of their days, seen by a sale of any day."""
    history = [contract(term(deductions=(commission("1"),)))]
    for number, day in enumerate(days):
        newest = history[-1]
        draft = replace(newest, terms=(term(deductions=(commission(str(number + 2)),)),))
        if day < newest.effective_from:
            with pytest.raises(RuleViolationError):
                newest.revised(draft, day)
            continue
        history.append(newest.revised(draft, day))
    numbers = [of.revision for of in history]
    assert numbers == sorted(set(numbers))
    seen = [in_force(history[: count + 1], sold_on) for count in range(len(history))]
    for before, after, added in zip(seen, seen[1:], history[1:], strict=False):
        if sold_on < added.effective_from:
            assert after is before
        else:
            assert after is added


# ---------------------------------------------------------------------------- legal limits


def test_ceilings_only_count_from_their_day() -> None:
    assert limits_on(TCMB, date(2025, 10, 31)) is None
    assert limits_on(TCMB, date(2025, 11, 1)) is TCMB[0]


def test_a_debit_card_has_a_ceiling_of_its_own() -> None:
    fee = commission("1.05").rate.percent
    limits = limits_on(TCMB, date(2026, 1, 1))
    found = warnings(limits, CardKind.DEBIT, fee, 16, Settlement.BLOCKED)
    assert found == (LegalWarning.FEE_ABOVE_CEILING, LegalWarning.TRANSFER_TOO_LATE)
    assert warnings(limits, CardKind.CREDIT, fee, 40, Settlement.BLOCKED) == ()


def test_thirty_days_of_blockage_are_within_the_limit() -> None:
    made = contract(term(blockage=THIRTY_DAYS)).plan(date(2026, 3, 2), lira("10.00"), 1, TR)
    assert made.days_to_money <= TCMB[0].credit_days
