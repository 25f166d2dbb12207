"""The execution that waits for a task: started, given a token, woken, and replaced when lost.

``DriveTask`` may be called at any time, any number of times: it compares the table with the
machine and does what is missing. Messages only say which task to look at.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.sensitive import Secret
from kernel.sweeping import LIMIT, Swept, give_work
from workflow.application.approvals.context import TRIES, ApprovalScope, advance
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval, Task, approval_of_task
from workflow.domain.approvals.waiting import SOON, Answer, DueTask, Wait, look_again
from workflow.ports import ApprovalsDue

_LONGEST: Final = timedelta(days=30)
_WHILE_ASKED: Final = timedelta(hours=1)
WAITING: Final = "WAITING"


class KeepToken:
    """Store the token of an execution that waits; a decision made before wakes it at once (A4)."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, task_id: str, token: Secret) -> None:
        """Raises: NotFoundError for a task that was never opened."""
        store = self._scope.store
        for _ in range(TRIES):
            wait = store.wait(task_id)
            if wait is None:
                raise NotFoundError("not_found", "There is no such item.")
            approval = store.approval(approval_of_task(task_id))
            due_at = look_again(self._scope.now, approval.next_deadline())
            if store.keep_token(wait, token, due_at):
                break
        # Read after the token is there: whoever decided before it left nothing to be woken with.
        if not store.approval(approval_of_task(task_id)).task_by_id(task_id).open:
            unit = store.unit()
            unit.drive(approval_of_task(task_id), task_id)
            unit.commit()


class ReachDeadline:
    """What the machine asks when its own time is over: the clock of the table decides."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, task_id: str) -> dict[str, Any]:
        """How it stands: ``{status: WAITING, timeout_seconds}``, or the outcome of the task."""
        approval = advance(self._scope, approval_of_task(task_id), ev.Tick())
        return standing(approval.task_by_id(task_id), self._scope.now)


def standing(task: Task, now: datetime) -> dict[str, Any]:
    """What a machine must know of a task. Units: whole seconds, at least one."""
    if not task.open:
        return {"status": (task.outcome or "closed").upper(), "timeout_seconds": 0}
    deadline = task.next_deadline()
    left = _WHILE_ASKED if deadline is None else min(deadline - now, _LONGEST)
    return {"status": WAITING, "timeout_seconds": max(1, int(left.total_seconds()) + 1)}


class DriveTask:
    """Do what is missing between a task and its execution."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, task_id: str) -> None:
        """Raises: TransientGatewayError while the machine cannot be reached."""
        store = self._scope.store
        wait = store.wait(task_id)
        if wait is None or wait.done:
            return
        approval = store.approval(approval_of_task(task_id))
        task = approval.task_by_id(task_id)
        if not task.open:
            self._wake(wait, task)
            return
        deadline = task.next_deadline()
        if deadline is not None and deadline <= self._scope.now:
            approval = advance(self._scope, approval.id, ev.Tick())
            task = approval.task_by_id(task_id)
            if not task.open:
                return  # its own message follows
        self._watch(wait, approval, task)

    def _watch(self, wait: Wait, approval: Approval, task: Task) -> None:
        scope, machine = self._scope, self._scope.machine
        if wait.number and machine.state(wait.execution) is Answer.RUNNING:
            scope.store.look_again(wait, look_again(scope.now, task.next_deadline()))
            return
        if wait.is_starting(scope.now):
            return  # due again soon, should its starter have died
        # Counted first: a start that is lost gets a new name, one that is repeated the same (A6).
        counted = scope.store.mark_started(wait, scope.now + SOON)
        if counted is None:
            return
        said = standing(task, scope.now)
        machine.start(
            counted.execution,
            {
                "tenant_id": scope.rules.tenant_id,
                "approval_id": approval.id,
                "task": task.id,
                "timeout_seconds": said["timeout_seconds"],
            },
        )

    def _wake(self, wait: Wait, task: Task) -> None:
        scope = self._scope
        said = standing(task, scope.now)
        for number in range(wait.tokens, 0, -1):
            # An older token belongs to a wait that is over; asking costs a call and no harm.
            scope.machine.wake(scope.store.token(wait, number), said)
        if wait.tokens or not wait.number or self._lost(wait):
            scope.store.mark_done(wait)
        else:
            # Started, and its token is still on its way: it will find the task closed.
            scope.store.look_again(wait, scope.now + SOON)

    def _lost(self, wait: Wait) -> bool:
        return self._scope.machine.state(wait.execution) is Answer.GONE


class SweepTasks:
    """Every minute: tasks whose execution must be looked after get their message again."""

    def __init__(
        self, due: ApprovalsDue, clock: Clock, scope_of: Callable[[str], ApprovalScope]
    ) -> None:
        self._due = due
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        return give_work(self._due.due(now, LIMIT), self._one, now)

    def _one(self, task: DueTask) -> None:
        unit = self._scope_of(task.tenant_id).store.unit()
        unit.drive(approval_of_task(task.task_id), task.task_id)
        unit.commit()
