"""What pensions do with the news of workspace: a resolved incident, a wish to stop a job."""

from dataclasses import replace
from typing import Any

import pytest

from pensions.application.cancel_job import CancelJob
from pensions.application.context import TryAgainError
from pensions.application.employees import MarkDoneElsewhere
from pensions.application.resume_after_incident import ResumeAfterIncident
from pensions.domain.contribution import ContributionStatus
from pensions.domain.transmission import Transmission, TransmissionState
from tests.support.fakes.pensions_office import Office
from tests.support.pensions_builders import JUNE, tckn

SOURCE = "kopru.workspace"
BATCH, SINGLE, PERIOD_ASYNC = "anadolu", "avivasa", "nn"


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


def incident(office: Office) -> dict[str, Any]:
    """The one incident that was opened last."""
    return office.told("pensions.IncidentOpened.v1")[-1]


def resolve(office: Office, opened: dict[str, Any], event_id: str = "E1") -> None:
    """Somebody resolved it, and the news arrives."""
    ResumeAfterIncident(office.scope)(SOURCE, event_id, opened["subject"], opened["code"])


def today(office: Office) -> list[tuple[str, str, int]]:
    """What Today was told: key, code and count."""
    raised = office.told("pensions.AttentionRaised.v1")
    return [(event["key"], event["code"], event["count"]) for event in raised]


def transmission(office: Office, opened: dict[str, Any]) -> Transmission:
    """The transmission an incident is about."""
    found = office.store.transmission(opened["subject"].partition(":")[2])
    assert found is not None
    return found


# ---------------------------------------------------------------------------- people


def held(office: Office, *numbers: int, provider: str = BATCH, count: int = 3) -> tuple[str, Any]:
    """Given: people of whom the insurer refuses some for a reason an operator must solve."""
    contract_id = office.contract(provider)
    ids = office.people(contract_id, count)
    for number in numbers:
        office.insurers.script(
            provider, {"reject": {"national_id": tckn(number), "reason": "system"}}
        )
    office.submit(contract_id)
    office.work()
    for number in numbers:
        office.insurers.script(provider, {"accept": {"national_id": tckn(number)}})
    return contract_id, ids


def test_a_resolved_incident_sends_the_held_people_again_and_tells(office: Office) -> None:
    contract_id, ids = held(office, 1, 3)
    assert office.statuses(ids) == ["held", "enrolled", "held"]
    resolve(office, incident(office))
    office.work()
    assert office.statuses(ids) == ["enrolled"] * 3
    key = f"enrolment_submission:{contract_id}"
    assert today(office) == [
        (key, "enrolment_submission_problems", 2),
        (key, "enrolment_released", 2),
    ]
    finished = office.told("pensions.SubmissionFinished.v1")
    assert [event["status"] for event in finished] == ["partially_succeeded", "succeeded"]


def cleared(office: Office) -> list[str]:
    """Keys that Today was told to forget."""
    return [event["key"] for event in office.told("pensions.AttentionCleared.v1")]


def test_problems_leave_today_with_the_last_of_them_solved(office: Office) -> None:
    contract_id, _ = held(office, 1, 3)
    key = f"enrolment_submission:{contract_id}"
    assert cleared(office) == []
    resolve(office, incident(office))
    office.work()
    assert cleared(office) == [key]


def test_problems_stay_while_somebody_is_left(office: Office) -> None:
    contract_id, ids = held(office, 1, 3)
    later = office.people(contract_id, 1, first=7)
    office.submit(contract_id, later)
    office.work()
    assert office.statuses(later) == ["enrolled"]
    assert cleared(office) == []
    MarkDoneElsewhere(office.scope)(ids[0], "Sigortacının ekranında yapıldı.")
    assert cleared(office) == []
    MarkDoneElsewhere(office.scope)(ids[2], "Sigortacının ekranında yapıldı.")
    assert cleared(office) == [f"enrolment_submission:{contract_id}"]


