"""Three invented Turkish companies with 220 employees at six insurers, and their payroll files.

``python -m infra.local.demo.payroll OUT_DIR`` writes one folder per company and contract with the
personnel list of the month, the one of the month after it (people have left and joined), the
earnings of the month, and ``manifest.json``, which says what is in every file and what is wrong
with it on purpose. Everything follows from the seed. ``make_payroll`` gives any number of right
employees for proofs with many rows.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from infra.local.demo.files import (
    TITLED_WORKBOOK,
    UTF8_CSV,
    WINDOWS_CSV,
    Earnings,
    Fields,
    PayrollProduct,
    month_name,
)
from infra.local.demo.mistakes import RECIPES, Mistake, MistakeKind
from infra.local.demo.people import Person, dice, people
from kernel.identifiers import vkn
from kernel.money import Money
from kernel.periods import Period

SEED: Final = 20261031
PERIOD: Final = Period(2026, 10)
PAY_DAYS: Final = (5, 6)
"""Two days of the following month on which wages are paid."""

_MINIMUM_WAGE: Final = 33_030_00
_K: Final = MistakeKind


@dataclass(frozen=True, slots=True)
class DemoContract:
    """A contract between a company and an insurer, as printed on paper and as payroll knows it.

    Shapes: fields as in the API; ``payroll_contract_no`` differs only by a deliberate mistake.
    """

    provider_code: str
    contract_code: str
    contract_no: str
    payroll_contract_no: str
    starts_on: date
    min_deduction_rate: str = "3.00"
    pay_days: tuple[int, ...] = PAY_DAYS


@dataclass(frozen=True, slots=True)
class DemoFile:
    """One file: where it goes, what kind of import it is for, its bytes and its size in rows."""

    path: str
    kind: str
    provider_code: str
    content: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """What happens later to an employee: ``opted_out`` (cayma) or ``left``."""

    kind: str
    company: str
    provider_code: str
    national_id: str
    on: date


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A company with its contracts, its people per contract, and its payroll product.

    Shapes: ``people`` has one tuple per contract, in the order of ``contracts``.
    """

    slug: str
    title: str
    tax_no: str
    product: PayrollProduct
    contracts: tuple[DemoContract, ...]
    people: tuple[tuple[Person, ...], ...]

    @property
    def employees(self) -> int:
        """How many people work there."""
        return sum(len(group) for group in self.people)


