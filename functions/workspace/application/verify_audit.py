"""Recompute the audit chains of a company, some entities at a time (security.md §10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.audit import ChainReport, first_fault
from workspace.ports import SystemStore

STEP: Final = 200


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """Goes through the register of entities; a fault ends the run and is named."""

    store: SystemStore
    chain_hash: Callable[[Mapping[str, Any]], str]

    def __call__(
        self, context: TenantContext, *, limit: int = STEP, after: Position | None = None
    ) -> tuple[ChainReport, Position | None]:
        """The report of this step and where the next one goes on."""
        page = self.store.shared(context).chains(limit=limit, after=after)
        rows = 0
        for number, chain in enumerate(page.items, 1):
            rows += len(chain.rows)
            fault = first_fault(chain.entity, chain.rows, self.chain_hash, chain.last_known)
            if fault is not None:
                return ChainReport(number, rows, fault, complete=False), None
        complete = page.next is None
        return ChainReport(len(page.items), rows, None, complete), page.next
