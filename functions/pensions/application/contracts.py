"""Register, change and remove contracts (PEN-02)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from kernel.errors import ConflictError, PreconditionFailedError, Problem, ValidationError
from kernel.rates import Rate
from kernel.sensitive import Iban
from kernel.storing import WriteRefusedError
from pensions.application.context import Scope
from pensions.domain.contract import Contract
from pensions.domain.parameters import OKS
from pensions.domain.provider_catalogue import PROVIDERS


@dataclass(frozen=True, slots=True)
class ContractFields:
    """What a user states about a contract."""

    provider_code: str
    contract_code: str
    contract_no: str
    payroll_contract_no: str
    min_deduction_rate: Rate
    starts_on: date
    ends_on: date | None = None
    pay_days: tuple[int, ...] = ()
    provider_iban: Iban | None = None
    payer_iban: Iban | None = None

    def moves_money_elsewhere(self, contract: Contract) -> bool:
        """Whether money would go to, or come from, another bank account than before."""
        before = (contract.provider_iban, contract.payer_iban)
        return (self.provider_iban, self.payer_iban) != before


def _check(fields: ContractFields, today: date) -> None:
    problems = []
    if fields.min_deduction_rate < (lawful := OKS.rate("oks.min_rate_pct", today)):
        text = f"The law asks for at least {lawful}."
        problems.append(Problem("/min_deduction_rate", "rate_too_low", text))
    if fields.provider_code not in PROVIDERS:
        problems.append(
            Problem("/provider_code", "unknown_provider", "Choose a pension company of the list.")
        )
    if fields.ends_on is not None and fields.ends_on < fields.starts_on:
        problems.append(Problem("/ends_on", "ends_before_start", "The end is before the start."))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)


def _refused(error: WriteRefusedError) -> ConflictError:
    if error.refused("unique:CONTRACT"):
        return ConflictError(
            "contract_exists", "There is a contract with this company and number already."
        )
    return error


class RegisterContract:
    """Create a contract. Raises ValidationError, ConflictError("contract_exists")."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, fields: ContractFields) -> Contract:
        _check(fields, self._scope.today())
        contract = Contract(id=self._scope.ids.new(), **_members(fields))  # type: ignore[arg-type]
        unit = self._scope.store.unit()
        unit.add_contract(contract, "contract.registered")
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _refused(error) from error
        return self._scope.store.contract(contract.id)


def _members(fields: ContractFields) -> Mapping[str, object]:
    return {name: getattr(fields, name) for name in ContractFields.__slots__}


class ChangeContract:
    """Replace the stated fields of a contract.

    The provider cannot change once anybody was registered under it. Raises PreconditionFailedError
    when ``version`` is not the stored one.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, version: int, fields: ContractFields) -> Contract:
        before = self._scope.store.contract(contract_id)
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this contract; read it again."
            )
        _check(fields, self._scope.today())
        counts = self._scope.store.employee_counts(contract_id)
        if fields.provider_code != before.provider_code and counts.employees:
            raise ConflictError(
                "provider_in_use", "People are registered here; the company cannot be changed."
            )
        after = replace(before, **_members(fields))  # type: ignore[arg-type]
        changed = sorted(
            name
            for name in ContractFields.__slots__
            if getattr(before, name) != getattr(after, name)
        )
        if not changed:
            return before
        unit = self._scope.store.unit()
        unit.save_contract(before, after, "contract.changed", {"fields": changed})
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _refused(error) from error
        return self._scope.store.contract(contract_id)


class RemoveContract:
    """Remove a contract that nobody is being sent or enrolled under."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, version: int) -> None:
        before = self._scope.store.contract(contract_id)
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this contract; read it again."
            )
        counts = self._scope.store.employee_counts(contract_id)
        if counts.employees:
            raise ConflictError(
                "contract_in_use", "There are people under this contract; it cannot be removed."
            )
        unit = self._scope.store.unit()
        unit.save_contract(before, replace(before, deleted=True), "contract.removed", {})
        unit.commit()
