"""What a company decides for itself: tolerances of matching, and legal figures that moved.

Tolerances are data because banks and sums differ; legal figures because a decree is published
before our next release. Every change keeps who made it and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from card_contracts.domain.limits import TCMB, Limits
from card_contracts.domain.matching import Rules
from card_contracts.domain.settlement import DriftRules
from kernel.errors import Problem
from kernel.signed_events import EVENT_LIFETIME, counting_versions
from kernel.stamp import NEW, Stamp

MAX_LIMITS: Final = 50
"""Legal figures of one company: they are one row."""
_DAYS: Final = {"late_days": 31, "early_days": 90, "joined_days": 10}
_MAX_MINOR: Final = 1_000_000
_MAX_PERCENT: Final = Decimal(20)


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """Settings of one company.

    Shapes: ``limits`` are the company's own legal figures, by day; ``events_version`` is the secret
    that its ERP system signs sales with, ``events_retired_at`` when the one before was replaced.
    """

    rules: Rules = field(default_factory=Rules)
    drift: DriftRules = field(default_factory=DriftRules)
    limits: tuple[Limits, ...] = ()
    events_version: int = 0
    events_retired_at: datetime | None = None
    stamp: Stamp = NEW

    @property
    def legal_table(self) -> Sequence[Limits]:
        """Legal figures in the order of days; the company's own replace ours of the same day."""
        by_day = {row.valid_from: row for row in (*TCMB, *self.limits)}
        return tuple(by_day[day] for day in sorted(by_day))

    def event_secret_versions(self, now: datetime) -> tuple[int, ...]:
        """Versions of the secret of sale events that count now, newest first."""
        return counting_versions(self.events_version, self.events_retired_at, now, EVENT_LIFETIME)


def check_settings(settings: CompanySettings) -> list[Problem]:
    """Everything that is wrong with settings, with pointers into their API form."""
    return [*_tolerances(settings), *_legal(settings.limits)]


def _tolerances(settings: CompanySettings) -> Iterator[Problem]:
    rules, drift = settings.rules, settings.drift
    for name, most in _DAYS.items():
        least = 1 if name == "joined_days" else 0
        if not least <= getattr(rules, name) <= most:
            yield Problem(f"/matching/{name}", "out_of_range", f"{least} to {most} days.")
    if not 0 <= rules.rounding <= _MAX_MINOR:
        yield Problem("/matching/rounding", "out_of_range", f"0 to {_MAX_MINOR} minor units.")
    if not 0 <= rules.tolerance <= _MAX_PERCENT:
        yield Problem("/matching/tolerance", "out_of_range", f"0 to {_MAX_PERCENT} percent.")
    if not 0 <= drift.points <= _MAX_PERCENT:
        yield Problem("/drift/points", "out_of_range", f"0 to {_MAX_PERCENT} percentage points.")
    if not 0 <= drift.least <= _MAX_MINOR:
        yield Problem("/drift/least", "out_of_range", f"0 to {_MAX_MINOR} minor units.")


def _legal(limits: Sequence[Limits]) -> Iterator[Problem]:
    if len(limits) > MAX_LIMITS:
        yield Problem("/legal_limits", "too_many", f"At most {MAX_LIMITS} rows.")
    days = [row.valid_from for row in limits]
    for number, row in enumerate(limits):
        place = f"/legal_limits/{number}"
        if row.valid_from in days[:number]:
            yield Problem(f"{place}/valid_from", "duplicate_row", "There are two rows of this day.")
        for name in ("reference_rate", "credit_margin", "debit_fee"):
            if not 0 <= getattr(row, name) <= 100:
                yield Problem(f"{place}/{name}", "out_of_range", "0 to 100 percent.")
        for name in ("credit_days", "debit_days"):
            if not 0 <= getattr(row, name) <= 366:
                yield Problem(f"{place}/{name}", "out_of_range", "0 to 366 days.")
