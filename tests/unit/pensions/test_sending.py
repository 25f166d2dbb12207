"""From a submission to a final state: every way a call to an insurer can end."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kernel.errors import ConflictError, KopruError, RuleViolationError, ValidationError
from kernel.money import Money
from kernel.sensitive import Secret
from pensions.adapters.field_parsers import API_PARSERS
from pensions.application.context import TryAgainError
from pensions.application.contributions import ChangeContribution, ContributionChanges
from pensions.application.credentials import StoreCredentials
from pensions.application.employees import ChangeEmployee, WithdrawEmployee
from pensions.application.prepare_submission import Binder
from pensions.application.release_held import ReleaseHeld
from pensions.application.send_to_insurer import SendToInsurer
from pensions.application.submissions import SubmitContributions, SubmitEmployees
from pensions.domain.contract import CredentialsState
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from pensions.domain.outcome import NotSent, NotSentReason, TransmissionKind
from pensions.domain.transmission import Transmission, TransmissionState
from tests.support.fakes.pensions_office import PASSWORD, Office
from tests.support.pensions_builders import JUNE, tckn

PERIOD_ASYNC, SINGLE, BATCH = "nn", "avivasa", "anadolu"


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


def code_of(call: Any) -> str:
    """Code of the error a call ends in."""
    with pytest.raises(KopruError) as caught:
        call()
    return caught.value.code


def header(office: Office, contract_id: str) -> Transmission:
    """The one open transmission of a contract."""
    (found,) = office.store.open_transmissions(contract_id)
    return found


def sent(
    office: Office, count: int = 1, provider: str = BATCH, **behaviour: Any
) -> tuple[str, Any]:
    """Given: people that were submitted while the insurer behaves so; returns contract and ids."""
    contract_id = office.contract(provider)
    ids = office.people(contract_id, count)
    if behaviour:
        office.insurers.script(provider, {"operation": "enrol", **behaviour})
    office.submit(contract_id)
    office.work()
    return contract_id, ids


# ---------------------------------------------------------------------------- submitting


def test_a_submission_is_one_job_per_command(office: Office) -> None:
    contract_id = office.contract()
    office.people(contract_id, 1)
    command = office.command()
    submit = SubmitEmployees(office.scope)
    first = submit(contract_id, None, command)
    assert submit(contract_id, None, command) == first
    assert len(office.world.messages) == 1
    other = replace(command, body_hash="other")
    assert code_of(lambda: submit(contract_id, None, other)) == "idempotency_key_reused"


def test_what_cannot_be_sent_is_refused_with_reasons(office: Office) -> None:
    contract_id = office.contract()
    ready, gone = office.people(contract_id, 2)
    WithdrawEmployee(office.scope)(gone, 1)
    with pytest.raises(ValidationError) as caught:
        SubmitEmployees(office.scope)(contract_id, [ready, gone, "X"], office.command())
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        ("/employee_ids/1", "employee_cancelled"),
        ("/employee_ids/2", "not_found"),
    ]
    WithdrawEmployee(office.scope)(ready, 1)
    with pytest.raises(RuleViolationError):
        SubmitEmployees(office.scope)(contract_id, None, office.command())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payroll_contract_no": "1201466"}, "contract_numbers_differ"),
        ({"ends_on": date(2026, 5, 31)}, "contract_expired"),
        ({"starts_on": date(2026, 6, 2)}, "contract_incomplete"),
    ],
)
def test_a_contract_that_cannot_send_says_why(
    office: Office, changes: dict[str, Any], code: str
) -> None:
    contract_id = office.contract(**changes)
    office.people(contract_id, 1)
    assert code_of(lambda: office.submit(contract_id)) == code


def test_only_the_named_people_are_sent(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 3)
    job_id = office.submit(contract_id, [ids[2], ids[0]])
    office.work()
    assert office.statuses(ids) == ["enrolled", "ready", "enrolled"]
    job = office.job(job_id)
    assert (job.status, job.total, job.done) == ("succeeded", 2, 2)
    assert [effect.line_key for effect in office.insurers.effects] == [ids[2], ids[0]]


@pytest.mark.parametrize(("provider", "calls"), [(BATCH, 1), (SINGLE, 3)])
def test_people_are_cut_into_calls_of_the_size_the_insurer_takes(
    office: Office, provider: str, calls: int
) -> None:
    _, ids = sent(office, 3, provider)
    assert office.statuses(ids) == ["enrolled"] * 3
    assert office.insurers.calls[provider, "enrol"] == calls


def test_a_run_that_is_short_of_time_hands_the_rest_to_the_next(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 3)
    job_id = office.submit(contract_id)
    office.remaining = 5.0
    prepare = office.world.messages.pop(0)
    office.deliver(prepare)
    assert office.statuses(ids) == ["sending", "ready", "ready"]
    assert [message.name for message in office.world.messages] == [f"send:{SINGLE}", "prepare"]
    office.remaining = 60.0
    office.work()
    assert office.statuses(ids) == ["enrolled"] * 3
    assert office.job(job_id).status == "succeeded"


def test_a_prepare_message_that_comes_twice_binds_nothing_twice(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 2)
    job_id = office.submit(contract_id)
    (message,) = office.world.messages
    office.work()
    office.deliver(message)
    office.work()
    assert len(office.insurers.effects) == 2
    assert (office.job(job_id).total, office.job(job_id).done) == (2, 2)
    assert office.statuses(ids) == ["enrolled"] * 2


def test_a_half_bound_transmission_is_finished_by_the_sweep(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 2)
    job_id = office.submit(contract_id)
    office.world.messages.clear()
    office.store.start_job(job_id)
    planned = Transmission(
        id=office.ids.new(),
        contract_id=contract_id,
        provider_code=BATCH,
        kind=TransmissionKind.ENROLMENT,
        state=TransmissionState.BINDING,
        job_id=job_id,
        planned=tuple(ids),
        due_at=office.clock.now() + timedelta(minutes=2),
    )
    unit = office.store.unit()
    unit.add_transmission(planned, "transmission.planned")
    unit.commit()
    office.later(minutes=12)
    office.later(minutes=40)
    assert office.statuses(ids) == ["enrolled"] * 2
    assert office.job(job_id).status == "succeeded"


def test_nobody_is_bound_to_a_transmission_that_is_not_being_bound_any_more(
    office: Office,
) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    job_id = office.submit(contract_id)
    binder = Binder(office.scope)
    contract = office.store.contract(contract_id)
    gone = office.person(one)
    WithdrawEmployee(office.scope)(one, 1)
    binder.bind(contract, TransmissionKind.ENROLMENT, [gone], job_id=job_id, period="")
    assert office.store.open_transmissions(contract_id) == []
    assert office.insurers.effects == []


# ---------------------------------------------------------------------------- answers


def test_every_line_ends_as_the_insurer_says_about_it(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 3)
    office.insurers.script(BATCH, {"reject": {"national_id": tckn(2), "reason": "mobile"}})
    office.insurers.script(BATCH, {"kind": "partial", "operation": "enrol", "omit": 1})
    job_id = office.submit(contract_id)
    office.work()
    assert office.statuses(ids) == ["enrolled", "rejected", "unknown"]
    refused = office.person(ids[1])
    assert [(p.field, p.code) for p in refused.problems] == [("mobile", "mobile_invalid")]
    assert header(office, contract_id).state is TransmissionState.PARTIAL
    job = office.job(job_id)
    assert (job.status, job.done, job.failed) == ("partially_succeeded", 3, 1)

    office.later(minutes=3)
    assert office.statuses(ids) == ["enrolled", "rejected", "enrolled"]
    assert office.store.open_transmissions(contract_id) == []
    assert office.insurers.calls[BATCH, "enrol"] == 1


def test_a_refusal_nobody_here_can_fix_holds_the_person_and_calls_an_operator(
    office: Office,
) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.insurers.script(BATCH, {"reject": {"national_id": tckn(1), "reason": "system"}})
    office.submit(contract_id)
    office.work()
    assert office.statuses([one]) == ["held"]
    assert [event["code"] for event in office.told("pensions.IncidentOpened.v1")] == [
        "line_refused"
    ]


@pytest.mark.parametrize(
    "behaviour",
    [
        {"kind": "lost_answer"},
        {"kind": "slow"},
        {"kind": "html_error"},
        {"kind": "empty"},
        {"kind": "garbage"},
        {"kind": "wrong_reference"},
        {"kind": "no_reference"},
        {"kind": "silent_fault", "reason": "strange"},
    ],
    ids=lambda behaviour: str(behaviour["kind"]),
)
def test_what_is_not_understood_is_unknown_and_asked_never_resent(
    office: Office, behaviour: dict[str, Any]
) -> None:
    contract_id, ids = sent(office, 2, **behaviour)
    assert office.statuses(ids) == ["unknown"] * 2
    assert header(office, contract_id).state is TransmissionState.UNKNOWN
    # Not before the first call can be over at the insurer.
    office.later(seconds=90)
    assert office.insurers.calls[BATCH, "query"] == 0
    office.later(minutes=10)
    office.later(minutes=10)
    assert office.statuses(ids) == ["enrolled"] * 2
    assert len(office.insurers.accepted(BATCH)) == 2


def test_what_provably_never_arrived_is_sent_again_with_the_same_reference(office: Office) -> None:
    contract_id, ids = sent(office, 2, kind="drop_request")
    first = header(office, contract_id)
    assert office.statuses(ids) == ["unknown"] * 2
    office.later(minutes=3)
    assert office.statuses(ids) == ["enrolled"] * 2
    assert office.insurers.calls[BATCH, "query"] == 1
    assert {effect.reference for effect in office.insurers.effects} == {first.id}


def test_an_insurer_that_cannot_be_asked_by_reference_is_never_sent_to_again(
    office: Office,
) -> None:
    contract_id, ids = sent(office, 1, PERIOD_ASYNC, kind="drop_request")
    for _ in range(8):
        office.later(hours=7)
    assert office.insurers.calls[PERIOD_ASYNC, "enrol"] == 1
    assert office.statuses(ids) == ["unknown"]
    assert header(office, contract_id).state is TransmissionState.WITH_PERSON
    assert office.told("pensions.IncidentOpened.v1")


def test_a_person_is_called_after_thirty_days_and_a_late_answer_still_counts(
    office: Office,
) -> None:
    contract_id = office.contract(PERIOD_ASYNC)
    (one,) = office.people(contract_id, 1)
    office.insurers.script(PERIOD_ASYNC, {"kind": "empty", "operation": "query", "times": 60})
    office.submit(contract_id)
    office.work()
    for _ in range(60):
        office.later(days=1)
    calls = office.insurers.calls[PERIOD_ASYNC, "query"]
    assert 5 <= calls <= 40
    assert header(office, contract_id).state is TransmissionState.WITH_PERSON
    office.later(days=5)
    assert office.insurers.calls[PERIOD_ASYNC, "query"] == calls

    office.refresh(contract_id)  # nobody answers yet: it stays with the person
    office.work()
    assert header(office, contract_id).state is TransmissionState.WITH_PERSON
    office.insurers.script(PERIOD_ASYNC, {"clear": True})
    office.refresh(contract_id)
    office.work()
    assert office.statuses([one]) == ["enrolled"]
    assert office.store.open_transmissions(contract_id) == []


def test_policy_numbers_that_come_later_are_asked_for(office: Office) -> None:
    _, ids = sent(office, 2, PERIOD_ASYNC)
    assert office.statuses(ids) == ["unknown"] * 2
    assert office.person(ids[0]).reason == "processing"
    office.later(minutes=3)
    assert office.statuses(ids) == ["enrolled"] * 2
    assert all(office.person(identity).policy_no for identity in ids)


# ---------------------------------------------------------------------------- never sent


def test_an_insurer_that_is_down_costs_no_message_and_drains_by_itself(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 12)
    office.insurers.script(SINGLE, {"down": {"hours": 6}})
    office.submit(contract_id)
    office.work()
    assert office.statuses(ids) == ["sending"] * 12
    circuit = office.store.circuit(SINGLE)
    assert circuit.is_open
    for _ in range(71):
        office.later(minutes=5)
    assert office.insurers.calls[SINGLE, "enrol"] == 0
    # Whoever was a probe many times waits longest, at most the six hours of the backoff.
    for _ in range(75):
        office.later(minutes=5)
    assert office.statuses(ids) == ["enrolled"] * 12
    assert office.insurers.calls[SINGLE, "enrol"] == 12


def test_server_errors_open_the_circuit_too(office: Office) -> None:
    contract_id = office.contract(SINGLE)
    office.people(contract_id, 5)
    office.insurers.script(SINGLE, {"kind": "html_error", "operation": "enrol", "times": 5})
    office.submit(contract_id)
    office.work()
    assert office.store.circuit(SINGLE).is_open


def test_a_busy_insurer_is_tried_again_when_it_said(office: Office) -> None:
    contract_id, ids = sent(office, 1, kind="fault", reason="busy")
    waiting = header(office, contract_id)
    assert (waiting.state, waiting.reason) == (TransmissionState.OPEN, "busy")
    assert waiting.due_at == office.clock.now() + timedelta(seconds=60)
    office.later(minutes=2)
    assert office.statuses(ids) == ["enrolled"]


class Refusing:
    """A gateway that refuses to build the request."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def enrol(self, *_: Any, **__: Any) -> NotSent:
        """Our own check says no."""
        return NotSent(NotSentReason.REQUEST_REFUSED)


