"""Accept a proposal, which starts its work, or dismiss it with a reason (WFL-06)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kernel.errors import ConflictError, Problem, ValidationError
from workflow.application.process_context import ATTENTION_CLEARED
from workflow.application.propose_work import TriggerScope, start_of
from workflow.application.start_process import StartProcess
from workflow.domain.processes.triggers import Proposal, ProposalState


class AcceptProposal:
    """Start the process that a proposal names, in the same write.

    Raises: NotFoundError; ConflictError("proposal_decided"); ValidationError("start_refused") with
    what the process still needs to start.
    """

    def __init__(self, scope: TriggerScope) -> None:
        self._scope = scope

    def __call__(self, proposal_id: str, data: Mapping[str, Any]) -> Proposal:
        store = self._scope.store
        before = _open(self._scope, proposal_id)
        unit = store.unit()
        opened = StartProcess(self._scope.processes).begin(
            start_of(self._scope, before, dict(data))
        )
        opened.unit = unit
        head = opened.create()
        after = replace(
            before,
            state=ProposalState.ACCEPTED,
            process_id=head.id,
            decided_by=self._scope.processes.rules.actor,
        )
        unit.save_proposal(before, after, "proposal.accepted")
        unit.commit()
        return store.proposal(proposal_id)


class DismissProposal:
    """Say why nothing is to be done; the same rule, subject and period do not propose it again.

    Raises: NotFoundError; ConflictError("proposal_decided"); ValidationError("reason_missing").
    """

    def __init__(self, scope: TriggerScope) -> None:
        self._scope = scope

    def __call__(self, proposal_id: str, reason: str) -> Proposal:
        store = self._scope.store
        if not reason.strip():
            problem = Problem("/reason", "required", "Say why.")
            raise ValidationError("reason_missing", "A reason is needed.", problems=[problem])
        before = _open(self._scope, proposal_id)
        after = replace(
            before,
            state=ProposalState.DISMISSED,
            reason=reason,
            decided_by=self._scope.processes.rules.actor,
        )
        unit = store.unit()
        unit.save_proposal(before, after, "proposal.dismissed")
        last, _ = store.proposals(is_open=True, limit=2, after=None)
        if [one.id for one in last] == [before.id]:
            unit.publish(ATTENTION_CLEARED, f"proposal:{before.id}", {"key": "proposals"})
        unit.commit()
        return store.proposal(proposal_id)


def _open(scope: TriggerScope, proposal_id: str) -> Proposal:
    found = scope.store.proposal(proposal_id)
    if found.state is not ProposalState.OPEN:
        text = f"The proposal is {found.state.value} already."
        raise ConflictError("proposal_decided", text)
    return found
