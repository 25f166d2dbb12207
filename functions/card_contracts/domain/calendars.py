"""Days that a decree or a bank changed, per calendar of the company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from card_contracts.domain.contract import CalendarName
from kernel.business_days import Override
from kernel.errors import NotFoundError, RuleViolationError
from kernel.stamp import NEW, Stamp

MAX_OVERRIDES: Final = 1_000
"""Changed days of one calendar: they are one row."""


@dataclass(frozen=True, slots=True)
class OverrideTable:
    """The changed days of one calendar; they win over the holidays we compute."""

    name: CalendarName
    days: Mapping[date, Override] = field(default_factory=dict)
    stamp: Stamp = NEW

    def changed(self, day: date, override: Override) -> OverrideTable:
        """With one day changed.

        Raises: RuleViolationError("card_contracts.too_many_overrides").
        """
        days = {**self.days, day: override}
        if len(days) > MAX_OVERRIDES:
            raise RuleViolationError(
                "card_contracts.too_many_overrides", f"At most {MAX_OVERRIDES} changed days."
            )
        return replace(self, days=days)

    def restored(self, day: date) -> OverrideTable:
        """With one day as we compute it again. Raises: NotFoundError."""
        if day not in self.days:
            raise NotFoundError("not_found", "There is no such item.")
        return replace(self, days={other: one for other, one in self.days.items() if other != day})


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """The secret address of the cash calendar; a new version makes the one before worthless."""

    version: int = 0
    stamp: Stamp = NEW
