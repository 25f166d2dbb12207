"""What all contexts share: Today, timelines, jobs, views, search, incidents, mails, events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from kernel.events import Event
from toolkit.http.fields import EdgeModel
from workspace.domain.attention import Attention, Today
from workspace.domain.behind import exchanges_behind, why_behind
from workspace.domain.incident import Incident
from workspace.domain.message import Message
from workspace.domain.saved_view import SavedView, check_view_name, check_view_url
from workspace.domain.search import Findings
from workspace.domain.subject import items_named
from workspace.ports import (
    HistoryView,
    JobView,
    UploadTicket,
)
from workspace.schemas.fields import Json, Note, ShortText, checked, day, instant, list_out, moment


class UploadIn(EdgeModel):
    """Body of asking for room for a file."""

    filename: ShortText
    content_type: ShortText
    size: int


class ViewIn(EdgeModel):
    """Body of saving a view."""

    name: Annotated[str, checked(check_view_name)]
    url: Annotated[str, checked(check_view_url)]
    shared: bool = False


class ResolutionIn(EdgeModel):
    """Body of resolving an incident."""

    note: Note


def view_out(view: SavedView, person_id: str) -> Json:
    """A saved view."""
    return {
        "id": view.id,
        "name": view.name,
        "url": view.url,
        "shared": view.shared,
        "own": view.owner_id == person_id,
        "version": view.stamp.version,
        "created_at": view.stamp.created_at,
        "updated_at": view.stamp.updated_at,
    }


def job_out(job: JobView) -> Json:
    """Progress of long work."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "subject": job.subject,
        "cancellable": job.cancellable and not job.is_final,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "result": dict(job.result),
        "problems": [dict(problem) for problem in job.problems],
    }


def upload_out(ticket: UploadTicket) -> Json:
    """Where and how to send a file."""
    return {"upload_id": ticket.upload_id, "url": ticket.url, "fields": dict(ticket.fields)}


def history_out(entry: HistoryView, summary: str, subject: str) -> Json:
    """One line of the timeline of ``subject``, with the other items it speaks of.

    Shapes: ``why`` is the route that gives the reasons of what was computed, or null; ``exchanges``
    are the routes of what was sent to a third party and answered.
    """
    why = why_behind(subject, entry.action, entry.detail)
    return {
        "at": entry.at,
        "actor": entry.actor,
        "type": entry.action,
        "summary": summary,
        "detail": {
            "from": entry.from_state or None,
            "to": entry.to_state,
            **{key: value for key, value in entry.detail.items() if key not in ("from", "to")},
        },
        "related": [item for item in items_named(entry.detail) if item != subject],
        "why": why.route if why is not None else None,
        "exchanges": [each.route for each in exchanges_behind(subject, entry.action, entry.detail)],
        "correlation_id": entry.correlation_id,
    }


def incident_out(incident: Incident, summary: str) -> Json:
    """An incident: ids, codes and counts."""
    return {
        "id": incident.id,
        "tenant_id": incident.tenant_id,
        "subject": incident.subject,
        "code": incident.code,
        "summary": summary,
        "actor": incident.actor,
        "count": incident.count,
        "contract_id": incident.contract_id or None,
        "source": incident.source,
        "facts": dict(incident.facts),
        "state": incident.state.value,
        "note": incident.note or None,
        "resolved_by": incident.resolved_by or None,
        "resolved_at": instant(incident.resolved_at),
        "version": incident.stamp.version,
        "created_at": incident.stamp.created_at,
        "updated_at": incident.stamp.updated_at,
    }


def findings_out(findings: Findings, href: Callable[[str, str], str]) -> Json:
    """What was found, kind by kind; ``href`` is the page of an item."""
    items = [
        {
            "kind": each.kind,
            "id": each.id,
            "title": each.title,
            "subject": f"{each.kind}:{each.id}",
            "href": href(f"{each.kind}:{each.id}", each.parent),
        }
        for _, members in findings.groups
        for each in members
    ]
    return list_out(items, None, len(items)) | {"complete": not findings.cut}


def message_out(message: Message) -> Json:
    """A mail of the mail log."""
    return {
        "id": message.id,
        "kind": message.kind.value,
        "status": message.state.value,
        "to": message.to.reveal("mail log of the company") if message.to else None,
        "user_id": message.person_id,
        "language": message.language,
        "params": dict(message.params),
        "attempts": message.attempts,
        "opened": message.opened,
        "code": message.code or None,
        "sent_at": instant(message.sent_at),
        "version": message.stamp.version,
        "created_at": message.stamp.created_at,
        "updated_at": message.stamp.updated_at,
    }


def event_out(event: Event) -> Json:
    """A published event as it went out."""
    return event.to_dict()


def attention_out(attention: Attention, summary: str, now: datetime) -> Json:
    """One thing to look at today."""
    return {
        "key": attention.key,
        "subject": attention.subject,
        "code": attention.code,
        "summary": summary,
        "severity": attention.severity,
        "amount": attention.amount.to_api() if attention.amount else None,
        "count": attention.count,
        "due_on": day(attention.due_on),
        "contract_id": attention.contract_id or None,
        "raised_at": moment(attention.raised_at),
        "age_seconds": attention.age_seconds(now),
    }


def connection_out(attention: Attention, summary: str) -> Json:
    """Health of one connection."""
    return {
        "subject": attention.subject,
        "contract_id": attention.contract_id or None,
        "health": "trouble" if attention.open else "ok",
        "code": attention.code if attention.open else None,
        "summary": summary,
        "since": moment(attention.raised_at if attention.open else attention.news_at),
    }


def today_out(
    today: Today, now: datetime, summary: Mapping[str, str], tasks: Sequence[Attention]
) -> Json:
    """The first page as data; ``tasks`` are those of whoever asks."""
    return {
        "exceptions": [attention_out(row, summary[row.key], now) for row in today.exceptions],
        "tasks": [attention_out(row, summary[row.key], now) for row in tasks],
        "deadlines": [attention_out(row, summary[row.key], now) for row in today.deadlines],
        "connections": [connection_out(row, summary[row.key]) for row in today.connections],
        "news_at": moment(today.news_at),
    }
