"""What moto never shows: actors that stand still longer than their lease, and stale reads."""

from collections.abc import Iterator

import pytest

from kernel.money import Money
from pensions.application.contributions import ChangeContribution, ContributionChanges
from pensions.domain.contribution import ContributionStatus
from tests.crash.use_cases import (
    BY_NAME,
    USE_CASES,
    calculated,
    enrolled,
    small_groups,
    submit_money,
)
from tests.support.drive import Drive, Explorer, UseCase, Work, driving
from tests.support.faults import Faults
from tests.support.invariants import settled

pytestmark = pytest.mark.slow
# Exactly one call of these may be doubled by a process that nothing stops (X8).
_EFFECTS = {"send enrolment": "insurer.enrol", "send collection": "insurer.collect"}


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    with small_groups():
        yield


@pytest.mark.parametrize("name", sorted(_EFFECTS))
def test_a_stalled_actor_that_the_platform_stops_doubles_nothing(name: str) -> None:
    with driving() as drive:
        explorer = Explorer(drive, BY_NAME[name], settled)
        for n in range(1, len(explorer.trace()) + 1):
            run = explorer.stall(n, fenced=True)
            assert not run.complaints, str(run)


@pytest.mark.parametrize("name", sorted(_EFFECTS))
def test_without_the_fence_only_the_call_itself_doubles(name: str) -> None:
    """The lease, the claim and the commit hold by themselves; the call is what the fence is for."""
    doubled = []
    with driving() as drive:
        explorer = Explorer(drive, BY_NAME[name], settled)
        for n in range(1, len(explorer.trace()) + 1):
            run = explorer.stall(n, fenced=False)
            if run.complaints:
                assert any(complaint.startswith("I-4") for complaint in run.complaints), str(run)
                doubled.append(run.faults.trace[n - 1])
    assert doubled == [_EFFECTS[name]]


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_stale_indexes_cost_a_retry_and_nothing_worse(use_case: UseCase) -> None:
    with driving(lag=0) as drive:
        explorer = Explorer(drive, use_case, settled)
        middle = len(explorer.trace()) // 2
        for lag in (0, 1, 2):
            drive.lag_by(lag)
            for faults in (Faults(), Faults(middle, "RC")):
                run = explorer.run(faults)
                assert not run.complaints, f"{lag} writes behind: {run}"


def edited_just_now(drive: Drive) -> Work:
    """Given: a submitted month, one row of which was changed a moment ago."""
    contract_id, ids = enrolled(drive, 2)
    calculated(drive, contract_id, ids)
    work = submit_money(drive, contract_id)
    drive.lag(on=True)
    store = drive.use().store
    item = store.contribution(next(iter(drive.states("contribution"))))
    change = ChangeContribution(drive.use().scope)
    change(item.id, item.stamp.version, ContributionChanges(amount=Money(12_000, "TRY")))
    assert item.status is ContributionStatus.CALCULATED
    return work


def _edited_amount_is_sent(drive: Drive) -> None:
    amounts = {e.amount.minor for e in drive.insurers.effects if e.amount is not None}
    assert amounts == {12_000, 99_000}, amounts


EDITED = UseCase("send what was edited just now", edited_just_now, _edited_amount_is_sent)


@pytest.mark.parametrize("lag", [1, 2])
def test_the_amount_that_was_edited_last_is_the_one_that_is_sent(lag: int) -> None:
    with driving(lag=lag) as drive:
        # The edit itself stays behind for the worker: the images are not forgotten in between.
        explorer = Explorer(drive, EDITED, settled, forget=False)
        run = explorer.run(Faults())
        assert not run.complaints, str(run)
