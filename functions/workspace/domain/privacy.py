"""Requests of people about their own data, and the runs of the retention clocks.

The workspace asks, every context answers for its own records. A request holds keyed hashes, never
values: whoever reads it learns what was asked and what came of it, not about whom.
Source: KVKK art. 7, 11, 13 (thirty days); GDPR art. 12, 15, 17 (one month); by-law 30224 art. 7
(log of destruction, three years), art. 11 (periods of at most six months).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import Problem
from kernel.stamp import NEW, Stamp
from workspace.domain.catalogue import CONTEXTS
from workspace.domain.problems import invalid

ANSWER_WITHIN: Final = timedelta(days=30)
COPY_LIFETIME: Final = timedelta(days=7)
"""How long the parts of a copy lie in the bucket."""
BACKUPS_AGE_OUT: Final = timedelta(days=35)
"""Point-in-time recovery of the tables: after that no backup holds what was erased."""
ANSWERS_EXPIRE: Final = timedelta(hours=48)
"""Stored answers to commands with an idempotency key."""
_LONGEST_REASON: Final = 300


class Act(StrEnum):
    """What is asked."""

    EXPORT = "export"
    ERASURE = "erasure"
    RETENTION = "retention"


class RequestState(StrEnum):
    """Where a request stands. ``WAITING``: something is in flight that must end first."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"


class PartState(StrEnum):
    """Where one context stands."""

    ASKED = "asked"
    WAITING = "waiting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that must end before a person is erased."""

    kind: str
    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Part:
    """The answer of one context.

    Shapes: ``records`` found (copy) or changed (erasure); ``files`` are the parts of the copy.
    """

    state: PartState = PartState.ASKED
    records: int = 0
    files: int = 0
    waiting: tuple[OpenItem, ...] = ()
    answered_at: str = ""


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """One request. Units: ``asked_on`` is a date in the company's zone.

    Shapes: ``parts`` by context, in the order of the catalogue; the id is that of its job too.
    """

    id: str
    act: Act
    asked_on: date
    asked_at: str
    asked_by: str
    reason: str = ""
    digests: tuple[str, ...] = field(default=(), repr=False)
    parts: Mapping[str, Part] = field(
        default_factory=lambda: {context: Part() for context in CONTEXTS}
    )
    finished_at: str = ""
    stamp: Stamp = NEW

    @property
    def state(self) -> RequestState:
        """Done when all contexts are; waiting when all that are not done wait."""
        open_states = {part.state for part in self.parts.values()} - {PartState.DONE}
        if not open_states:
            return RequestState.DONE
        return RequestState.WAITING if open_states == {PartState.WAITING} else RequestState.RUNNING

    @property
    def records(self) -> int:
        """Records over all contexts."""
        return sum(part.records for part in self.parts.values())

    @property
    def answer_by(self) -> date:
        """Last day on which the law expects an answer."""
        return self.asked_on + ANSWER_WITHIN

    @property
    def backups_gone_on(self) -> date | None:
        """Day on which no backup holds what was erased; None before all contexts are done."""
        if self.act is Act.EXPORT or not self.finished_at:
            return None
        return date.fromisoformat(self.finished_at[:10]) + BACKUPS_AGE_OUT

    def answered(
        self,
        context: str,
        *,
        status: str,
        records: int,
        files: int,
        waiting: Sequence[OpenItem],
        at: str,
    ) -> "PrivacyRequest":
        """With the answer of one context; an answer after the last word changes nothing."""
        known = self.parts[context]
        if known.state is PartState.DONE:
            return self
        state = PartState.DONE if status == "done" else PartState.WAITING
        part = Part(state, records, files, tuple(waiting), at)
        after = replace(self, parts={**self.parts, context: part})
        return replace(after, finished_at=at) if after.state is RequestState.DONE else after


def check_reason(text: str) -> str:
    """Why somebody asks, in a few words. Raises: ValidationError naming ``/reason``."""
    clean = " ".join(text.split())
    if not clean:
        raise invalid(Problem("/reason", "required", "Say in a few words why."))
    if len(clean) > _LONGEST_REASON:
        raise invalid(Problem("/reason", "too_long", f"At most {_LONGEST_REASON} characters."))
    return clean
