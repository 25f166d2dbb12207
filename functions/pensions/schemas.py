"""The HTTP edge of the pensions context: request models, and what entities look like outside."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from kernel.identifiers import contract_no
from kernel.identifiers import iban as iban_rule
from kernel.money import Money
from kernel.parsing import format_instant, parse_amount_api, parse_date_api, parse_rate_api
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Tckn
from kernel.text import clean_credential, clean_free_text
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution, PeriodSummary
from pensions.domain.employee import Employee
from pensions.domain.provider import Capability, Provider
from pensions.domain.remittance import Remittance
from pensions.domain.sanction import Sanction
from pensions.domain.transmission import Transmission
from pensions.ports import EmployeeCounts
from toolkit.http.fields import DATE, MONEY, EdgeModel, parsed, sized


def _turkish_iban(value: object) -> Iban:
    return Iban(iban_rule.parse(value, "TR"))


ContractNo = Annotated[str, parsed(contract_no.parse)]
ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiRate = Annotated[Rate, parsed(parse_rate_api)]
ApiAmount = Annotated[Money, parsed(parse_amount_api, MONEY)]
ApiIban = Annotated[Iban, parsed(_turkish_iban)]
Note = Annotated[str, parsed(clean_free_text)]
DayOfMonth = Annotated[int, Field(ge=1, le=31)]


class ContractIn(EdgeModel):
    """Body of creating or replacing a contract."""

    provider_code: str
    contract_code: ContractNo
    contract_no: ContractNo
    payroll_contract_no: ContractNo
    min_deduction_rate: ApiRate
    starts_on: ApiDate
    ends_on: ApiDate | None = None
    pay_days: list[DayOfMonth] = Field(default_factory=list, max_length=31)
    provider_iban: ApiIban | None = None
    payer_iban: ApiIban | None = None


class ContractPatch(EdgeModel):
    """Body of changing some members of a contract."""

    provider_code: str | None = None
    contract_code: ContractNo | None = None
    contract_no: ContractNo | None = None
    payroll_contract_no: ContractNo | None = None
    min_deduction_rate: ApiRate | None = None
    starts_on: ApiDate | None = None
    ends_on: ApiDate | None = None
    pay_days: list[DayOfMonth] | None = Field(default=None, max_length=31)
    provider_iban: ApiIban | None = None
    payer_iban: ApiIban | None = None


class CredentialsIn(EdgeModel):
    """Body of storing credentials; write-only."""

    username: Annotated[
        str, Field(min_length=1, max_length=200), parsed(clean_credential, sized(1, 200))
    ]
    password: Annotated[
        str, Field(min_length=1, max_length=500), parsed(clean_credential, sized(1, 500))
    ] = Field(repr=False)


class EmployeeIn(EdgeModel):
    """Body of adding or changing a person; the values are checked by the rules of the domain."""

    national_id: Any = None
    first_name: Any = None
    last_name: Any = None
    birth_date: Any = None
    gender: Any = None
    mobile: Any = None
    email: Any = None
    iban: Any = None
    hired_on: Any = None
    left_on: Any = None
    fund_preference: Any = None
    contribution_rate: Any = None

    def stated(self) -> dict[str, object]:
        """Only the members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ImportIn(EdgeModel):
    """Body of starting an import from an upload."""

    upload_id: str
    dry_run: bool = False
    language: str = Field(default="tr", pattern="^(tr|el|en)$")
    mapping: dict[str, str] = Field(default_factory=dict, max_length=256)
    year: int | None = Field(default=None, ge=2017, le=2100)
    month: int | None = Field(default=None, ge=1, le=12)


class SubmissionIn(EdgeModel):
    """Body of sending people: the named ones or all that are ready."""

    employee_ids: list[str] | None = Field(default=None, min_length=1, max_length=1000)
    all: bool | None = None


class DoneElsewhereIn(EdgeModel):
    """Body of noting that a person was enrolled in the insurer's own screens."""

    note: Note


class RevealIn(EdgeModel):
    """Body of looking at somebody's clear values: why."""

    reason: Literal["person_asked", "payroll_check", "insurer_inquiry", "audit"]


