"""One suite over both stores of the pensions context: what the fake promises, DynamoDB keeps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.errors import NotFoundError, ValidationError
from kernel.sensitive import Secret, Tckn
from kernel.storing import Remembered, WriteRefusedError
from pensions.adapters.dynamodb_pensions import DynamoDueWork
from pensions.bootstrap import build
from pensions.domain.circuit import Circuit
from pensions.domain.contract import Credentials, CredentialsState
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from pensions.domain.transmission import FrozenLine, TransmissionState
from pensions.ports import CredentialsUnavailableError, DueWork, ImportChunk, PensionsStore
from pensions.settings import PensionsSettings
from tests.support.aws import START
from tests.support.fakes.pensions_store import MemoryPensions
from tests.support.pensions_builders import (
    JUNE,
    contract,
    contribution,
    employee,
    tckn,
    transmission,
)
from toolkit.http.idempotency import Command

TENANT, STRANGER = "TENANT-A", "TENANT-B"


@dataclass
class Stores:
    """One implementation and what surrounds it."""

    of: Callable[[str], PensionsStore]
    due_work: DueWork
    clock: FixedClock
    messages: Callable[[str], list[dict[str, Any]]]

    @property
    def store(self) -> PensionsStore:
        """The store of the tenant of this suite."""
        return self.of(TENANT)


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Each implementation in turn."""
    if request.param == "memory":
        clock = FixedClock(START)
        world = MemoryPensions(clock)
        yield Stores(
            world.store,
            world,
            clock,
            lambda queue: [dict(sent.body) for sent in world.messages if sent.name == queue],
        )
        return
    aws = request.getfixturevalue("aws")
    platform = request.getfixturevalue("platform")
    application = build(PensionsSettings.from_environment(), platform=platform)
    yield Stores(
        lambda tenant_id: application.for_system(tenant_id, "test").store,
        DynamoDueWork(platform.database),
        request.getfixturevalue("clock"),
        lambda queue: aws.messages(f"pensions-{queue}"),
    )


def refusal(unit: Any) -> WriteRefusedError:
    """The refusal a commit ends in."""
    with pytest.raises(WriteRefusedError) as caught:
        unit.commit()
    return caught.value


def with_contract(store: PensionsStore) -> None:
    """Given: the contract C1."""
    unit = store.unit()
    unit.add_contract(contract(), "contract.registered")
    unit.commit()


def with_people(store: PensionsStore, *numbers: int, **changes: Any) -> None:
    """Given: people of C1."""
    unit = store.unit()
    for number in numbers:
        unit.add_employee(employee(number, **changes), "employee.added", {})
    unit.commit()


# ---------------------------------------------------------------------------- entities


