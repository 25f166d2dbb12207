"""What may happen to an approval, and what follows from it outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kernel.errors import KopruError
from workflow.domain.approvals.chain import Chain, Person
from workflow.domain.approvals.delegation import Delegation


@dataclass(frozen=True, slots=True)
class Decide:
    """Approve or reject a task; ``signature`` is what the stage asked for, verified already."""

    task_id: str
    by: Person
    approve: bool
    reason: str = ""
    delegations: Sequence[Delegation] = ()
    signature: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """Send the work back to an earlier stage (from 0), or to the requester with -1."""

    task_id: str
    by: Person
    stage: int
    reason: str
    delegations: Sequence[Delegation] = ()


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Ask the requester something first."""

    task_id: str
    by: Person
    question: str
    delegations: Sequence[Delegation] = ()


@dataclass(frozen=True, slots=True)
class AnswerInfo:
    """The requester (or anybody who may comment for him) answers."""

    task_id: str
    by: Person
    answer: str


@dataclass(frozen=True, slots=True)
class Delegate:
    """A candidate gives one task to somebody else."""

    task_id: str
    by: Person
    to: str
    delegations: Sequence[Delegation] = ()


@dataclass(frozen=True, slots=True)
class Reassign:
    """An administrator names other candidates."""

    task_id: str
    by: Person
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The requester takes it back."""

    by: Person
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """Somebody says something."""

    by: Person
    text: str


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The requester asks again, with what was corrected; ``chain`` is resolved anew."""

    by: Person
    content: Mapping[str, Any]
    facts: Mapping[str, Any]
    chain: Chain
    duties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    Decide
    | ReturnTo
    | RequestInfo
    | AnswerInfo
    | Delegate
    | Reassign
    | Withdraw
    | Comment
    | AskAgain
    | Tick
)


# ---------------------------------------------------------------------------- effects


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task began to wait: somebody must be told, and an execution must wait for it."""

    task_id: str


@dataclass(frozen=True, slots=True)
class CloseTask:
    """A task has ended: its execution must be woken."""

    task_id: str


class Why(StrEnum):
    """Why somebody hears of a task; the words are templates of the mail."""

    OPENED = "opened"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    GIVEN = "given"
    QUESTION = "question"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Remind:
    """Somebody is told about an open task: why, and who (every candidate when nobody is named)."""

    task_id: str
    why: Why
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The asker must hear of the outcome; at most once per round."""

    outcome: str
    stage: str = ""
    reason: str = ""
    reason_code: str = ""
    by: str = ""
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The caller hears why not, after what was noted about it is stored."""

    error: KopruError


Effect = OpenTask | CloseTask | Remind | Finish | Refuse


@dataclass(frozen=True, slots=True)
class Note:
    """What the history says about one event. ``detail`` holds ids, codes and counts only."""

    action: str
    detail: Mapping[str, Any] = field(default_factory=dict)
