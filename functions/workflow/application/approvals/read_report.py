"""Pending approvals and their durations (R21)."""

from datetime import date
from typing import Final

from kernel.storing import Position
from workflow.application.approvals.context import ApprovalScope
from workflow.domain.approvals.approval import Approval
from workflow.domain.approvals.report import Report, report

MOST: Final = 2000
"""Approvals one report looks at; a longer period is several reports."""


class ReadReport:
    """Figures over everything that is open and what ended on the days named, both included."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, first: date, last: date) -> Report:
        store = self._scope.store
        waiting: list[Approval] = []
        after: Position | None = None
        while len(waiting) < MOST:
            page, after = store.approvals(open_ones=True, limit=100, after=after)
            waiting += page
            if after is None:
                break
        return report(waiting, store.closed_between(first, last, MOST), self._scope.now)
