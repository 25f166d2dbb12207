"""Payroll files: everything that is wrong at once, written in chunks, taken back."""

from dataclasses import replace
from typing import Any

import pytest

from kernel.errors import KopruError, NotFoundError
from kernel.money import Money
from pensions.adapters.field_parsers import API_PARSERS
from pensions.application.contributions import ChangeContribution, ContributionChanges
from pensions.application.employees import ChangeEmployee
from pensions.application.imports import StartImport, UndoImport
from pensions.domain.contribution import ContributionStatus
from tests.support.fakes.pensions_office import Office
from tests.support.fakes.pensions_store import MemoryPensionsStore
from tests.support.pensions_builders import JUNE, fields_of, tckn

HEADER = "TC Kimlik No;Ad Soyad;Doğum Tarihi;Cep Telefonu;İşe Giriş Tarihi"


@pytest.fixture
def office() -> Office:
    """A company without anything."""
    return Office()


def row(number: int, *, name: str = "", mobile: str = "") -> str:
    """One person of a payroll file."""
    name = name or f"{fields_of(number)['first_name']} Örnek"
    mobile = mobile or f"0532 {1_000_000 + number:07d}"
    return f"{tckn(number)};{name};01.02.1990;{mobile};01.03.2024"


def table(*rows: str) -> str:
    """A payroll file."""
    return "\n".join([HEADER, *rows]) + "\n"


def code_of(call: Any) -> str:
    """Code of the error a call ends in."""
    with pytest.raises(KopruError) as caught:
        call()
    return caught.value.code


def test_people_are_added_changed_or_left_as_they_are(office: Office) -> None:
    contract_id = office.contract()
    same, other = office.people(contract_id, 2)
    job_id = office.import_file(
        contract_id, table(row(1), row(2, name="Yeni Soyad"), *(row(n) for n in range(3, 25)))
    )
    job = office.job(job_id)
    assert (job.status, job.total, job.done, job.failed) == ("succeeded", 24, 24, 0)
    assert job.result["counts"] == {"unchanged": 1, "changed": 1, "created": 22}
    assert office.person(same).stamp.version == 1
    assert office.person(other).last_name == "Soyad"
    assert office.store.employee_counts(contract_id).by_status == {"ready": 24}


def test_a_blank_cell_of_somebody_known_is_no_problem(office: Office) -> None:
    contract_id = office.contract()
    (known,) = office.people(contract_id, 1)
    blank = f"{tckn(1)};Yeni Soyad;;;"
    job = office.job(office.import_file(contract_id, table(blank)))
    assert (job.status, job.result["counts"], job.problems) == ("succeeded", {"changed": 1}, [])
    assert office.person(known).last_name == "Soyad"


def test_a_rate_below_the_contract_is_a_problem_of_its_row(office: Office) -> None:
    contract_id = office.contract()
    text = f"{HEADER};Katkı Payı Oranı\n{row(1)};2,99\n{row(2)};3,00\n{row(3)};\n"
    job = office.job(office.import_file(contract_id, text))
    assert job.result["counts"] == {"invalid": 1, "created": 2}
    assert [(one["line"], one["field"], one["code"]) for one in job.problems] == [
        (2, "contribution_rate", "rate_too_low")
    ]


def test_every_problem_of_every_row_is_told_and_the_good_rows_are_kept(office: Office) -> None:
    contract_id = office.contract()
    wrong = "12345678901;Ada Can;1990;0212 555 12 34;01.03.2024"
    job_id = office.import_file(contract_id, table(row(1), wrong, row(1), row(2)))
    job = office.job(job_id)
    assert (job.status, job.total, job.done, job.failed) == ("partially_succeeded", 4, 4, 2)
    assert job.result["counts"] == {"created": 2, "invalid": 1, "duplicate": 1}
    told = {(problem["line"], problem["field"], problem["code"]) for problem in job.problems}
    assert (4, "national_id", "duplicate_row") in told
    assert {field for line, field, _ in told if line == 3} == {
        "national_id",
        "birth_date",
        "mobile",
    }
    assert f"export:{job_id}" in office.files.kept
    assert office.store.employee_counts(contract_id).by_status == {"ready": 2, "invalid": 1}


def test_a_dry_run_tells_everything_and_writes_nothing(office: Office) -> None:
    contract_id = office.contract()
    job_id = office.import_file(contract_id, table(row(1), row(2)), dry_run=True)
    job = office.job(job_id)
    assert (job.status, job.result["dry_run"]) == ("succeeded", True)
    assert job.result["counts"] == {"created": 2}
    assert office.store.employee_counts(contract_id).employees == 0
    undo = UndoImport(office.scope, API_PARSERS)
    assert code_of(lambda: undo(job_id)) == "not_undoable"


def test_a_file_that_is_no_table_fails_as_a_whole(office: Office) -> None:
    contract_id = office.contract()
    job_id = office.import_file(contract_id, "Ad;Soyad\nAyşe;Yılmaz\n")
    job = office.job(job_id)
    assert (job.status, job.result["code"]) == ("failed", "columns_missing")
    assert job.problems


def test_there_is_no_import_without_a_file(office: Office) -> None:
    contract_id = office.contract()
    with pytest.raises(NotFoundError):
        StartImport(office.scope, office.files)(contract_id, "employees")


