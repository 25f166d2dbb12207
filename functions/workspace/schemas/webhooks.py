"""Endpoints of webhooks and what was delivered to them."""

from typing import Annotated

from pydantic import Field

from kernel.sensitive import Secret
from toolkit.http.fields import EdgeModel
from workspace.domain.delivery import Delivery
from workspace.domain.webhook import MAX_FILTERS, Endpoint
from workspace.schemas.fields import ApiInstant, Json, moment

EventFilters = Annotated[list[str], Field(max_length=MAX_FILTERS)]


class EndpointIn(EdgeModel):
    """Body of adding a target for webhooks; ``events`` are types, ``<context>.*`` or ``*``."""

    url: str
    events: EventFilters
    description: str = ""


class EndpointPatch(EdgeModel):
    """Body of changing a target."""

    url: str | None = None
    events: EventFilters | None = None
    description: str | None = None
    enabled: bool | None = None


class RotationIn(EdgeModel):
    """Body of giving a target a new secret: for how long the old one signs beside it."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class RecoveryIn(EdgeModel):
    """Body of a recovery: everything since then that the target has not confirmed."""

    since: ApiInstant


def endpoint_out(endpoint: Endpoint, secret: Secret | None = None) -> Json:
    """A target of webhooks; the secret only in the answer that makes it."""
    out: Json = {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "disabled_by": endpoint.disabled_by.value or None,
        "old_secret_signs_until": moment(endpoint.rotated_until),
        "version": endpoint.stamp.version,
        "created_at": endpoint.stamp.created_at,
        "updated_at": endpoint.stamp.updated_at,
    }
    if secret is not None:
        out["secret"] = secret.reveal("shown once to who asked for it")
    return out


def delivery_out(delivery: Delivery) -> Json:
    """One event on its way to one target; ``webhook-id`` of its calls is the event's id."""
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "subject": delivery.subject,
        "cause": delivery.cause.value,
        "status": delivery.state.value,
        "code": delivery.code or None,
        "attempts": [
            {
                "at": attempt.at,
                "code": attempt.code,
                "http_status": attempt.status,
                "answer": attempt.excerpt or None,
            }
            for attempt in delivery.attempts
        ],
        "next_attempt_at": moment(delivery.next_at),
        "version": delivery.stamp.version,
        "created_at": delivery.stamp.created_at,
        "updated_at": delivery.stamp.updated_at,
    }
