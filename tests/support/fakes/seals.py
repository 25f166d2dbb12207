"""Seals in memory: what stands, how far it is, and which parts were ordered."""

from dataclasses import dataclass, field, replace
from datetime import date

from kernel.storing import Position, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.seal import Seal
from workspace.ports import Page


@dataclass
class MemorySeals:
    """``Seals`` of one tenant."""

    rows: dict[str, tuple[Seal, Position | None]] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    def begin(self, seal: Seal) -> None:
        if seal.id in self.rows:
            raise WriteRefusedError(["seal"])
        self._write(seal, None)
        self.order(seal)

    def order(self, seal: Seal) -> None:
        self.orders.append(seal.id)

    def save(self, seal: Seal, after: Position | None) -> None:
        if self.rows[seal.id][0].version != seal.version:
            raise WriteRefusedError(["seal"])
        self._write(seal, after)
        if not seal.is_complete:
            self.order(seal)

    def _write(self, seal: Seal, after: Position | None) -> None:
        self.rows[seal.id] = (replace(seal, version=seal.version + 1), after)

    def seal(self, seal_id: str) -> Seal | None:
        found = self.progress(seal_id)
        return found[0] if found else None

    def progress(self, seal_id: str) -> tuple[Seal, Position | None] | None:
        return self.rows.get(seal_id)

    def last_complete(self, until: date | None = None) -> Seal | None:
        standing = [seal for seal in self._newest_first() if seal.is_complete]
        return next((seal for seal in standing if until is None or seal.day <= until), None)

    def seals(self, *, limit: int, after: Position | None) -> Page[Seal]:
        first = int(after["first"]) if after else 0
        found = self._newest_first()
        more = first + limit < len(found)
        return Page(tuple(found[first : first + limit]), {"first": first + limit} if more else None)

    def _newest_first(self) -> list[Seal]:
        return sorted((seal for seal, _ in self.rows.values()), key=lambda each: each.day)[::-1]


@dataclass
class MemorySealDesk:
    """``SealDesk`` over them."""

    of: dict[str, MemorySeals] = field(default_factory=dict)

    def company(self, context: TenantContext) -> MemorySeals:
        return self.of.setdefault(context.tenant_id, MemorySeals())
