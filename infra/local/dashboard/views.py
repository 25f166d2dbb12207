"""Plain data for JSON answers: what an outside check or a script reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.local.cloud.mail import Mail
from infra.local.dashboard.controls import QueueView, links_of
from infra.local.gateway import LoggedRequest
from infra.local.log_book import Line
from infra.local.scheduler import Advance, Run, ScheduleStatus

View = Mapping[str, Any]


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with seconds, or None."""
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


def mail_view(mail: Mail) -> View:
    """One mail; its files are named, their content has an address of its own."""
    return {
        "id": mail.id,
        "message_id": mail.message_id,
        "at": mail.at,
        "from": mail.sender,
        "to": list(mail.to),
        "cc": list(mail.cc),
        "bcc": list(mail.bcc),
        "reply_to": list(mail.reply_to),
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "links": links_of(mail),
        "headers": [list(header) for header in mail.headers],
        "tags": dict(mail.tags),
        "attachments": [
            {
                "filename": each.filename,
                "content_type": each.content_type,
                "size": len(each.content),
                "url": f"/_local/inbox/{mail.id}/attachments/{number}",
            }
            for number, each in enumerate(mail.attachments)
        ],
    }


def queue_view(queue: QueueView) -> View:
    """One queue."""
    consumer = queue.consumer
    return {
        "name": queue.name,
        "visible": queue.visible,
        "in_flight": queue.in_flight,
        "delayed": queue.delayed,
        "oldest_age_seconds": round(queue.oldest_age_seconds, 1),
        "dead_letter_queue": queue.dead_letters,
        "is_dead_letter_queue": queue.is_dead_letter_queue,
        "consumer": consumer
        and {
            "function": consumer.function,
            "maximum_concurrency": consumer.limit,
            "running": consumer.running,
            "batches": consumer.batches,
            "records": consumer.records,
            "failed_records": consumer.failed_records,
        },
    }


def run_view(run: Run) -> View:
    """One run of a schedule."""
    return {
        "schedule": run.schedule,
        "scheduled_at": instant(run.scheduled_at),
        "ok": run.ok,
        "detail": run.detail,
    }


def schedule_view(schedule: ScheduleStatus) -> View:
    """One schedule."""
    return {
        "name": schedule.name,
        "target": schedule.target,
        "expression": schedule.expression,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "next_at": instant(schedule.next_at),
        "last_run": schedule.last and run_view(schedule.last),
    }


def advance_view(advance: Advance) -> View:
    """What a clock move did."""
    return {
        "from": instant(advance.started_at),
        "now": instant(advance.ended_at),
        "offset_seconds": advance.offset_seconds,
        "settled": advance.settled,
        "runs": [run_view(run) for run in advance.runs],
        "coalesced": [
            {"schedule": each.schedule, "due": each.due, "ran": each.ran}
            for each in advance.coalesced
        ],
    }


def request_view(request: LoggedRequest) -> View:
    """One logged request."""
    return {
        "at": instant(request.at),
        "method": request.method,
        "path": request.path,
        "status": request.status,
        "milliseconds": request.milliseconds,
    }


def line_view(line: Line) -> View:
    """One log line."""
    return {"at": instant(line.at), "source": line.source, "text": line.text}
