"""Ask for an approval, ask again with what was corrected, or take it back."""

from kernel.approval import content_hash
from kernel.errors import ConflictError
from kernel.ids import derived_id
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from workflow.application.approvals.context import (
    TRIES,
    ApprovalScope,
    advance,
    store_step,
)
from workflow.application.approvals.resolve_chain import Matter, resolve_chain
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval, ApprovalStatus
from workflow.domain.approvals.chain import Chain, Person
from workflow.domain.approvals.reducer import Step, reduce, submitted


def approval_id(tenant_id: str, origin: str, request_id: str) -> str:
    """The approval of a request: always the same, so that asking twice is one approval."""
    return derived_id(f"approval/{tenant_id}/{origin}/{request_id}")


class RequestApproval:
    """Find out whether an approval is needed, and open it.

    Raises: what resolving the chain raises; ConflictError("approval_closed") for other content
    after the end.
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(
        self,
        matter: Matter,
        *,
        heard: tuple[str, str] | None = None,
        command: CommandIdentity | None = None,
    ) -> Approval:
        """``heard`` is source and id of the event that asks; its effect happens once."""
        scope = self._scope
        identity = approval_id(scope.rules.tenant_id, matter.origin, matter.request_id)
        for _ in range(TRIES):
            before = scope.store.find_approval(identity)
            asked = content_hash(matter.content)
            if before is not None and (
                (before.status is ApprovalStatus.PENDING and before.content_hash == asked)
                or (before.status.final and before.content_hash == asked)
            ):
                return before
            if before is not None and before.status.final:
                raise ConflictError("approval_closed", "This approval has ended already.")
            names = {each.id: each.name for each in scope.store.colleagues()}
            chain, record = resolve_chain(scope.rules, matter, names)
            unit = scope.store.unit()
            if before is None:
                step = self._first(identity, matter, chain)
            else:
                step = reduce(
                    before,
                    ev.AskAgain(
                        Person(matter.requested_by),
                        matter.content,
                        matter.facts,
                        chain,
                        matter.duties or {},
                    ),
                    scope.now,
                    scope.hours,
                )
            store_step(scope, unit, before, step)
            if record is not None:
                unit.add_decision(record)
            if heard is not None:
                unit.received(*heard)
            if command is not None:
                unit.remember(command, Remembered(201, {"approval_id": identity}, {}))
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("inbox"):
                    return scope.store.approval(identity)
                if error.refused("idempotency"):
                    raise ConflictError(
                        "conflict", "The same is being asked at this moment."
                    ) from error
                continue
            return scope.store.approval(identity)
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _first(self, identity: str, matter: Matter, chain: Chain) -> Step:
        scope = self._scope
        approval = Approval(
            id=identity,
            origin=matter.origin,
            request_id=matter.request_id,
            kind=matter.kind,
            subject=matter.subject,
            requested_by=matter.requested_by,
            requested_at=scope.now,
            facts=matter.facts,
            content=matter.content,
            content_hash=content_hash(matter.content),
            chain=chain,
            duties=matter.duties or {},
        )
        return submitted(approval, scope.now, scope.hours)


class WithdrawApproval:
    """Take back what was asked.

    Raises: ForbiddenError("not_the_requester"); ConflictError("approval_closed").
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, identity: str, by: Person, reason: str = "") -> Approval:
        return advance(self._scope, identity, ev.Withdraw(by, reason))
