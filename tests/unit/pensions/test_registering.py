"""Contracts, credentials and people: what a user enters before anything is sent."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
)
from kernel.rates import Rate
from kernel.sensitive import Secret
from pensions.adapters.field_parsers import API_PARSERS
from pensions.application.contracts import (
    ChangeContract,
    ContractFields,
    RegisterContract,
    RemoveContract,
)
from pensions.application.credentials import (
    StoreCredentials,
    TestCredentials,
    refuse_credentials,
)
from pensions.application.employees import (
    AddEmployee,
    ChangeEmployee,
    MarkDoneElsewhere,
    WithdrawEmployee,
)
from pensions.domain.contract import CredentialsState
from pensions.domain.employee import EmployeeStatus
from tests.support.fakes.pensions_office import PASSWORD, Office
from tests.support.pensions_builders import contract, fields_of, tckn

FIELDS = {name: getattr(contract(), name) for name in ContractFields.__slots__}


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


def code_of(call: Any) -> str:
    """Code of the error a call ends in."""
    with pytest.raises(KopruError) as caught:
        call()
    return caught.value.code


def fields(**changes: Any) -> ContractFields:
    """What a user states about a contract."""
    return ContractFields(**{**FIELDS, **changes})


# ---------------------------------------------------------------------------- contracts


def test_a_contract_is_registered_once_per_company_and_number(office: Office) -> None:
    register = RegisterContract(office.scope)
    first = register(fields())
    assert first.stamp.version == 1
    assert code_of(lambda: register(fields())) == "contract_exists"
    assert register(fields(provider_code="avivasa")).id != first.id
    assert register(fields(contract_no="KM13870")).id != first.id


def test_all_problems_of_a_contract_are_named_at_once(office: Office) -> None:
    with pytest.raises(ValidationError) as caught:
        RegisterContract(office.scope)(fields(provider_code="x", ends_on=date(2023, 1, 1)))
    assert [problem.pointer for problem in caught.value.problems] == ["/provider_code", "/ends_on"]


def test_a_contract_keeps_to_the_lowest_lawful_rate(office: Office) -> None:
    below = fields(min_deduction_rate=Rate.from_api("2.9999"))
    with pytest.raises(ValidationError) as caught:
        RegisterContract(office.scope)(below)
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        ("/min_deduction_rate", "rate_too_low")
    ]
    first = RegisterContract(office.scope)(fields(min_deduction_rate=Rate.from_api("3")))
    assert code_of(lambda: ChangeContract(office.scope)(first.id, 1, below)) == "invalid_input"


def test_a_changed_number_leaves_the_former_one_to_others(office: Office) -> None:
    register, change = RegisterContract(office.scope), ChangeContract(office.scope)
    first = register(fields())
    changed = change(first.id, 1, fields(contract_no="KM13870"))
    assert (changed.contract_no, changed.stamp.version) == ("KM13870", 2)
    second = register(fields())
    assert code_of(lambda: change(second.id, 1, fields(contract_no="KM13870"))) == "contract_exists"


def test_a_stale_version_is_refused_and_nothing_changes_nothing(office: Office) -> None:
    first = RegisterContract(office.scope)(fields())
    change = ChangeContract(office.scope)
    assert change(first.id, 1, fields()).stamp.version == 1
    change(first.id, 1, fields(contract_code="002"))
    with pytest.raises(PreconditionFailedError):
        change(first.id, 1, fields(contract_code="003"))
    with pytest.raises(PreconditionFailedError):
        RemoveContract(office.scope)(first.id, 1)


def test_the_company_of_a_contract_stays_once_people_are_registered(office: Office) -> None:
    contract_id = office.contract()
    office.people(contract_id, 1)
    version = office.store.contract(contract_id).stamp.version
    change = ChangeContract(office.scope)
    other = fields(provider_code="avivasa")
    assert code_of(lambda: change(contract_id, version, other)) == "provider_in_use"
    remove = RemoveContract(office.scope)
    assert code_of(lambda: remove(contract_id, version)) == "contract_in_use"


def test_a_removed_contract_is_gone_and_may_be_registered_again(office: Office) -> None:
    first = RegisterContract(office.scope)(fields())
    RemoveContract(office.scope)(first.id, 1)
    with pytest.raises(NotFoundError):
        office.store.contract(first.id)
    assert RegisterContract(office.scope)(fields()).id != first.id


# ---------------------------------------------------------------------------- credentials


def test_credentials_are_kept_by_version_and_shown_masked(office: Office) -> None:
    contract_id = RegisterContract(office.scope)(fields()).id
    store = StoreCredentials(office.scope)
    store(contract_id, "ws-1201465", Secret("first"))
    store(contract_id, "ws-1201465", Secret("second"))
    found = office.store.contract(contract_id)
    assert (found.credentials.version, found.credentials.state) == (2, CredentialsState.UNTESTED)
    assert found.credentials.username_masked == "ws••••••••"
    assert office.store.credentials(found)[1].reveal("test") == "second"
    assert office.told("pensions.AttentionCleared.v1") == []


def test_a_test_says_what_the_insurer_said(office: Office) -> None:
    contract_id = office.contract()
    test = TestCredentials(office.scope, office.insurers)
    assert test(contract_id, deadline_seconds=20).ok
    found = office.store.contract(contract_id).credentials
    assert found.state is CredentialsState.VALID
    assert found.last_test is not None
    assert found.last_test.ok

    office.insurers.script("anadolu", {"down": {"hours": 1}})
    unreachable = test(contract_id, deadline_seconds=20)
    assert (unreachable.ok, unreachable.refused) == (False, False)
    assert office.store.contract(contract_id).credentials.state is CredentialsState.VALID


def test_refused_credentials_are_told_once_and_not_tried_again(office: Office) -> None:
    contract_id = office.contract()
    StoreCredentials(office.scope)(contract_id, "ws", Secret("wrong"))
    test = TestCredentials(office.scope, office.insurers)
    assert not test(contract_id, deadline_seconds=20).ok
    assert office.store.contract(contract_id).credentials.state is CredentialsState.INVALID
    assert len(office.told("pensions.CredentialsRefused.v1")) == 1
    assert code_of(lambda: test(contract_id, deadline_seconds=20)) == "credentials_invalid"
    assert office.insurers.calls["anadolu", "check"] == 1

    StoreCredentials(office.scope)(contract_id, "ws", Secret(PASSWORD))
    cleared = office.told("pensions.AttentionCleared.v1")
    assert [event["key"] for event in cleared] == [f"credentials:{contract_id}"]
    assert test(contract_id, deadline_seconds=20).ok


def test_without_credentials_there_is_nothing_to_test(office: Office) -> None:
    contract_id = RegisterContract(office.scope)(fields()).id
    test = TestCredentials(office.scope, office.insurers)
    assert code_of(lambda: test(contract_id, deadline_seconds=20)) == "credentials_missing"


def test_only_the_version_that_was_used_is_marked_as_refused(office: Office) -> None:
    contract_id = office.contract()
    used = office.store.contract(contract_id)
    StoreCredentials(office.scope)(contract_id, "ws", Secret("newer"))
    refuse_credentials(office.scope, used, "auth_failed")
    assert office.store.contract(contract_id).credentials.state is CredentialsState.UNTESTED
    assert office.told("pensions.CredentialsRefused.v1") == []

    newest = office.store.contract(contract_id)
    refuse_credentials(office.scope, newest, "auth_failed")
    refuse_credentials(office.scope, newest, "auth_failed")
    assert office.store.contract(contract_id).credentials.state is CredentialsState.INVALID
    assert len(office.told("pensions.CredentialsRefused.v1")) == 1


# ---------------------------------------------------------------------------- people


def test_a_person_with_all_fields_is_ready(office: Office) -> None:
    contract_id = office.contract()
    add = AddEmployee(office.scope, API_PARSERS)
    person = add(contract_id, fields_of(1, contribution_rate="3.50", fund_preference="interest"))
    assert person.status is EmployeeStatus.READY
    assert person.contribution_rate == Rate.from_api("3.50")
    assert office.store.employee_counts(contract_id).by_status == {"ready": 1}
    assert code_of(lambda: add(contract_id, fields_of(1))) == "employee_exists"


def test_all_problems_of_a_person_are_named_at_once(office: Office) -> None:
    contract_id = office.contract()
    wrong = fields_of(1, national_id="12345678901", mobile="", birth_date="2015-01-01")
    with pytest.raises(ValidationError) as caught:
        AddEmployee(office.scope, API_PARSERS)(contract_id, wrong)
    assert {(problem.pointer, problem.code) for problem in caught.value.problems} == {
        ("/national_id", "check"),
        ("/mobile", "required"),
        ("/birth_date", "too_young"),
    }
    left = fields_of(1, left_on="2024-02-01")
    with pytest.raises(ValidationError) as caught:
        AddEmployee(office.scope, API_PARSERS)(contract_id, left)
    assert [problem.code for problem in caught.value.problems] == ["before_hire"]


@pytest.mark.parametrize(
    ("born", "hired", "young"),
    [
        ("2010-03-15", "2024-03-15", False),
        ("2010-03-16", "2024-03-15", True),
        ("2010-12-31", "2024-01-01", True),
        ("2008-02-29", "2022-02-28", True),
        ("2008-02-29", "2022-03-01", False),
    ],
)
def test_nobody_is_hired_before_the_14th_birthday(
    office: Office, born: str, hired: str, young: bool
) -> None:
    add, contract_id = AddEmployee(office.scope, API_PARSERS), office.contract()
    stated = fields_of(1, birth_date=born, hired_on=hired)
    if young:
        assert code_of(lambda: add(contract_id, stated)) == "invalid_input"
    else:
        assert add(contract_id, stated).status is EmployeeStatus.READY


def test_a_person_may_ask_for_more_than_the_contract_and_never_for_less(office: Office) -> None:
    """Law 4632 Ek Madde 2, as domain/pensions.md section 3 tells it."""
    contract_id = RegisterContract(office.scope)(fields(min_deduction_rate=Rate.from_api("4"))).id
    add = AddEmployee(office.scope, API_PARSERS)
    with pytest.raises(ValidationError) as caught:
        add(contract_id, fields_of(1, contribution_rate="3.99"))
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        ("/contribution_rate", "rate_too_low")
    ]
    person = add(contract_id, fields_of(1, contribution_rate="4.00"))
    change = ChangeEmployee(office.scope, API_PARSERS)
    assert code_of(lambda: change(person.id, 1, {"contribution_rate": "3.99"})) == "invalid_input"
    assert change(person.id, 1, {"contribution_rate": "10.00"}).stamp.version == 2


def test_a_withdrawn_person_may_be_registered_again(office: Office) -> None:
    contract_id = office.contract()
    (first,) = office.people(contract_id, 1)
    WithdrawEmployee(office.scope)(first, 1)
    assert office.store.employee_counts(contract_id).employees == 0
    (second,) = office.people(contract_id, 1)
    assert second != first
    withdraw = WithdrawEmployee(office.scope)
    assert code_of(lambda: withdraw(first, 2)) == "not_found"
    change = ChangeEmployee(office.scope, API_PARSERS)
    assert code_of(lambda: change(first, 2, {"first_name": "Ada"})) == "not_found"


def test_a_corrected_number_is_free_for_whom_it_belongs_to(office: Office) -> None:
    contract_id = office.contract()
    (mistyped,) = office.people(contract_id, 1)
    change = ChangeEmployee(office.scope, API_PARSERS)
    assert change(mistyped, 1, {"national_id": tckn(2)}).stamp.version == 2
    (rightful,) = office.people(contract_id, 1)
    back = {"national_id": tckn(1)}
    assert code_of(lambda: change(mistyped, 2, back)) == "employee_exists"
    assert office.person(rightful).national_id != office.person(mistyped).national_id


def test_a_change_needs_the_version_that_was_read(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    change = ChangeEmployee(office.scope, API_PARSERS)
    changed = change(one, 1, {"email": "a@example.com", "last_name": "Yeni"})
    assert changed.last_name == "Yeni"
    with pytest.raises(PreconditionFailedError):
        change(one, 1, {"last_name": "Eski"})
    with pytest.raises(PreconditionFailedError):
        WithdrawEmployee(office.scope)(one, 1)


def test_whoever_is_on_the_way_cannot_be_changed(office: Office) -> None:
    contract_id, (one,) = office.enrolled(1)
    version = office.person(one).stamp.version
    change = ChangeEmployee(office.scope, API_PARSERS)
    assert code_of(lambda: change(one, version, {"last_name": "Yeni"})) == "employee_final"
    withdraw = WithdrawEmployee(office.scope)
    assert code_of(lambda: withdraw(one, version)) == "employee_final"
    assert office.store.employee_counts(contract_id).policies == 1


# ---------------------------------------------------------------------------- done elsewhere


def test_done_elsewhere_is_believed_when_the_insurer_agrees(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    MarkDoneElsewhere(office.scope)(one, "typed in on the insurer's screen")
    assert office.statuses([one]) == ["done_elsewhere"]
    office.insurers.script(
        "anadolu", {"typed_in": {"contract_no": "1201465", "national_id": tckn(1)}}
    )
    office.refresh(contract_id)
    office.work()
    assert office.statuses([one]) == ["enrolled"]
    assert office.person(one).policy_no


def test_nobody_is_taken_over_while_a_call_may_still_be_made(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.insurers.script("anadolu", {"kind": "drop_request", "operation": "enrol"})
    office.submit(contract_id)
    office.work()
    assert office.statuses([one]) == ["unknown"]
    header = office.store.open_transmissions(contract_id)[0]
    unit = office.store.unit()
    opened = replace(header, state=type(header.state).OPEN, lease=None)
    unit.save_transmission(header, opened, "transmission.absent", {})
    unit.commit()
    take_over = MarkDoneElsewhere(office.scope)
    assert code_of(lambda: take_over(one, "by hand")) == "employee_in_flight"


def test_whoever_was_taken_over_is_never_sent_again(office: Office) -> None:
    contract_id = office.contract()
    (one,) = office.people(contract_id, 1)
    office.insurers.script("anadolu", {"kind": "drop_request", "operation": "enrol"})
    office.submit(contract_id)
    office.work()
    MarkDoneElsewhere(office.scope)(one, "by hand")
    for _ in range(6):
        office.clock.advance(timedelta(minutes=30))
        office.sweep()
        office.work()
    assert office.insurers.accepted("anadolu") == []
    assert office.statuses([one]) == ["done_elsewhere"]


def test_an_enrolled_person_cannot_be_done_elsewhere(office: Office) -> None:
    _, (one,) = office.enrolled(1)
    with pytest.raises(ConflictError):
        MarkDoneElsewhere(office.scope)(one, "by hand")
