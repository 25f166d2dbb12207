"""Webhooks on DynamoDB.

Rows in ``core``: ``wsp#T#<t>#WEBHOOK-ENDPOINT|WEBHOOK-DELIVERY#<id>`` / ``META``, a target's health
beside it under ``HEALTH``, ``…#WEBHOOK-LANE#<id>`` / ``META``, and recoveries as jobs. Lanes and
recoveries wait in the list ``WEBHOOKS`` of the ``due`` index. In ``flow``:
``…#WEBHOOK-SENT#<target>`` / ``<event id>``, for as long as the event log. In ``secrets``: what
signs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.events import Event
from kernel.sensitive import Secret
from kernel.storing import Position
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Item, Keyspace, absent, equals, one_of
from toolkit.aws.jobs import QUEUED, RUNNING, Jobs, job_key
from toolkit.aws.rows import instant_of, moment
from toolkit.aws.secrets import CredentialVault, SecretName
from toolkit.aws.unit_of_work import META, entity_key
from workspace.adapters.dynamodb_unit import EVENT_LOG, DynamoUnit, Workshop
from workspace.adapters.entity_writes import CONTEXT, SYSTEM, change_entity, create_entity
from workspace.adapters.webhook_rows import (
    delivery_from,
    delivery_row,
    endpoint_from,
    endpoint_row,
    lane_from,
    lane_row,
    mark_from,
    mark_row,
    recovery_from,
)
from workspace.domain.delivery import Delivery, DueWebhook, Lane, Recovery, SentMark
from workspace.domain.webhook import Endpoint, EndpointState
from workspace.ports import Page

WAITS_FOR: Final = "WEBHOOKS"
RECOVERY: Final = "webhook_recovery"
PURPOSE: Final = "webhook_out"
_HEALTH: Final = "HEALTH"
_LOST_ORDER: Final = timedelta(minutes=2)
_KINDS: Final = {"WEBHOOK-LANE": "lane", "JOB": "recovery"}


@dataclass(frozen=True, slots=True)
class WebhookWorkshop(Workshop):
    """What units and stores of webhooks are made from."""

    webhook_queue: str
    vault: Callable[[], CredentialVault]


def _lane_key(keyspace: Keyspace, lane_id: str) -> str:
    return keyspace.key("WEBHOOK-LANE", lane_id)


def _sent_key(keyspace: Keyspace, endpoint_id: str) -> str:
    return keyspace.key("WEBHOOK-SENT", endpoint_id)


class DynamoWebhookUnit(DynamoUnit):
    """``WebhookUnit``: the workspace's unit with the rows of webhooks."""

    _workshop: WebhookWorkshop

    # ------------------------------------------------------------------ targets

    def _seal(self, endpoint: Endpoint, secret: Secret) -> None:
        unit = self._tenant
        tenant_id = unit.keyspace.tenant_id or ""
        name = SecretName(tenant_id, endpoint.id, PURPOSE, endpoint.secret_version)
        self._workshop.vault().seal(unit.transaction, name, secret)

    def add_endpoint(self, endpoint: Endpoint, secret: Secret) -> Endpoint:
        row = endpoint_row(endpoint) | {
            "by_pk": self._tenant.keyspace.key("WEBHOOK-ENDPOINTS"),
            "by_sk": endpoint.id,
        }
        stamp = create_entity(
            self._tenant,
            "webhook_endpoint",
            endpoint.id,
            row,
            "webhook_endpoint.added",
            endpoint.state.value,
            events=list(endpoint.events),
        )
        self._seal(endpoint, secret)
        return replace(endpoint, stamp=stamp)

    def save_endpoint(
        self, before: Endpoint, after: Endpoint, action: str, *, secret: Secret | None = None
    ) -> Endpoint:
        row = endpoint_row(after)
        withdrawn = after.state is EndpointState.REMOVED
        stamp = change_entity(
            self._tenant,
            "webhook_endpoint",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            row,
            remove=("by_pk", "by_sk") if withdrawn else (),
            detail={"changed": sorted(k for k, v in endpoint_row(before).items() if v != row[k])},
        )
        if secret is not None:
            self._seal(after, secret)
        return replace(after, stamp=stamp)

    def _endpoint_key(self, endpoint_id: str) -> str:
        return entity_key(self._tenant.keyspace, "webhook_endpoint", endpoint_id)

    def require_endpoint(self, endpoint: Endpoint) -> None:
        self._tenant.transaction.check(
            "core",
            self._endpoint_key(endpoint.id),
            META,
            equals("version", endpoint.stamp.version),
            label="endpoint",
        )

    def note_health(self, endpoint_id: str, failing_since: datetime | None) -> None:
        self._tenant.transaction.update(
            "core",
            self._endpoint_key(endpoint_id),
            _HEALTH,
            assign={"failing_since": moment(failing_since)},
            label="health",
        )

    # ------------------------------------------------------------------ deliveries

    def add_delivery(self, delivery: Delivery, mark: SentMark | None) -> Delivery:
        unit = self._tenant
        row = delivery_row(delivery) | {
            "by_pk": unit.keyspace.key("WEBHOOK-DELIVERIES"),
            "by_sk": delivery.id,
        }
        stamp = create_entity(
            unit,
            "webhook_delivery",
            delivery.id,
            row,
            "webhook_delivery.made",
            delivery.state.value,
            event_id=delivery.event_id,
            endpoint_id=delivery.endpoint_id,
            cause=delivery.cause.value,
        )
        self._mark(
            delivery.endpoint_id,
            SentMark(delivery.event_id, delivery.id, mark is not None and mark.delivered),
            absent() if mark is None else equals("delivery_id", mark.delivery_id),
        )
        return replace(delivery, stamp=stamp)

    def _mark(self, endpoint_id: str, mark: SentMark, when: Any = None) -> None:
        unit = self._tenant
        ends = int((unit.now + EVENT_LOG).timestamp())
        unit.transaction.update(
            "flow",
            _sent_key(unit.keyspace, endpoint_id),
            mark.event_id,
            assign=mark_row(mark) | {"ttl": ends},
            when=when,
            label="mark",
        )

    def save_delivery(
        self, before: Delivery, after: Delivery, action: str, *, mark: SentMark | None = None
    ) -> Delivery:
        last = after.attempts[-1] if after.attempts else None
        stamp = change_entity(
            self._tenant,
            "webhook_delivery",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            delivery_row(after),
            detail={
                "attempt": after.tries,
                "code": after.code,
                "status": last.status if last and after.code == last.code else None,
            },
        )
        if mark is not None:
            self._mark(after.endpoint_id, mark)
        return replace(after, stamp=stamp)

    # ------------------------------------------------------------------ lanes

    def save_lane(self, before: Lane, after: Lane) -> Lane:
        unit = self._tenant
        saved = replace(after, version=before.version + 1)
        row = lane_row(saved)
        remove: tuple[str, ...] = ()
        if saved.waiting:
            row |= {
                "by_pk": unit.keyspace.key("WEBHOOK-LANES", saved.endpoint_id),
                "by_sk": saved.id,
            }
        else:
            remove += ("by_pk", "by_sk")
        if saved.next_at is None:
            remove += NOT_DUE
        else:
            # What is to be done now has its work order; the sweep is for a lost one.
            when = saved.next_at if saved.next_at > unit.now else unit.now + _LOST_ORDER
            row |= due_at(unit.keyspace, when, saved.id, waits_for=WAITS_FOR)
        unit.transaction.update(
            "core",
            _lane_key(unit.keyspace, saved.id),
            META,
            assign=row,
            remove=remove,
            when=absent() if before.version == 0 else equals("version", before.version),
            label="lane",
        )
        return saved

    def order_lane(self, lane: Lane) -> None:
        self._tenant.enqueue(self._workshop.webhook_queue, {"lane_id": lane.id})

    def order_waking(self, endpoint_id: str, after: str = "") -> None:
        message = {"endpoint_id": endpoint_id, **({"after_lane_id": after} if after else {})}
        self._tenant.enqueue(self._workshop.webhook_queue, message)

    # ------------------------------------------------------------------ recoveries

    def _jobs(self) -> Jobs:
        return Jobs(self._workshop.machinery.database, self._tenant.keyspace)

    def add_recovery(self, recovery: Recovery) -> None:
        unit = self._tenant
        due = due_at(unit.keyspace, unit.now + _LOST_ORDER, recovery.job_id, waits_for=WAITS_FOR)
        self._jobs().create(
            unit,
            recovery.job_id,
            RECOVERY,
            subject=f"webhook_endpoint:{recovery.endpoint_id}",
            endpoint_id=recovery.endpoint_id,
            after=recovery.after,
            until=recovery.until,
            **due,
        )

    def save_recovery(self, before: Recovery, after: Recovery, *, resent: int) -> None:
        unit = self._tenant
        assign: Item = {"after": after.after, "status": RUNNING}
        if after.is_final:
            assign |= {"status": "succeeded", "finished_at": moment(unit.now)}
        else:
            due = unit.now + _LOST_ORDER
            assign |= due_at(unit.keyspace, due, after.job_id, waits_for=WAITS_FOR)
        unit.transaction.update(
            "core",
            job_key(unit.keyspace, after.job_id),
            META,
            assign=assign,
            add={"done": resent, "total": resent},
            remove=NOT_DUE if after.is_final else (),
            when=equals("after", before.after) & one_of("status", (QUEUED, RUNNING)),
            label="job",
        )

    def order_recovery(self, recovery: Recovery) -> None:
        self._tenant.enqueue(self._workshop.webhook_queue, {"job_id": recovery.job_id})


