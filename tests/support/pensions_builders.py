"""Small synthetic things of the pensions context, with what does not matter filled in."""

from datetime import date
from typing import Any, Final

from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Phone, Tckn
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.domain.outcome import TransmissionKind
from pensions.domain.transmission import Transmission, TransmissionState

JUNE: Final = Period(2026, 6)
_NAMES: Final = ("Ayşe", "Işık", "Çağrı", "Ömer", "Şule", "Gül", "İlker", "Deniz", "Efe", "Ufuk")


def tckn(number: int) -> str:
    """A valid, invented identity number for each whole number up to 99 999 999."""
    digits = [int(digit) for digit in f"{100_000_000 + number:09d}"]
    tenth = (sum(digits[0::2]) * 7 - sum(digits[1::2])) % 10
    return "".join(map(str, [*digits, tenth, (sum(digits) + tenth) % 10]))


def fields_of(number: int, **changes: object) -> dict[str, object]:
    """What payroll states about an invented person, in API form."""
    return {
        "national_id": tckn(number),
        "first_name": _NAMES[number % len(_NAMES)],
        "last_name": "Örnek",
        "birth_date": "1990-02-01",
        "mobile": f"+90532{1_000_000 + number:07d}",
        "hired_on": "2024-03-01",
        **changes,
    }


def contract(contract_id: str = "C1", **changes: Any) -> Contract:
    """A contract with one provider, credentials missing."""
    values: dict[str, Any] = {
        "provider_code": "anadolu",
        "contract_code": "001",
        "contract_no": "1201465",
        "payroll_contract_no": "1201465",
        "min_deduction_rate": Rate.from_api("3.00"),
        "starts_on": date(2024, 1, 1),
        "pay_days": (5,),
    }
    return Contract(id=contract_id, **{**values, **changes})


def employee(number: int = 1, **changes: Any) -> Employee:
    """A person who is ready to be sent."""
    values: dict[str, Any] = {
        "id": f"E{number:04d}",
        "contract_id": "C1",
        "status": EmployeeStatus.READY,
        "national_id": Tckn(tckn(number)),
        "first_name": _NAMES[number % len(_NAMES)],
        "last_name": "Örnek",
        "birth_date": date(1990, 2, 1),
        "hired_on": date(2024, 3, 1),
        "mobile": Phone(f"+90532{1_000_000 + number:07d}"),
    }
    return Employee(**{**values, **changes})


def contribution(number: int = 1, **changes: Any) -> Contribution:
    """A calculated contribution of June 2026."""
    values: dict[str, Any] = {
        "id": f"M{number:04d}",
        "contract_id": "C1",
        "employee_id": f"E{number:04d}",
        "period": JUNE,
        "sequence": 1,
        "earnings": Money(3_303_000, "TRY"),
        "rate": Rate.from_api("3.00"),
        "amount": Money(99_000, "TRY"),
        "paid_on": date(2026, 7, 5),
        "status": ContributionStatus.CALCULATED,
    }
    return Contribution(**{**values, **changes})


def transmission(transmission_id: str = "T1", **changes: Any) -> Transmission:
    """An enrolment that is being bound."""
    values: dict[str, Any] = {
        "contract_id": "C1",
        "provider_code": "anadolu",
        "kind": TransmissionKind.ENROLMENT,
        "state": TransmissionState.BINDING,
        "job_id": "J1",
    }
    return Transmission(id=transmission_id, **{**values, **changes})