@dataclass(frozen=True, slots=True)
class Demo:
    """The whole demo: companies, files, deliberate mistakes, and what happens later."""

    period: Period
    companies: tuple[DemoCompany, ...]
    files: tuple[DemoFile, ...]
    mistakes: tuple[Mistake, ...]
    life_events: tuple[LifeEvent, ...]
    without_earnings: tuple[str, ...]

    def manifest(self) -> dict[str, Any]:
        """Everything but the bytes, as JSON data."""
        return {
            "period": str(self.period),
            "companies": [
                {
                    "slug": company.slug,
                    "title": company.title,
                    "tax_no": company.tax_no,
                    "employees": company.employees,
                    "payroll_product": company.product.key,
                    "contracts": [_json(asdict(contract)) for contract in company.contracts],
                }
                for company in self.companies
            ],
            "files": [
                {
                    "path": file.path,
                    "kind": file.kind,
                    "provider_code": file.provider_code,
                    "rows": file.rows,
                }
                for file in self.files
            ],
            "mistakes": [_json(asdict(mistake)) for mistake in self.mistakes],
            "life_events": [_json(asdict(event)) for event in self.life_events],
            "without_earnings": list(self.without_earnings),
        }


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a company looks like before there are people: contracts with sizes and mistakes."""

    slug: str
    title: str
    tax_no_start: str
    product: PayrollProduct
    contracts: tuple[tuple[DemoContract, int, tuple[MistakeKind, ...]], ...]


def _contract(
    provider: str, code: str, number: str, starts_on: date, *, in_payroll: str | None = None
) -> DemoContract:
    return DemoContract(provider, code, number, in_payroll or number, starts_on)


_PLANS: Final = (
    _Plan(
        "ornek-tekstil",
        "Örnek Tekstil Sanayi ve Ticaret A.Ş.",
        "900100200",
        WINDOWS_CSV,
        (
            (
                _contract("nn", "Soz207", "2201465", date(2024, 1, 1)),
                70,
                (
                    *(_K.WRONG_CHECK_DIGIT, _K.WRONG_CHECK_DIGIT, _K.LANDLINE, _K.DUPLICATE_ROW),
                    *(_K.IBAN_CHECK_DIGIT, _K.LOWER_CASE_NAME, _K.NUMBER_IN_SCIENTIFIC_FORM),
                    *(_K.MOBILE_WITHOUT_ZERO, _K.IMPOSSIBLE_DATE, _K.BLANKS_IN_IBAN),
                ),
            ),
            (
                _contract("avivasa", "001", "KM20417", date(2024, 7, 1)),
                45,
                (
                    *(_K.IBAN_RESERVE_DIGIT, _K.UPPER_CASE_NAME, _K.LANDLINE, _K.SLASH_DATE),
                    *(_K.DIGIT_IN_NAME, _K.WRONG_CHECK_DIGIT, _K.BROKEN_EMAIL),
                ),
            ),
        ),
    ),
    _Plan(
        "deneme-gida",
        "Deneme Gıda ve İçecek Ltd. Şti.",
        "900300400",
        TITLED_WORKBOOK,
        (
            (
                _contract("anadolu", "1526416", "13638716", date(2023, 11, 1)),
                40,
                (
                    *(_K.WRONG_CHECK_DIGIT, _K.AMERICAN_DATE, _K.IBAN_LOWER_CASE, _K.LANDLINE),
                    *(_K.DUPLICATE_ROW, _K.LAST_NAME_MISSING, _K.LOWER_CASE_NAME),
                ),
            ),
            (
                _contract("garanti", "G-77", "0078120", date(2025, 3, 1)),
                25,
                (_K.BIRTH_AND_HIRE_SWAPPED, _K.UNASSIGNED_MOBILE, _K.UPPER_CASE_NAME),
            ),
        ),
    ),
    _Plan(
        "numune-yazilim",
        "Numune Yazılım ve Danışmanlık A.Ş.",
        "900500600",
        UTF8_CSV,
        (
            (
                _contract("allianz_yasam", "AY/2024-11", "AY110042", date(2024, 11, 1)),
                28,
                (_K.MOBILE_MISSING, _K.SLASH_DATE, _K.IBAN_RESERVE_DIGIT, _K.LOWER_CASE_NAME),
            ),
            (
                _contract("katilim", "002", "0045817", date(2025, 1, 1), in_payroll="45817"),
                12,
                (_K.WRONG_CHECK_DIGIT, _K.MOBILE_WITHOUT_ZERO),
            ),
        ),
    ),
)


def make_demo(seed: int = SEED, period: Period = PERIOD) -> Demo:
    """The demo of a month; equal arguments give equal bytes."""
    companies: list[DemoCompany] = []
    files: list[DemoFile] = []
    mistakes: list[Mistake] = []
    events: list[LifeEvent] = []
    without: list[str] = []
    sequence = 0
    for plan in _PLANS:
        groups: list[tuple[Person, ...]] = []
        for contract, count, kinds in plan.contracts:
            chance = dice(f"{seed}:{contract.contract_no}")
            group = tuple(
                people(
                    count,
                    seed,
                    first_sequence=sequence,
                    domain=f"{plan.slug}.example",
                    on=period.last_day,
                )
            )
            sequence += count
            maker = _Maker(plan, contract, period, chance)
            group, victims = maker.cast(group, kinds)
            groups.append(group)
            files.append(maker.personnel(group, victims, mistakes))
            events += maker.later(group)
            newcomers = tuple(
                people(
                    2,
                    seed,
                    first_sequence=500_000 + sequence,
                    domain=f"{plan.slug}.example",
                    on=period.last_day,
                )
            )
            files.append(maker.next_month(group, events, newcomers))
            file, unpaid = maker.earnings(group)
            files.append(file)
            without += unpaid
        companies.append(
            DemoCompany(
                plan.slug,
                plan.title,
                plan.tax_no_start + vkn.check_digit(plan.tax_no_start),
                plan.product,
                tuple(contract for contract, _, _ in plan.contracts),
                tuple(groups),
            )
        )
    return Demo(
        period, tuple(companies), tuple(files), tuple(mistakes), tuple(events), tuple(without)
    )


class _Maker:
    """Writes the files of one contract."""

    def __init__(
        self, plan: _Plan, contract: DemoContract, period: Period, chance: random.Random
    ) -> None:
        self._plan = plan
        self._product = plan.product
        self._contract = contract
        self._period = period
        self._chance = chance

    def cast(
        self, group: Sequence[Person], kinds: Sequence[MistakeKind]
    ) -> tuple[tuple[Person, ...], dict[int, MistakeKind]]:
        """Whose row gets which mistake; casing mistakes get a name on which casing goes wrong."""
        victims = dict(zip(self._chance.sample(range(len(group)), len(kinds)), kinds, strict=True))
        names = {_K.LOWER_CASE_NAME: "İğde", _K.UPPER_CASE_NAME: "Isparta"}
        people_now = tuple(
            replace(person, last_name=names.get(victims[index], person.last_name))
            if index in victims
            else person
            for index, person in enumerate(group)
        )
        return people_now, victims

    def personnel(
        self, group: Sequence[Person], victims: Mapping[int, MistakeKind], mistakes: list[Mistake]
    ) -> DemoFile:
        """The personnel list with its deliberate mistakes, one per person, which are noted."""
        path = self._path("personel", self._period)
        rows = [self._product.person_fields(person) for person in group]
        doubled: list[tuple[int, MistakeKind]] = []
        for index, kind in sorted(victims.items()):
            if kind is _K.DUPLICATE_ROW:
                doubled.append((index, kind))
                continue
            recipe = RECIPES[kind]
            rows[index][recipe.field] = recipe.spoil(group[index], rows[index])
            line = self._product.first_line + index
            mistakes.append(
                self._mistake(path, line, group[index], recipe.field, kind, recipe.code)
            )
        for index, kind in doubled:
            rows.append(dict(rows[index]))
            line = self._product.first_line + len(rows) - 1
            mistakes.append(
                self._mistake(path, line, group[index], "national_id", kind, "duplicate_row")
            )
        if self._contract.payroll_contract_no != self._contract.contract_no:
            mistakes.append(
                Mistake(
                    self._plan.slug,
                    "",
                    0,
                    "",
                    "payroll_contract_no",
                    _K.CONTRACT_NO_WITHOUT_ZEROS,
                    "incomplete",
                )
            )
        return self._file(path, "employees", self._period, self._product.personnel, rows)

    def later(self, group: Sequence[Person]) -> list[LifeEvent]:
        """One opt-out per contract and about one leaver in twenty, in the following month."""
        following = self._period.next()
        chosen = self._chance.sample(group, 1 + max(1, len(group) // 20))
        events = []
        for place, person in enumerate(chosen):
            kind = "opted_out" if place == 0 else "left"
            on = following.day(10 if place == 0 else min(12 + place, 28))
            events.append(
                LifeEvent(
                    kind, self._plan.slug, self._contract.provider_code, person.national_id, on
                )
            )
        return events

    def next_month(
        self, group: Sequence[Person], events: Sequence[LifeEvent], newcomers: Sequence[Person]
    ) -> DemoFile:
        """The right list of the following month: leavers have a date, two people joined."""
        following = self._period.next()
        left = {event.national_id: event.on for event in events if event.kind == "left"}
        everybody = [replace(person, left_on=left.get(person.national_id)) for person in group]
        everybody += [replace(person, hired_on=following.day(2)) for person in newcomers]
        rows = [self._product.person_fields(person) for person in everybody]
        path = self._path("personel", following)
        return self._file(path, "employees", following, self._product.personnel, rows)

    def earnings(self, group: Sequence[Person]) -> tuple[DemoFile, list[str]]:
        """The month's earnings, paid on two days; who earned nothing is named as well."""
        unpaid = {person.national_id for person in self._chance.sample(group, len(group) // 12)}
        rows = []
        for person in group:
            amount = Money(_MINIMUM_WAGE + self._chance.randrange(0, 90_000_00), "TRY")
            if self._chance.random() < 0.05:
                # Somebody worked one day only: three percent of it is less than one lira.
                amount = Money(33_33, "TRY")
            paid_on = self._period.next().day(self._chance.choice(PAY_DAYS))
            earned = None if person.national_id in unpaid else amount
            rows.append(self._product.earning_fields(Earnings(person, earned, paid_on)))
        path = self._path("kazanc", self._period)
        file = self._file(path, "contributions", self._period, self._product.earnings, rows)
        return file, [person.national_id for person in group if person.national_id in unpaid]

    def _mistake(
        self, path: str, line: int, person: Person, field: str, kind: MistakeKind, code: str
    ) -> Mistake:
        return Mistake(self._plan.slug, path, line, person.personnel_no, field, kind, code)

    def _path(self, name: str, period: Period) -> str:
        folder = f"{self._plan.slug}/{self._contract.provider_code}"
        return f"{folder}/{name}-{period}.{self._product.suffix}"

    def _file(
        self,
        path: str,
        kind: str,
        period: Period,
        headings: Mapping[str, str],
        rows: Sequence[Fields],
    ) -> DemoFile:
        what = "Personel Listesi" if kind == "employees" else "Prime Esas Kazanç Listesi"
        titles = (
            self._plan.title,
            f"{what} - BES sözleşme no {self._contract.payroll_contract_no}",
            f"Dönem: {month_name(period)}",
        )
        content = self._product.file(titles, headings, rows)
        return DemoFile(path, kind, self._contract.provider_code, content, len(rows))


def make_payroll(count: int, seed: int = SEED) -> Iterator[Person]:
    """Any number of right, different employees, one after another."""
    return people(count, seed, first_sequence=1_000_000, domain="kalabalik.example")


def payroll_file(employees: Sequence[Person], product: PayrollProduct = UTF8_CSV) -> bytes:
    """A right personnel file of these people."""
    rows = [product.person_fields(person) for person in employees]
    return product.file(("Kalabalık A.Ş.", "Personel Listesi", ""), product.personnel, rows)


def write_demo(demo: Demo, folder: Path) -> list[Path]:
    """Write all files and the manifest below a folder; the paths written."""
    written = []
    for file in demo.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        written.append(target)
    manifest = folder / "manifest.json"
    text = json.dumps(demo.manifest(), ensure_ascii=False, indent=1)
    manifest.write_text(text + "\n", encoding="utf-8")
    return [*written, manifest]


def _json(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: item.isoformat() if isinstance(item, date) else item for key, item in value.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: write the demo files of a month."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo.payroll")
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--period", type=Period.parse, default=PERIOD, help="month, YYYY-MM")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    demo = make_demo(options.seed, options.period)
    for path in write_demo(demo, options.folder):
        print(path)
    print(f"{sum(c.employees for c in demo.companies)} employees, {len(demo.mistakes)} mistakes")


if __name__ == "__main__":
    main()