def test_what_was_added_is_read_back_with_version_one_and_times(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    unit = stores.store.unit()
    unit.add_contribution(contribution(), "contribution.calculated", {})
    unit.add_transmission(transmission(planned=("E0001",)), "transmission.planned")
    unit.commit()

    found = stores.store.contract("C1")
    assert replace(found, stamp=contract().stamp) == contract()
    assert (found.stamp.version, found.stamp.created_at) == (1, "2026-06-01T09:00:00.000Z")
    person = stores.store.employee("E0001")
    assert replace(person, stamp=employee().stamp) == employee()
    item = stores.store.contribution("M0001")
    assert replace(item, stamp=contribution().stamp) == contribution()
    planned = stores.store.transmission("T1")
    assert planned is not None
    assert planned.planned == ("E0001",)


def test_nothing_is_found_that_was_not_added(stores: Stores) -> None:
    store = stores.store
    for read in (store.contract, store.employee, store.contribution):
        with pytest.raises(NotFoundError):
            read("X")
    assert store.transmission("X") is None
    assert store.frozen_lines("X") == []
    assert store.job("X") is None
    assert store.employees_by_id(["X"]) == {}
    assert list(store.contracts()) == []


def test_a_save_holds_only_while_the_entity_is_what_was_read(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    stale = stores.store.employee("E0001")
    unit = stores.store.unit()
    saved = unit.save_employee(stale, stale.moved(EmployeeStatus.HELD), "employee.held", {})
    unit.commit()
    assert saved == stores.store.employee("E0001")
    assert saved.stamp.version == 2

    late = stores.store.unit()
    late.save_employee(stale, stale.moved(EmployeeStatus.SENDING), "employee.sending", {})

    assert refusal(late).refused("employee:E0001")
    assert stores.store.employee("E0001").status is EmployeeStatus.HELD


def test_a_refused_unit_writes_nothing_at_all(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    unit = stores.store.unit()
    unit.add_employee(employee(2), "employee.added", {})
    unit.add_employee(employee(3, national_id=Tckn(tckn(1))), "employee.added", {})
    unit.enqueue("prepare", {"job_id": "J1"})

    assert refusal(unit).refused("unique:PERSON:C1")
    assert [person.id for person in stores.store.employees("C1")] == ["E0001"]
    assert stores.store.employee_counts("C1").by_status == {"ready": 1}
    assert stores.messages("prepare") == []


def test_one_unit_touches_an_entity_once(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    person = stores.store.employee("E0001")
    unit = stores.store.unit()
    unit.save_employee(person, person, "employee.changed", {})
    with pytest.raises(ValueError, match="once"):
        unit.save_employee(person, person, "employee.changed", {})


def test_a_unit_of_more_than_a_hundred_writes_is_refused_by_itself(stores: Stores) -> None:
    unit = stores.store.unit()
    for number in range(1, 30):
        unit.add_employee(employee(number), "employee.added", {})
    with pytest.raises(ValueError, match="do not fit"):
        unit.commit()


def test_another_tenant_sees_and_changes_nothing(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    other = stores.of(STRANGER)

    with pytest.raises(NotFoundError):
        other.contract("C1")
    assert list(other.employees("C1")) == []
    assert other.employees_by_national_id("C1", [Tckn(tckn(1))]) == {}
    unit = other.unit()
    person = stores.store.employee("E0001")
    unit.save_employee(person, person.moved(EmployeeStatus.HELD), "employee.held", {})
    assert refusal(unit).refused("employee:E0001")
    with_contract(other)
    with_people(other, 1)
    assert stores.store.employee("E0001") == person


# ---------------------------------------------------------------------------- business keys


def test_a_contract_number_is_taken_once_and_free_after_removal(stores: Stores) -> None:
    with_contract(stores.store)
    twin = stores.store.unit()
    twin.add_contract(contract("C2"), "contract.registered")
    assert refusal(twin).refused("unique:CONTRACT")

    first = stores.store.contract("C1")
    unit = stores.store.unit()
    unit.save_contract(first, replace(first, deleted=True), "contract.removed", {})
    unit.commit()
    with pytest.raises(NotFoundError):
        stores.store.contract("C1")

    again = stores.store.unit()
    again.add_contract(contract("C2"), "contract.registered")
    again.commit()
    assert [found.id for found in stores.store.contracts()] == ["C2"]


def test_a_changed_contract_number_frees_the_former_one(stores: Stores) -> None:
    with_contract(stores.store)
    before = stores.store.contract("C1")
    unit = stores.store.unit()
    unit.save_contract(before, replace(before, contract_no="KM13870"), "contract.changed", {})
    unit.commit()

    taken = stores.store.unit()
    taken.add_contract(contract("C2", contract_no="KM13870"), "contract.registered")
    assert refusal(taken).refused("unique:CONTRACT")
    free = stores.store.unit()
    free.add_contract(contract("C2"), "contract.registered")
    free.commit()


def test_an_identity_number_belongs_to_one_person_until_withdrawn_or_corrected(
    stores: Stores,
) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1, 2)
    numbers = [Tckn(tckn(1)), Tckn(tckn(2)), Tckn(tckn(3))]
    assert stores.store.employees_by_national_id("C1", numbers) == {
        tckn(1): "E0001",
        tckn(2): "E0002",
    }
    first, second = (stores.store.employee(name) for name in ("E0001", "E0002"))
    unit = stores.store.unit()
    unit.save_employee(first, first.moved(EmployeeStatus.CANCELLED), "employee.withdrawn", {})
    corrected = replace(second, national_id=Tckn(tckn(3)))
    unit.save_employee(second, corrected, "employee.changed", {"fields": ["national_id"]})
    unit.commit()

    assert stores.store.employees_by_national_id("C1", numbers) == {tckn(3): "E0002"}
    with_people(stores.store, 4, national_id=Tckn(tckn(1)))
    with_people(stores.store, 5, national_id=Tckn(tckn(2)))
    assert [person.id for person in stores.store.employees("C1")] == ["E0002", "E0004", "E0005"]


def test_a_place_in_a_month_is_taken_until_the_row_is_withdrawn(stores: Stores) -> None:
    unit = stores.store.unit()
    unit.add_contribution(contribution(), "contribution.calculated", {})
    unit.commit()
    twin = stores.store.unit()
    twin.add_contribution(contribution(2, employee_id="E0001"), "contribution.calculated", {})
    assert refusal(twin).refused("unique:CONTRIBUTION")

    before = stores.store.contribution("M0001")
    unit = stores.store.unit()
    gone = before.moved(ContributionStatus.CANCELLED)
    unit.save_contribution(before, gone, "contribution.withdrawn", {})
    unit.commit()
    again = stores.store.unit()
    again.add_contribution(contribution(2, employee_id="E0001"), "contribution.calculated", {})
    again.commit()
    assert [item.status for item in stores.store.contributions("C1", JUNE)] == [
        ContributionStatus.CANCELLED,
        ContributionStatus.CALCULATED,
    ]


def test_an_accepted_contribution_is_booked_once_for_ever(stores: Stores) -> None:
    unit = stores.store.unit()
    unit.post_collection(contribution())
    unit.commit()
    again = stores.store.unit()
    again.post_collection(contribution())
    assert refusal(again).refused("entry:M0001")


def test_a_slot_has_one_holder_at_a_time(stores: Stores) -> None:
    slot = ("SUBMISSION", "C1", "2026-06")
    for owner in ("J1", "J2"):
        unit = stores.store.unit()
        unit.take_slot(slot, owner)
        if owner == "J1":
            unit.commit()
        else:
            assert refusal(unit).refused("slot:SLOT:SUBMISSION")
    wrong = stores.store.unit()
    wrong.free_slot(slot, "J2")
    refusal(wrong)
    free = stores.store.unit()
    free.free_slot(slot, "J1")
    free.commit()
    unit = stores.store.unit()
    unit.take_slot(slot, "J2")
    unit.commit()


# ---------------------------------------------------------------------------- lists and counts


def test_people_come_in_order_and_in_pages(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, *range(1, 6))
    assert [person.id for person in stores.store.employees("C1")] == [
        f"E{number:04d}" for number in range(1, 6)
    ]
    page, position = stores.store.employee_page("C1", limit=3, after=None)
    assert [person.id for person in page] == ["E0001", "E0002", "E0003"]
    page, position = stores.store.employee_page("C1", limit=3, after=position)
    assert [person.id for person in page] == ["E0004", "E0005"]
    assert position is None


def test_counts_follow_every_change_of_status(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1, 2, 3)
    for number, path in ((1, ("sending", "enrolled")), (2, ("sending", "unknown"))):
        person = stores.store.employee(f"E{number:04d}")
        for status in path:
            unit = stores.store.unit()
            person = unit.save_employee(
                person, person.moved(EmployeeStatus(status)), f"employee.{status}", {}
            )
            unit.commit()
    counts = stores.store.employee_counts("C1")
    assert {name: number for name, number in counts.by_status.items() if number} == {
        "enrolled": 1,
        "unknown": 1,
        "ready": 1,
    }
    assert (counts.employees, counts.policies) == (3, 1)


def test_contributions_are_listed_by_contract_and_month(stores: Stores) -> None:
    unit = stores.store.unit()
    unit.add_contribution(contribution(1), "contribution.calculated", {})
    unit.add_contribution(contribution(2, period=JUNE.next()), "contribution.calculated", {})
    unit.add_contribution(contribution(3, contract_id="C2"), "contribution.calculated", {})
    unit.commit()
    assert [item.id for item in stores.store.contributions("C1", JUNE)] == ["M0001"]
    assert set(stores.store.contributions_by_id(["M0001", "M0003", "X"])) == {"M0001", "M0003"}


# ---------------------------------------------------------------------------- transmissions


def test_open_transmissions_are_those_that_are_not_closed(stores: Stores) -> None:
    unit = stores.store.unit()
    unit.add_transmission(transmission("T1"), "transmission.planned")
    unit.add_transmission(transmission("T2"), "transmission.planned")
    unit.commit()
    before = stores.store.transmission("T1")
    assert before is not None
    unit = stores.store.unit()
    done = before.moved(TransmissionState.DONE, due_at=None, reason="nothing_bound")
    unit.save_transmission(before, done, "transmission.empty", {})
    unit.commit()
    assert [item.id for item in stores.store.open_transmissions("C1")] == ["T2"]


def test_frozen_lines_are_written_once(stores: Stores) -> None:
    line = FrozenLine("E0001", 2, {"first_name": "Işık", "iban": None})
    unit = stores.store.unit()
    unit.freeze_lines("T1", [line])
    unit.commit()
    assert stores.store.frozen_lines("T1") == [line]
    again = stores.store.unit()
    again.freeze_lines("T1", [replace(line, entity_version=3)])
    assert refusal(again).refused("body")
    assert stores.store.frozen_lines("T1") == [line]


@pytest.mark.parametrize("what", ["contract", "transmission", "enrolled"])
def test_a_unit_is_refused_when_what_it_depends_on_changed(stores: Stores, what: str) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1, status=EmployeeStatus.ENROLLED, policy_no="AN1")
    unit = stores.store.unit()
    unit.add_transmission(transmission(), "transmission.planned")
    unit.commit()
    store = stores.store
    contract_read, person = store.contract("C1"), store.employee("E0001")
    header = store.transmission("T1")
    assert header is not None

    def dependent() -> Any:
        unit = store.unit()
        if what == "contract":
            unit.require_contract(contract_read)
        elif what == "transmission":
            unit.require_transmission(header)
        else:
            unit.require_enrolled("E0001", "AN1")
        unit.enqueue("prepare", {"job_id": "J1"})
        return unit

    dependent().commit()
    assert len(stores.messages("prepare")) == 1
    change = store.unit()
    change.save_contract(contract_read, contract_read, "contract.changed", {})
    change.save_transmission(
        header, header.moved(TransmissionState.OPEN), "transmission.opened", {}
    )
    change.save_employee(person, person.moved(EmployeeStatus.OPTED_OUT), "employee.opted_out", {})
    change.commit()
    prefix = {"contract": "contract:C1", "transmission": "transmission:T1"}.get(
        what, "employee:E0001"
    )
    assert refusal(dependent()).refused(prefix)


# ---------------------------------------------------------------------------- credentials


def test_credentials_are_read_back_by_version_and_missing_ones_say_so(stores: Stores) -> None:
    with_contract(stores.store)
    before = stores.store.contract("C1")
    with pytest.raises(CredentialsUnavailableError):
        stores.store.credentials(before)
    unit = stores.store.unit()
    unit.store_credentials("C1", 1, "ws-user", Secret("p4ss-one"))
    after = replace(before, credentials=Credentials(1, CredentialsState.UNTESTED))
    after = unit.save_contract(before, after, "contract.credentials_stored", {"version": 1})
    unit.commit()
    username, password = stores.store.credentials(after)
    assert (username, password.reveal("test")) == ("ws-user", "p4ss-one")

    overwritten = stores.store.unit()
    overwritten.store_credentials("C1", 1, "ws-user", Secret("p4ss-two"))
    assert refusal(overwritten).refused("secret")


# ---------------------------------------------------------------------------- long work


def with_job(store: PensionsStore) -> None:
    """Given: the queued job J1."""
    unit = store.unit()
    unit.create_job(
        "J1", "enrolment_submission", subject="contract:C1", total=0, private={"contract_id": "C1"}
    )
    unit.commit()


def test_a_job_counts_and_closes_once(stores: Stores) -> None:
    with_job(stores.store)
    stores.store.start_job("J1")
    unit = stores.store.unit()
    unit.advance_job("J1", {"total": 3, "done": 1})
    unit.advance_job("J1", {"done": 1, "n_accepted": 2, "failed": 1})
    unit.commit()
    unit = stores.store.unit()
    unit.job_prepared("J1")
    unit.commit()
    job = stores.store.job("J1")
    assert job is not None
    assert (job.status, job.total, job.done, job.failed) == ("running", 3, 2, 1)
    assert (dict(job.outcomes), job.prepared) == ({"accepted": 2}, True)
    assert job.private == {"contract_id": "C1"}

    closing = stores.store.unit()
    closing.finish_job("J1", "succeeded", result={})
    closing.commit()
    again = stores.store.unit()
    again.finish_job("J1", "failed", result={})
    assert refusal(again).refused("job")
    stores.store.start_job("J1")
    job = stores.store.job("J1")
    assert job is not None
    assert job.status == "succeeded"


def test_chunks_of_an_import_are_written_once_and_read_in_order(stores: Stores) -> None:
    chunks = [
        ImportChunk(number, [{"op": "add", "id": f"E{number}"}], {"created": 1})
        for number in (0, 1, 10)
    ]
    for chunk in reversed(chunks):
        unit = stores.store.unit()
        unit.add_import_chunk("J1", chunk)
        unit.commit()
    assert list(stores.store.import_chunks("J1")) == chunks
    again = stores.store.unit()
    again.add_import_chunk("J1", chunks[0])
    assert refusal(again).refused("chunk")


# ---------------------------------------------------------------------------- commands


def test_an_event_has_its_effect_once(stores: Stores) -> None:
    for source, event_id in (("kopru.workspace", "E1"), ("kopru.workspace", "E2"), ("x", "E1")):
        unit = stores.store.unit()
        unit.received(source, event_id)
        unit.commit()
        twin = stores.store.unit()
        twin.received(source, event_id)
        assert refusal(twin).labels == ("inbox",)


def test_a_job_that_is_not_over_can_be_cancelled(stores: Stores) -> None:
    with_job(stores.store)
    for _ in range(2):
        unit = stores.store.unit()
        unit.cancel_job("J1")
        unit.commit()
    job = stores.store.job("J1")
    assert job is not None
    assert (job.status, job.cancelled) == ("queued", True)
    closing = stores.store.unit()
    closing.finish_job("J1", "cancelled", result={})
    closing.commit()
    late = stores.store.unit()
    late.cancel_job("J1")
    assert refusal(late).refused("job")


def test_a_command_is_remembered_for_48_hours(stores: Stores) -> None:
    command = Command("key:k1", "POST /x", "key-1", "hash-1")
    answer = Remembered(202, {"job_id": "J1"}, {"location": "/v1/jobs/J1"})
    assert stores.store.answered(command) is None
    unit = stores.store.unit()
    unit.remember(command, answer)
    unit.commit()

    assert stores.store.answered(command) == answer
    with pytest.raises(ValidationError) as caught:
        stores.store.answered(replace(command, body_hash="hash-2"))
    assert caught.value.code == "idempotency_key_reused"
    twin = stores.store.unit()
    twin.remember(command, answer)
    assert refusal(twin).refused("idempotency")

    stores.clock.advance(timedelta(hours=48))
    assert stores.store.answered(command) is None
    # The old row is still there: DynamoDB removes what expired when it likes.
    later = Remembered(202, {"job_id": "J2"}, {})
    next_week = stores.store.unit()
    next_week.remember(replace(command, body_hash="hash-2"), later)
    next_week.commit()
    assert stores.store.answered(replace(command, body_hash="hash-2")) == later


# ---------------------------------------------------------------------------- due work


def test_due_rows_come_once_and_again_after_their_push(stores: Stores) -> None:
    with_job(stores.store)
    now = stores.clock.now()
    unit = stores.store.unit()
    early = transmission("T1", due_at=now + timedelta(minutes=1))
    unit.add_transmission(early, "transmission.planned")
    unit.add_transmission(transmission("T2"), "transmission.planned")
    unit.commit()
    assert stores.due_work.due(now, 200) == []

    later = stores.clock.advance(timedelta(minutes=2))
    found = [(item.kind, item.id, item.tenant_id) for item in stores.due_work.due(later, 200)]
    assert found == [("transmission", "T1", TENANT), ("job", "J1", TENANT)]
    assert stores.due_work.due(later, 200) == []

    later = stores.clock.advance(timedelta(minutes=2))
    assert [item.id for item in stores.due_work.due(later, 200)] == ["T1"]
    later = stores.clock.advance(timedelta(minutes=28))
    assert {item.id for item in stores.due_work.due(later, 200)} == {"T1", "J1"}


def test_a_call_that_was_made_does_not_wait_behind_those_that_were_not(stores: Stores) -> None:
    now = stores.clock.now()
    unit = stores.store.unit()
    for number in range(12):
        waiting = transmission(f"T{number:02}", due_at=now + timedelta(seconds=number))
        unit.add_transmission(waiting, "transmission.planned")
    made = transmission("T99", due_at=now + timedelta(minutes=5))
    unit.add_transmission(replace(made, state=TransmissionState.UNKNOWN), "transmission.planned")
    unit.commit()
    later = stores.clock.advance(timedelta(minutes=6))
    found = [item.id for item in stores.due_work.due(later, 4)]
    assert len(found) == 5
    assert "T99" in found


def test_a_started_job_is_left_alone_for_a_while_and_a_closed_one_for_ever(stores: Stores) -> None:
    with_job(stores.store)
    stores.clock.advance(timedelta(minutes=1))
    stores.store.start_job("J1")
    later = stores.clock.advance(timedelta(minutes=9))
    assert stores.due_work.due(later, 200) == []
    later = stores.clock.advance(timedelta(minutes=1))
    assert [item.id for item in stores.due_work.due(later, 200)] == ["J1"]
    unit = stores.store.unit()
    unit.finish_job("J1", "succeeded", result={})
    unit.commit()
    later = stores.clock.advance(timedelta(days=1))
    assert stores.due_work.due(later, 200) == []


def test_a_closed_transmission_is_not_due(stores: Stores) -> None:
    unit = stores.store.unit()
    unit.add_transmission(
        transmission(due_at=stores.clock.now() + timedelta(minutes=1)), "transmission.planned"
    )
    unit.commit()
    before = stores.store.transmission("T1")
    assert before is not None
    unit = stores.store.unit()
    done = before.moved(TransmissionState.DONE, due_at=None)
    unit.save_transmission(before, done, "transmission.empty", {})
    unit.commit()
    assert stores.due_work.due(stores.clock.advance(timedelta(days=1)), 200) == []


def test_the_circuit_of_a_provider_is_shared_by_all_tenants(stores: Stores) -> None:
    assert stores.store.circuit("anadolu") == Circuit("anadolu")
    opened = Circuit("anadolu", 5, stores.clock.now() + timedelta(minutes=5))
    stores.store.save_circuit(opened)
    assert stores.of(STRANGER).circuit("anadolu") == opened


def test_history_tells_what_happened_in_order(stores: Stores) -> None:
    with_contract(stores.store)
    with_people(stores.store, 1)
    person = stores.store.employee("E0001")
    unit = stores.store.unit()
    held = person.moved(EmployeeStatus.HELD, reason="auth_failed")
    unit.save_employee(person, held, "employee.held", {"reason": "auth_failed"})
    unit.commit()
    told = [
        (line.action, line.from_state, line.to_state, dict(line.detail))
        for line in stores.store.history("employee:E0001")
    ]
    assert told == [
        ("employee.added", "", "ready", {}),
        ("employee.held", "ready", "held", {"reason": "auth_failed"}),
    ]
    assert stores.store.history("employee:X") == []


def test_the_columns_somebody_chose_are_remembered_for_the_tenant(stores: Stores) -> None:
    assert stores.store.import_mapping("employees") == {}
    stores.store.remember_import_mapping("employees", {"sicil": "national_id", "x": "iban"})
    stores.store.remember_import_mapping("employees", {"x": ""})
    assert stores.store.import_mapping("employees") == {"sicil": "national_id", "x": ""}
    assert stores.store.import_mapping("contributions") == {}
    assert stores.of(STRANGER).import_mapping("employees") == {}


def test_contracts_with_credentials_are_found_for_the_deadline_watch(stores: Stores) -> None:
    with_contract(stores.store)
    assert list(stores.due_work.contracts()) == []
    before = stores.store.contract("C1")
    unit = stores.store.unit()
    unit.store_credentials("C1", 1, "ws-user", Secret("p4ss-one"))
    after = replace(before, credentials=Credentials(1, CredentialsState.UNTESTED))
    unit.save_contract(before, after, "contract.credentials_stored", {"version": 1})
    unit.commit()
    assert list(stores.due_work.contracts()) == [(TENANT, "C1")]
