"""Dead letters and stuck items, as an operator sees them."""

from datetime import datetime

from pydantic import Field

from kernel.parsing import format_instant
from toolkit.http.fields import EdgeModel
from workspace.domain.dead_letter import DeadLetter, DeadLetterGroup, Redrive
from workspace.domain.stuck_item import StuckItem
from workspace.schemas.fields import Json, ShortText


class RedriveIn(EdgeModel):
    """Body of sending dead letters back; without ``ids`` all of the queue, at most 500 a call.

    With ``keep`` copies are sent and the messages stay where they are.
    """

    queue: ShortText
    ids: list[ShortText] | None = Field(default=None, min_length=1, max_length=500)
    dry_run: bool = False
    keep: bool = False


def dead_letter_group_out(group: DeadLetterGroup, effect: str) -> Json:
    """Dead letters that failed alike; ``effect`` says what sending them back would do."""
    return {
        "queue": group.queue,
        "error": group.error,
        "count": group.count,
        "oldest_at": format_instant(group.oldest_at),
        "ids": list(group.ids),
        "can_redrive": group.returns,
        "effect": effect,
    }


def dead_letter_out(letter: DeadLetter, effect: str) -> Json:
    """One dead letter: ids and states, never what somebody typed."""
    return {
        "id": letter.id,
        "queue": letter.queue,
        "error": letter.error,
        "sent_at": format_instant(letter.sent_at),
        "tenant_id": letter.tenant_id or None,
        "subject": letter.subject or None,
        "state": letter.state or None,
        "redrives": letter.redrives,
        "can_redrive": letter.returns,
        "effect": effect,
        "facts": dict(letter.facts),
    }


def redrive_out(redrive: Redrive) -> Json:
    """Who sent messages back, and how many went."""
    return {
        "id": redrive.id,
        "queue": redrive.queue,
        "asked": redrive.asked or None,
        "redriven": redrive.sent,
        "keep": redrive.keep,
        "status": redrive.state.value,
        "actor": redrive.actor,
        "created_at": redrive.stamp.created_at,
    }


def stuck_out(item: StuckItem, now: datetime) -> Json:
    """One row that nobody takes."""
    return {
        "context": item.context,
        "kind": item.kind,
        "id": item.id,
        "tenant_id": item.tenant_id or None,
        "since": format_instant(item.since),
        "late_seconds": item.late_seconds(now),
    }
