"""Substitutions: made and ended by the persons themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError
from kernel.storing import WriteRefusedError
from workflow.application.approvals.context import ApprovalScope
from workflow.domain.approvals.chain import Person
from workflow.domain.approvals.delegation import Delegation, DelegationState
from workflow.domain.approvals.people import Colleague

MAX_ACTIVE: Final = 50


@dataclass(frozen=True, slots=True)
class Absence:
    """Who stands in, from when to before when; ``kinds`` limits it, none is everything."""

    substitute: str
    starts_at: datetime
    ends_at: datetime
    kinds: tuple[str, ...] = ()
    note: str = ""


class MakeDelegation:
    """Name a substitute for oneself. Raises: ValidationError; ConflictError("too_many")."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, by: Person, absence: Absence) -> Delegation:
        scope = self._scope
        made = Delegation(
            scope.rules.ids.new(),
            by.id,
            absence.substitute,
            absence.starts_at,
            absence.ends_at,
            absence.kinds,
            absence.note,
        )
        active = [
            each
            for each in scope.store.delegations()
            if each.person == by.id
            and each.state is DelegationState.ACTIVE
            and each.ends_at > scope.now
        ]
        if len(active) >= MAX_ACTIVE:
            raise ConflictError("too_many", "There are too many substitutions; end some first.")
        unit = scope.store.unit()
        unit.add_delegation(made)
        if by.name:
            unit.know(Colleague(by.id, by.name, by.roles))
        unit.commit()
        return scope.store.delegation(made.id)


class EndDelegation:
    """End a substitution before its time. Raises: ForbiddenError; ConflictError."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, delegation_id: str, by: Person) -> Delegation:
        scope = self._scope
        before = scope.store.delegation(delegation_id)
        after = before.ended(by.id, scope.now)
        unit = scope.store.unit()
        unit.save_delegation(before, after)
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise ConflictError("delegation_ended", "It has ended already.") from error
        return scope.store.delegation(delegation_id)


class JoinColleagues:
    """Be found by others who look for a substitute."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, by: Person) -> None:
        unit = self._scope.store.unit()
        unit.know(Colleague(by.id, by.name, by.roles))
        unit.commit()
