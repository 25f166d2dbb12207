"""Totals of a month, and the bank order that follows from what the insurer accepted."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import ConflictError
from kernel.money import Money
from kernel.sensitive import Iban
from pensions.domain.contribution import (
    DECIDED,
    IN_FLIGHT,
    PAYABLE,
    Contribution,
    ContributionStatus,
    GapItem,
    gap_reason,
    summarise,
)
from pensions.domain.remittance import build_remittance, remittance_reference
from tests.support.fakes.pensions_office import NO_HOLIDAYS
from tests.support.pensions_builders import JUNE, contract, contribution

S = ContributionStatus


def lira(amount: int) -> Money:
    """Whole lira."""
    return Money(amount * 100, "TRY")


def row(number: int, status: ContributionStatus, amount: int = 100, **changes: Any) -> Contribution:
    """One row of June."""
    return contribution(number, status=status, amount=lira(amount), **changes)


def test_the_payable_is_what_was_accepted_and_the_gap_says_why_not_more() -> None:
    summary = summarise(
        [
            row(1, S.ACCEPTED, 120),
            row(2, S.SETTLED, 80),
            row(3, S.REJECTED, 50, reason="collection_failed"),
            row(4, S.EXCLUDED, 30, reason="opted_out"),
            row(5, S.EXCLUDED, 40, reason="opted_out"),
            row(6, S.CALCULATED, 10),
            row(7, S.CALCULATED, 20, reason="auth_failed"),
            row(8, S.CANCELLED, 999),
        ]
    )
    assert (summary.count, summary.calculated) == (7, 2)
    assert (summary.total, summary.payable) == (lira(350), lira(200))
    assert summary.gap == (
        GapItem("auth_failed", 1, lira(20)),
        GapItem("not_sent", 1, lira(10)),
        GapItem("opted_out", 2, lira(70)),
        GapItem("rejected", 1, lira(50)),
    )
    assert summary.final


@pytest.mark.parametrize("moving", sorted(IN_FLIGHT))
def test_nothing_is_final_while_anything_is_on_its_way(moving: ContributionStatus) -> None:
    summary = summarise([row(1, S.ACCEPTED), row(2, moving)])
    assert not summary.final
    assert summary.gap == (GapItem("awaiting_insurer", 1, lira(100)),)


def test_nothing_is_final_before_anything_was_decided() -> None:
    assert not summarise([]).final
    assert not summarise([row(1, S.CALCULATED), row(2, S.EXCLUDED)]).final


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(S)), st.integers(0, 10**9)), max_size=12))
def test_total_less_payable_is_always_the_sum_of_the_gap(rows: list[tuple[S, int]]) -> None:
    items = [
        contribution(number, status=status, amount=Money(minor, "TRY"))
        for number, (status, minor) in enumerate(rows)
    ]
    summary = summarise(items)
    gap = sum(item.amount.minor for item in summary.gap)
    assert summary.total.minor - summary.payable.minor == gap
    assert summary.payable.minor == sum(i.amount.minor for i in items if i.status in PAYABLE)
    assert (
        sum(item.count for item in summary.gap) + sum(i.status in PAYABLE for i in items)
        == summary.count
    )
    assert summary.final == (
        any(i.status in DECIDED for i in items) and not any(i.status in IN_FLIGHT for i in items)
    )


def test_an_excluded_row_without_a_reason_is_still_explained() -> None:
    assert gap_reason(row(1, S.EXCLUDED)) == "excluded"


# ---------------------------------------------------------------------------- bank order


def order(*items: Contribution, **changes: Any) -> Any:
    """The bank order of June."""
    return build_remittance(
        contract(**changes), JUNE, items, NO_HOLIDAYS, default_provider_iban="DEFAULT"
    )


def test_one_sum_with_a_part_and_a_deadline_per_pay_day() -> None:
    paid = (date(2026, 7, 6), date(2026, 7, 3))  # a Monday and the Friday before it
    remittance = order(
        row(1, S.ACCEPTED, 120, paid_on=paid[0]),
        row(2, S.ACCEPTED, 80, paid_on=paid[1]),
        row(3, S.ACCEPTED, 50, paid_on=paid[1]),
        row(4, S.REJECTED, 30, paid_on=paid[1]),
    )
    assert remittance.payable == lira(250)
    assert [(part.paid_on, part.amount, part.count) for part in remittance.parts] == [
        (date(2026, 7, 3), lira(130), 2),
        (date(2026, 7, 6), lira(120), 1),
    ]
    assert [part.due_on for part in remittance.parts] == [date(2026, 7, 6), date(2026, 7, 7)]
    assert remittance.due_on == date(2026, 7, 6)
    assert sum(part.amount.minor for part in remittance.parts) == remittance.payable.minor
    assert not remittance.settled
    assert (remittance.provider_iban, remittance.payer_iban) == ("DEFAULT", "")


def test_the_accounts_of_the_contract_win_and_settled_rows_close_the_order() -> None:
    iban = Iban("TR330006100519786457841326")
    remittance = order(row(1, S.SETTLED), provider_iban=iban, payer_iban=iban)
    assert remittance.settled
    assert remittance.provider_iban == remittance.payer_iban == iban.reveal("compare")


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ((), "remittance_not_final"),
        ((row(1, S.ACCEPTED), row(2, S.UNKNOWN)), "remittance_not_final"),
        ((row(1, S.REJECTED),), "nothing_accepted"),
    ],
)
def test_there_is_no_order_before_everything_is_known(
    items: tuple[Contribution, ...], code: str
) -> None:
    with pytest.raises(ConflictError) as caught:
        order(*items)
    assert caught.value.code == code


def test_the_reference_fits_a_bank_line() -> None:
    assert remittance_reference(contract(), JUNE) == "BES 1201465 2026-06"
    long = remittance_reference(contract(contract_no="X" * 40), JUNE)
    assert len(long) <= 35
    assert long.endswith("2026-06")
