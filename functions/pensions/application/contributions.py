"""Compute, add, change and remove the contributions of a month (PEN-08)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from kernel.errors import (
    ConflictError,
    KopruError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.storing import WriteRefusedError
from pensions.application.context import GROUP, Scope
from pensions.application.prepare_submission import exclusion_reason
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.contribution_rules import calculate, require_minimum
from pensions.domain.employee import Employee, EmployeeStatus

# A wage paid in the first half of a month belongs to the month before, later days to the month
# itself; the user can always state the day. Source: DES sample, June 2018 paid on 05.07.2018 and
# 06.07.2018.
_FIRST_HALF: Final = 15
MAX_SEQUENCE: Final = 20
Place = tuple[str, int]  # person and sequence within a month


def default_pay_day(contract: Contract, period: Period) -> date:
    """Wage payment day of a period when nobody stated one: the contract's first pay day."""
    if not contract.pay_days:
        return period.last_day
    day = contract.pay_days[0]
    return (period.next() if day < _FIRST_HALF else period).day(day)


@dataclass(frozen=True, slots=True)
class ContributionFields:
    """One row as stated by a user, a file or the API; ``amount`` wins over ``earnings``."""

    employee_id: str
    earnings: Money | None = None
    rate: Rate | None = None
    amount: Money | None = None
    paid_on: date | None = None
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: the contribution, or the problem."""

    row: int
    contribution_id: str = ""
    outcome: str = "created"
    problem: Problem | None = None


def contribution_of(
    contract: Contract,
    person: Employee,
    period: Period,
    fields: ContributionFields,
    *,
    contribution_id: str,
    import_id: str = "",
) -> Contribution:
    """The contribution a row stands for, calculated and with the reason if it is excluded.

    Raises: RuleViolationError for a rate below the contract's minimum.
    """
    rate = fields.rate or person.contribution_rate or contract.min_deduction_rate
    require_minimum(rate, contract.min_deduction_rate)
    reason = exclusion_reason(person)
    if fields.amount is not None:
        amount, due = fields.amount, bool(fields.amount)
    else:
        result = calculate(fields.earnings, rate)
        amount, due = result.amount, result.due
    if not reason and not due:
        reason = "no_earnings" if fields.earnings is None else "zero_contribution"
    return Contribution(
        id=contribution_id,
        contract_id=contract.id,
        employee_id=person.id,
        period=period,
        sequence=fields.sequence,
        earnings=fields.earnings,
        rate=rate,
        amount=amount,
        paid_on=fields.paid_on or default_pay_day(contract, period),
        status=ContributionStatus.EXCLUDED if reason else ContributionStatus.CALCULATED,
        reason=reason,
        import_id=import_id,
    )


def month_rows(scope: Scope, contract_id: str, period: Period) -> dict[Place, Contribution]:
    """Rows of a month by person and sequence; withdrawn ones left their place to others."""
    return {
        (item.employee_id, item.sequence): item
        for item in scope.store.contributions(contract_id, period)
        if item.status is not ContributionStatus.CANCELLED
    }


class CalculateContributions:
    """Compute a month from the pensionable earnings of each person; repeating it changes what
    changed.

    Rows are committed in groups; a row that cannot be computed is reported with its number and
    stops nobody.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        contract_id: str,
        period: Period,
        rows: Sequence[ContributionFields],
        *,
        import_id: str = "",
        existing: Mapping[Place, Contribution] | None = None,
    ) -> list[RowResult]:
        """``existing`` are the rows of the month, where the caller knows them (``month_rows``)."""
        store = self._scope.store
        contract = store.contract(contract_id)
        if existing is None:
            existing = month_rows(self._scope, contract_id, period)
        people = store.employees_by_id([row.employee_id for row in rows])
        results: list[RowResult] = []
        pending: list[tuple[int, Contribution, Contribution | None]] = []
        seen: set[tuple[str, int]] = set()
        for number, fields in enumerate(rows):
            person = people.get(fields.employee_id)
            if person is None or person.contract_id != contract_id or _gone(person):
                results.append(_bad(number, "employee_id", "not_found", "There is no such person."))
                continue
            key = (person.id, fields.sequence)
            if key in seen:
                results.append(_bad(number, "employee_id", "duplicate_row", "The row is repeated."))
                continue
            seen.add(key)
            before = existing.get(key)
            try:
                after = contribution_of(
                    contract,
                    person,
                    period,
                    fields,
                    contribution_id=before.id if before else self._scope.ids.new(),
                    import_id=import_id,
                )
                if before is not None:
                    before.editable()
            except KopruError as error:
                results.append(_bad(number, "", error.code, error.message))
                continue
            pending.append((number, after, before))
        results += self._commit(pending)
        return sorted(results, key=lambda result: result.row)

    def _commit(
        self, pending: Sequence[tuple[int, Contribution, Contribution | None]]
    ) -> list[RowResult]:
        results = []
        for start in range(0, len(pending), GROUP):
            group = pending[start : start + GROUP]
            try:
                results += self._write(group)
            except WriteRefusedError:
                for row in group:
                    try:
                        results += self._write([row])
                    except WriteRefusedError:
                        results.append(
                            _bad(row[0], "", "changed_meanwhile", "Somebody changed this row.")
                        )
        return results

    def _write(
        self, group: Sequence[tuple[int, Contribution, Contribution | None]]
    ) -> list[RowResult]:
        unit = self._scope.store.unit()
        results = []
        for number, after, before in group:
            detail = {"amount": after.amount.minor, "reason": after.reason}
            if before is None:
                unit.add_contribution(after, "contribution.calculated", detail)
                results.append(RowResult(number, after.id, "created"))
            elif _same(before, after):
                results.append(RowResult(number, before.id, "unchanged"))
            else:
                moved = replace(after, stamp=before.stamp)
                unit.save_contribution(before, moved, "contribution.recalculated", detail)
                results.append(RowResult(number, after.id, "changed"))
        if len(unit):
            unit.commit()
        return results