def test_an_import_that_comes_twice_writes_once_and_tells_the_same(office: Office) -> None:
    contract_id = office.contract()
    job_id = office.import_file(contract_id, table(*(row(n) for n in range(1, 16))))
    before = office.job(job_id)
    key = next(key for key in office.world.jobs if key[1] == job_id)
    job = office.world.jobs[key]
    # As if the worker had died between its last chunk and the end.
    job.view = replace(job.view, status="running", result={})
    unit = office.store.unit()
    unit.enqueue("import", {"job_id": job_id})
    unit.commit()
    office.work()
    again = office.job(job_id)
    assert again.result == before.result
    assert (again.total, again.done) == (15, 15)
    assert office.store.employee_counts(contract_id).employees == 15


def test_somebody_who_comes_between_plan_and_write_is_planned_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract_id = office.contract()
    raced: list[list[str]] = []
    real = MemoryPensionsStore.employees_by_national_id

    def racing(own: MemoryPensionsStore, contract: str, numbers: Any) -> Any:
        found = real(own, contract, numbers)
        if not raced:
            raced.append(office.people(contract, 1))  # a colleague registers the same person now
        return found

    monkeypatch.setattr(MemoryPensionsStore, "employees_by_national_id", racing)
    job_id = office.import_file(contract_id, table(row(1, name="Başka Ad"), row(2)))
    assert office.job(job_id).result["counts"] == {"changed": 1, "created": 1}
    assert office.store.employee_counts(contract_id).employees == 2
    assert office.person(raced[0][0]).last_name == "Ad"


def test_an_import_is_taken_back_as_far_as_nothing_happened_since(office: Office) -> None:
    contract_id = office.contract()
    (changed,) = office.people(contract_id, 1)
    former = office.person(changed)
    job_id = office.import_file(
        contract_id, table(row(1, name="Yeni Soyad"), row(2), row(3), row(4))
    )
    people = {person.national_id: person.id for person in office.store.employees(contract_id)}
    ids = [people[number] for number in list(people)]
    office.submit(contract_id, [ids[1]])
    office.work()
    undo = UndoImport(office.scope, API_PARSERS)
    assert undo(job_id) == {"undone": 3, "kept": 1}
    assert office.statuses(ids) == ["ready", "enrolled", "cancelled", "cancelled"]
    assert office.person(changed).last_name == former.last_name
    assert undo(job_id)["kept"] >= 1
    assert code_of(lambda: undo("X")) == "not_found"


def test_a_person_changed_by_hand_since_the_import_keeps_the_change_of_another_import(
    office: Office,
) -> None:
    contract_id = office.contract()
    first = office.import_file(contract_id, table(row(1)))
    (person,) = office.store.employees(contract_id)
    ChangeEmployee(office.scope, API_PARSERS)(person.id, 1, {"email": "a@example.com"})
    assert UndoImport(office.scope, API_PARSERS)(first) == {"undone": 1, "kept": 0}
    assert office.statuses([person.id]) == ["cancelled"]


# ---------------------------------------------------------------------------- months

MONEY = "TC Kimlik No;Prime Esas Kazanç;Ödeme Tarihi"


def test_a_month_is_computed_from_a_file(office: Office) -> None:
    contract_id, _ = office.enrolled(3)
    text = "\n".join(
        [
            MONEY,
            f"{tckn(1)};33.030,00;06.07.2026",
            f"{tckn(2)};33.333,34;",
            f"{tckn(2)};1,00;",
            f"{tckn(9)};33.030,00;",
            f"{tckn(3)};yok;",
            ";33.030,00;",
        ]
    )
    job_id = office.import_file(contract_id, text, kind="contributions", period=JUNE)
    job = office.job(job_id)
    assert (job.status, job.total, job.done, job.failed) == ("partially_succeeded", 6, 6, 4)
    assert job.result["counts"] == {"created": 2, "refused": 4}
    told = {(problem["line"], problem["code"]) for problem in job.problems}
    assert {(4, "duplicate_row"), (5, "not_registered"), (7, "required")} <= told
    assert sorted(item.amount.minor for item in office.month(contract_id)) == [99_000, 100_000]


def test_a_dry_run_of_a_month_computes_nothing(office: Office) -> None:
    contract_id, _ = office.enrolled(1)
    text = f"{MONEY}\n{tckn(1)};33.030,00;\n"
    job_id = office.import_file(contract_id, text, kind="contributions", period=JUNE, dry_run=True)
    assert office.job(job_id).result["counts"] == {"valid": 1}
    assert office.month(contract_id) == []


def test_a_month_that_comes_twice_does_not_overwrite_what_a_person_changed(
    office: Office,
) -> None:
    contract_id, _ = office.enrolled(1)
    text = f"{MONEY}\n{tckn(1)};33.030,00;\n{tckn(8)};33.030,00;\n"
    job_id = office.import_file(contract_id, text, kind="contributions", period=JUNE)
    before = office.job(job_id)
    (item,) = office.month(contract_id)
    ChangeContribution(office.scope)(item.id, 1, ContributionChanges(amount=Money(5_000, "TRY")))
    job = office.world.jobs[next(key for key in office.world.jobs if key[1] == job_id)]
    job.view = replace(job.view, status="running", result={})
    unit = office.store.unit()
    unit.enqueue("import", {"job_id": job_id})
    unit.commit()
    office.work()
    assert office.job(job_id).result == before.result
    (item,) = office.month(contract_id)
    assert (item.amount.minor, item.status) == (5_000, ContributionStatus.CALCULATED)
