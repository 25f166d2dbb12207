"""Seal the audit chains of a company for a day, some at a time, and look whether seals hold."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.ids import derived_id
from kernel.parsing import format_instant
from kernel.storing import Position, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.audit import ChainFault, ChainReport
from workspace.domain.seal import (
    NO_SEAL,
    Part,
    Seal,
    added_up,
    digest,
    first_contradiction,
    heads_of,
    part_content,
    parts_of,
    seal_content,
)
from workspace.ports import ChainView, Page, SealDesk, SealObjects, SystemStore

ACTOR: Final = "system:seal"
AT_ONCE: Final = 200
_COMPANIES: Final = 100
_UTC: Final = "UTC"


def seal_id(tenant_id: str, day: date) -> str:
    """Id of the seal of a company for a day: there is one."""
    return derived_id(f"seal/{tenant_id}/{day.isoformat()}")


@dataclass(frozen=True, slots=True)
class StartSeals:
    """Begins the seal of today for every company; one that stopped yesterday is ordered again."""

    store: SystemStore
    desk: SealDesk
    clock: Clock

    def __call__(self) -> dict[str, int]:
        """Counts; a second run of a day begins nothing twice."""
        today = self.clock.today(_UTC)
        counts = {"begun": 0, "ordered_again": 0}
        after: Position | None = None
        while True:
            page = self.store.tenants(limit=_COMPANIES, after=after)
            for tenant in page.items:
                seals = self.desk.company(TenantContext(tenant.id, ACTOR))
                try:
                    seals.begin(Seal(seal_id(tenant.id, today), tenant.id, today))
                    counts["begun"] += 1
                except WriteRefusedError:
                    pass  # begun by an earlier run of today
                stopped = seals.seal(seal_id(tenant.id, today - timedelta(days=1)))
                if stopped is not None and not stopped.is_complete:
                    seals.order(stopped)
                    counts["ordered_again"] += 1
            after = page.next
            if after is None:
                return counts


@dataclass(frozen=True, slots=True)
class SealAudit:
    """Writes one part of a seal, or its root when all chains are in parts.

    The object is written before the row that names it: a part whose row was never written is an
    orphan that nobody names, and a root is the same bytes when it is written again. The row also
    carries the tally of the parts: it moves with them, under one condition, so that a part that is
    written again is not counted again.
    """

    store: SystemStore
    desk: SealDesk
    objects: SealObjects
    clock: Clock

    def __call__(self, tenant_id: str, identity: str) -> None:
        """Raises: ConflictError when another run is ahead; the record comes again."""
        context = TenantContext(tenant_id, ACTOR, identity)
        seals = self.desk.company(context)
        found = seals.progress(identity)
        if found is None or found[0].is_complete:
            return
        seal, position = found
        page = self.store.shared(context).heads(limit=AT_ONCE, after=position)
        content = part_content(page.items)
        name = f"{len(seal.parts):06d}-{digest(content)[:16]}.jsonl"
        self.objects.put(tenant_id, seal.day, name, content)
        part = Part(name, digest(content), len(page.items))
        # A seal that was begun before tallies were kept stays without one: half a count is none.
        tally = None if seal.tally is None else added_up(seal.tally, page.items)
        after = replace(seal, parts=(*seal.parts, part), tally=tally)
        if page.next is None:
            previous = seals.last_complete()
            after = replace(after, previous=previous.root if previous else NO_SEAL)
            root = seal_content(after)
            self.objects.put(tenant_id, seal.day, f"seal-{digest(root)}.json", root)
            after = replace(after, root=digest(root), sealed_at=format_instant(self.clock.now()))
        seals.save(after, page.next)


@dataclass(frozen=True, slots=True)
class ListSeals:
    """The seals of a company: what it may keep elsewhere."""

    desk: SealDesk

    def __call__(self, context: TenantContext, *, limit: int, after: Position | None) -> Page[Seal]:
        """Newest first, with their roots."""
        return self.desk.company(context).seals(limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ReadSeal:
    """The objects of a seal, to be kept and checked elsewhere."""

    desk: SealDesk
    objects: SealObjects

    def __call__(
        self, context: TenantContext, identity: str, part: int | None = None
    ) -> tuple[Seal, bytes]:
        """The seal, and its own object or one of its parts, as it was written.

        Raises: NotFoundError, also for a seal that is not complete.
        """
        seal = self.desk.company(context).seal(identity)
        content = None
        if seal is not None and seal.is_complete:
            name = f"seal-{seal.root}.json"
            if part is not None:
                name = seal.parts[part].name if part < len(seal.parts) else ""
            content = self.objects.get(context.tenant_id, seal.day, name) if name else None
        if seal is None or content is None:
            raise NotFoundError("not_found", "There is no such item.")
        return seal, content


@dataclass(frozen=True, slots=True)
class ListChains:
    """The audit rows of a company's entities: ids, states and hashes, nothing personal."""

    store: SystemStore

    def __call__(
        self, context: TenantContext, *, limit: int, after: Position | None
    ) -> Page[ChainView]:
        """In the order of the seals."""
        return self.store.shared(context).chains(limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class VerifySeal:
    """Compares the rows now stored with what was sealed, one part of the seal at a time."""

    store: SystemStore
    desk: SealDesk
    objects: SealObjects

    def __call__(
        self, context: TenantContext, identity: str, part: int = 0
    ) -> tuple[ChainReport, int | None]:
        """The report of this part, and the number of the next one.

        Only the objects are believed, never what the tables say about them. Raises: NotFoundError
        for an unknown seal, or one that is not complete.
        """
        seal = self.desk.company(context).seal(identity)
        if seal is None or not seal.is_complete:
            raise NotFoundError("not_found", "There is no such item.")

        def fault(code: str) -> tuple[ChainReport, int | None]:
            return ChainReport(0, 0, ChainFault(f"audit_seal:{seal.day}", part, code), False), None

        root = self.objects.get(context.tenant_id, seal.day, f"seal-{seal.root}.json")
        if root is None:
            return fault("seal_missing")
        if digest(root) != seal.root:
            return fault("seal_changed")
        _, parts = parts_of(root)
        if part >= len(parts):
            raise NotFoundError("not_found", "There is no such item.")
        content = self.objects.get(context.tenant_id, seal.day, parts[part].name)
        if content is None:
            return fault("part_missing")
        if digest(content) != parts[part].digest:
            return fault("part_changed")
        heads = heads_of(content)
        stored = self.store.shared(context).rows_at(heads)
        found = first_contradiction(heads, stored)
        following = part + 1 if part + 1 < len(parts) and found is None else None
        complete = found is None and following is None
        return ChainReport(len(heads), len(heads), found, complete), following
