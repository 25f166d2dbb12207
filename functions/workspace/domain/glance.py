"""Many companies at a glance: which of an accountant's clients is not done, and how badly."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from kernel.clock import local_date
from kernel.text import fold, sort_key
from workspace.domain.attention import SEVERITIES, Attention, today_of
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership


class Standing(StrEnum):
    """``DONE``: nothing is open. ``CLOSED``: the company asks for a second factor."""

    OVERDUE = "overdue"
    TROUBLE = "trouble"
    OPEN = "open"
    DONE = "done"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CompanyGlance:
    """One company in the list.

    Units: ``next_due_on`` is the nearest deadline that has not passed, ``overdue`` counts those
    that have, in the company's zone. Shapes: ``urgent`` are the exceptions of the highest severity.
    """

    tenant: Tenant
    membership: Membership
    standing: Standing
    exceptions: int = 0
    urgent: int = 0
    deadlines: int = 0
    overdue: int = 0
    troubled_connections: int = 0
    next_due_on: date | None = None
    news_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing waits for anybody."""
        return self.standing is Standing.DONE


def glance_of(
    tenant: Tenant, membership: Membership, rows: Iterable[Attention], now: datetime
) -> CompanyGlance:
    """What the rows of Today say about a company at this moment, on its own date."""
    seen = today_of(rows, now)
    today = local_date(now, tenant.zone)
    due = [row.due_on for row in seen.deadlines if row.due_on is not None]
    overdue = [day for day in due if day < today]
    trouble = [row for row in seen.connections if row.open]
    if overdue:
        standing = Standing.OVERDUE
    elif seen.exceptions or trouble:
        standing = Standing.TROUBLE
    else:
        standing = Standing.OPEN if due else Standing.DONE
    return CompanyGlance(
        tenant=tenant,
        membership=membership,
        standing=standing,
        exceptions=len(seen.exceptions),
        urgent=sum(row.severity == SEVERITIES[0] for row in seen.exceptions),
        deadlines=len(due),
        overdue=len(overdue),
        troubled_connections=len(trouble),
        next_due_on=min((day for day in due if day >= today), default=None),
        news_at=seen.news_at,
    )


def ordered(glances: Iterable[CompanyGlance]) -> list[CompanyGlance]:
    """Overdue first, then trouble, then what is open, the done ones last; by name within."""
    order = list(Standing)

    def urgency(glance: CompanyGlance) -> tuple[int, int, str]:
        name = sort_key(glance.tenant.name, "tr")
        return order.index(glance.standing), -glance.urgent, name

    return sorted(glances, key=urgency)


def matching(glances: Iterable[CompanyGlance], typed: str) -> list[CompanyGlance]:
    """Companies whose name contains what was typed, whatever its case, dots of i or accents."""
    wanted = fold(typed)
    return [each for each in glances if wanted in fold(each.tenant.name)]
