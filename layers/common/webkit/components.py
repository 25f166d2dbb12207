"""What the macros draw: small typed values that pages build and templates only read.

A page turns its own things (contracts, people, months) into these; the macros know Tabler's class
names and nothing else. Texts in them are already in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class Tone(StrEnum):
    """How a state feels, shown as colour plus icon, always beside a word.

    ``UNKNOWN`` is its own tone: we asked and do not know the answer yet, which is not a failure.
    """

    NEUTRAL = "neutral"
    INFO = "info"
    OK = "ok"
    WAITING = "waiting"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """A state in words with its tone, drawn by the ``badge`` macro."""

    label: str
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Column:
    """A table column. ``sort_key`` makes its heading a sort button; ``numeric`` aligns right."""

    key: str
    label: str
    sort_key: str | None = None
    numeric: bool = False
    hide_label: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """The sort order of a list as its URL says it: ``due_at`` ascending, ``-due_at`` descending."""

    key: str = ""
    descending: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read the ``sort`` query parameter."""
        if not text:
            return cls()
        return cls(text.removeprefix("-"), text.startswith("-"))

    def aria(self, column: Column) -> str | None:
        """The ``aria-sort`` value of a column heading; None where the column is not the order."""
        if not column.sort_key or column.sort_key != self.key:
            return None
        return "descending" if self.descending else "ascending"

    def toggled(self, column: Column) -> str:
        """The ``sort`` parameter a click on the heading of ``column`` asks for."""
        if column.sort_key == self.key and not self.descending:
            return f"-{column.sort_key}"
        return column.sort_key or ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A facet of a list: a link that sets one filter, with the number of rows behind it."""

    label: str
    href: str
    count: int | None = None
    active: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a cursor-paged list stands: links, rows on this page, and about how many in all."""

    shown: int
    total: int | None = None
    exact: bool = True
    next_href: str | None = None
    first_href: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a select or radio group."""

    value: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with a form; ``field`` is the id of the control, None for the whole form."""

    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of an item's history, or one still to come (``pending``).

    ``why`` are finished sentences; ``links`` lead to other items it speaks of (label, address);
    ``raw`` is shown folded as JSON.
    """

    title: str
    at: datetime | None = None
    actor: str | None = None
    tone: Tone = Tone.NEUTRAL
    detail: str | None = None
    why: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    raw: Any = None
    pending: bool = False
    repeats: int = 1


class StepState(StrEnum):
    """Where one step of a path stands."""

    DONE = "done"
    CURRENT = "current"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path that has an order: an import wizard, a month on its way to the bank."""

    label: str
    state: StepState = StepState.PENDING
    note: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class DiffRow:
    """Two values of the same thing. ``label`` names it; equal sides are drawn calmly."""

    label: str
    before: str | None
    after: str | None
    note: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the two sides differ."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the console's navigation; ``permission`` hides it from people without it."""

    key: str
    label: str
    href: str
    icon: str
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Entries of the navigation under one heading; an empty heading draws none."""

    label: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence about what just happened, shown on the next page and announced once."""

    text: str
    tone: Tone = Tone.OK


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """A company the signed-in person may switch to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in person, as the account menu shows them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything a page needs to know about its reader; built per request, never kept.

    ``url`` is the current path with its query. ``csrf_token`` is None where nothing can be posted.
    ``zone`` is the IANA zone in which instants are shown. ``permissions`` filters the navigation;
    None shows every entry. Without ``person`` there is no session to keep a preference in, so the
    language switch is plain ``?lang=`` links.
    """

    url: str
    language: str
    theme: str = "auto"
    zone: str = "UTC"
    csrf_token: str | None = None
    person: Person | None = None
    tenant: TenantChoice | None = None
    tenants: tuple[TenantChoice, ...] = ()
    section: str = ""
    flashes: tuple[Flash, ...] = ()
    permissions: frozenset[str] | None = None
