"""How much lands on which day and in which month (*nakit takvimi*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from card_contracts.domain.sale import LineStatus, ReceivableLine
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Landing:
    """What lands in one span of time, in one currency.

    Units: minor units; ``lines`` counts payments and refunds.
    """

    currency: str
    gross: int = 0
    deductions: int = 0
    lines: int = 0

    @property
    def net(self) -> int:
        """What arrives."""
        return self.gross - self.deductions

    def plus(self, line: ReceivableLine) -> Landing:
        """With one payment more."""
        taken = sum(line.deductions.values())
        return Landing(
            self.currency, self.gross + line.gross, self.deductions + taken, self.lines + 1
        )


@dataclass(frozen=True, slots=True)
class CashCalendar:
    """Expected and landed money. Shapes: days and months in order, each currency for itself."""

    days: tuple[tuple[date, Landing], ...]
    months: tuple[tuple[Period, Landing], ...]
    totals: tuple[Landing, ...]


def cash_calendar(lines: Iterable[ReceivableLine]) -> CashCalendar:
    """Sums of receivables by day and by month; cancelled ones land never."""
    days: dict[tuple[date, str], Landing] = {}
    months: dict[tuple[Period, str], Landing] = {}
    totals: dict[str, Landing] = {}
    for line in lines:
        if line.status is LineStatus.CANCELLED:
            continue
        currency, month = line.currency, Period.of(line.pay)
        empty = Landing(currency)
        days[line.pay, currency] = days.get((line.pay, currency), empty).plus(line)
        months[month, currency] = months.get((month, currency), empty).plus(line)
        totals[currency] = totals.get(currency, empty).plus(line)
    return CashCalendar(
        tuple((day, days[day, currency]) for day, currency in sorted(days)),
        tuple((month, months[month, currency]) for month, currency in sorted(months)),
        tuple(totals[currency] for currency in sorted(totals)),
    )