def test_the_news_counts_once(office: Office) -> None:
    _, ids = held(office, 1)
    opened = incident(office)
    resolve(office, opened)
    resolve(office, opened)
    assert len(office.world.messages) == 1
    office.work()
    resolve(office, opened)
    assert office.world.messages == []
    assert office.insurers.calls[BATCH, "enrol"] == 2
    assert office.statuses(ids) == ["enrolled"] * 3


def test_only_the_people_of_that_incident_are_sent(office: Office) -> None:
    contract_id, ids = held(office, 1, provider=SINGLE, count=1)
    first = incident(office)
    later = office.people(contract_id, 1, first=2)
    office.insurers.script(SINGLE, {"reject": {"national_id": tckn(2), "reason": "system"}})
    office.submit(contract_id, later)
    office.work()
    resolve(office, first)
    office.work()
    assert office.statuses([*ids, *later]) == ["enrolled", "held"]


def test_what_waits_for_credentials_goes_on_waiting(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 1)
    office.insurers.script(BATCH, {"account": {"username": "ws", "password": "changed"}})
    office.submit(contract_id)
    office.work()
    assert office.statuses(ids) == ["held"]
    opened = {
        "subject": f"transmission:{office.person(ids[0]).transmission_id}",
        "code": "unknown_fault",
    }
    resolve(office, opened)
    assert office.world.messages == []
    assert office.statuses(ids) == ["held"]


def test_lines_that_are_being_given_back_are_waited_for(office: Office) -> None:
    _, ids = held(office, 1)
    opened = incident(office)
    now = transmission(office, opened)
    key = ("TENANT-A", "transmission", now.id)
    office.world.entities[key] = replace(now, state=TransmissionState.RELEASING, release_as="held")
    with pytest.raises(TryAgainError):
        resolve(office, opened)
    assert office.statuses(ids)[0] == "held"


@pytest.mark.parametrize(
    "subject", ["transmission:01KT16JKM0ZZZZZZZZZZZZZZZZ", "message:M1", "code:C1", "nothing"]
)
def test_incidents_about_other_things_are_not_ours(office: Office, subject: str) -> None:
    held(office, 1)
    resolve(office, {"subject": subject, "code": "line_refused"})
    assert office.world.messages == []


# ---------------------------------------------------------------------------- money


def test_refused_contributions_can_be_sent_again_from_the_same_list(office: Office) -> None:
    contract_id, ids = office.enrolled(3)
    office.calculate(contract_id, ids)
    for number in (1, 2):
        reason = {"national_id": tckn(number), "reason": "collection_failed"}
        office.insurers.script(BATCH, {"reject": reason})
    office.submit_month(contract_id)
    office.work()
    opened = incident(office)
    resolve(office, opened)
    resolve(office, opened)
    statuses = sorted(item.status.value for item in office.month(contract_id))
    assert statuses == ["accepted", "calculated", "calculated"]
    assert {item.reason for item in office.month(contract_id)} == {""}
    assert office.world.messages == []  # money goes when the company says so
    assert today(office)[-1] == (
        f"contribution_submission:{contract_id}",
        "contributions_released",
        2,
    )
    for number in (1, 2):
        office.insurers.script(BATCH, {"accept": {"national_id": tckn(number)}})
    office.submit_month(contract_id)
    office.work()
    assert {item.status for item in office.month(contract_id)} == {ContributionStatus.ACCEPTED}
    assert len(office.world.entries) == 3
    assert list(office.store.contributions(contract_id, JUNE))


# ---------------------------------------------------------------------------- questions


