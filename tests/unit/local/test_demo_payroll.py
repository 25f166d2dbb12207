"""The demo payroll: right people, wrong files, and a list that says exactly what is wrong."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.demo.files import TITLED_WORKBOOK, UTF8_CSV, WINDOWS_CSV
from infra.local.demo.mistakes import RECIPES, MistakeKind
from infra.local.demo.payroll import (
    PAY_DAYS,
    PERIOD,
    Demo,
    DemoFile,
    main,
    make_demo,
    make_payroll,
    payroll_file,
)
from infra.local.demo.people import Person, mobile, national_id
from kernel.identifiers import email, iban, tckn, vkn
from kernel.periods import Period
from kernel.text import clean_person_name, tr_lower
from pensions.adapters.field_parsers import FILE_PARSERS
from pensions.adapters.import_files import CONTRIBUTION_COLUMNS, EMPLOYEE_COLUMNS
from pensions.domain.employee import CheckedFields, check_fields
from toolkit.phones import parse_mobile
from toolkit.tabular.columns import ColumnSet, MappedRow
from toolkit.tabular.reader import read_table
from toolkit.tabular.table import Table


@pytest.fixture(scope="module")
def demo() -> Demo:
    return make_demo()


def everybody(demo: Demo) -> Iterator[Person]:
    for company in demo.companies:
        yield from itertools.chain.from_iterable(company.people)


def files(demo: Demo, kind: str, period: Period = PERIOD) -> list[DemoFile]:
    return [file for file in demo.files if file.kind == kind and f"-{period}." in file.path]


def read(file: DemoFile, columns: ColumnSet) -> tuple[Table, list[MappedRow]]:
    table = read_table(file.content, language="tr", known_headers=columns.header_keys())
    mapping = columns.map(table.header)
    assert mapping.complete
    return table, list(columns.rows(table, mapping))


def checked(row: MappedRow) -> CheckedFields:
    """A row of a personnel list as the pensions import understands it."""
    return check_fields({name: cell.text for name, cell in row.cells.items()}, FILE_PARSERS)


def test_there_are_three_companies_and_220_people_at_six_insurers(demo: Demo) -> None:
    assert [company.employees for company in demo.companies] == [115, 65, 40]
    providers = [c.provider_code for company in demo.companies for c in company.contracts]
    assert providers == ["nn", "avivasa", "anadolu", "garanti", "allianz_yasam", "katilim"]
    assert all(vkn.is_valid(company.tax_no) for company in demo.companies)


def test_everybody_is_right_and_nobody_is_there_twice(demo: Demo) -> None:
    staff = list(everybody(demo))
    for person in staff:
        assert tckn.parse(person.national_id) == person.national_id
        assert iban.parse(person.iban, "TR") == person.iban
        assert parse_mobile(person.mobile) == person.mobile
        assert email.parse(person.email) == person.email
        assert clean_person_name(person.last_name) == person.last_name
        assert person.email.endswith(".example")
        assert person.mobile[6:9] == "000"
        assert person.hired_on.year - person.birth_date.year >= 18
    for name in ("national_id", "iban", "mobile", "email", "personnel_no"):
        assert len({getattr(person, name) for person in staff}) == 220, name


def test_some_people_are_over_45_and_names_need_turkish_casing(demo: Demo) -> None:
    ages = [PERIOD.year - person.birth_date.year for person in everybody(demo)]
    assert 20 < sum(age > 46 for age in ages) < 160
    assert sum(any(letter in p.last_name for letter in "İIı") for p in everybody(demo)) > 20


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_people(demo: Demo) -> None:
    again = make_demo()
    assert [file.content for file in again.files] == [file.content for file in demo.files]
    assert again.manifest() == demo.manifest()
    assert make_demo(seed=7).files[0].content != demo.files[0].content


def test_the_files_are_those_of_three_payroll_products(demo: Demo) -> None:
    forms = []
    for file in files(demo, "employees"):
        table, rows = read(file, EMPLOYEE_COLUMNS)
        assert len(rows) == file.rows
        forms.append((table.source.format, table.source.encoding, table.source.separator))
    assert forms == (
        [("csv", "cp1254", ";")] * 2 + [("xlsx", "", "")] * 2 + [("csv", "utf-8", ",")] * 2
    )
    table, _ = read(files(demo, "employees")[2], EMPLOYEE_COLUMNS)
    assert table.header_line == 4


def test_an_import_reports_exactly_the_mistakes_of_the_list(demo: Demo) -> None:
    for file in files(demo, "employees"):
        _, rows = read(file, EMPLOYEE_COLUMNS)
        found = set()
        seen: set[str] = set()
        for row in rows:
            number = row.text("national_id")
            if number in seen:
                found.add((row.number, "national_id", "duplicate_row"))
                continue
            seen.add(number)
            found |= {(row.number, p.field, p.code) for p in checked(row).problems}
        expected = {(m.line, m.field, m.code) for m in demo.mistakes if m.file == file.path}
        assert found == {mistake for mistake in expected if mistake[2]}, file.path


def test_bad_style_is_understood(demo: Demo) -> None:
    people = {person.personnel_no: person for person in everybody(demo)}
    understood = set()
    for mistake in demo.mistakes:
        if mistake.code or not mistake.file:
            continue
        file = next(file for file in demo.files if file.path == mistake.file)
        _, rows = read(file, EMPLOYEE_COLUMNS)
        row = next(row for row in rows if row.number == mistake.line)
        person = people[mistake.personnel_no]
        value = checked(row).values[mistake.field]
        right = getattr(person, mistake.field)
        if mistake.field == "last_name":
            assert row.text("last_name") != person.last_name
            assert tr_lower(str(value)) == tr_lower(right)
        elif mistake.field in ("mobile", "iban"):
            assert value.reveal("test") == right  # type: ignore[attr-defined]
        else:
            assert value == right
        understood.add(mistake.kind)
    assert understood == {kind for kind, recipe in RECIPES.items() if not recipe.code}


def test_every_kind_of_mistake_occurs(demo: Demo) -> None:
    assert {mistake.kind for mistake in demo.mistakes} == set(MistakeKind)
    (number,) = (m for m in demo.mistakes if m.kind is MistakeKind.CONTRACT_NO_WITHOUT_ZEROS)
    contract = demo.companies[2].contracts[1]
    assert number.field == "payroll_contract_no"
    assert contract.contract_no == contract.payroll_contract_no.zfill(7)
    assert contract.contract_no != contract.payroll_contract_no


def test_earnings_are_paid_on_two_days_and_some_people_have_none(demo: Demo) -> None:
    unpaid = []
    for file in files(demo, "contributions"):
        _, rows = read(file, CONTRIBUTION_COLUMNS)
        days = set()
        for row in rows:
            FILE_PARSERS.by_field["national_id"](row.text("national_id"))
            FILE_PARSERS.by_field["rate"](row.text("rate"))
            days.add(FILE_PARSERS.by_field["paid_on"](row.text("paid_on")))
            if not row.text("earnings"):
                unpaid.append(row.text("national_id"))
                continue
            amount = FILE_PARSERS.by_field["earnings"](row.text("earnings"))
            assert amount.minor >= 33_33  # type: ignore[attr-defined]
        assert days == {PERIOD.next().day(day) for day in PAY_DAYS}
    assert tuple(unpaid) == demo.without_earnings
    assert len(unpaid) > 10


def test_people_leave_and_join_in_the_month_after(demo: Demo) -> None:
    following = PERIOD.next()
    left: dict[str, object] = {}
    for before, after in zip(
        files(demo, "employees"), files(demo, "employees", following), strict=True
    ):
        _, rows = read(after, EMPLOYEE_COLUMNS)
        results = [checked(row) for row in rows]
        assert not [problem for result in results for problem in result.problems]
        assert sum(r.values["hired_on"] == following.day(2) for r in results) == 2
        doubled = [m for m in demo.mistakes if (m.file, m.code) == (before.path, "duplicate_row")]
        assert after.rows == before.rows - len(doubled) + 2
        for row, result in zip(rows, results, strict=True):
            if result.values["left_on"] is not None:
                left[row.text("national_id")] = result.values["left_on"]
    assert left == {e.national_id: e.on for e in demo.life_events if e.kind == "left"}
    assert sum(event.kind == "opted_out" for event in demo.life_events) == 6


def test_the_command_writes_the_files_and_a_manifest(
    tmp_path: Path, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path), "--period", str(PERIOD)])
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == json.loads(json.dumps(demo.manifest()))
    for file in demo.files:
        assert (tmp_path / file.path).read_bytes() == file.content
    assert {entry["path"] for entry in manifest["files"]} == {file.path for file in demo.files}
    assert "220 employees, 34 mistakes" in capsys.readouterr().out


def test_ten_thousand_right_and_different_employees_can_be_made() -> None:
    staff = list(make_payroll(10_000, seed=1))
    assert len({person.national_id for person in staff}) == 10_000
    assert len({person.mobile for person in staff}) == 10_000
    assert len({person.iban for person in staff}) == 10_000
    assert all(tckn.is_valid(person.national_id) for person in staff)
    assert staff[:50] == list(make_payroll(50, seed=1))


def test_the_generator_is_lazy() -> None:
    assert len(list(itertools.islice(make_payroll(10_000_000), 3))) == 3


@pytest.mark.parametrize("product", [WINDOWS_CSV, TITLED_WORKBOOK, UTF8_CSV])
def test_a_generated_payroll_is_imported_without_a_problem(product: object) -> None:
    staff = list(make_payroll(40))
    content = payroll_file(staff, product)  # type: ignore[arg-type]
    _, rows = read(DemoFile("", "employees", "nn", content, 40), EMPLOYEE_COLUMNS)
    results = [checked(row) for row in rows]
    assert not [problem for result in results for problem in result.problems]
    assert [r.values["birth_date"] for r in results] == [person.birth_date for person in staff]


def test_serial_numbers_have_their_limits() -> None:
    assert len({national_id(n) for n in (0, 1, 2, 19_999_999)}) == 4
    for sequence in (-1, 20_000_000):
        with pytest.raises(ValueError, match="twenty million"):
            national_id(sequence)
    assert {parse_mobile(mobile(n)) for n in range(19)} == {mobile(n) for n in range(19)}
