"""Webhooks as stored rows and back."""

from collections.abc import Mapping
from typing import Any

from toolkit.aws.rows import instant_of, moment, stamp_of
from workspace.domain.delivery import (
    Attempt,
    Cause,
    Delivery,
    DeliveryState,
    Lane,
    Recovery,
    SentMark,
)
from workspace.domain.webhook import DisabledBy, Endpoint, EndpointState

Row = dict[str, Any]


def endpoint_row(endpoint: Endpoint) -> Row:
    """Attributes of a target; its secrets stand elsewhere, sealed."""
    return {
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "disabled_by": endpoint.disabled_by.value,
        "secret_version": endpoint.secret_version,
        "rotated_until": moment(endpoint.rotated_until),
    }


def endpoint_from(row: Mapping[str, Any]) -> Endpoint:
    """The target behind a row."""
    return Endpoint(
        id=row["id"],
        url=row["url"],
        events=tuple(row["events"]),
        description=row["description"],
        state=EndpointState(row["state"]),
        disabled_by=DisabledBy(row["disabled_by"]),
        secret_version=row["secret_version"],
        rotated_until=instant_of(row["rotated_until"]),
        stamp=stamp_of(row),
    )


def delivery_row(delivery: Delivery) -> Row:
    """Attributes of a delivery."""
    return {
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "subject": delivery.subject,
        "cause": delivery.cause.value,
        "tries": delivery.tries,
        "attempts": [
            {
                "at": attempt.at,
                "code": attempt.code,
                "status": attempt.status,
                "excerpt": attempt.excerpt,
            }
            for attempt in delivery.attempts
        ],
        "next_at": moment(delivery.next_at),
        "code": delivery.code,
    }


def delivery_from(row: Mapping[str, Any]) -> Delivery:
    """The delivery behind a row."""
    return Delivery(
        id=row["id"],
        endpoint_id=row["endpoint_id"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        subject=row["subject"],
        cause=Cause(row["cause"]),
        state=DeliveryState(row["state"]),
        tries=row["tries"],
        attempts=tuple(Attempt(**attempt) for attempt in row["attempts"]),
        next_at=instant_of(row["next_at"]),
        code=row["code"],
        stamp=stamp_of(row),
    )


def lane_row(lane: Lane) -> Row:
    """Attributes of a lane."""
    return {
        "endpoint_id": lane.endpoint_id,
        "subject": lane.subject,
        "waiting": [list(entry) for entry in lane.waiting],
        "attempt_id": lane.attempt_id,
        "lease_until": moment(lane.lease_until),
        "next_at": moment(lane.next_at),
        "version": lane.version,
    }


def lane_from(row: Mapping[str, Any]) -> Lane:
    """The lane behind a row."""
    return Lane(
        id=row["pk"].rpartition("#")[2],
        endpoint_id=row["endpoint_id"],
        subject=row["subject"],
        waiting=tuple((event, delivery) for event, delivery in row["waiting"]),
        attempt_id=row["attempt_id"],
        lease_until=instant_of(row["lease_until"]),
        next_at=instant_of(row["next_at"]),
        version=row["version"],
    )


def mark_row(mark: SentMark) -> Row:
    """Attributes of a mark."""
    return {"delivery_id": mark.delivery_id, "delivered": mark.delivered}


def mark_from(row: Mapping[str, Any]) -> SentMark:
    """The mark behind a row."""
    return SentMark(row["sk"], row["delivery_id"], row["delivered"])


def recovery_from(row: Mapping[str, Any]) -> Recovery:
    """The recovery behind its job."""
    return Recovery(
        row["id"],
        row["endpoint_id"],
        row["after"],
        row["until"],
        is_final=row["status"] not in ("queued", "running"),
    )