def test_what_a_person_owned_is_asked_about_again_and_never_sent_again(office: Office) -> None:
    contract_id = office.contract(PERIOD_ASYNC)
    ids = office.people(contract_id, 1)
    office.insurers.script(PERIOD_ASYNC, {"kind": "drop_request", "operation": "enrol"})
    office.submit(contract_id)
    office.work()
    for _ in range(8):
        office.later(hours=7)
    opened = incident(office)
    assert transmission(office, opened).state is TransmissionState.WITH_PERSON
    asked = office.insurers.calls[PERIOD_ASYNC, "query"]

    resolve(office, opened)
    office.work()
    assert office.insurers.calls[PERIOD_ASYNC, "query"] == asked + 1
    assert office.insurers.calls[PERIOD_ASYNC, "enrol"] == 1
    # Nothing new was heard: a person owns it again, with an incident of its own.
    assert transmission(office, opened).state is TransmissionState.WITH_PERSON
    assert incident(office)["incident_id"] != opened["incident_id"]

    office.insurers.script(
        PERIOD_ASYNC,
        {"typed_in": {"contract_no": "1201465", "national_id": tckn(1), "period": "2024-03"}},
    )
    resolve(office, incident(office), "E2")
    office.work()
    assert office.statuses(ids) == ["enrolled"]


# ---------------------------------------------------------------------------- stopping a job


def test_a_job_that_is_stopped_before_it_is_prepared_sends_nothing(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 3)
    job_id = office.submit(contract_id)
    for _ in range(2):
        CancelJob(office.scope)(job_id)
    office.work()
    assert office.statuses(ids) == ["ready"] * 3
    assert office.job(job_id).status == "cancelled"
    assert office.insurers.calls[SINGLE, "enrol"] == 0


def test_what_is_not_sent_yet_is_taken_back_and_can_be_sent_later(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 3)
    job_id = office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    office.deliver(office.world.messages.pop(0))  # the first of three calls
    CancelJob(office.scope)(job_id)
    office.work()
    assert office.statuses(ids) == ["enrolled", "ready", "ready"]
    assert office.insurers.calls[SINGLE, "enrol"] == 1
    job = office.job(job_id)
    assert (job.status, job.total, job.done) == ("cancelled", 3, 3)
    assert dict(job.outcomes) == {"accepted": 1, "cancelled": 2}
    (finished,) = office.told("pensions.SubmissionFinished.v1")
    assert finished["status"] == "cancelled"
    office.submit(contract_id)
    office.work()
    assert office.statuses(ids) == ["enrolled"] * 3


def test_preparing_stops_at_the_next_call(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 3)
    job_id = office.submit(contract_id)
    asked = []

    def left() -> float:
        asked.append(1)
        if len(asked) == 1:  # while the first call is bound
            CancelJob(office.scope)(job_id)
        return 60.0

    office._left = left  # type: ignore[method-assign]
    office.work()
    assert office.statuses(ids) == ["ready"] * 3
    assert dict(office.job(job_id).outcomes) == {"cancelled": 1}
    assert office.job(job_id).status == "cancelled"


def test_a_month_that_is_stopped_can_be_submitted_again(office: Office) -> None:
    contract_id, ids = office.enrolled(2)
    office.calculate(contract_id, ids)
    job_id = office.submit_month(contract_id)
    office.deliver(office.world.messages.pop(0))
    CancelJob(office.scope)(job_id)
    office.work()
    assert [item.status.value for item in office.month(contract_id)] == ["calculated"] * 2
    assert office.insurers.calls[BATCH, "collect"] == 0
    office.submit_month(contract_id)
    office.work()
    assert [item.status.value for item in office.month(contract_id)] == ["accepted"] * 2


def test_a_refresh_can_be_stopped(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    job_id = office.refresh(contract_id)
    CancelJob(office.scope)(job_id)
    office.work()
    assert office.job(job_id).status == "cancelled"
    assert office.insurers.calls[BATCH, "members"] == 0


def test_what_is_over_or_unknown_is_left_alone(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    done = office.refresh(contract_id)
    office.work()
    CancelJob(office.scope)(done)
    assert office.job(done).status == "succeeded"
    CancelJob(office.scope)("01KT16JKM0ZZZZZZZZZZZZZZZZ")
    assert office.world.messages == []
