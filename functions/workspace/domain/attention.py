"""What wants somebody's attention today: exceptions, deadlines, connections.

Other contexts raise and clear attention by events; the rows here are only their projection, joined
by the time of the event so that a late one changes nothing (D13).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from kernel.money import Money

SEVERITIES: Final = ("high", "medium", "low")
_CONNECTION_KEYS: Final = ("credentials:", "connection:", "circuit:")


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at.

    Units: ``due_on`` is a date in the company's zone, inclusive; ``raised_at`` is the instant since
    which it waits, ``news_at`` that of the last news about it. Shapes: ``key`` names the cause, so
    raising it twice is one row; ``candidates`` are who is asked to decide (``user:<id>`` or
    ``role:<name>``), nobody for what is no task; ``open`` is False once it was cleared, ``ends_at``
    the first instant at which it waits for nobody even if nothing clears it.
    """

    key: str
    subject: str
    code: str
    severity: str
    raised_at: datetime
    news_at: datetime
    contract_id: str = ""
    amount: Money | None = None
    due_on: date | None = None
    count: int = 1
    candidates: tuple[str, ...] = ()
    open: bool = True
    ends_at: datetime | None = None

    @property
    def is_connection(self) -> bool:
        """Whether it is about the health of a connection to an institution."""
        return self.key.startswith(_CONNECTION_KEYS)

    @property
    def is_task(self) -> bool:
        """Whether it waits for somebody's decision."""
        return bool(self.candidates)

    def waits(self, now: datetime) -> bool:
        """Whether it still waits for somebody at this moment."""
        return self.open and (self.ends_at is None or now < self.ends_at)

    def waits_for(self, person: str, roles: Iterable[str]) -> bool:
        """Whether it waits for this person (``user:<id>``), or for a role of this person."""
        return bool({person, *(f"role:{role}" for role in roles)} & set(self.candidates))

    def age_seconds(self, now: datetime) -> int:
        """For how long it has been waiting."""
        return max(0, int((now - self.raised_at).total_seconds()))


def updated(known: Attention | None, news: Attention) -> Attention | None:
    """What is known after one more piece of news; None when it is older than what is known.

    Shapes: raising again keeps the first ``raised_at``, so the age is that of the trouble; clearing
    keeps what it was about, so that a connection can be shown as well again.
    """
    if known is None:
        return news
    if news.news_at <= known.news_at:
        return None
    if not news.open:
        return replace(known, open=False, news_at=news.news_at)
    return replace(news, raised_at=known.raised_at) if known.open else news


@dataclass(frozen=True, slots=True)
class Today:
    """The first page: what is wrong, what is due, how the connections are."""

    exceptions: tuple[Attention, ...]
    deadlines: tuple[Attention, ...]
    tasks: tuple[Attention, ...]
    connections: tuple[Attention, ...]
    news_at: datetime | None

    def tasks_for(self, person: str, roles: Iterable[str]) -> tuple[Attention, ...]:
        """The tasks that wait for one person (``user:<id>``)."""
        held = tuple(roles)
        return tuple(row for row in self.tasks if row.waits_for(person, held))


def today_of(rows: Iterable[Attention], now: datetime) -> Today:
    """Sort what is known at this moment into the parts of the page.

    Shapes: exceptions by severity, then by money, then oldest first; deadlines and tasks by date;
    connections with trouble first. Something due is a deadline and not an exception.
    """
    everything = list(rows)
    waiting = [row for row in everything if row.waits(now)]
    tasks = [row for row in waiting if row.is_task]
    others = [row for row in waiting if not row.is_task]
    exceptions = [row for row in others if row.due_on is None and not row.is_connection]
    deadlines = [row for row in others if row.due_on is not None]
    # News of an end whose beginning never arrived names no trouble: there is nothing to show.
    connections = [row for row in everything if row.is_connection and row.code]
    return Today(
        exceptions=tuple(sorted(exceptions, key=_urgency)),
        deadlines=tuple(sorted(deadlines, key=_due)),
        tasks=tuple(sorted(tasks, key=_due)),
        connections=tuple(sorted(connections, key=lambda row: (not row.open, row.key))),
        news_at=max((row.news_at for row in everything), default=None),
    )


def _due(row: Attention) -> tuple[date, str]:
    return row.due_on or date.max, row.key


def _urgency(row: Attention) -> tuple[int, int, datetime, str]:
    rank = SEVERITIES.index(row.severity) if row.severity in SEVERITIES else len(SEVERITIES)
    return rank, -(row.amount.minor if row.amount else 0), row.raised_at, row.key