def _gone(person: Employee) -> bool:
    return person.status is EmployeeStatus.CANCELLED


def _same(before: Contribution, after: Contribution) -> bool:
    names = ("earnings", "rate", "amount", "paid_on", "status", "reason")
    return all(getattr(before, name) == getattr(after, name) for name in names)


def _bad(row: int, field: str, code: str, message: str) -> RowResult:
    pointer = f"/rows/{row}" + (f"/{field}" if field else "")
    return RowResult(row, "", "refused", Problem(pointer, code, message))


class AddContribution:
    """Add one row by hand; a second one for the same person and month gets the next sequence."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, contract_id: str, period: Period, fields: ContributionFields
    ) -> Contribution:
        """Raises: ValidationError, ConflictError("contribution_limit")."""
        store = self._scope.store
        contract = store.contract(contract_id)
        person = store.employees_by_id([fields.employee_id]).get(fields.employee_id)
        if person is None or person.contract_id != contract_id or _gone(person):
            raise ValidationError(
                "invalid_input",
                "Some fields are wrong.",
                problems=[Problem("/employee_id", "not_found", "There is no such person here.")],
            )
        used = {
            item.sequence
            for item in store.contributions(contract_id, period)
            if item.employee_id == person.id
        }
        sequence = max(used, default=0) + 1
        if sequence > MAX_SEQUENCE:
            raise ConflictError("contribution_limit", "There are too many rows for this person.")
        numbered = replace(fields, sequence=sequence)
        item = contribution_of(
            contract, person, period, numbered, contribution_id=self._scope.ids.new()
        )
        unit = store.unit()
        detail = {"amount": item.amount.minor, "reason": item.reason}
        unit.add_contribution(item, "contribution.added", detail)
        unit.commit()
        return store.contribution(item.id)


@dataclass(frozen=True, slots=True)
class ContributionChanges:
    """What a user changes in one row; None leaves a value as it is."""

    earnings: Money | None = None
    rate: Rate | None = None
    amount: Money | None = None
    paid_on: date | None = None

    def over(self, before: Contribution) -> ContributionFields:
        """The row as stated now: a stated amount stays unless earnings or rate are given anew."""
        earnings = before.earnings if self.earnings is None else self.earnings
        anew = self.earnings is not None or self.rate is not None
        amount = self.amount
        if amount is None and (earnings is None or (_stated(before) and not anew)):
            amount = before.amount
        return ContributionFields(
            employee_id=before.employee_id,
            earnings=earnings,
            rate=before.rate if self.rate is None else self.rate,
            amount=amount,
            paid_on=before.paid_on if self.paid_on is None else self.paid_on,
            sequence=before.sequence,
        )


def _stated(item: Contribution) -> bool:
    """Whether somebody stated the amount instead of letting it be computed."""
    return item.earnings is not None and calculate(item.earnings, item.rate).amount != item.amount


class ChangeContribution:
    """Change one row that is not sent: a stated amount wins over new earnings."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, contribution_id: str, version: int, changes: ContributionChanges
    ) -> Contribution:
        store = self._scope.store
        before = store.contribution(contribution_id)
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this row; read it again."
            )
        before.editable()
        contract = store.contract(before.contract_id)
        person = store.employee(before.employee_id)
        stated = changes.over(before)
        after = contribution_of(
            contract,
            person,
            before.period,
            stated,
            contribution_id=before.id,
            import_id=before.import_id,
        )
        unit = store.unit()
        unit.save_contribution(
            before,
            replace(after, stamp=before.stamp),
            "contribution.changed",
            {"amount": after.amount.minor, "reason": after.reason},
        )
        unit.commit()
        return store.contribution(contribution_id)


class RemoveContribution:
    """Withdraw a row before it is sent; its history stays."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contribution_id: str, version: int) -> None:
        store = self._scope.store
        before = store.contribution(contribution_id)
        if before.stamp.version != version:
            raise PreconditionFailedError(
                "stale_version", "Somebody changed this row; read it again."
            )
        before.editable()
        unit = store.unit()
        unit.save_contribution(
            before, before.moved(ContributionStatus.CANCELLED), "contribution.withdrawn", {}
        )
        unit.commit()
