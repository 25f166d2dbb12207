"""One approval: what is asked, its chain, the tasks it went through, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.stamp import NEW, Stamp
from workflow.domain.approvals.chain import Chain, Stage

MAX_ROUNDS: Final = 20
"""DESIGN: workflow.md §6.2."""


_A_MOMENT: Final = timedelta(milliseconds=1)


class ApprovalStatus(StrEnum):
    """Where an approval stands (words of api.md)."""

    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def final(self) -> bool:
        """Whether nothing can happen any more."""
        return self not in (ApprovalStatus.PENDING, ApprovalStatus.RETURNED)


class TaskOutcome(StrEnum):
    """How a task ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    COLLAPSED = "collapsed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Vote:
    """One recorded decision: who, as which candidate, for whom, over exactly which content.

    Shapes: ``outcome`` is ``approve`` or ``reject``; ``as_candidate`` the candidate that was
    matched at that moment; ``statement_hash`` and ``signature`` as far as the stage asks for them.
    """

    by: str
    at: datetime
    outcome: str
    as_candidate: str
    content_hash: str
    on_behalf_of: str = ""
    reason: str = ""
    roles: tuple[str, ...] = ()
    name: str = field(default="", repr=False)
    signature: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """The approver wants to know something before deciding."""

    by: str
    at: datetime
    text: str
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment; it decides nothing."""

    by: str
    at: datetime
    text: str
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """One visit of one stage in one round.

    Units: instants; ``paused`` is the time the clock stood still. Shapes: ``candidates`` may differ
    from the stage's after delegation, reassignment and escalation; ``for_whom`` says for whom a
    delegate decides.
    """

    id: str
    stage: int
    round: int
    opened_at: datetime
    due_at: datetime
    expires_at: datetime
    reminders: tuple[datetime, ...]
    candidates: tuple[str, ...]
    escalates: bool = False
    for_whom: Mapping[str, str] = field(default_factory=dict)
    reminded: int = 0
    escalated_at: datetime | None = None
    paused_since: datetime | None = None
    paused: timedelta = timedelta(0)
    votes: tuple[Vote, ...] = ()
    questions: tuple[Question, ...] = ()
    closed_at: datetime | None = None
    outcome: TaskOutcome | None = None

    @property
    def open(self) -> bool:
        """Whether it waits for somebody."""
        return self.closed_at is None

    def next_deadline(self) -> datetime | None:
        """When something happens by itself; None while the clock stands still."""
        if not self.open or self.paused_since is not None:
            return None
        ahead = [*self.reminders[self.reminded :][:1], self.expires_at]
        if self.escalated_at is None and self.escalates:
            # Exactly on time is in time: the breach is a moment later.
            ahead.append(self.due_at + _A_MOMENT)
        return min(ahead)

    def elapsed(self, now: datetime) -> timedelta:
        """How long it waited, without the time the clock stood still."""
        end = self.closed_at or now
        still = end - self.paused_since if self.paused_since is not None else timedelta(0)
        return end - self.opened_at - self.paused - still

    def breached(self, now: datetime) -> bool:
        """Whether it took longer than its SLA; exactly on time is in time (R21)."""
        return (self.closed_at or self.paused_since or now) > self.due_at


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody asked to be approved.

    Shapes: ``origin`` is the asking context and ``request_id`` its own id; ``subject`` is
    ``<kind>:<id>`` of the thing; ``content`` is what approvers see and ``content_hash`` what they
    approve; ``duties`` name persons with other duties; ``standing`` are, by stage, the persons
    whose approvals count now; ``earlier`` are the chains that changed content replaced, each with
    the last round it was for.
    """

    id: str
    origin: str
    request_id: str
    kind: str
    subject: str
    requested_by: str
    requested_at: datetime
    facts: Mapping[str, Any]
    content: Mapping[str, Any]
    content_hash: str
    chain: Chain
    duties: Mapping[str, str] = field(default_factory=dict)
    status: ApprovalStatus = ApprovalStatus.PENDING
    round: int = 1
    tasks: tuple[Task, ...] = ()
    remarks: tuple[Remark, ...] = ()
    standing: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    earlier: tuple[tuple[int, Chain], ...] = ()
    closed_at: datetime | None = None
    stamp: Stamp = NEW

    @property
    def task(self) -> Task | None:
        """The task that is open; a chain never has two."""
        return next((task for task in reversed(self.tasks) if task.open), None)

    def stage_of(self, task: Task) -> Stage:
        """The stage a task belongs to, in the chain of its round."""
        chains = (chain for last, chain in self.earlier if task.round <= last)
        return next(chains, self.chain).stages[task.stage]

    def task_by_id(self, task_id: str) -> Task:
        """Raises: NotFoundError."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise NotFoundError("not_found", "There is no such item.")

    def next_deadline(self) -> datetime | None:
        """When something happens by itself."""
        task = self.task
        return task.next_deadline() if task is not None else None


def task_id(approval_id: str, stage: int, round_: int) -> str:
    """Name of the task of a stage (from 0) in a round: ``<approval>-<stage>-<round>``."""
    return f"{approval_id}-{stage}-{round_}"


def approval_of_task(task: str) -> str:
    """Id of the approval a task name belongs to."""
    return task.partition("-")[0]
