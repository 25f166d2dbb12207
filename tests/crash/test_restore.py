"""Tables are restored to a moment, and the insurer remembers what happened since (D14).

The sending functions stand still, ``doubt_restored`` runs, then they go on. Nothing is accepted
twice; who was open is enrolled in the end, who was not yet cut into a call stays where they were.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

import pytest

from infra.tools import after_restore
from pensions.application.doubt_restored import Doubted
from pensions.domain.transmission import TransmissionState
from tests.crash.use_cases import (
    LINES,
    calculated,
    count_of,
    enrolled,
    prepared_people,
    sent_messages,
    small_groups,
    submit_money,
    submit_people,
)
from tests.infra import stack
from tests.support.aws import RULES, TablesSnapshot
from tests.support.drive import Drive, Work, driving
from tests.support.faults import SWITCHBOARD, Faults
from tests.support.invariants import World, always, effects, settled

pytestmark = pytest.mark.slow
ONE_BY_ONE: Final = "avivasa"
"""An insurer that takes one person in a call, and takes them twice when they are sent twice."""
BY_PERIOD: Final = "aegon"
"""An insurer that cannot be asked by reference: nothing proves that a call did not arrive."""


@pytest.fixture
def drive() -> Iterator[Drive]:
    with driving() as made, small_groups():
        yield made


@dataclass(frozen=True)
class Moment:
    """What a restore brings back, and what had been heard of it by then."""

    tables: TablesSnapshot
    events: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, drive: Drive) -> Self:
        """Now."""
        return cls(drive.aws.tables(), tuple(drive.events))


def restored(drive: Drive, then: Moment) -> None:
    """The tables as they were, the queues empty, the insurer as it is.

    Events of the forgotten world are forgotten: no row of this world has written them.
    """
    drive.aws.restore(then.tables)
    drive.mailbox = []
    drive.events = list(then.events)


def doubted(drive: Drive) -> Doubted:
    with RULES.only(contexts=("pen",), tenants=drive.tenants):
        return drive.application.doubt_restored()()


def half_prepared(drive: Drive, work: Work, enough: Callable[[], bool]) -> None:
    """Given: the worker that prepares died at the first call after which it was ``enough``."""
    start = drive.snapshot()
    for number in range(1, 60):
        drive.restore(start)
        SWITCHBOARD.faults = Faults(number, "KA")
        drive.deliver(work)
        SWITCHBOARD.faults = None
        if enough():
            return
    raise AssertionError("no such moment")


def job_ends(drive: Drive) -> list[str]:
    """How the jobs of this world ended."""
    return [str(job["status"]) for job in World(drive).jobs]


def test_what_was_open_is_asked_about_and_not_sent_again(drive: Drive) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    then = Moment.of(drive)
    assert drive.deliver(work)
    drive.settle()
    accepted = len(drive.insurers.effects)
    restored(drive, then)
    assert set(drive.states("transmission").values()) == {TransmissionState.OPEN}
    assert doubted(drive) == Doubted(transmissions=1)
    assert doubted(drive) == Doubted(), "a second run finds nothing"
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == LINES
    assert len(drive.insurers.effects) == accepted
    assert settled(drive) == []


def test_what_the_insurer_does_not_know_is_sent_after_all(drive: Drive) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    prepared_people(drive, contract_id)
    restored(drive, Moment.of(drive))
    assert doubted(drive) == Doubted(transmissions=1)
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == LINES
    assert settled(drive) == []


@pytest.mark.parametrize("bound", [0, 2, LINES])
@pytest.mark.parametrize("first", ["message", "sweep"])
def test_what_was_being_bound_keeps_its_lines_and_gets_no_others(
    drive: Drive, bound: int, first: str
) -> None:
    """After T the others left with it (the sweep went on) or without it (the message did)."""
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = submit_people(drive, contract_id)
    half_prepared(
        drive,
        work,
        lambda: (
            "binding" in drive.states("transmission").values()
            and count_of(drive, "employee", "sending") == bound
        ),
    )
    then = Moment.of(drive)
    if first == "sweep":
        drive.clock.advance(timedelta(minutes=3))
        drive.sweep()
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == LINES
    restored(drive, then)
    assert doubted(drive) == Doubted(transmissions=int(bound > 0), submissions=1)
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == bound
    assert count_of(drive, "employee", "ready") == LINES - bound
    assert job_ends(drive) == ["cancelled"]
    assert always(drive) == []


def test_a_submission_without_a_reference_is_stopped(drive: Drive) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = submit_people(drive, contract_id)
    then = Moment.of(drive)
    drive.deliver(work)
    drive.settle()
    accepted = len(drive.insurers.effects)
    restored(drive, then)
    assert doubted(drive) == Doubted(submissions=1)
    assert doubted(drive) == Doubted(), "a second run finds nothing"
    drive.deliver(work)  # queues may still hold what belongs to both worlds
    drive.settle(30)
    assert sent_messages(drive, "send") == []
    assert count_of(drive, "employee", "ready") == LINES
    assert job_ends(drive) == ["cancelled"]
    assert len(drive.insurers.effects) == accepted
    assert always(drive) == []


def test_a_job_that_was_partly_sent_is_asked_about_to_its_end(drive: Drive) -> None:
    contract_id = drive.contract(ONE_BY_ONE)
    drive.people(contract_id, LINES)
    drive.deliver(submit_people(drive, contract_id))
    first, second, *_ = sent_messages(drive, "send")
    drive.deliver(first)
    then = Moment.of(drive)
    drive.deliver(second)
    accepted = len(drive.insurers.effects)
    assert accepted == 2
    restored(drive, then)
    assert doubted(drive) == Doubted(transmissions=LINES - 1)
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == LINES
    assert len(drive.insurers.effects) == LINES
    assert settled(drive) == []


@pytest.mark.parametrize("sent", [True, False])
def test_who_cannot_be_asked_is_not_sent_again(drive: Drive, sent: bool) -> None:
    contract_id = drive.contract(BY_PERIOD)
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    then = Moment.of(drive)
    if sent:
        drive.deliver(work)
    accepted = len(drive.insurers.effects)
    restored(drive, then)
    assert doubted(drive) == Doubted(transmissions=1)
    drive.settle(30)
    assert len(drive.insurers.effects) == accepted
    assert set(drive.states("employee").values()) == {"enrolled" if sent else "unknown"}
    assert set(drive.states("transmission").values()) == {"done" if sent else "with_person"}
    assert settled(drive) == []


def test_a_job_cancelled_before_is_given_back_and_not_asked_about(drive: Drive) -> None:
    """What somebody found in the raw answers under a new reference (deploy.md, step 5)."""
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    prepared_people(drive, contract_id)
    (job,) = World(drive).jobs
    then = Moment.of(drive)
    drive.use().cancel_job()(str(job["id"]))
    drive.settle(30)
    drive.deliver(prepared_people(drive, contract_id))
    assert len(drive.insurers.effects) == LINES
    restored(drive, then)
    drive.use().cancel_job()(str(job["id"]))
    assert doubted(drive) == Doubted()
    drive.settle(30)
    assert count_of(drive, "employee", "ready") == LINES
    assert len(drive.insurers.effects) == LINES
    assert always(drive) == []


@pytest.mark.parametrize("cut", [True, False])
def test_money_is_not_collected_twice(drive: Drive, cut: bool) -> None:
    contract_id, ids = enrolled(drive, LINES)
    calculated(drive, contract_id, ids)
    work = submit_money(drive, contract_id)
    if cut:
        drive.deliver(work)
    then = Moment.of(drive)
    drive.settle(30)
    assert count_of(drive, "contribution", "accepted") == LINES
    restored(drive, then)
    assert doubted(drive) == Doubted(transmissions=int(cut), submissions=int(not cut))
    drive.settle(30)
    assert effects(drive) == []
    assert count_of(drive, "contribution", "accepted") == (LINES if cut else 0)
    assert count_of(drive, "contribution", "calculated") == (0 if cut else LINES)
    assert job_ends(drive)[-1] == ("succeeded" if cut else "cancelled")
    assert always(drive) == []


class Functions:
    """Lambda as far as the tool asks it; what is not ``asleep`` has no limit."""

    class exceptions:
        """Errors of the client."""

        class ResourceNotFoundException(Exception):
            """There is no such function."""

    def __init__(self, *asleep: str) -> None:
        self.asleep = asleep

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, object]:
        """Lambda's answer."""
        if FunctionName != "kopru-dev-pensions-relay-outbox":
            raise self.exceptions.ResourceNotFoundException
        return {"Environment": {"Variables": dict(os.environ)}}

    def get_function_concurrency(self, *, FunctionName: str) -> dict[str, int]:
        """Lambda's answer: without a limit there is no such member."""
        name = FunctionName.removeprefix("kopru-dev-")
        return {"ReservedConcurrentExecutions": 0} if name in self.asleep else {}


