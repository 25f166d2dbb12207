"""Dates of the law: when a form is due, and until when a balance can be objected to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.business_days import Calendar
from kernel.periods import Period, add_months
from kernel.why import Why
from reconciliation.domain.parameters import Roll

OBJECTION_MONTHS: Final = 1
"""TTK 6102 m.94(2): one month from receipt."""


@dataclass(frozen=True, slots=True)
class DueDate:
    """A date and where it comes from."""

    due_on: date
    why: tuple[Why, ...]


def due_date(period: Period, roll: Roll, calendar: Calendar) -> DueDate:
    """Until when the forms of a period are filed: the last day of the following month, 24:00.

    Source: domain/reconciliation.md §2; that a closed day moves to the next business day is a
    parameter (VUK 18, not confirmed).
    Raises: RuleViolationError("calendar.not_covered") for a year the calendar does not know.
    """
    last = period.next().last_day
    month_end = Why(
        "reconciliation.why.due_month_end", {"period": str(period), "date": last.isoformat()}
    )
    if roll is Roll.NONE:
        return DueDate(last, (month_end,))
    shift = calendar.shift_following(last)
    if not shift.skipped:
        return DueDate(last, (month_end,))
    moved = {"from": last.isoformat(), "to": shift.result.isoformat()}
    return DueDate(shift.result, (month_end, Why("reconciliation.why.due_moved", moved)))


def objection_last_day(received_on: date) -> date:
    """Last day on which the receiver of a statement of balance can object to it.

    Units: calendar months from receipt, clamped to the month's end; no business-day roll. It is
    about the balance of a current account, not about counts of Ba and Bs.
    Source: TTK 6102 m.94(2) (domain/reconciliation.md §5).
    """
    return add_months(received_on, OBJECTION_MONTHS)