class MonthIn(EdgeModel):
    """A wage month."""

    year: int = Field(ge=2017, le=2100)
    month: int = Field(ge=1, le=12)

    def period(self) -> Period:
        """The month as a period."""
        return Period(self.year, self.month)


class ContributionIn(MonthIn):
    """Body of adding one contribution by hand."""

    employee_id: str
    pensionable_earnings: ApiAmount | None = None
    rate: ApiRate | None = None
    amount: ApiAmount | None = None
    paid_on: ApiDate | None = None


class ContributionPatch(EdgeModel):
    """Body of changing one contribution."""

    pensionable_earnings: ApiAmount | None = None
    rate: ApiRate | None = None
    amount: ApiAmount | None = None
    paid_on: ApiDate | None = None


class CalculationRow(EdgeModel):
    """One person's pensionable earnings of the month."""

    employee_id: str
    pensionable_earnings: ApiAmount | None = None
    rate: ApiRate | None = None
    paid_on: ApiDate | None = None


class CalculationIn(MonthIn):
    """Body of computing a month."""

    paid_on: ApiDate | None = None
    rows: list[CalculationRow] = Field(min_length=1, max_length=2000)


# ---------------------------------------------------------------------------- out


def _times(stamp: Any) -> dict[str, Any]:
    return {
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


def _shown(value: Tckn | Iban | Phone | Email | None, *, reveal: bool) -> str | None:
    """A personal value: masked, or clear for a caller that may see it."""
    if value is None:
        return None
    return value.reveal("api") if reveal else value.masked


def provider_out(provider: Provider, today: date) -> dict[str, Any]:
    """A provider of the catalogue."""
    return {
        "code": provider.code,
        "name": provider.name_on(today),
        "names": [
            {
                "name": name.name,
                "valid_from": _iso(name.valid_from),
                "valid_to": _iso(name.valid_to),
            }
            for name in provider.names
        ],
        "successor_code": provider.successor_code,
        "capabilities": {
            "enrol": provider.can(Capability.ENROL),
            "status": provider.can(Capability.STATUS),
            "collect": provider.can(Capability.COLLECT),
            "queries_by_reference": provider.queries_by_reference,
            "deduplicates": provider.deduplicates,
        },
        "credential_help": {
            "tr": provider.credential_help.tr,
            "el": provider.credential_help.el,
            "en": provider.credential_help.en,
        },
    }


def contract_out(contract: Contract, today: date, *, reveal: bool) -> dict[str, Any]:
    """A contract with its derived state."""
    return {
        "id": contract.id,
        "provider_code": contract.provider_code,
        "contract_code": contract.contract_code,
        "contract_no": contract.contract_no,
        "payroll_contract_no": contract.payroll_contract_no,
        "min_deduction_rate": contract.min_deduction_rate.to_api(),
        "starts_on": _iso(contract.starts_on),
        "ends_on": _iso(contract.ends_on),
        "pay_days": list(contract.pay_days),
        "provider_iban": _shown(contract.provider_iban, reveal=reveal),
        "payer_iban": _shown(contract.payer_iban, reveal=reveal),
        "state": contract.state(today).value,
        **_times(contract.stamp),
    }


def credentials_out(contract: Contract) -> dict[str, Any]:
    """What may be shown of credentials: never the password."""
    credentials = contract.credentials
    test = credentials.last_test
    return {
        "configured": credentials.version > 0,
        "version": credentials.version,
        "username_masked": credentials.username_masked or None,
        "updated_at": credentials.updated_at or None,
        "last_test": None
        if test is None
        else {"at": test.at, "ok": test.ok, "code": test.code or None},
    }


def employee_out(employee: Employee, *, reveal: bool) -> dict[str, Any]:
    """A person with status, policy number and problems."""
    rate = employee.contribution_rate
    return {
        "id": employee.id,
        "contract_id": employee.contract_id,
        "national_id": _shown(employee.national_id, reveal=reveal),
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "birth_date": _iso(employee.birth_date),
        "gender": employee.gender,
        "mobile": _shown(employee.mobile, reveal=reveal),
        "email": _shown(employee.email, reveal=reveal),
        "iban": _shown(employee.iban, reveal=reveal),
        "hired_on": _iso(employee.hired_on),
        "left_on": _iso(employee.left_on),
        "fund_preference": employee.fund_preference.value if employee.fund_preference else None,
        "contribution_rate": rate.to_api() if rate else None,
        "status": employee.status.value,
        "reason": employee.reason or None,
        "policy_no": employee.policy_no or None,
        "effective_on": _iso(employee.effective_on),
        "problems": [
            {"field": p.field, "code": p.code, "message": p.message, "actor": p.actor.value}
            for p in employee.problems
        ],
        **_times(employee.stamp),
    }


def transmission_out(call: Transmission) -> dict[str, Any]:
    """One call to an insurer: ids, codes and times."""
    return {
        "id": call.id,
        "contract_id": call.contract_id,
        "provider_code": call.provider_code,
        "kind": call.kind.value,
        "state": call.state.value,
        "reason": call.reason or None,
        "period": call.period or None,
        "line_count": call.line_count,
        "attempts": call.attempts,
        "sent_at": format_instant(call.sent_at) if call.sent_at else None,
        "asked_again_at": format_instant(call.due_at) if call.due_at else None,
        "job_id": call.job_id,
        **_times(call.stamp),
    }


def counts_out(counts: EmployeeCounts) -> dict[str, int]:
    """Totals of a contract: people and policies."""
    return {"employees": counts.employees, "policies": counts.policies}


def contribution_out(item: Contribution) -> dict[str, Any]:
    """One contribution."""
    return {
        "id": item.id,
        "contract_id": item.contract_id,
        "employee_id": item.employee_id,
        "year": item.period.year,
        "month": item.period.month,
        "sequence": item.sequence,
        "pensionable_earnings": item.earnings.to_api() if item.earnings is not None else None,
        "rate": item.rate.to_api(),
        "amount": item.amount.to_api(),
        "paid_on": _iso(item.paid_on),
        "status": item.status.value,
        "reason": item.reason or None,
        **_times(item.stamp),
    }


def summary_out(summary: PeriodSummary) -> dict[str, Any]:
    """Total, payable and the itemised gap between them."""
    return {
        "count": summary.count,
        "total": summary.total.to_api(),
        "payable": summary.payable.to_api(),
        "gap": [
            {"reason": item.reason, "count": item.count, "amount": item.amount.to_api()}
            for item in summary.gap
        ],
        "final": summary.final,
    }


def remittance_out(remittance: Remittance, why: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The bank order; ``why`` explains each wage payment day's deadline in the reader's
    language.
    """
    return {
        "contract_id": remittance.contract_id,
        "period": str(remittance.period),
        "payable": remittance.payable.to_api(),
        "currency": remittance.payable.currency,
        "due_on": _iso(remittance.due_on),
        "why": [
            {"paid_on": _iso(part.paid_on), "due_on": _iso(part.due_on), "because": list(texts)}
            for part in remittance.parts
            for texts in [why.get(part.paid_on.isoformat(), ())]
        ],
        "iban": remittance.provider_iban or None,
        "payer_iban": remittance.payer_iban or None,
        "reference": remittance.reference,
        "settled": remittance.settled,
        "lines": [
            {
                "paid_on": _iso(part.paid_on),
                "due_on": _iso(part.due_on),
                "count": part.count,
                "amount": part.amount.to_api(),
            }
            for part in remittance.parts
        ],
        "summary": summary_out(remittance.summary),
    }


def sanction_out(sanction: Sanction, because: Sequence[str]) -> dict[str, Any]:
    """The approval of a bank order; ``state`` is ``not_needed``, ``missing``, ``stale`` or that of
    workflow.
    """
    gate = sanction.gate
    state = "missing" if gate is None else "stale" if sanction.stale else gate.state.value
    return {
        "needed": sanction.needed,
        "state": state if sanction.needed else "not_needed",
        "open": sanction.open,
        "limit": sanction.limit.to_api() if sanction.limit is not None else None,
        "approval_id": (gate.approval_id or None) if gate is not None else None,
        "stage": (gate.stage or None) if gate is not None else None,
        "reason": (gate.reason or None) if gate is not None else None,
        "why": list(because),
    }
