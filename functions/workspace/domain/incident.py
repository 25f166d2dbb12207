"""Incidents: something that repeating will not mend and a person must look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from kernel.errors import ConflictError
from kernel.stamp import NEW, Stamp


class IncidentState(StrEnum):
    """Open until somebody resolves it, once."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident.

    Shapes: ``subject`` is ``<kind>:<id>`` of the item it is about, ``code`` what is wrong,
    ``actor`` who must act (``operator``, ``user``, ``provider``), ``facts`` ids, codes and counts.
    """

    id: str
    tenant_id: str
    subject: str
    code: str
    actor: str = "operator"
    count: int = 1
    contract_id: str = ""
    source: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    state: IncidentState = IncidentState.OPEN
    note: str = ""
    resolved_by: str = ""
    resolved_at: str = ""
    stamp: Stamp = NEW


def resolve(incident: Incident, note: str, by: str, at: str) -> Incident:
    """The incident resolved; ``note`` was checked before.

    Raises: ConflictError("incident_resolved") when somebody was quicker.
    """
    if incident.state is not IncidentState.OPEN:
        raise ConflictError("incident_resolved", "This incident was resolved already.")
    return replace(
        incident, state=IncidentState.RESOLVED, note=note, resolved_by=by, resolved_at=at
    )
