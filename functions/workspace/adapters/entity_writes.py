"""How units of this context write an entity: one place for creating and one for changing."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.stamp import Stamp
from toolkit.aws.dynamodb import Item, Keyspace
from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import Change, UnitOfWork

CONTEXT: Final = "wsp"
SYSTEM: Final = Keyspace.of_system(CONTEXT)


def create_entity(
    unit: UnitOfWork,
    kind: str,
    identity: str,
    row: Item,
    action: str,
    state: str,
    **detail: Any,
) -> Stamp:
    """Add a new entity; its stamp."""
    return stamp_of(unit.create(kind, identity, row, Change(action, state, "", detail)))


def change_entity(
    unit: UnitOfWork,
    kind: str,
    identity: str,
    before: tuple[str, Stamp],
    action: str,
    state: str,
    row: Item,
    *,
    remove: tuple[str, ...] = (),
    detail: Mapping[str, Any] | None = None,
) -> Stamp:
    """Change an entity that was read in the state and with the stamp of ``before``."""
    old_state, stamp = before
    stored = unit.as_read(kind, identity, old_state, stamp)
    change = Change(action, state, "", detail or {})
    return stamp_of(unit.change(stored, change, assign=row, remove=remove))


class UnitParts:
    """The two sides of a unit of work: rows of the system, and those of one tenant."""

    _system: UnitOfWork
    _tenant_unit: UnitOfWork | None

    @property
    def _tenant(self) -> UnitOfWork:
        if self._tenant_unit is None:
            message = "this unit writes for no tenant"
            raise ValueError(message)
        return self._tenant_unit

    @property
    def _tenant_or_system(self) -> UnitOfWork:
        # Not `or`: an empty unit has the length 0 and would count as none.
        return self._system if self._tenant_unit is None else self._tenant_unit
