"""States of contracts, people, contributions and transmissions: what leads where, and what may be
changed.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError
from pensions.domain import contribution as money
from pensions.domain import employee as people
from pensions.domain import transmission as calls
from pensions.domain.circuit import PROBE_EVERY, TRIPS_AT, Circuit
from pensions.domain.contract import ContractState, Credentials, CredentialsState, mask_username
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from pensions.domain.transmission import (
    GIVE_UP_AFTER,
    POLL_STEPS,
    FrozenLine,
    TransmissionState,
    backoff_seconds,
    content_hash,
    distinct_batches,
)
from tests.support.pensions_builders import contract, contribution, employee, transmission

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", list(EmployeeStatus))
@pytest.mark.parametrize("target", list(EmployeeStatus))
def test_a_person_moves_only_along_the_table(
    status: EmployeeStatus, target: EmployeeStatus
) -> None:
    person = employee(status=status)
    if target is status or target in people.TRANSITIONS[status]:
        assert person.moved(target, reason="why").status is target
    else:
        with pytest.raises(ConflictError) as caught:
            person.moved(target)
        assert caught.value.code == "employee_transition"


@pytest.mark.parametrize("status", list(ContributionStatus))
@pytest.mark.parametrize("target", list(ContributionStatus))
def test_a_contribution_moves_only_along_the_table(
    status: ContributionStatus, target: ContributionStatus
) -> None:
    item = contribution(status=status)
    if target is status or target in money.TRANSITIONS[status]:
        assert item.moved(target).status is target
    else:
        with pytest.raises(ConflictError) as caught:
            item.moved(target)
        assert caught.value.code == "contribution_transition"


@pytest.mark.parametrize("state", list(TransmissionState))
@pytest.mark.parametrize("target", list(TransmissionState))
def test_a_transmission_moves_only_along_the_table(
    state: TransmissionState, target: TransmissionState
) -> None:
    header = transmission(state=state)
    if target in calls.TRANSITIONS[state]:
        assert header.moved(target).state is target
    else:
        with pytest.raises(ConflictError):
            header.moved(target)


def test_what_is_final_stays_and_an_accepted_line_never_goes_back() -> None:
    assert people.TRANSITIONS[EmployeeStatus.OPTED_OUT] == frozenset()
    assert people.TRANSITIONS[EmployeeStatus.LEFT] == frozenset()
    assert people.TRANSITIONS[EmployeeStatus.CANCELLED] == frozenset()
    assert money.TRANSITIONS[ContributionStatus.ACCEPTED] == {ContributionStatus.SETTLED}
    assert money.TRANSITIONS[ContributionStatus.SETTLED] == frozenset()
    assert calls.TRANSITIONS[TransmissionState.DONE] == frozenset()
    # Nothing that was given back can still be sent.
    assert calls.TRANSITIONS[TransmissionState.RELEASING] == {TransmissionState.DONE}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (EmployeeStatus.SENDING, "employee_in_flight"),
        (EmployeeStatus.UNKNOWN, "employee_in_flight"),
        (EmployeeStatus.ENROLLED, "employee_final"),
        (EmployeeStatus.CANCELLED, "employee_final"),
        (EmployeeStatus.READY, ""),
        (EmployeeStatus.REJECTED, ""),
        (EmployeeStatus.HELD, ""),
    ],
)
def test_who_is_bound_or_decided_cannot_be_changed(status: EmployeeStatus, code: str) -> None:
    if not code:
        employee(status=status).editable()
        return
    with pytest.raises(ConflictError) as caught:
        employee(status=status).editable()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ContributionStatus.SENDING, "contribution_in_flight"),
        (ContributionStatus.UNKNOWN, "contribution_in_flight"),
        (ContributionStatus.ACCEPTED, "contribution_final"),
        (ContributionStatus.CALCULATED, ""),
        (ContributionStatus.EXCLUDED, ""),
        (ContributionStatus.REJECTED, ""),
    ],
)
def test_money_that_moves_or_is_decided_cannot_be_changed(
    status: ContributionStatus, code: str
) -> None:
    if not code:
        contribution(status=status).editable()
        return
    with pytest.raises(ConflictError) as caught:
        contribution(status=status).editable()
    assert caught.value.code == code


# ---------------------------------------------------------------------------- contract

_READY = Credentials(1, CredentialsState.UNTESTED)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, ContractState.CREDENTIALS_MISSING),
        ({"credentials": _READY}, ContractState.READY),
        ({"credentials": Credentials(1, CredentialsState.VALID)}, ContractState.READY),
        (
            {"credentials": Credentials(1, CredentialsState.INVALID)},
            ContractState.CREDENTIALS_INVALID,
        ),
        ({"credentials": _READY, "payroll_contract_no": "1201466"}, ContractState.INCOMPLETE),
        ({"credentials": _READY, "starts_on": date(2026, 6, 2)}, ContractState.INCOMPLETE),
        ({"credentials": _READY, "starts_on": date(2026, 6, 1)}, ContractState.READY),
        ({"credentials": _READY, "ends_on": date(2026, 6, 1)}, ContractState.READY),
        ({"credentials": _READY, "ends_on": date(2026, 5, 31)}, ContractState.EXPIRED),
    ],
)
def test_what_a_contract_can_do_follows_from_its_dates_and_credentials(
    changes: dict[str, Any], state: ContractState
) -> None:
    assert contract(**changes).state(date(2026, 6, 1)) is state


def test_a_user_name_is_shown_by_its_beginning_and_length() -> None:
    assert mask_username("ws-1201465") == "ws••••••••"
    assert mask_username("ab") == "ab•••"


# ---------------------------------------------------------------------------- transmission


def test_polls_come_at_growing_distances_and_end_with_a_person() -> None:
    header = transmission(state=TransmissionState.PARTIAL, sent_at=NOW)
    distances = []
    now = NOW
    for polls in range(200):
        when = transmission(state=TransmissionState.PARTIAL, sent_at=NOW, polls=polls).next_poll(
            now
        )
        if when is None:
            break
        distances.append(int((when - now).total_seconds()))
        now = when
    assert tuple(distances[: len(POLL_STEPS)]) == POLL_STEPS
    assert set(distances[len(POLL_STEPS) :]) == {POLL_STEPS[-1]}
    assert len(distances) < 40
    assert now - NOW > GIVE_UP_AFTER
    assert header.next_poll(NOW + GIVE_UP_AFTER) is not None
    assert header.next_poll(NOW + GIVE_UP_AFTER + timedelta(seconds=1)) is None


def test_a_backoff_grows_is_bounded_and_is_the_same_twice() -> None:
    waits = [backoff_seconds(transmission(attempts=attempts)) for attempts in range(40)]
    assert waits == [backoff_seconds(transmission(attempts=attempts)) for attempts in range(40)]
    for attempts, wait in enumerate(waits):
        assert 5 <= wait <= min(6 * 3600, 30 * 2**attempts)
    assert len({backoff_seconds(transmission(f"T{number}")) for number in range(50)}) > 10


def test_frozen_content_has_a_hash_of_every_byte_and_of_the_order() -> None:
    first, second = FrozenLine("A", 1, {"amount": 100}), FrozenLine("B", 1, {"amount": 100})
    known = content_hash([first, second])
    assert known == content_hash([FrozenLine("A", 7, {"amount": 100}), second])
    assert known != content_hash([second, first])
    assert known != content_hash([FrozenLine("A", 1, {"amount": 101}), second])


# ---------------------------------------------------------------------------- circuit


def test_the_circuit_opens_after_five_failures_and_closes_with_an_answer() -> None:
    circuit = Circuit("anadolu")
    for _ in range(TRIPS_AT - 1):
        circuit = circuit.failed(NOW)
        assert not circuit.blocks(NOW)
    circuit = circuit.failed(NOW)
    assert circuit.is_open
    assert circuit.blocks(NOW)
    assert circuit.blocks(NOW + PROBE_EVERY - timedelta(microseconds=1))
    assert not circuit.blocks(NOW + PROBE_EVERY)
    assert not circuit.succeeded().is_open
    assert not circuit.succeeded().blocks(NOW)


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 9))
def test_batches_are_few_and_keep_what_is_alike_apart(values: list[int], size: int) -> None:
    items = list(enumerate(values))
    batches = distinct_batches(items, size, lambda item: item[1])
    assert sorted(item for batch in batches for item in batch) == items
    for batch in batches:
        assert 0 < len(batch) <= size
        assert batch == sorted(batch)
        assert len({value for _, value in batch}) == len(batch)
    most = max((values.count(value) for value in values), default=0)
    assert len(batches) == max(-(-len(values) // size), most)


def test_batches_without_repeats_are_consecutive_and_full() -> None:
    assert distinct_batches("abcde", 2, str) == [["a", "b"], ["c", "d"], ["e"]]