class DynamoWebhooks:
    """``Webhooks`` below the key prefix of one tenant."""

    def __init__(self, workshop: WebhookWorkshop, context: TenantContext) -> None:
        self._workshop = workshop
        self._database = workshop.machinery.database
        self._keyspace = Keyspace(CONTEXT, context.tenant_id)
        self._context = context

    def unit(self) -> DynamoWebhookUnit:
        return DynamoWebhookUnit.begin(self._workshop, self._context.actor, self._context)

    def _entity(self, kind: str, identity: str) -> Item:
        row = self._database.get("core", entity_key(self._keyspace, kind, identity), META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return row

    def known_endpoint(self, endpoint_id: str) -> Endpoint:
        return endpoint_from(self._entity("webhook_endpoint", endpoint_id))

    def endpoint(self, endpoint_id: str) -> Endpoint:
        found = self.known_endpoint(endpoint_id)
        if found.state is EndpointState.REMOVED:
            raise NotFoundError("not_found", "There is no such item.")
        return found

    def endpoints(self) -> list[Endpoint]:
        found = self._database.list_all(self._keyspace.key("WEBHOOK-ENDPOINTS"))
        # The index may still name one that was removed a moment ago.
        return [
            endpoint
            for endpoint in map(endpoint_from, found)
            if endpoint.state is not EndpointState.REMOVED
        ]

    def failing_since(self, endpoint_id: str) -> datetime | None:
        key = entity_key(self._keyspace, "webhook_endpoint", endpoint_id)
        row = self._database.get("core", key, _HEALTH)
        return instant_of(row["failing_since"]) if row else None

    def secret(self, endpoint_id: str, version: int) -> Secret:
        name = SecretName(self._context.tenant_id, endpoint_id, PURPOSE, version)
        return self._workshop.vault().open(name)

    def delivery(self, delivery_id: str) -> Delivery:
        return delivery_from(self._entity("webhook_delivery", delivery_id))

    def deliveries(
        self, endpoint_id: str | None, *, limit: int, after: Position | None
    ) -> Page[Delivery]:
        position = dict(after) if after else None
        if endpoint_id is None:
            page = self._database.list_rows(
                self._keyspace.key("WEBHOOK-DELIVERIES"),
                after=position,
                limit=limit,
                forward=False,
            )
            return Page(tuple(map(delivery_from, page.items)), page.next_key)
        page = self._database.query(
            "flow",
            _sent_key(self._keyspace, endpoint_id),
            after=position,
            limit=limit,
            forward=False,
        )
        keys = [
            (entity_key(self._keyspace, "webhook_delivery", row["delivery_id"]), META)
            for row in page.items
        ]
        found = self._database.get_many("core", keys) if keys else {}
        return Page(tuple(delivery_from(found[key]) for key in keys if key in found), page.next_key)

    def lane(self, lane_id: str) -> Lane | None:
        row = self._database.get("core", _lane_key(self._keyspace, lane_id), META)
        return lane_from(row) if row else None

    def lanes_waiting(self, endpoint_id: str, *, limit: int, after: str) -> list[Lane]:
        partition = self._keyspace.key("WEBHOOK-LANES", endpoint_id)
        position = None
        if after:
            lane_key = _lane_key(self._keyspace, after)
            position = {"pk": lane_key, "sk": META, "by_pk": partition, "by_sk": after}
        page = self._database.list_rows(partition, after=position, limit=limit)
        return list(map(lane_from, page.items))

    def event(self, event_id: str) -> Event | None:
        row = self._database.get("flow", self._keyspace.key("EVENTS"), event_id)
        return _event(row) if row else None

    def events_between(self, after: str, until: str, *, limit: int) -> list[Event]:
        page = self._database.query(
            "flow", self._keyspace.key("EVENTS"), since=after, up_to=until, limit=limit + 1
        )
        return [_event(row) for row in page.items if row["sk"] > after][:limit]

    def marks(self, endpoint_id: str, event_ids: Sequence[str]) -> Mapping[str, SentMark]:
        pk = _sent_key(self._keyspace, endpoint_id)
        found = self._database.get_many("flow", [(pk, event_id) for event_id in event_ids])
        return {row["sk"]: mark_from(row) for row in found.values()}

    def recovery(self, job_id: str) -> Recovery | None:
        row = self._database.get("core", job_key(self._keyspace, job_id), META)
        return recovery_from(row) if row and row["kind"] == RECOVERY else None


class DynamoWebhookStore:
    """``WebhookStore`` over the tables."""

    def __init__(self, workshop: WebhookWorkshop) -> None:
        self._workshop = workshop

    def company(self, context: TenantContext) -> DynamoWebhooks:
        return DynamoWebhooks(self._workshop, context)

    def due(self, now: datetime, limit: int) -> list[DueWebhook]:
        taken = take_due(
            self._workshop.machinery.database,
            "core",
            SYSTEM,
            now,
            limit=limit,
            push=_LOST_ORDER,
            waits_for=WAITS_FOR,
        )
        return [DueWebhook(_KINDS[due.kind], due.tenant_id, due.id) for due in taken]


def _event(row: Mapping[str, Any]) -> Event:
    return Event.from_dict(json.loads(row["body"]))