def test_what_can_never_be_sent_is_given_back_and_told(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    job_id = office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    send = SendToInsurer(office.scope, Refusing(office.insurers))
    send(header(office, contract_id).id, remaining=lambda: 60.0)
    assert office.statuses([one]) == ["held"]
    assert office.store.open_transmissions(contract_id) == []
    assert len(office.told("pensions.IncidentOpened.v1")) == 1
    assert office.job(job_id).status == "failed"


def test_a_contract_that_ended_between_submission_and_call_gives_its_people_back(
    office: Office,
) -> None:
    contract_id = office.contract(ends_on=date(2026, 6, 1))
    (one,) = office.people(contract_id, 1)
    office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    office.clock.advance(timedelta(days=1))
    office.work()
    assert (office.statuses([one]), office.person(one).reason) == (["held"], "contract_expired")
    assert office.insurers.calls[BATCH, "enrol"] == 0


def test_without_time_for_a_whole_call_nothing_is_claimed(office: Office) -> None:
    contract_id = office.contract()
    office.people(contract_id, 1)
    office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    office.remaining = 44.0
    with pytest.raises(TryAgainError):
        office.work()
    assert header(office, contract_id).state is TransmissionState.OPEN


def test_credentials_that_do_not_open_hold_the_work_and_are_told_once(office: Office) -> None:
    contract_id = office.contract()
    ids = office.people(contract_id, 1)
    kept = dict(office.world.secrets)
    office.world.secrets.clear()
    office.submit(contract_id)
    office.work()
    office.later(minutes=20)
    office.later(minutes=20)
    assert header(office, contract_id).reason == "secret_unavailable"
    assert len(office.told("pensions.IncidentOpened.v1")) == 1
    office.world.secrets.update(kept)
    office.later(minutes=20)
    assert office.statuses(ids) == ["enrolled"]


# ---------------------------------------------------------------------------- credentials


def test_one_refused_login_holds_everything_and_new_credentials_release_it(
    office: Office,
) -> None:
    contract_id = office.contract(SINGLE)
    ids = office.people(contract_id, 20)
    office.insurers.script(SINGLE, {"account": {"username": "ws", "password": "changed"}})
    office.submit(contract_id)
    office.work()
    assert office.statuses(ids) == ["held"] * 20
    assert office.insurers.calls[SINGLE, "enrol"] == 1
    assert len(office.told("pensions.CredentialsRefused.v1")) == 1
    contract = office.store.contract(contract_id)
    assert contract.credentials.state is CredentialsState.INVALID

    StoreCredentials(office.scope)(contract_id, "ws", Secret("changed"))
    office.work()
    assert office.statuses(ids) == ["enrolled"] * 20


def test_new_credentials_do_not_release_what_an_operator_must_solve(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.insurers.script(BATCH, {"reject": {"national_id": tckn(1), "reason": "system"}})
    office.submit(contract_id)
    office.work()
    StoreCredentials(office.scope)(contract_id, "ws", Secret(PASSWORD))
    office.work()
    assert office.statuses([one]) == ["held"]
    office.insurers.script(BATCH, {"accept": {"national_id": tckn(1)}})
    assert ReleaseHeld(office.scope)(contract_id, None) == 1
    office.work()
    assert office.statuses([one]) == ["enrolled"]


def test_nothing_is_released_while_the_contract_cannot_send(office: Office) -> None:
    contract_id = office.contract(ends_on=date(2026, 6, 1))
    office.people(contract_id, 1)
    office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    office.clock.advance(timedelta(days=1))
    office.work()
    assert ReleaseHeld(office.scope)(contract_id, None) == 0


def test_a_question_with_refused_credentials_waits_for_new_ones(office: Office) -> None:
    contract_id, ids = sent(office, 1, kind="lost_answer")
    office.insurers.script(BATCH, {"account": {"username": "ws", "password": "changed"}})
    office.later(minutes=3)
    assert office.store.contract(contract_id).credentials.state is CredentialsState.INVALID
    calls = office.insurers.calls[BATCH, "query"]
    for _ in range(5):
        office.later(hours=7)
    assert office.insurers.calls[BATCH, "query"] == calls
    StoreCredentials(office.scope)(contract_id, "ws", Secret("changed"))
    office.work()
    office.later(hours=7)
    assert office.statuses(ids) == ["enrolled"]


def test_a_refused_person_is_corrected_and_sent_in_a_new_call(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.insurers.script(BATCH, {"reject": {"national_id": tckn(1), "reason": "mobile"}})
    office.submit(contract_id)
    office.work()
    assert office.statuses([one]) == ["rejected"]
    office.insurers.script(BATCH, {"accept": {"national_id": tckn(1)}})
    version = office.person(one).stamp.version
    change = {"mobile": "+905337654321"}
    ChangeEmployee(office.scope, API_PARSERS)(one, version, change)
    assert office.statuses([one]) == ["ready"]
    office.submit(contract_id)
    office.work()
    assert office.statuses([one]) == ["enrolled"]
    assert len({effect.reference for effect in office.insurers.effects}) == 2


# ---------------------------------------------------------------------------- money


def month(office: Office, count: int = 2, provider: str = BATCH) -> tuple[str, list[str]]:
    """Given: calculated contributions of enrolled people."""
    contract_id, ids = office.enrolled(count, provider)
    if provider == PERIOD_ASYNC:
        office.later(minutes=3)  # until the policies have numbers
    office.calculate(contract_id, ids)
    return contract_id, ids


def test_contributions_are_collected_and_booked(office: Office) -> None:
    contract_id, _ = month(office)
    job_id = office.submit_month(contract_id)
    office.work()
    assert [item.status for item in office.month(contract_id)] == [ContributionStatus.ACCEPTED] * 2
    assert sorted(office.world.entries.values()) == [99_000, 99_000]
    assert office.job(job_id).status == "succeeded"
    collected = [effect for effect in office.insurers.effects if effect.amount is not None]
    assert [effect.amount.minor for effect in collected if effect.amount] == [99_000, 99_000]


def test_what_the_insurer_cannot_tell_apart_goes_in_two_calls(office: Office) -> None:
    contract_id, ids = month(office, 3, PERIOD_ASYNC)
    office.calculate(contract_id, ids[:1], sequence=2, amount=Money(5_000, "TRY"))
    office.calculate(contract_id, ids[1:2], sequence=2, paid_on=date(2026, 6, 15))
    job_id = office.submit_month(contract_id)
    office.work()
    collected = [effect for effect in office.insurers.effects if effect.amount is not None]
    assert len(collected) == 5
    assert office.insurers.calls[PERIOD_ASYNC, "collect"] == 2
    pairs = {(effect.reference, effect.national_id, effect.paid_on) for effect in collected}
    assert len(pairs) == 5
    office.later(minutes=3)
    assert {item.status for item in office.month(contract_id)} == {ContributionStatus.ACCEPTED}
    assert sum(office.world.entries.values()) == 4 * 99_000 + 5_000
    assert (office.job(job_id).status, office.job(job_id).done) == ("succeeded", 5)


def test_a_prepare_that_dies_or_repeats_keeps_alike_lines_apart(office: Office) -> None:
    contract_id, ids = month(office, 2, PERIOD_ASYNC)
    for sequence in (2, 3):
        office.calculate(contract_id, ids[:1], sequence=sequence)
    job_id = office.submit_month(contract_id)
    (prepare,) = office.world.messages
    office.remaining = 5.0  # each run binds one call and hands the rest on
    office.deliver(office.world.messages.pop(0))
    office.remaining = 60.0
    office.deliver(prepare)  # the first message comes again, before its own successor
    office.work()
    office.deliver(prepare)
    office.later(minutes=3)
    assert office.insurers.calls[PERIOD_ASYNC, "collect"] == 3
    assert {item.status for item in office.month(contract_id)} == {ContributionStatus.ACCEPTED}
    assert len(office.world.entries) == 4
    assert (office.job(job_id).status, office.job(job_id).done) == ("succeeded", 4)


def test_one_month_is_submitted_by_one_at_a_time(office: Office) -> None:
    contract_id, _ = month(office)
    office.submit_month(contract_id)
    assert code_of(lambda: office.submit_month(contract_id)) == "submission_running"
    office.work()
    assert code_of(lambda: office.submit_month(contract_id)) == "nothing_to_send"
    submit = SubmitContributions(office.scope)
    other = lambda: submit(contract_id, JUNE.next(), office.command())  # noqa: E731
    assert code_of(other) == "nothing_to_send"


def test_whoever_left_before_the_month_was_bound_is_not_sent(office: Office) -> None:
    contract_id, ids = month(office)
    office.insurers.script(BATCH, {"opt_out": {"national_id": tckn(1), "on": "2026-05-30"}})
    office.refresh(contract_id)
    office.submit_month(contract_id)
    office.work()
    by_person = {item.employee_id: item for item in office.month(contract_id)}
    assert by_person[ids[0]].status is ContributionStatus.EXCLUDED
    assert by_person[ids[0]].reason == "opted_out"
    assert by_person[ids[1]].status is ContributionStatus.ACCEPTED


def test_whoever_left_between_binding_and_call_stops_the_call(office: Office) -> None:
    contract_id, ids = month(office)
    office.submit_month(contract_id)
    office.deliver(office.world.messages.pop(0))
    person = office.person(ids[0])
    unit = office.store.unit()
    unit.save_employee(person, person.moved(EmployeeStatus.LEFT), "employee.left", {})
    unit.commit()
    office.work()
    assert office.insurers.calls[BATCH, "collect"] == 0
    rows = {item.employee_id: item for item in office.month(contract_id)}
    assert {item.status for item in rows.values()} == {ContributionStatus.CALCULATED}
    assert rows[ids[1]].reason == "member_changed"
    office.submit_month(contract_id)
    office.work()
    rows = {item.employee_id: item for item in office.month(contract_id)}
    assert rows[ids[0]].status is ContributionStatus.EXCLUDED
    assert rows[ids[1]].status is ContributionStatus.ACCEPTED


@pytest.mark.parametrize("by", [-1, 1])
def test_an_amount_that_is_one_kurus_off_is_never_adjusted(office: Office, by: int) -> None:
    contract_id, _ = month(office, 1)
    office.insurers.script(BATCH, {"kind": "wrong_amount", "operation": "collect", "by": by})
    office.submit_month(contract_id)
    office.work()
    (item,) = office.month(contract_id)
    assert item.status is ContributionStatus.UNKNOWN
    assert office.world.entries == {}
    codes = [event["code"] for event in office.told("pensions.IncidentOpened.v1")]
    assert codes == ["amount_conflict"]


def test_a_closed_period_rejects_all_lines_and_they_can_be_calculated_again(
    office: Office,
) -> None:
    contract_id, _ = month(office)
    office.insurers.script(
        BATCH, {"kind": "fault", "operation": "collect", "reason": "period_closed"}
    )
    office.submit_month(contract_id)
    office.work()
    rows = office.month(contract_id)
    assert {item.status for item in rows} == {ContributionStatus.REJECTED}
    assert {item.reason for item in rows} == {"period_closed"}
    change = ChangeContribution(office.scope)
    for item in rows:
        changed = change(item.id, item.stamp.version, ContributionChanges())
        assert changed.status is ContributionStatus.CALCULATED
    office.submit_month(contract_id)
    office.work()
    assert {item.status for item in office.month(contract_id)} == {ContributionStatus.ACCEPTED}


def test_a_month_that_is_held_back_is_calculated_again_with_the_reason(office: Office) -> None:
    contract_id, _ = month(office)
    office.insurers.script(
        BATCH, {"kind": "fault", "operation": "collect", "reason": "maintenance"}
    )
    office.submit_month(contract_id)
    office.work()
    rows = office.month(contract_id)
    assert {(item.status, item.reason) for item in rows} == {
        (ContributionStatus.CALCULATED, "provider_closed")
    }


def test_a_conflict_that_does_not_end_is_told_to_the_queue(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.submit(contract_id)
    office.deliver(office.world.messages.pop(0))
    open_header = header(office, contract_id)

    class Busy:
        """A store whose people are changed by somebody at every write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(office.store, name)

        def employees_by_id(self, ids: Any) -> Any:
            """Always one version behind."""
            return {
                key: replace(person, stamp=replace(person.stamp, version=person.stamp.version - 1))
                for key, person in office.store.employees_by_id(ids).items()
            }

    scope = replace(office.scope, store=Busy())
    with pytest.raises(ConflictError) as caught:
        SendToInsurer(scope, office.insurers)(open_header.id, remaining=lambda: 60.0)
    assert caught.value.code == "too_much_contention"
    office.later(minutes=3)
    assert office.statuses([one]) == ["enrolled"]
    assert len(office.insurers.accepted(BATCH)) == 1
