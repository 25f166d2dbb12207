"""Warn about contributions whose legal deadline is near or gone (PEN-09, unattended)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.periods import Period
from pensions.application.attention import deadline
from pensions.application.context import Scope
from pensions.application.contributions import default_pay_day
from pensions.domain.contract import Contract
from pensions.domain.contribution import CLOSED, summarise
from pensions.domain.deadlines import payment_deadline
from pensions.ports import DueWork

WARN_BEFORE: Final = timedelta(days=7)
WARN_AFTER: Final = timedelta(days=30)
_PERIODS_BACK: Final = 2


class WatchDeadlines:
    """Over all contracts of all tenants that have credentials; one warning per contract and
    month.
    """

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> int:
        """Number of warnings raised; raising one again changes nothing (its key is the month's)."""
        raised = 0
        for tenant_id, contract_id in self._due_work.contracts():
            scope = self._scope_of(tenant_id)
            try:
                contract = scope.store.contract(contract_id)
            except NotFoundError:
                continue
            for months in range(-_PERIODS_BACK, 1):
                raised += self._watch(scope, contract, Period.of(scope.today()).shift(months))
        return raised

    def _watch(self, scope: Scope, contract: Contract, period: Period) -> bool:
        today = scope.today()
        paid_on = default_pay_day(contract, period)
        due_on = payment_deadline(paid_on, scope.calendar()).due_on
        if not due_on - WARN_BEFORE <= today <= due_on + WARN_AFTER:
            return False
        if period.last_day < contract.starts_on:
            return False
        counts = scope.store.employee_counts(contract.id)
        if not counts.policies:
            return False
        items = list(scope.store.contributions(contract.id, period))
        summary = summarise(items)
        if items and all(item.status in CLOSED for item in items):
            return False
        unit = scope.store.unit()
        unit.publish(
            "pensions.AttentionRaised.v1",
            f"contract:{contract.id}",
            {
                "key": deadline(contract.id, period),
                "subject": f"contract:{contract.id}",
                "code": "contributions_due" if items else "contributions_missing",
                "severity": "high" if today >= due_on else "medium",
                "money_minor": summary.total.minor,
                "currency": summary.total.currency,
                "due_on": due_on.isoformat(),
                "contract_id": contract.id,
            },
        )
        unit.commit()
        return True
