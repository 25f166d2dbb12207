"""The inbox: what waits for me, for my group, for anybody; and what was decided."""

from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError
from kernel.storing import Position
from workflow.application.approvals.context import ApprovalScope
from workflow.domain.approvals.approval import Approval
from workflow.domain.approvals.chain import USER, Person
from workflow.domain.approvals.delegation import Delegation
from workflow.domain.approvals.duties import (
    DutyError,
    OpenTask,
    may_decide,
    standing_of,
)

_PAGE: Final = 100
_MOST: Final = 1000
"""Open approvals looked through for one page of somebody's own."""


class Whose(StrEnum):
    """Which tasks are asked for."""

    MINE = "mine"
    GROUP = "group"
    ALL = "all"


class ListTasks:
    """Open tasks by deadline, page by page."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(
        self, person: Person, whose: Whose, limit: int, after: Position | None
    ) -> tuple[list[OpenTask], Position | None]:
        """At most ``limit`` tasks, and where the list goes on."""
        store = self._scope.store
        substitutes = store.delegations()
        found: list[OpenTask] = []
        looked = 0
        while len(found) < limit and looked < _MOST:
            room = limit - len(found) if whose is Whose.ALL else _PAGE
            page, after = store.approvals(open_ones=True, limit=min(room, _PAGE), after=after)
            looked += len(page)
            for approval in page:
                one = self.seen_by(approval, person, substitutes)
                if one is not None and _belongs(one, whose, person):
                    found.append(one)
            if after is None:
                break
        return found, after

    def seen_by(
        self, approval: Approval, person: Person, substitutes: list[Delegation]
    ) -> OpenTask | None:
        """The open task of an approval as a person sees it; None when none is open."""
        task = approval.task
        if task is None:
            return None
        now = self._scope.now
        standing = standing_of(approval, task, person, substitutes, now)
        if standing is None:
            return OpenTask(approval, task, None)
        try:
            may_decide(approval, task, person, substitutes, now)
        except (DutyError, ConflictError) as error:
            return OpenTask(approval, task, standing, error.code)
        return OpenTask(approval, task, standing)


def _belongs(one: OpenTask, whose: Whose, person: Person) -> bool:
    if whose is Whose.ALL:
        return True
    asked = any(not question.answer for question in one.task.questions)
    if asked and one.approval.requested_by == person.id:
        return whose is Whose.MINE
    if one.standing is None:
        return False
    personal = one.standing.candidate.startswith(USER) or one.standing.on_behalf_of != ""
    return personal if whose is Whose.MINE else not personal


class ReadApproval:
    """One approval with the task as somebody sees it."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, approval_id: str, person: Person) -> tuple[Approval, OpenTask | None]:
        """Raises: NotFoundError."""
        approval = self._scope.store.approval(approval_id)
        substitutes = self._scope.store.delegations()
        return approval, ListTasks(self._scope).seen_by(approval, person, substitutes)
