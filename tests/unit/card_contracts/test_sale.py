"""Refunds and cancellations: linked, exact, never more than there was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from card_contracts.domain.cash_calendar import cash_calendar
from card_contracts.domain.contract import Contract
from card_contracts.domain.deductions import Timing
from card_contracts.domain.sale import (
    LineStatus,
    Returned,
    Sale,
    SaleState,
    cancel,
    lines_of,
    parts_of,
    refund,
)
from kernel.errors import ConflictError, RuleViolationError
from kernel.money import Money
from tests.support.card_contracts_builders import commission, contract, lira, tax, term
from toolkit.calendars import calendar

SOLD = date(2026, 4, 28)


def sale(of: Contract, amount: Money, instalments: int = 3) -> Sale:
    plan = of.plan(SOLD, amount, instalments, calendar("TR"))
    return Sale(
        id="S",
        document_no="FTR-1",
        contract_code=of.code,
        bank_account_code=of.bank_account_code,
        revision=of.revision,
        remainder_on=of.remainder_on,
        sold_on=SOLD,
        amount=amount,
        instalments=instalments,
        parts=parts_of(plan),
        totals=plan.totals,
    )


def with_commission() -> Contract:
    return contract(term(deductions=(commission(), tax())))


def test_a_sale_gives_one_row_per_instalment_and_per_deduction_without_zeros() -> None:
    of = contract(term(deductions=(commission(timing=Timing.FIRST_COLLECTION),)))
    plan = of.plan(SOLD, lira("1000.00"), 3, calendar("TR"))
    lines = lines_of(sale(of, lira("1000.00")), plan)
    rows = [(row.kind, row.code, row.amount) for line in lines for row in line.rows()]
    assert rows == [
        ("instalment", "", 33_334),
        ("deduction", "COMMISSION", 2_400),
        ("instalment", "", 33_333),
        ("instalment", "", 33_333),
    ]


def test_a_refund_in_full_leaves_nothing() -> None:
    before = sale(with_commission(), lira("1000.00"))
    after, made, lines = refund(before, "R", "IADE-1", SOLD, lira("1000.00"), Returned.PROPORTIONAL)
    assert after.state is SaleState.REFUNDED
    assert made.totals == before.totals
    assert sum(line.net for line in lines) == -sum(
        part.gross - sum(part.deductions.values()) for part in before.parts
    )


def test_a_bank_that_keeps_its_deductions_gives_none_back() -> None:
    before = sale(with_commission(), lira("1000.00"))
    _, made, lines = refund(before, "R", "IADE-1", SOLD, lira("500.00"), Returned.KEPT)
    assert set(made.totals.values()) == {0}
    assert sum(line.net for line in lines) == -50_000


def test_money_of_a_payment_that_is_over_goes_back_on_the_day_of_the_refund() -> None:
    before = sale(contract(), lira("300.00"))
    on = date(2026, 6, 5)
    _, _, lines = refund(before, "R", "IADE-1", on, lira("300.00"), Returned.KEPT)
    assert [line.pay for line in lines] == [on, on, before.parts[2].pay]


@pytest.mark.parametrize(
    ("amount", "on", "code"),
    [
        (lira("300.01"), SOLD, "refund_too_large"),
        (Money(100, "EUR"), SOLD, "refund_amount"),
        (lira("1.00"), date(2026, 4, 27), "refund_early"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(amount: Money, on: date, code: str) -> None:
    with pytest.raises(RuleViolationError) as refused:
        refund(sale(contract(), lira("300.00")), "R", "I", on, amount, Returned.KEPT)
    assert refused.value.code == f"card_contracts.{code}"


def test_a_sale_is_cancelled_once_and_not_after_a_refund() -> None:
    posted = sale(contract(), lira("300.00"))
    cancelled = cancel(posted)
    with pytest.raises(ConflictError):
        cancel(cancelled)
    with pytest.raises(ConflictError):
        refund(cancelled, "R", "I", SOLD, lira("1.00"), Returned.KEPT)
    part, _, _ = refund(posted, "R", "I", SOLD, lira("1.00"), Returned.KEPT)
    with pytest.raises(ConflictError):
        cancel(part)


@settings(max_examples=100, deadline=None)
@given(
    minor=st.integers(1, 10**7),
    instalments=st.integers(1, 12),
    shares=st.lists(st.integers(1, 100), min_size=1, max_size=6),
    rate=st.integers(0, 900),
)
def test_any_chain_of_refunds_is_exact(
    minor: int, instalments: int, shares: list[int], rate: int
) -> None:
    """C7: Σ refunds ≤ sale, per payment and altogether; refunded in full, nothing is left."""
    of = contract(term(deductions=(commission(f"{rate // 100}.{rate % 100:02d}"), tax())))
    current = sale(of, Money(minor, "TRY"), instalments)
    for number, share in enumerate([*shares, 100]):
        left = minor - current.refunded
        if not left:
            break
        amount = left if share == 100 else max(1, left * share // 100)
        current, made, lines = refund(
            current, f"R{number}", "I", SOLD, Money(amount, "TRY"), Returned.PROPORTIONAL
        )
        assert sum(-line.gross for line in lines) == amount
        for code, total in made.totals.items():
            assert sum(-line.deductions[code] for line in lines) == total
        assert all(part.rest >= 0 for part in current.parts)
        assert all(part.rest_of(code) >= 0 for part in current.parts for code in current.totals)
    assert current.state is SaleState.REFUNDED
    assert all(part.rest_of(code) == 0 for part in current.parts for code in current.totals)


def test_the_cash_calendar_sums_by_day_and_month_and_leaves_out_what_was_cancelled() -> None:
    of = with_commission()
    first = sale(of, lira("1000.00"))
    lines = lines_of(first, of.plan(SOLD, lira("1000.00"), 3, calendar("TR")))
    gone = [replace(line, status=LineStatus.CANCELLED) for line in lines]
    seen = cash_calendar([*lines, *lines, *gone])
    assert [day.isoformat() for day, _ in seen.days] == ["2026-04-28", "2026-06-01", "2026-06-29"]
    assert seen.totals[0].gross == 200_000
    assert seen.totals[0].net == 2 * (100_000 - 2_400 - 120)
    assert sum(landing.net for _, landing in seen.months) == seen.totals[0].net
    assert seen.totals[0].lines == 6