def test_the_installer_has_a_command_for_it(
    drive: Drive, capsys: pytest.CaptureFixture[str]
) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    prepared_people(drive, contract_id)
    asleep = Functions(*after_restore.ASLEEP)
    with RULES.only(contexts=("pen",), tenants=drive.tenants):
        assert after_restore.main(["kopru-dev"], functions=lambda: asleep) == 0
    assert capsys.readouterr().out.startswith("1 transmissions are asked about")
    assert set(drive.states("transmission").values()) == {TransmissionState.SENDING}
    assert after_restore.main(["kopru-prod"], functions=lambda: asleep) == 4


@pytest.mark.parametrize("running", after_restore.ASLEEP)
def test_the_command_refuses_while_something_may_run(
    drive: Drive, capsys: pytest.CaptureFixture[str], running: str
) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    prepared_people(drive, contract_id)
    others = [name for name in after_restore.ASLEEP if name != running]
    assert after_restore.main(["kopru-dev"], functions=lambda: Functions(*others)) == 3
    assert f"to 0 first: kopru-dev-{running}\n" in capsys.readouterr().err
    assert set(drive.states("transmission").values()) == {TransmissionState.OPEN}


def test_what_must_sleep_is_a_function_of_the_stack() -> None:
    named = {each["Properties"]["FunctionName"]["Fn::Sub"] for each in stack.functions().values()}
    assert {
        f"${{AWS::StackName}}-{name}" for name in (after_restore.FUNCTION, *after_restore.ASLEEP)
    } <= named
