"""Incidents: what somebody must look at, and the word that it is solved."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.parsing import format_instant
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.events import INCIDENT_RESOLVED
from workspace.domain.incident import Incident, IncidentState, resolve
from workspace.domain.note import check_note
from workspace.ports import Page, SystemStore


@dataclass(frozen=True, slots=True)
class ListIncidents:
    """Incidents of a company."""

    store: SystemStore

    def __call__(
        self,
        context: TenantContext,
        state: IncidentState | None,
        *,
        limit: int,
        after: Position | None,
    ) -> Page[Incident]:
        """Open before resolved, each newest first."""
        return self.store.company(context).incidents(state, limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ListOpenIncidents:
    """Open incidents of all companies, for the operator: ids, codes, states; nothing personal."""

    store: SystemStore

    def __call__(self, *, limit: int, after: Position | None) -> Page[Incident]:
        """Oldest first."""
        page = self.store.open_incidents(limit=limit, after=after)
        found = [
            self.store.company(TenantContext(tenant_id, "system:operator")).incident(incident_id)
            for tenant_id, incident_id in page.items
        ]
        return Page(tuple(found), page.next)


@dataclass(frozen=True, slots=True)
class ReadIncident:
    """One incident."""

    store: SystemStore

    def __call__(self, context: TenantContext, incident_id: str) -> Incident:
        """Raises: NotFoundError."""
        return self.store.company(context).incident(incident_id)


@dataclass(frozen=True, slots=True)
class ResolveIncident:
    """Closes an incident with a note and tells the context that owns the item."""

    store: SystemStore
    clock: Clock

    def __call__(self, context: TenantContext, incident_id: str, note: str) -> Incident:
        """Raises: NotFoundError; ConflictError("incident_resolved"); ParseError, ValidationError
        for the note.
        """
        said = check_note(note)
        company = self.store.company(context)
        before = company.incident(incident_id)
        after = resolve(before, said, context.actor, format_instant(self.clock.now()))
        unit = company.unit()
        saved = unit.save_incident(before, after, "incident.resolved")
        unit.publish(
            INCIDENT_RESOLVED,
            before.subject,
            {
                "incident_id": before.id,
                "subject": before.subject,
                "code": before.code,
                "note": said,
            },
        )
        unit.commit()
        return saved
