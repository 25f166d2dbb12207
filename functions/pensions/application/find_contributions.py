"""Contributions of a month as a list, a page and a file choose them: by status and by name."""

from kernel.periods import Period
from kernel.text import fold
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.ports import PensionsStore


def of_month(store: PensionsStore, contract_id: str, period: Period) -> list[Contribution]:
    """All contributions of a contract and month but those that were taken out."""
    return [
        item
        for item in store.contributions(contract_id, period)
        if item.status is not ContributionStatus.CANCELLED
    ]


def find_contributions(
    store: PensionsStore, items: list[Contribution], *, status: str = "", query: str = ""
) -> list[Contribution]:
    """Those of ``items`` in a status, of people whose name holds the text; nothing asks for all."""
    shown = [item for item in items if not status or item.status.value == status]
    wanted = fold(query.strip())
    if not wanted:
        return shown
    people = store.employees_by_id([item.employee_id for item in shown])
    return [item for item in shown if wanted in fold(people[item.employee_id].full_name)]
