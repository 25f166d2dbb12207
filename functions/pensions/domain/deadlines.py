"""Legal dates of automatic enrolment: when a cut contribution must be paid, how long one may leave.

Every date comes with its reasons, down to the holiday that moved it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kernel.business_days import Calendar
from kernel.periods import add_months
from kernel.why import Why
from pensions.domain.parameters import OKS, ParameterTable


@dataclass(frozen=True, slots=True)
class Deadline:
    """A last day, and why it is that day."""

    due_on: date
    why: tuple[Why, ...]


class OptOutRequest(StrEnum):
    """What the date of an opt-out request (*cayma*) makes of it."""

    TOO_EARLY = "TOO_EARLY"
    IN_WINDOW = "IN_WINDOW"
    EXIT_RULES = "EXIT_RULES"


@dataclass(frozen=True, slots=True)
class OptOutWindow:
    """Days on which an employee may leave as if never enrolled; both ends inclusive."""

    notice_on: date
    last_day: date
    why: tuple[Why, ...]

    def request(self, on: date) -> OptOutRequest:
        """What a request made on this day is; after the window the ordinary exit rules apply."""
        if on < self.notice_on:
            return OptOutRequest.TOO_EARLY
        return OptOutRequest.IN_WINDOW if on <= self.last_day else OptOutRequest.EXIT_RULES


def payment_deadline(
    wage_pay_day: date, calendar: Calendar, parameters: ParameterTable = OKS
) -> Deadline:
    """Last day to pay the insurer what was cut from the wages of one pay day.

    Units: business days of ``calendar``, strictly after the wage payment day; half days count as
    business days unless the parameter says otherwise.
    Source: Law 4632 Ek Madde 2, "at the latest on the business day following the wage payment day".
    """
    days = parameters.whole("oks.payment_deadline_business_days", wage_pay_day)
    shift = _opened(calendar, wage_pay_day, parameters).shift_next(wage_pay_day, days)
    return Deadline(shift.result, shift.whys("pensions.why.payment_deadline", business_days=days))


def opt_out_from_cash(
    cash_received_on: date, calendar: Calendar, parameters: ParameterTable = OKS
) -> OptOutWindow:
    """Opt-out window counted from the arrival of the first contribution at the insurer.

    Units: the notice goes out on the next business day.
    Source: Aegon SSS, AgeSA entry and exit page.
    """
    shift = _opened(calendar, cash_received_on, parameters).shift_next(cash_received_on)
    window = opt_out_from_notice(shift.result, parameters)
    notice = shift.whys("pensions.why.opt_out_notice")
    return OptOutWindow(window.notice_on, window.last_day, (*notice, *window.why))


def opt_out_from_notice(notice_on: date, parameters: ParameterTable = OKS) -> OptOutWindow:
    """Opt-out window counted from the insurer's notice.

    Units: calendar months, clamped to the month's end; the last day is not moved when it is no
    business day (our decision).
    Source: Aegon SSS, Moroğlu Arseven: within two months of the notice, not before it.
    """
    months = parameters.whole("oks.opt_out_months", notice_on)
    last_day = add_months(notice_on, months)
    why = Why(
        "pensions.why.opt_out_window",
        {"from": notice_on.isoformat(), "to": last_day.isoformat(), "months": months},
    )
    return OptOutWindow(notice_on, last_day, (why,))


def _opened(calendar: Calendar, on: date, parameters: ParameterTable) -> Calendar:
    if parameters.flag("oks.half_day_is_business_day", on):
        return calendar
    return calendar.closing_half_days()
