"""Contributions of a month: computed, stated, changed, withdrawn, paid."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from kernel.approval import GateState
from kernel.errors import KopruError, PreconditionFailedError, ValidationError
from kernel.money import Money
from kernel.rates import Rate
from pensions.application.contributions import (
    AddContribution,
    CalculateContributions,
    ChangeContribution,
    ContributionChanges,
    ContributionFields,
    RemoveContribution,
    default_pay_day,
)
from pensions.application.employees import WithdrawEmployee
from pensions.application.remittance_approval import LIMIT, AskSanction, CheckSanction
from pensions.application.remittances import MarkRemittancePaid, ShowRemittance
from pensions.application.watch_deadlines import WatchDeadlines
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.sanction import subject_of
from pensions.ports import Due
from tests.support.fakes.gates import FakeGates
from tests.support.fakes.pensions_office import EARNINGS, Office
from tests.support.pensions_builders import JUNE, contract, contribution, tckn

S = ContributionStatus


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


@dataclass
class OneContract:
    """``DueWork`` that knows one contract."""

    id: str

    def contracts(self) -> Iterator[tuple[str, str]]:
        yield "TENANT-A", self.id

    def due(self, now: datetime, limit: int) -> list[Due]:
        return []

    def polls(self, now: datetime, limit: int) -> list[Due]:
        return []


def cleared(office: Office) -> list[str]:
    """Keys of deadlines that left Today."""
    keys = [str(event["key"]) for event in office.told("pensions.AttentionCleared.v1")]
    return [key for key in keys if key.startswith("deadline:")]


def code_of(call: Any) -> str:
    """Code of the error a call ends in."""
    with pytest.raises(KopruError) as caught:
        call()
    return caught.value.code


def lira(amount: int) -> Money:
    """Whole lira."""
    return Money(amount * 100, "TRY")


def only(office: Office, contract_id: str) -> Contribution:
    """The one row of June."""
    (item,) = office.month(contract_id)
    return item


# ---------------------------------------------------------------------------- computing


def test_a_month_is_computed_for_everybody_with_a_policy(office: Office) -> None:
    contract_id, ids = office.enrolled(2)
    results = office.calculate(contract_id, ids)
    assert [(result.row, result.outcome) for result in results] == [(0, "created"), (1, "created")]
    rows = office.month(contract_id)
    assert [(row.amount, row.status, row.reason) for row in rows] == [
        (lira(990), S.CALCULATED, "")
    ] * 2
    assert {row.paid_on for row in rows} == {date(2026, 7, 5)}


def test_computing_again_changes_only_what_changed(office: Office) -> None:
    contract_id, ids = office.enrolled(2)
    office.calculate(contract_id, ids)
    before = office.month(contract_id)
    rows = [
        ContributionFields(ids[0], earnings=EARNINGS),
        ContributionFields(ids[1], earnings=Money(3_333_334, "TRY")),
    ]
    results = CalculateContributions(office.scope)(contract_id, JUNE, rows)
    assert [result.outcome for result in results] == ["unchanged", "changed"]
    after = office.month(contract_id)
    assert [row.stamp.version for row in after] == [1, 2]
    assert [row.amount for row in after] == [lira(990), lira(1000)]
    assert [row.id for row in after] == [row.id for row in before]


@pytest.mark.parametrize(
    ("fields", "status", "reason", "amount"),
    [
        ({}, S.EXCLUDED, "no_earnings", 0),
        ({"earnings": Money(3_333, "TRY")}, S.EXCLUDED, "zero_contribution", 0),
        ({"earnings": EARNINGS, "amount": lira(500)}, S.CALCULATED, "", 500),
        ({"amount": lira(0)}, S.EXCLUDED, "no_earnings", 0),
        ({"earnings": EARNINGS, "rate": Rate.from_api("4.00")}, S.CALCULATED, "", 1321),
    ],
)
def test_what_is_stated_decides_amount_and_exclusion(
    office: Office, fields: dict[str, Any], status: S, reason: str, amount: int
) -> None:
    contract_id, (one,) = office.enrolled(1)
    CalculateContributions(office.scope)(contract_id, JUNE, [ContributionFields(one, **fields)])
    item = only(office, contract_id)
    assert (item.status, item.reason, item.amount) == (status, reason, lira(amount))


def test_a_row_that_cannot_be_computed_stops_nobody(office: Office) -> None:
    contract_id, ids = office.enrolled(2)
    other = office.contract("avivasa")
    (stranger,) = office.people(other, 1, first=50)
    WithdrawEmployee(office.scope)(stranger, 1)
    rows = [
        ContributionFields("X", earnings=EARNINGS),
        ContributionFields(ids[0], earnings=EARNINGS),
        ContributionFields(ids[0], earnings=EARNINGS),
        ContributionFields(ids[1], earnings=EARNINGS, rate=Rate.from_api("2.99")),
        ContributionFields(stranger, earnings=EARNINGS),
    ]
    results = CalculateContributions(office.scope)(contract_id, JUNE, rows)
    told = [(r.outcome, r.problem.pointer if r.problem else "") for r in results]
    assert told == [
        ("refused", "/rows/0/employee_id"),
        ("created", ""),
        ("refused", "/rows/2/employee_id"),
        ("refused", "/rows/3"),
        ("refused", "/rows/4/employee_id"),
    ]


def test_people_without_a_policy_are_listed_with_the_reason(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.calculate(contract_id, [one])
    item = only(office, contract_id)
    assert (item.status, item.reason) == (S.EXCLUDED, "no_policy")


def test_what_was_sent_is_not_computed_again(office: Office) -> None:
    contract_id, ids = office.enrolled(1)
    office.calculate(contract_id, ids)
    office.submit_month(contract_id)
    office.deliver(office.world.messages.pop(0))
    (result,) = office.calculate(contract_id, ids)
    assert result.problem is not None
    assert result.problem.code == "contribution_in_flight"
    office.work()
    (result,) = office.calculate(contract_id, ids)
    assert result.problem is not None
    assert result.problem.code == "contribution_final"


def test_more_than_ten_rows_are_written_in_groups(office: Office) -> None:
    contract_id, ids = office.enrolled(23)
    results = office.calculate(contract_id, ids)
    assert [result.row for result in results] == list(range(23))
    assert len(office.month(contract_id)) == 23


def test_the_pay_day_without_one_is_the_end_of_the_month() -> None:
    assert default_pay_day(contract(), JUNE) == date(2026, 7, 5)
    assert default_pay_day(contract(pay_days=(15,)), JUNE) == date(2026, 6, 15)
    assert default_pay_day(contract(pay_days=(31,)), JUNE) == date(2026, 6, 30)
    assert default_pay_day(contract(pay_days=()), JUNE) == date(2026, 6, 30)


# ---------------------------------------------------------------------------- by hand


def test_a_second_row_of_a_person_gets_the_next_sequence(office: Office) -> None:
    contract_id, (one,) = office.enrolled(1)
    office.calculate(contract_id, [one])
    add = AddContribution(office.scope)
    bonus = add(contract_id, JUNE, ContributionFields(one, amount=lira(50)))
    assert (bonus.sequence, bonus.amount, bonus.earnings) == (2, lira(50), None)
    with pytest.raises(ValidationError):
        add(contract_id, JUNE, ContributionFields("X", amount=lira(50)))
    for _ in range(18):
        add(contract_id, JUNE, ContributionFields(one, amount=lira(1)))
    too_many = ContributionFields(one, amount=lira(1))
    assert code_of(lambda: add(contract_id, JUNE, too_many)) == "contribution_limit"


def changed(before: Contribution, **changes: Any) -> ContributionFields:
    """What is stated after a change."""
    return ContributionChanges(**changes).over(before)


def test_a_stated_amount_stays_until_earnings_or_rate_are_given_anew() -> None:
    computed, stated = contribution(), contribution(amount=lira(500))
    amount_only = contribution(amount=lira(500), earnings=None)
    day = date(2026, 7, 6)
    assert changed(computed, paid_on=day).amount is None
    assert changed(stated, paid_on=day).amount == lira(500)
    assert changed(stated, rate=Rate.from_api("4.00")).amount is None
    assert changed(stated, earnings=Money(0, "TRY")).amount is None
    assert changed(amount_only, rate=Rate.from_api("4.00")).amount == lira(500)
    assert changed(stated, earnings=EARNINGS, amount=lira(7)).amount == lira(7)
    assert changed(computed, earnings=Money(0, "TRY")).earnings == Money(0, "TRY")
    assert changed(computed).paid_on == computed.paid_on


def test_a_row_is_changed_and_withdrawn_by_version(office: Office) -> None:
    contract_id, (one,) = office.enrolled(1)
    office.calculate(contract_id, [one])
    item = only(office, contract_id)
    change, remove = ChangeContribution(office.scope), RemoveContribution(office.scope)
    after = change(item.id, 1, ContributionChanges(earnings=Money(0, "TRY")))
    assert (after.status, after.reason) == (S.EXCLUDED, "zero_contribution")
    with pytest.raises(PreconditionFailedError):
        change(item.id, 1, ContributionChanges(amount=lira(1)))
    with pytest.raises(PreconditionFailedError):
        remove(item.id, 1)
    remove(item.id, 2)
    assert only(office, contract_id).status is S.CANCELLED
    assert code_of(lambda: remove(item.id, 3)) == "contribution_final"


def test_a_withdrawn_row_can_be_computed_again(office: Office) -> None:
    contract_id, (one,) = office.enrolled(1)
    office.calculate(contract_id, [one])
    RemoveContribution(office.scope)(only(office, contract_id).id, 1)
    (result,) = office.calculate(contract_id, [one])
    assert result.outcome == "created"
    assert [item.status for item in office.month(contract_id)] == [S.CANCELLED, S.CALCULATED]


def test_a_rate_below_the_minimum_of_the_contract_is_refused(office: Office) -> None:
    contract_id, (one,) = office.enrolled(1)
    office.calculate(contract_id, [one])
    change = ChangeContribution(office.scope)
    low = ContributionChanges(rate=Rate.from_api("2.99"))
    item = only(office, contract_id)
    assert code_of(lambda: change(item.id, 1, low)) == "pensions.rate_below_minimum"


# ---------------------------------------------------------------------------- the bank order


def test_a_month_that_is_paid_takes_its_deadline_off_today(office: Office) -> None:
    contract_id, ids = office.enrolled(2)
    office.calculate(contract_id, ids)
    watch = WatchDeadlines(OneContract(contract_id), office.clock, lambda _tenant: office.scope)
    office.clock.set(datetime(2026, 7, 5, 9, tzinfo=UTC))
    key = f"deadline:{contract_id}:{JUNE}"
    assert watch() == 2, "May was never computed, June is not paid"
    assert key in [event["key"] for event in office.told("pensions.AttentionRaised.v1")]
    office.submit_month(contract_id)
    office.work()
    show = ShowRemittance(office.scope, dict)
    pay = MarkRemittancePaid(office.scope, show, CheckSanction(office.scope, FakeGates({})))
    pay(contract_id, JUNE)
    pay(contract_id, JUNE)
    assert cleared(office) == [key]
    assert watch() == 1


def test_the_order_is_shown_when_everything_is_known_and_marked_once(office: Office) -> None:
    contract_id, ids = office.enrolled(12)
    office.calculate(contract_id, ids)
    show = ShowRemittance(office.scope, lambda: {"anadolu": "TR-OF-THE-INSURER"})
    assert code_of(lambda: show(contract_id, JUNE)) == "remittance_not_final"
    office.insurers.script(
        "anadolu", {"reject": {"national_id": tckn(3), "reason": "collection_failed"}}
    )
    office.submit_month(contract_id)
    office.work()
    _, remittance = show(contract_id, JUNE)
    assert remittance.payable == lira(990 * 11)
    assert remittance.provider_iban == "TR-OF-THE-INSURER"
    gates = FakeGates({LIMIT: "10000.00"})
    check = CheckSanction(office.scope, gates)
    pay = MarkRemittancePaid(office.scope, show, check)
    assert code_of(lambda: pay(contract_id, JUNE)) == "approval_missing"
    AskSanction(check, gates)(*show(contract_id, JUNE))
    assert code_of(lambda: pay(contract_id, JUNE)) == "approval_missing"
    gates.decide(subject_of(remittance), GateState.APPROVED)
    assert pay(contract_id, JUNE).settled
    versions = [item.stamp.version for item in office.month(contract_id)]
    assert pay(contract_id, JUNE).settled
    assert [item.stamp.version for item in office.month(contract_id)] == versions
    states = [item.status for item in office.month(contract_id)]
    assert (states.count(S.SETTLED), states.count(S.REJECTED)) == (11, 1)
    assert cleared(office) == [], "one person still is not paid"
