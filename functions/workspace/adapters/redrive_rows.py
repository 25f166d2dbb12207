"""Redrives as stored rows of the system: ``wsp#SYS#REDRIVE#<id>`` / ``META`` in ``core``."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.aws.rows import stamp_of
from workspace.adapters.entity_writes import SYSTEM, UnitParts, change_entity, create_entity
from workspace.domain.dead_letter import Redrive, RedriveState


def redrive_from(row: Mapping[str, Any]) -> Redrive:
    """The redrive behind a row."""
    return Redrive(
        id=row["id"],
        queue=row["queue"],
        asked=row["asked"],
        actor=row["actor"],
        keep=row.get("keep", False),
        state=RedriveState(row["state"]),
        sent=row["sent"],
        stamp=stamp_of(row),
    )


class RedriveWrites(UnitParts):
    """``WorkspaceUnit``, as far as it is about redrives."""

    def add_redrive(self, redrive: Redrive) -> Redrive:
        row = {
            "queue": redrive.queue,
            "asked": redrive.asked,
            "actor": redrive.actor,
            "keep": redrive.keep,
            "sent": redrive.sent,
            "by_pk": SYSTEM.key("REDRIVES"),
            "by_sk": redrive.id,
        }
        stamp = create_entity(
            self._system,
            "redrive",
            redrive.id,
            row,
            "dead_letters.redrive_started",
            redrive.state.value,
            queue=redrive.queue,
            asked=redrive.asked,
            keep=redrive.keep,
        )
        return replace(redrive, stamp=stamp)

    def save_redrive(self, before: Redrive, after: Redrive, action: str) -> Redrive:
        stamp = change_entity(
            self._system,
            "redrive",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            {"sent": after.sent},
            detail={"queue": after.queue, "sent": after.sent},
        )
        return replace(after, stamp=stamp)
