"""Entities of the pensions context as stored rows and back; the only place that knows attribute
names.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from kernel.money import Money
from kernel.parsing import parse_rate_api
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Tckn
from pensions.domain.contract import Contract, Credentials, CredentialsState, CredentialTest
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.employee import (
    Employee,
    EmployeeProblem,
    EmployeeStatus,
    FundPreference,
    ProblemActor,
)
from pensions.domain.outcome import TransmissionKind
from pensions.domain.transmission import FrozenLine, Transmission, TransmissionState
from toolkit.aws.rows import day, day_of, instant_of, moment, stamp_of

Row = dict[str, Any]
_STORED = "store"  # reason given when a masked value is opened to be stored in its own row


def _clear(value: Tckn | Iban | Phone | Email | None) -> str | None:
    return value.reveal(_STORED) if value is not None else None


def _rate(text: str | None) -> Rate | None:
    return parse_rate_api(text) if text else None


# ---------------------------------------------------------------------------- contract


def contract_row(contract: Contract) -> Row:
    """Attributes of a contract."""
    credentials = contract.credentials
    return {
        "provider_code": contract.provider_code,
        "contract_code": contract.contract_code,
        "contract_no": contract.contract_no,
        "payroll_contract_no": contract.payroll_contract_no,
        "min_deduction_rate": contract.min_deduction_rate.to_api(),
        "starts_on": day(contract.starts_on),
        "ends_on": day(contract.ends_on),
        "pay_days": list(contract.pay_days),
        "provider_iban": _clear(contract.provider_iban),
        "payer_iban": _clear(contract.payer_iban),
        "cred_version": credentials.version,
        "cred_state": credentials.state.value,
        "cred_username": credentials.username_masked,
        "cred_updated_at": credentials.updated_at,
        "cred_test": None
        if credentials.last_test is None
        else {
            "at": credentials.last_test.at,
            "ok": credentials.last_test.ok,
            "code": credentials.last_test.code,
        },
    }


def contract_from(row: Mapping[str, Any]) -> Contract:
    """The contract behind a row."""
    test = row["cred_test"]
    return Contract(
        id=row["id"],
        provider_code=row["provider_code"],
        contract_code=row["contract_code"],
        contract_no=row["contract_no"],
        payroll_contract_no=row["payroll_contract_no"],
        min_deduction_rate=parse_rate_api(row["min_deduction_rate"]),
        starts_on=date.fromisoformat(row["starts_on"]),
        ends_on=day_of(row["ends_on"]),
        pay_days=tuple(row["pay_days"]),
        provider_iban=Iban(row["provider_iban"]) if row["provider_iban"] else None,
        payer_iban=Iban(row["payer_iban"]) if row["payer_iban"] else None,
        credentials=Credentials(
            version=row["cred_version"],
            state=CredentialsState(row["cred_state"]),
            username_masked=row["cred_username"],
            updated_at=row["cred_updated_at"],
            last_test=CredentialTest(test["at"], test["ok"], test["code"]) if test else None,
        ),
        deleted=row["state"] == "deleted",
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- employee


def employee_row(employee: Employee) -> Row:
    """Attributes of a person."""
    return {
        "contract_id": employee.contract_id,
        "national_id": _clear(employee.national_id),
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "birth_date": day(employee.birth_date),
        "hired_on": day(employee.hired_on),
        "mobile": _clear(employee.mobile),
        "gender": employee.gender,
        "email": _clear(employee.email),
        "iban": _clear(employee.iban),
        "left_on": day(employee.left_on),
        "fund_preference": employee.fund_preference.value if employee.fund_preference else None,
        "contribution_rate": employee.contribution_rate.to_api()
        if employee.contribution_rate
        else None,
        "policy_no": employee.policy_no,
        "problems": [
            {"field": p.field, "code": p.code, "message": p.message, "actor": p.actor.value}
            for p in employee.problems
        ],
        "raw": dict(employee.raw or {}),
        "transmission_id": employee.transmission_id,
        "reason": employee.reason,
        "effective_on": day(employee.effective_on),
        "import_id": employee.import_id,
    }


def employee_from(row: Mapping[str, Any]) -> Employee:
    """The person behind a row."""
    return Employee(
        id=row["id"],
        contract_id=row["contract_id"],
        status=EmployeeStatus(row["state"]),
        national_id=Tckn(row["national_id"]) if row["national_id"] else None,
        first_name=row["first_name"],
        last_name=row["last_name"],
        birth_date=day_of(row["birth_date"]),
        hired_on=day_of(row["hired_on"]),
        mobile=Phone(row["mobile"]) if row["mobile"] else None,
        gender=row["gender"],
        email=Email(row["email"]) if row["email"] else None,
        iban=Iban(row["iban"]) if row["iban"] else None,
        left_on=day_of(row["left_on"]),
        fund_preference=FundPreference(row["fund_preference"]) if row["fund_preference"] else None,
        contribution_rate=_rate(row["contribution_rate"]),
        policy_no=row["policy_no"],
        problems=tuple(
            EmployeeProblem(p["field"], p["code"], p["message"], ProblemActor(p["actor"]))
            for p in row["problems"]
        ),
        raw=row["raw"] or None,
        transmission_id=row["transmission_id"],
        reason=row["reason"],
        effective_on=day_of(row["effective_on"]),
        import_id=row["import_id"],
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- contribution


def contribution_row(item: Contribution) -> Row:
    """Attributes of a contribution."""
    return {
        "contract_id": item.contract_id,
        "employee_id": item.employee_id,
        "period": str(item.period),
        "sequence": item.sequence,
        "earnings": item.earnings.minor if item.earnings is not None else None,
        "rate": item.rate.to_api(),
        "amount": item.amount.minor,
        "currency": item.amount.currency,
        "paid_on": day(item.paid_on),
        "reason": item.reason,
        "transmission_id": item.transmission_id,
        "import_id": item.import_id,
    }


def contribution_from(row: Mapping[str, Any]) -> Contribution:
    """The contribution behind a row."""
    currency = row["currency"]
    return Contribution(
        id=row["id"],
        contract_id=row["contract_id"],
        employee_id=row["employee_id"],
        period=Period.parse(row["period"]),
        sequence=row["sequence"],
        earnings=Money(row["earnings"], currency) if row["earnings"] is not None else None,
        rate=parse_rate_api(row["rate"]),
        amount=Money(row["amount"], currency),
        paid_on=date.fromisoformat(row["paid_on"]),
        status=ContributionStatus(row["state"]),
        reason=row["reason"],
        transmission_id=row["transmission_id"],
        import_id=row["import_id"],
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- transmission


def transmission_row(item: Transmission) -> Row:
    """Attributes of a transmission header."""
    return {
        "contract_id": item.contract_id,
        "provider_code": item.provider_code,
        "purpose": item.kind.value,
        "job_id": item.job_id,
        "planned": list(item.planned),
        "line_count": item.line_count,
        "content_hash": item.content_hash,
        "attempt": item.attempt,
        "attempts": item.attempts,
        "lease": moment(item.lease),
        "due_at": moment(item.due_at),
        "polls": item.polls,
        "sent_at": moment(item.sent_at),
        "reason": item.reason,
        "release_as": item.release_as,
        "period": item.period,
    }


def transmission_from(row: Mapping[str, Any]) -> Transmission:
    """The transmission behind a header row."""
    return Transmission(
        id=row["id"],
        contract_id=row["contract_id"],
        provider_code=row["provider_code"],
        kind=TransmissionKind(row["purpose"]),
        state=TransmissionState(row["state"]),
        job_id=row["job_id"],
        planned=tuple(row["planned"]),
        line_count=row["line_count"],
        content_hash=row["content_hash"],
        attempt=row["attempt"],
        attempts=row["attempts"],
        lease=instant_of(row["lease"]),
        due_at=instant_of(row["due_at"]),
        polls=row["polls"],
        sent_at=instant_of(row["sent_at"]),
        reason=row["reason"],
        release_as=row["release_as"],
        period=row["period"],
        stamp=stamp_of(row),
    )


def frozen_row(line: FrozenLine) -> Row:
    """One frozen line inside the body row of its transmission."""
    return {"k": line.line_key, "v": line.entity_version, "c": dict(line.content)}


def frozen_from(row: Mapping[str, Any]) -> FrozenLine:
    """The frozen line behind its stored form."""
    return FrozenLine(row["k"], row["v"], row["c"])
