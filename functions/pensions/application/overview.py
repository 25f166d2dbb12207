"""All contracts of a company at a glance: what is not done this month (many clients, one view)."""

from dataclasses import dataclass
from datetime import date

from kernel.periods import Period
from pensions.application.context import Scope
from pensions.application.contributions import default_pay_day
from pensions.domain.contract import Contract, ContractState
from pensions.domain.contribution import ContributionStatus, PeriodSummary, summarise
from pensions.domain.deadlines import payment_deadline
from pensions.ports import EmployeeCounts


@dataclass(frozen=True, slots=True)
class ContractOverview:
    """One contract: who is registered, how the month stands, and what is to be done.

    Shapes: ``period`` is the newest wage month whose pay day has come; ``due_on`` its legal
    deadline. ``open`` names what is not done, in the order of the work: ``contract_<state>``,
    ``people_missing``, ``people_to_correct``, ``people_to_send``, ``people_unknown``,
    ``month_missing``, ``month_to_send``, ``month_rejected``, ``month_awaiting``, ``month_to_pay``.
    """

    contract: Contract
    state: ContractState
    counts: EmployeeCounts
    period: Period
    due_on: date
    summary: PeriodSummary
    open: tuple[str, ...]


def wage_month(contract: Contract, today: date) -> Period:
    """The newest month whose wages were paid by ``today``, by the contract's pay day."""
    period = Period.of(today)
    while default_pay_day(contract, period) > today:
        period = period.prev()
    return period


class ShowOverview:
    """Every contract of the company with what is not done."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self) -> list[ContractOverview]:
        today = self._scope.today()
        return [self._one(contract, today) for contract in self._scope.store.contracts()]

    def _one(self, contract: Contract, today: date) -> ContractOverview:
        store = self._scope.store
        counts = store.employee_counts(contract.id)
        period = wage_month(contract, today)
        rows = list(store.contributions(contract.id, period))
        summary = summarise(rows)
        state = contract.state(today)
        paid = any(row.status is ContributionStatus.ACCEPTED for row in rows)
        deadline = payment_deadline(default_pay_day(contract, period), self._scope.calendar())
        return ContractOverview(
            contract,
            state,
            counts,
            period,
            deadline.due_on,
            summary,
            tuple(_open(state, counts, summary, to_pay=paid)),
        )


def _open(
    state: ContractState, counts: EmployeeCounts, summary: PeriodSummary, *, to_pay: bool
) -> list[str]:
    by_status = counts.by_status
    reasons = {item.reason for item in summary.gap}
    conditions = {
        f"contract_{state}": state is not ContractState.READY,
        "people_missing": counts.employees == 0,
        "people_to_correct": bool(by_status.get("invalid", 0) + by_status.get("rejected", 0)),
        "people_to_send": by_status.get("ready", 0) > 0,
        "people_unknown": by_status.get("unknown", 0) > 0,
        "month_missing": summary.count == 0 and counts.policies > 0,
        "month_to_send": summary.calculated > 0,
        "month_rejected": "rejected" in reasons,
        "month_awaiting": "awaiting_insurer" in reasons,
        "month_to_pay": summary.final and to_pay,
    }
    return [name for name, holds in conditions.items() if holds]
