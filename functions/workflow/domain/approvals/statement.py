"""What is signed: one canonical statement per decision (§7)."""

from __future__ import annotations

from kernel.approval import canonical
from workflow.domain.approvals.approval import Approval, Task


def decision_statement(approval: Approval, task: Task, person: str, outcome: str) -> bytes:
    """The bytes a decision is signed over: the same for the same decision, for ever.

    Shapes: canonical JSON {task, document_hash, amount, decision, decided_by, policy, nonce}. The
    nonce is the name of the task's visit, which occurs once.
    """
    content = {
        "v": 1,
        "task": task.id,
        "document_hash": approval.content_hash,
        "amount": approval.content.get("amount"),
        "decision": outcome,
        "decided_by": person,
        "policy": dict(approval.chain.policy),
        "nonce": f"{approval.id}:{task.round}:{len(task.votes)}",
    }
    return canonical(content).encode()
