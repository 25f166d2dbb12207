"""When letters leave: the company's window of days, reminders, and who signs (REC-02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from kernel.business_days import Calendar
from kernel.errors import Problem, RuleViolationError
from kernel.periods import DayWindow, Period
from kernel.stamp import NEW, Stamp
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis

MAX_REMINDERS: Final = 5
MANUAL_DAYS: Final = 3
"""How long mails that a person asked for may wait for the mail service, the day itself included."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the letters are from, as the paper names it."""

    title: str
    tax_no: str = ""
    tax_office: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class MailingSettings:
    """How a company mails its letters; ``automatic`` is off until somebody turns it on.

    Units: ``reminder_days`` are calendar days after the letter left, ascending, at most five;
    ``answer_days`` is how long an answer is waited for. Shapes: ``business_days_only`` leaves out
    week ends and holidays inside the window.
    """

    window: DayWindow = field(default_factory=lambda: DayWindow(1, 15))
    business_days_only: bool = True
    automatic: bool = False
    forms: tuple[Form, ...] = (Form.BA, Form.BS)
    basis: Basis = Basis.FORM
    reminder_days: tuple[int, ...] = (7, 14)
    answer_days: int = 60
    sender: Sender = Sender("")
    stamp: Stamp = field(default=NEW)

    def problems(self) -> list[Problem]:
        """Everything that is wrong."""
        found: list[Problem] = []
        days = self.reminder_days
        if len(days) > MAX_REMINDERS:
            text = f"At most {MAX_REMINDERS} reminders."
            found.append(Problem("/reminder_days", "too_many", text))
        if list(days) != sorted(set(days)) or any(not 1 <= day <= 60 for day in days):
            text = "Days after the letter, ascending, 1 to 60."
            found.append(Problem("/reminder_days", "range", text))
        if not self.forms:
            found.append(Problem("/forms", "required", "At least one form is reconciled."))
        if not 1 <= self.answer_days <= 365:
            found.append(Problem("/answer_days", "range", "From 1 to 365 days."))
        if self.automatic and not self.sender.title:
            text = "Letters that leave by themselves need a sender."
            found.append(Problem("/sender_name", "required", text))
        return found


def open_on(settings: MailingSettings, day: date, calendar: Calendar) -> bool:
    """Whether letters may leave by themselves on ``day``.

    A year whose holidays nobody knows counts as working days from Monday to Friday.
    """
    if not settings.automatic or not settings.window.is_open(day):
        return False
    return not settings.business_days_only or _is_business_day(day, calendar)


def _is_business_day(day: date, calendar: Calendar) -> bool:
    try:
        return calendar.is_business_day(day)
    except RuleViolationError:
        return day.isoweekday() < 6


def next_open_day(settings: MailingSettings, after: date, calendar: Calendar) -> date | None:
    """The first day after ``after`` on which letters leave by themselves; None when never."""
    if not settings.automatic:
        return None
    # A window without a single working day (one day, always a holiday) still ends somewhere.
    for distance in range(1, 400):
        day = after + timedelta(days=distance)
        if open_on(settings, day, calendar):
            return day
    return None


def period_of_window(settings: MailingSettings, day: date) -> Period:
    """The month that the window around ``day`` is about: the one before it opened."""
    opening = settings.window.opening(day)
    return Period.of(opening[0] if opening else day).prev()


def last_day_of(settings: MailingSettings, day: date, *, automatic: bool) -> date:
    """Until when a mail that is asked for on ``day`` may leave."""
    opening = settings.window.opening(day)
    if automatic and opening is not None:
        return opening[1]
    return day + timedelta(days=MANUAL_DAYS - 1)


def next_reminder(
    settings: MailingSettings, sent_on: date, done: int, put_off_days: int = 0
) -> date | None:
    """The day of the next reminder, or None after the last one."""
    days: Sequence[int] = settings.reminder_days
    if done >= len(days):
        return None
    return sent_on + timedelta(days=days[done] + put_off_days)
