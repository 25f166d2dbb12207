"""Seeded errors of approvals (reliability.md §11, M18 and its neighbours), as patched copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from cryptography import x509

from kernel.approval import Gate
from toolkit.aws.unit_of_work import META, entity_key
from workflow.adapters import cms_signatures
from workflow.adapters.dynamodb_approvals import APPROVAL, DynamoApprovalsUnit
from workflow.domain.approvals import duties, reducer
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval
from workflow.domain.approvals.waiting import Wait

Patched = Any


@contextmanager
def _swap(owner: Any, name: str, other: Any) -> Iterator[None]:
    with mock.patch.object(owner, name, other):
        yield


def m18() -> Patched:
    """A task is named without its round: what was decided before stands for the new question."""
    return _swap(reducer, "task_id", lambda approval, stage, _round: f"{approval}-{stage}-1")


def counts_old_approvals() -> Patched:
    """Approvals of the content before stay when the content changes (A8)."""
    real = reducer._HANDLERS[ev.AskAgain]

    def ask_again(approval: Approval, event: Any, now: Any, hours: Any) -> Any:
        step = real(approval, event, now, hours)
        if not approval.standing:
            return step
        following = max(approval.standing) + 1
        state = step.state
        open_task = state.task
        if open_task is None:
            return step
        tasks = tuple(
            replace(task, stage=following) if task is open_task else task for task in state.tasks
        )
        kept = replace(state, tasks=tasks, standing=approval.standing)
        return replace(step, state=kept)

    handlers = {**reducer._HANDLERS, ev.AskAgain: ask_again}
    return _swap(reducer, "_HANDLERS", handlers)


def decides_unguarded() -> Patched:
    """The decision is written over whatever is there: the last of two wins (A1)."""
    real = DynamoApprovalsUnit.save_approval

    def save(self: Any, before: Approval, after: Approval, action: str, detail: Any) -> None:
        key = entity_key(self._keyspace, APPROVAL, before.id)
        row = self._store.database.get("core", key, META)
        stamp = replace(before.stamp, version=row["version"], audit_hash=row["audit_hash"])
        status = type(before.status)(row["state"])
        current = replace(before, stamp=stamp, status=status)
        real(self, current, after, action, detail)

    return _swap(DynamoApprovalsUnit, "save_approval", save)


def wakes_beside_the_transaction() -> Patched:
    """The wake-up is ordered after the commit, and nothing remembers that it is owed (A5)."""

    @contextmanager
    def both() -> Iterator[None]:
        def drive(self: Any, approval_id: str, task_id: str) -> None:
            owed = getattr(self, "owed", [])
            self.owed = [*owed, {"approval_id": approval_id, "task": task_id}]

        real = DynamoApprovalsUnit.commit

        def commit(self: Any) -> None:
            real(self)
            for work in getattr(self, "owed", []):
                later = DynamoApprovalsUnit(self._store)
                later._unit.enqueue(self._queue, work)
                real(later)

        def close_wait(self: Any, task_id: str, _due: Any) -> None:
            key = self._keyspace.key("APPROVAL-WAIT", task_id)
            self._unit.transaction.update(
                "core", key, META, assign={"closed": True}, remove=("due_pk", "due_sk")
            )

        with (
            mock.patch.object(DynamoApprovalsUnit, "drive", drive),
            mock.patch.object(DynamoApprovalsUnit, "commit", commit),
            mock.patch.object(DynamoApprovalsUnit, "close_wait", close_wait),
        ):
            yield

    return both()


def names_executions_alike() -> Patched:
    """A lost execution is started again under its old name, which AWS takes for the same (A6)."""
    return _swap(Wait, "execution", property(lambda self: f"{self.task_id}-1"))


def lets_one_person_approve_twice() -> Patched:
    """Nobody asks whether an approver decided another stage (I-11)."""
    real = duties.may_decide

    def may_decide(approval: Approval, *given: Any) -> Any:
        return real(replace(approval, standing={}), *given)

    return _swap(reducer, "may_decide", may_decide)


def opens_for_any_content() -> Patched:
    """A gate opens for an approval of other content (I-12)."""
    return _swap(Gate, "allows", lambda self, _content: self.state.opens)


def takes_any_statement() -> Patched:
    """A signature that is sound in itself counts, whatever was signed (workflow.md §7)."""
    return _swap(cms_signatures, "_check_digest", lambda *_: None)


def forgets_old_revocations() -> Patched:
    """A list that is out of date revokes nothing."""
    real = cms_signatures._check_revocations

    def check(path: Any, lists: Any, now: Any) -> Any:
        found = [x509.load_der_x509_crl(each) for each in lists]
        current = [
            each
            for each, listed in zip(lists, found, strict=True)
            if listed.next_update_utc is not None and now <= listed.next_update_utc
        ]
        return real(path, current, now)

    return _swap(cms_signatures, "_check_revocations", check)
