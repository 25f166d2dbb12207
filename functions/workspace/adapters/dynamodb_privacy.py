"""Requests of people on DynamoDB: ``wsp#T#<t>#PRIVACY-REQUEST#<id>`` / ``META`` in ``core``.

An entity with history and audit, listed by time, with a job of the same id; due in the list
``PRIVACY`` while something must end first. It holds keyed hashes only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.storing import Position
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Item, Keyspace
from toolkit.aws.jobs import Jobs
from toolkit.aws.objects import FileStore, privacy_key
from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key
from workspace.adapters.dynamodb_unit import DynamoUnit, Workshop
from workspace.adapters.entity_writes import CONTEXT
from workspace.domain.privacy import (
    Act,
    OpenItem,
    Part,
    PartState,
    PrivacyRequest,
    RequestState,
)
from workspace.ports import Page

REQUEST: Final = "privacy_request"
_LIST: Final = "PRIVACY"
_ASK_AGAIN: Final = timedelta(minutes=15)
_COPY_BYTES: Final = 10_000_000


def _row(request: PrivacyRequest) -> Item:
    return {
        "act": request.act.value,
        "asked_on": request.asked_on.isoformat(),
        "asked_at": request.asked_at,
        "asked_by": request.asked_by,
        "reason": request.reason,
        "digests": list(request.digests),
        "finished_at": request.finished_at,
        "parts": {
            context: [
                part.state.value,
                part.records,
                part.files,
                [[one.kind, one.id, one.state] for one in part.waiting],
                part.answered_at,
            ]
            for context, part in request.parts.items()
        },
    }


def _request(row: Mapping[str, Any]) -> PrivacyRequest:
    return PrivacyRequest(
        id=row["id"],
        act=Act(row["act"]),
        asked_on=date.fromisoformat(row["asked_on"]),
        asked_at=row["asked_at"],
        asked_by=row["asked_by"],
        reason=row["reason"],
        digests=tuple(row["digests"]),
        parts={
            context: Part(
                PartState(state), records, files, tuple(OpenItem(*one) for one in waiting), at
            )
            for context, (state, records, files, waiting, at) in row["parts"].items()
        },
        finished_at=row["finished_at"],
        stamp=stamp_of(row),
    )


class DynamoPrivacyUnit(DynamoUnit):
    """``PrivacyUnit`` over one transaction."""

    def _jobs(self) -> Jobs:
        return Jobs(self._workshop.machinery.database, self._tenant.keyspace)

    def add_privacy_request(self, request: PrivacyRequest) -> None:
        keyspace = self._tenant.keyspace
        row = {
            **_row(request),
            "by_pk": keyspace.key("PRIVACY-REQUESTS"),
            "by_sk": f"{request.asked_at}#{request.id}",
        }
        change = Change(f"privacy.{request.act}_requested", request.state.value)
        self._tenant.create(REQUEST, request.id, row, change)
        self._jobs().create(
            self._tenant,
            request.id,
            f"privacy_{request.act}",
            subject=f"{REQUEST}:{request.id}",
            total=len(request.parts),
        )

    def save_privacy_request(self, before: PrivacyRequest, after: PrivacyRequest) -> None:
        waits = after.state is RequestState.WAITING
        due = due_at(
            self._tenant.keyspace, self._tenant.now + _ASK_AGAIN, after.id, waits_for=_LIST
        )
        detail = {"act": after.act.value, "records": after.records}
        self._tenant.change(
            self._tenant.as_read(REQUEST, before.id, before.state.value, before.stamp),
            Change("privacy.answered", after.state.value, detail=detail),
            assign={**_row(after), **(due if waits else {})},
            remove=() if waits else NOT_DUE,
        )
        done = [
            sum(p.state is PartState.DONE for p in one.parts.values()) for one in (before, after)
        ]
        if done[0] != done[1] and after.state is not RequestState.DONE:
            self._jobs().advance(self._tenant, after.id, done=done[1] - done[0])
        if after.state is RequestState.DONE:
            result = {"request_id": after.id, "records": after.records}
            closing = {"done": done[1]}
            self._jobs().finish(self._tenant, after.id, "succeeded", result=result, assign=closing)

    def note_privacy_act(self, request: PrivacyRequest, action: str) -> None:
        self._tenant.change(
            self._tenant.as_read(REQUEST, request.id, request.state.value, request.stamp),
            Change(action, request.state.value),
        )


@dataclass(frozen=True, slots=True)
class DynamoPrivacyDesk:
    """``PrivacyDesk`` over the tables and the bucket of files."""

    workshop: Workshop
    files: FileStore

    def company(self, context: TenantContext) -> "DynamoPrivacyRequests":
        return DynamoPrivacyRequests(self.workshop, self.files, context)

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        taken = take_due(
            self.workshop.machinery.database,
            "core",
            Keyspace(CONTEXT),
            now,
            limit=limit,
            push=_ASK_AGAIN,
            waits_for=_LIST,
        )
        return [(row.tenant_id, row.id) for row in taken]


@dataclass(frozen=True, slots=True)
class DynamoPrivacyRequests:
    """``PrivacyRequests`` of one tenant."""

    workshop: Workshop
    files: FileStore
    context: TenantContext

    @property
    def _keyspace(self) -> Keyspace:
        return Keyspace(CONTEXT, self.context.tenant_id)

    def unit(self) -> DynamoPrivacyUnit:
        return DynamoPrivacyUnit.begin(self.workshop, self.context.actor, self.context)

    def request(self, request_id: str) -> PrivacyRequest:
        key = entity_key(self._keyspace, REQUEST, request_id)
        row = self.workshop.machinery.database.get("core", key, META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _request(row)

    def requests(self, *, limit: int, after: Position | None) -> Page[PrivacyRequest]:
        page = self.workshop.machinery.database.list_rows(
            self._keyspace.key("PRIVACY-REQUESTS"),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        return Page(tuple(map(_request, page.items)), page.next_key)

    def part(self, request_id: str, context: str, number: int) -> list[dict[str, Any]]:
        name = f"{context}-{number:06d}.json"
        key = privacy_key(self.context.tenant_id, request_id, name)
        records: list[dict[str, Any]] = json.loads(
            self.files.get(key, max_bytes=_COPY_BYTES).content
        )
        return records
