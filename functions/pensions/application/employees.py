"""Add, change and withdraw people of a contract (PEN-04), and note what was done elsewhere
(PEN-10).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import Any

from kernel.errors import (
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Tckn
from kernel.storing import WriteRefusedError
from pensions.application.attention import clear_after_last
from pensions.application.context import Scope
from pensions.domain.employee import (
    CheckedFields,
    Employee,
    EmployeeStatus,
    FieldParsers,
    FundPreference,
    check_fields,
)
from pensions.domain.transmission import UNRESOLVED
from pensions.ports import PensionsStore, PensionsUnit


def employee_of(
    checked: CheckedFields, *, employee_id: str, contract_id: str, import_id: str = ""
) -> Employee:
    """A new person from checked fields: READY when nothing is wrong, INVALID otherwise."""
    values: Mapping[str, Any] = checked.values
    return Employee(
        id=employee_id,
        contract_id=contract_id,
        status=EmployeeStatus.INVALID if checked.problems else EmployeeStatus.READY,
        national_id=_typed(values["national_id"], Tckn),
        first_name=values["first_name"] or "",
        last_name=values["last_name"] or "",
        birth_date=_typed(values["birth_date"], date),
        hired_on=_typed(values["hired_on"], date),
        mobile=_typed(values["mobile"], Phone),
        gender=values["gender"],
        email=_typed(values["email"], Email),
        iban=_typed(values["iban"], Iban),
        left_on=_typed(values["left_on"], date),
        fund_preference=_typed(values["fund_preference"], FundPreference),
        contribution_rate=_typed(values["contribution_rate"], Rate),
        problems=checked.problems,
        raw=checked.raw or None,
        import_id=import_id,
    )


def _typed(value: object, kind: type) -> Any:
    if value is not None and not isinstance(value, kind):
        message = f"a parser returned {type(value).__name__}, not {kind.__name__}"
        raise TypeError(message)
    return value


def merge(before: Employee, checked: CheckedFields) -> Employee:
    """The person with newly checked fields and the state that follows from them.

    A person already known to the insurer keeps the state; a rejected or held one becomes READY
    again.
    """
    fresh = employee_of(checked, employee_id=before.id, contract_id=before.contract_id)
    status = before.status
    if status in {
        EmployeeStatus.DRAFT,
        EmployeeStatus.INVALID,
        EmployeeStatus.READY,
        EmployeeStatus.HELD,
        EmployeeStatus.REJECTED,
    }:
        status = fresh.status
    return replace(
        fresh,
        status=status,
        policy_no=before.policy_no,
        transmission_id=before.transmission_id,
        effective_on=before.effective_on,
        import_id=before.import_id,
        reason="",
        stamp=before.stamp,
    )


def current_fields(employee: Employee) -> dict[str, object]:
    """Fields as texts in API form, with refused input where there was any; for partial changes."""
    fields: dict[str, object] = {
        "national_id": _reveal(employee.national_id),
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "birth_date": _iso(employee.birth_date),
        "hired_on": _iso(employee.hired_on),
        "mobile": _reveal(employee.mobile),
        "gender": employee.gender,
        "email": _reveal(employee.email),
        "iban": _reveal(employee.iban),
        "left_on": _iso(employee.left_on),
        "fund_preference": employee.fund_preference.value if employee.fund_preference else None,
        "contribution_rate": employee.contribution_rate.to_api()
        if employee.contribution_rate
        else None,
    }
    return {**fields, **(employee.raw or {})}


def _reveal(value: Tckn | Phone | Email | Iban | None) -> str | None:
    return value.reveal("edit") if value is not None else None


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


def refuse_problems(checked: CheckedFields) -> None:
    """Raise all problems of a single person as one answer (API and form; imports keep them
    instead).
    """
    if checked.problems:
        problems = [Problem(f"/{p.field}", p.code, p.message) for p in checked.problems]
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)


def _duplicate(error: WriteRefusedError) -> ConflictError:
    if error.refused("unique:PERSON"):
        return ConflictError(
            "employee_exists",
            "A person with this identity number is registered under this contract already.",
            problems=[Problem("/national_id", "duplicate", "Registered already.")],
        )
    return error


class FieldCheck:
    """Checks what is stated about people of one contract, which is read when a rate needs it."""

    def __init__(self, store: PensionsStore, contract_id: str, parsers: FieldParsers) -> None:
        self._store = store
        self._contract_id = contract_id
        self._parsers = parsers

    def __call__(self, fields: Mapping[str, object]) -> CheckedFields:
        """Values and everything that is wrong. Raises: NotFoundError when the contract went."""
        checked = check_fields(fields, self._parsers)
        if checked.values.get("contribution_rate") is None:
            return checked
        return checked.held_to(self._minimum)

    @cached_property
    def _minimum(self) -> Rate:
        return self._store.contract(self._contract_id).min_deduction_rate


class AddEmployee:
    """Register one person. Raises ValidationError with every problem,
    ConflictError("employee_exists").
    """

    def __init__(self, scope: Scope, parsers: FieldParsers) -> None:
        self._scope = scope
        self._parsers = parsers

    def __call__(self, contract_id: str, fields: Mapping[str, object]) -> Employee:
        store = self._scope.store
        contract = store.contract(contract_id)
        checked = check_fields(fields, self._parsers).held_to(contract.min_deduction_rate)
        refuse_problems(checked)
        employee = employee_of(checked, employee_id=self._scope.ids.new(), contract_id=contract.id)
        unit = store.unit()
        unit.add_employee(employee, "employee.added", {"contract_id": contract.id})
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _duplicate(error) from error
        return store.employee(employee.id)


class ChangeEmployee:
    """Correct one person; what is bound to a transmission or decided cannot be changed."""

    def __init__(self, scope: Scope, parsers: FieldParsers) -> None:
        self._scope = scope
        self._parsers = parsers

    def __call__(
        self, employee_id: str, version: int, fields: Mapping[str, object], *, partial: bool = True
    ) -> Employee:
        store = self._scope.store
        before = store.employee(employee_id)
        if before.status is EmployeeStatus.CANCELLED:
            raise NotFoundError("not_found", "There is no such item.")
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this person; read the data again."
            )
        before.editable()
        given = {**current_fields(before), **fields} if partial else dict(fields)
        checked = FieldCheck(store, before.contract_id, self._parsers)(given)
        refuse_problems(checked)
        after = merge(before, checked)
        changed = sorted(name for name in fields if name in checked.values)
        unit = store.unit()
        unit.save_employee(before, after, "employee.changed", {"fields": changed})
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _duplicate(error) from error
        return store.employee(employee_id)


class WithdrawEmployee:
    """Take a person off the list before anything was sent (the history stays)."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, employee_id: str, version: int) -> None:
        store = self._scope.store
        before = store.employee(employee_id)
        if before.status is EmployeeStatus.CANCELLED:
            raise NotFoundError("not_found", "There is no such item.")
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this person; read the data again."
            )
        before.editable()
        unit = store.unit()
        unit.save_employee(before, before.moved(EmployeeStatus.CANCELLED), "employee.withdrawn", {})
        clear_after_last(store, unit, before.contract_id, before.status)
        unit.commit()


class MarkDoneElsewhere:
    """Note that the person was enrolled in the insurer's own screens; a later query confirms it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, employee_id: str, note: str) -> Employee:
        """Raises: NotFoundError, ConflictError("employee_transition" | "employee_in_flight")."""
        store = self._scope.store
        before = store.employee(employee_id)
        after = before.moved(EmployeeStatus.DONE_ELSEWHERE, reason=note)
        unit = store.unit()
        unit.save_employee(before, after, "employee.done_elsewhere", {})
        clear_after_last(store, unit, before.contract_id, before.status)
        if before.status is EmployeeStatus.UNKNOWN:
            self._take_over(unit, before)
        unit.commit()
        return store.employee(employee_id)

    def _take_over(self, unit: PensionsUnit, person: Employee) -> None:
        """Change the header too, so that nobody who read it before sends its lines once more."""
        transmission = self._scope.store.transmission(person.transmission_id)
        if transmission is None or transmission.state not in UNRESOLVED:
            raise ConflictError(
                "employee_in_flight",
                "This person is being sent to the insurer and cannot be changed now.",
            )
        detail = {"employee_id": person.id}
        unit.save_transmission(transmission, transmission, "transmission.line_taken_over", detail)
