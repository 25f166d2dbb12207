"""Separation of duties, asked at the moment of the decision (I-11, S42)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError, ForbiddenError
from workflow.domain.approvals.approval import Approval, Task
from workflow.domain.approvals.chain import Mode, Person
from workflow.domain.approvals.delegation import Delegation, stands_for

DUTY_REQUESTER: Final = "duty_requester"
DUTY_TWICE: Final = "duty_twice"
DUTY_APART: Final = "duty_apart"


class DutyError(ForbiddenError):
    """Somebody may not decide because of another duty in the same matter; it is noted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """As what somebody decides: the candidate that was matched, and for whom."""

    candidate: str
    on_behalf_of: str = ""


def standing_of(
    approval: Approval,
    task: Task,
    person: Person,
    delegations: Sequence[Delegation],
    now: datetime,
) -> Standing | None:
    """As what a person may take part in a task, or None. Own standing goes before anybody's."""
    taken = {vote.as_candidate for vote in task.votes}
    every = approval.stage_of(task).mode is Mode.ALL
    free = [name for name in task.candidates if not (every and name in taken)]
    for candidate in free:
        if person.matches(candidate):
            return Standing(candidate, task.for_whom.get(candidate, ""))
    for absent in stands_for(person.id, delegations, now, approval.kind):
        if absent in free:
            return Standing(absent, absent)
    return None


def may_decide(
    approval: Approval,
    task: Task,
    person: Person,
    delegations: Sequence[Delegation],
    now: datetime,
) -> Standing:
    """As what a person decides now.

    Raises: ForbiddenError("not_a_candidate"); DutyError for whoever asked, decided another stage
    of this chain, or holds a duty that is kept apart; ConflictError("decided_by_you").
    """
    if not person.id.startswith("user:") and not person.id.startswith("key:"):
        raise ForbiddenError("not_a_candidate", "Only a person decides.")
    standing = standing_of(approval, task, person, delegations, now)
    if standing is None:
        raise ForbiddenError("not_a_candidate", "You are not asked to decide this.")
    if any(vote.by == person.id for vote in task.votes):
        raise ConflictError("decided_by_you", "You have decided this already.")
    if approval.requested_by in (person.id, standing.on_behalf_of):
        raise DutyError(DUTY_REQUESTER, "Who asks for an approval does not give it.")
    elsewhere = {
        name for stage, names in approval.standing.items() if stage != task.stage for name in names
    }
    if not approval.chain.collapse_duplicates and person.id in elsewhere:
        raise DutyError(DUTY_TWICE, "You have approved another stage of this already.")
    apart = {approval.duties.get(duty) for duty in approval.chain.apart}
    if person.id in apart or (standing.on_behalf_of and standing.on_behalf_of in apart):
        raise DutyError(DUTY_APART, "Another duty of yours in this matter forbids it.")
    return standing


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task in somebody's inbox: as what it is theirs, and whether they may decide it."""

    approval: Approval
    task: Task
    standing: Standing | None
    refusal: str = ""
    """Code of the duty that forbids it, if one does."""

    @property
    def may_decide(self) -> bool:
        """Whether this person decides it now."""
        return self.standing is not None and not self.refusal
