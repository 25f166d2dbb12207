"""Asking where everybody stands, and the sweep that gives forgotten work its message again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import ConflictError
from kernel.sensitive import Secret
from pensions.application.context import TryAgainError
from pensions.application.credentials import StoreCredentials
from pensions.application.refresh_status import PollStatus, StartStatusRefresh
from pensions.application.sweep import Sweep
from tests.support.fakes.pensions_office import Office
from tests.support.fakes.pensions_store import MemoryPensionsStore
from tests.support.pensions_builders import contract, tckn


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


def fact(office: Office, what: str, number: int, provider: str = "anadolu") -> None:
    """Something happened at the insurer."""
    office.insurers.script(provider, {what: {"national_id": tckn(number), "on": "2026-05-20"}})


def test_opt_outs_and_exits_are_learned_by_asking(office: Office) -> None:
    contract_id, ids = office.enrolled(3)
    fact(office, "opt_out", 1)
    fact(office, "leave", 2)
    job_id = office.refresh(contract_id)
    office.work()
    assert office.statuses(ids) == ["opted_out", "left", "enrolled"]
    assert str(office.person(ids[0]).effective_on) == "2026-05-20"
    job = office.job(job_id)
    assert (job.status, job.total, job.done) == ("succeeded", 3, 3)
    assert job.outcomes == {"changed": 2}
    assert office.store.employee_counts(contract_id).policies == 1


def test_members_are_asked_about_in_the_size_the_insurer_takes(office: Office) -> None:
    contract_id, ids = office.enrolled(45, "avivasa")
    fact(office, "opt_out", 44, "avivasa")
    job_id = office.refresh(contract_id)
    office.work()
    assert office.insurers.calls["avivasa", "members"] == 3
    assert office.statuses([ids[43]]) == ["opted_out"]
    assert office.job(job_id).total == 45


def test_a_refresh_that_is_short_of_time_goes_on_where_it_was(office: Office) -> None:
    contract_id, _ = office.enrolled(45, "avivasa")
    job_id = office.refresh(contract_id)
    times = iter([60.0, 60.0, 30.0])

    def left() -> float:
        return next(times, 60.0)

    office._left = left  # type: ignore[method-assign]
    office.work()
    assert office.insurers.calls["avivasa", "members"] == 3
    job = office.job(job_id)
    assert (job.status, job.total) == ("succeeded", 45)


def test_a_refresh_without_time_for_one_call_is_not_acknowledged(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    office.refresh(contract_id)
    office.remaining = 20.0
    with pytest.raises(TryAgainError):
        office.work()


def test_a_refresh_asks_about_unknown_ends_first_and_never_sends(office: Office) -> None:
    contract_id = office.contract()
    unknown, waiting = office.people(contract_id, 2)
    office.insurers.script("anadolu", {"kind": "lost_answer", "operation": "enrol"})
    office.submit(contract_id, [unknown])
    office.work()
    office.insurers.script("anadolu", {"kind": "fault", "reason": "busy", "operation": "enrol"})
    office.submit(contract_id, [waiting])
    office.work()
    office.clock.advance(timedelta(minutes=3))
    sent = office.insurers.calls["anadolu", "enrol"]
    office.refresh(contract_id)
    office.work()
    assert office.statuses([unknown, waiting]) == ["enrolled", "sending"]
    assert office.insurers.calls["anadolu", "enrol"] == sent


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"kind": "lost_answer"}, "connection_lost"),
        ({"kind": "fault", "reason": "maintenance"}, "provider_closed"),
        ({"kind": "wrong_password"}, "auth_failed"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else value,
)
def test_a_refresh_that_got_no_answer_says_so(
    office: Office, behaviour: dict[str, Any], code: str
) -> None:
    contract_id, ids = office.enrolled(1)
    office.insurers.script("anadolu", {"operation": "members", **behaviour})
    job_id = office.refresh(contract_id)
    office.work()
    job = office.job(job_id)
    assert (job.status, [problem["code"] for problem in job.problems]) == ("failed", [code])
    assert office.statuses(ids) == ["enrolled"]
    invalid = office.store.contract(contract_id).credentials.state.value == "invalid"
    assert invalid == (code == "auth_failed")


def test_words_of_an_insurer_that_nobody_knows_change_nothing(office: Office) -> None:
    contract_id, ids = office.enrolled(1)
    office.insurers.script("anadolu", {"operation": "members", "kind": "unknown_status"})
    office.refresh(contract_id)
    office.work()
    assert office.statuses(ids) == ["enrolled"]


def test_a_contract_that_cannot_be_asked_says_why(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    StoreCredentials(office.scope)(contract_id, "ws", Secret("wrong"))
    office.refresh(contract_id)
    office.work()
    with pytest.raises(ConflictError) as caught:
        office.refresh(contract_id)
    assert caught.value.code == "contract_credentials_invalid"


def test_a_refresh_is_one_job_per_command(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    command = office.command()
    start = StartStatusRefresh(office.scope)
    assert start(contract_id, command) == start(contract_id, command)


def test_without_a_key_that_opens_the_credentials_a_refresh_fails_closed(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    office.world.secrets.clear()
    job_id = office.refresh(contract_id)
    office.work()
    assert [problem["code"] for problem in office.job(job_id).problems] == ["secret_unavailable"]


def test_the_schedule_asks_about_contracts_with_members_only(office: Office) -> None:
    office.enrolled(1)
    office.contract("avivasa")
    office.contract("nn", ends_on=contract().starts_on)
    poll = PollStatus(office.world, office.clock, office.scope_of)
    assert poll() == 1
    assert [message.name for message in office.world.messages] == ["refresh"]


# ---------------------------------------------------------------------------- sweep


def test_lost_messages_are_written_again(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 2)
    office.submit(contract_id)
    office.world.messages.clear()
    office.later(minutes=3)
    assert office.statuses(ids) == ["enrolled"] * 2

    refresh = office.refresh(contract_id)
    office.world.messages.clear()
    office.later(minutes=3)
    assert office.job(refresh).status == "succeeded"


def test_a_job_whose_last_worker_died_is_closed(office: Office) -> None:
    contract_id = office.contract()
    office.people(contract_id, 1)
    job_id = office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    transmission_id = office.store.open_transmissions(contract_id)[0].id
    before = office.store.transmission(transmission_id)
    office.work()
    assert before is not None
    job = office.world.jobs["TENANT-A", job_id]
    job.view, job.due_at = replace(job.view, status="running"), office.clock.now()
    assert office.sweep() == 1
    assert office.job(job_id).status == "succeeded"


def test_one_bad_row_does_not_starve_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 1)
    jobs = [office.submit(contract_id), office.submit(contract_id)]
    office.world.messages.clear()
    office.clock.advance(timedelta(minutes=3))
    real = MemoryPensionsStore.job

    def failing(store: MemoryPensionsStore, job_id: str) -> Any:
        if job_id == jobs[0]:
            raise RuntimeError("a row nobody can read")
        return real(store, job_id)

    monkeypatch.setattr(MemoryPensionsStore, "job", failing)
    with pytest.raises(ExceptionGroup):
        Sweep(office.world, office.clock, office.scope_of)()
    assert [message.body["job_id"] for message in office.world.messages] == [jobs[1]]
    monkeypatch.undo()
    office.work()
    assert office.statuses(ids) == ["enrolled"]


def test_the_sweep_says_how_old_the_oldest_unknown_is(office: Office) -> None:
    contract_id = office.contract()
    office.people(contract_id, 1)
    office.insurers.script("anadolu", {"kind": "lost_answer", "operation": "enrol"})
    office.submit(contract_id)
    office.work()
    office.clock.advance(timedelta(minutes=10))
    swept = Sweep(office.world, office.clock, office.scope_of)()
    assert (swept.rows, swept.oldest_unknown) == (1, 600)
