"""Accesses of counterparties on DynamoDB.

Rows: ``rec#T#<tenant>#PORTAL-ACCESS#<counterparty>`` / ``META`` in ``core`` is an entity with
history and audit; ``…#VISITS#<subject>`` / ``<minute>#<visitor>`` are visits. Before the tenant is
known: ``rec#SYS#UNIQ#PORTAL-USER#<hash>`` in ``flow`` names the owner of a user name, and
``rec#SYS#PORTAL-SESSION#<hash>`` in ``edge`` is a session.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kernel.storing import WriteRefusedError
from reconciliation.adapters.parts import WritePart
from reconciliation.domain.access import AccessState, PortalAccess, PortalSession
from reconciliation.domain.visit import Visit, Visitor
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Database, Item, Keyspace, exists
from toolkit.aws.rows import instant_of, moment, stamp_of
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key

CONTEXT: Final = "rec"
ACCESS: Final = "portal_access"
SYSTEM: Final = Keyspace.of_system(CONTEXT)
_VISITS_SHOWN: Final = 200


def _user_key(user_name: str) -> str:
    return hashlib.sha256(user_name.encode()).hexdigest()[:40]


def _row(access: PortalAccess) -> Item:
    return {
        "user_name": access.user_name,
        "generation": access.generation,
        "invited_until": moment(access.invited_until),
        "password_hash": access.password_hash,
        "session_epoch": access.session_epoch,
        "last_seen_at": moment(access.last_seen_at),
    }


def access_from(row: Mapping[str, Any]) -> PortalAccess:
    """The access behind a row."""
    return PortalAccess(
        counterparty_id=row["id"],
        user_name=row["user_name"],
        state=AccessState(row["state"]),
        generation=row["generation"],
        invited_until=instant_of(row["invited_until"]),
        password_hash=row["password_hash"],
        session_epoch=row["session_epoch"],
        last_seen_at=instant_of(row["last_seen_at"]),
        stamp=stamp_of(row),
    )


def save_in(
    unit: UnitOfWork,
    before: PortalAccess,
    after: PortalAccess,
    action: str,
    detail: Mapping[str, Any],
) -> PortalAccess:
    """Change an access within a unit."""
    stored = unit.as_read(ACCESS, before.counterparty_id, before.state.value, before.stamp)
    change = Change(action, after.state.value, detail=detail)
    changed = unit.change(stored, change, assign=_row(after))
    return access_from(changed)


class AccessWrites(WritePart):
    """The part of ``ReconciliationUnit`` that accesses need."""

    def save_access(
        self, before: PortalAccess, after: PortalAccess, action: str, detail: Mapping[str, Any]
    ) -> PortalAccess:
        return save_in(self._unit, before, after, action, detail)


class DynamoAccessStore:
    """``AccessStore`` of one tenant."""

    def __init__(self, machinery: Machinery, context: TenantContext) -> None:
        self._machinery = machinery
        self._database: Database = machinery.database
        self._context = context
        self._keyspace = Keyspace(CONTEXT, context.tenant_id)

    def _unit(self) -> UnitOfWork:
        return UnitOfWork(self._machinery, self._keyspace, self._context)

    def _key(self, counterparty_id: str) -> str:
        return entity_key(self._keyspace, ACCESS, counterparty_id)

    def access(self, counterparty_id: str) -> PortalAccess | None:
        row = self._database.get("core", self._key(counterparty_id), META)
        return access_from(row) if row else None

    def accesses(self, counterparty_ids: Iterable[str]) -> dict[str, PortalAccess]:
        keys = [(self._key(one), META) for one in counterparty_ids]
        found = self._database.get_many("core", keys)
        return {row["id"]: access_from(row) for row in found.values()}

    def add(self, accesses: Sequence[PortalAccess]) -> None:
        unit = self._unit()
        for access in accesses:
            change = Change("portal_access.prepared", access.state.value)
            unit.create(ACCESS, access.counterparty_id, _row(access), change)
            owner = f"{self._context.tenant_id}/{access.counterparty_id}"
            unit.beside(SYSTEM).unique("PORTAL-USER", _user_key(access.user_name), owner=owner)
        _commit(unit)

    def save(
        self, before: PortalAccess, after: PortalAccess, action: str, detail: Mapping[str, Any]
    ) -> PortalAccess:
        unit = self._unit()
        saved = save_in(unit, before, after, action, detail)
        _commit(unit)
        return saved

    def note_seen(self, counterparty_id: str, at: datetime) -> None:
        self._database.update(
            "core",
            self._key(counterparty_id),
            META,
            assign={"last_seen_at": moment(at)},
            when=exists(),
        )

    def note_visit(self, subject: str, visit: Visit) -> None:
        at = moment(visit.at)
        row = {
            "pk": self._keyspace.key("VISITS", subject),
            "sk": f"{at[:16]}#{visit.visitor.value}",
            "at": at,
            "visitor": visit.visitor.value,
            "reasons": list(visit.reasons),
        }
        self._database.put_new("core", row)

    def visits(self, subject: str) -> list[Visit]:
        page = self._database.query(
            "core", self._keyspace.key("VISITS", subject), limit=_VISITS_SHOWN
        )
        return [
            Visit(datetime.fromisoformat(row["at"]), Visitor(row["visitor"]), tuple(row["reasons"]))
            for row in page.items
        ]


def _commit(unit: UnitOfWork) -> None:
    try:
        unit.commit()
    except TransactionRefusedError as error:
        raise WriteRefusedError([item.label for item in error.refused]) from error


class DynamoAccessDirectory:
    """``AccessDirectory``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owner_of(self, user_name: str) -> tuple[str, str] | None:
        key = SYSTEM.key("UNIQ", "PORTAL-USER", _user_key(user_name))
        row = self._database.get("flow", key, "-")
        if row is None:
            return None
        tenant_id, _, counterparty_id = str(row["owner"]).partition("/")
        return tenant_id, counterparty_id

    def session(self, digest: str) -> PortalSession | None:
        row = self._database.get("edge", _session_key(digest), "-")
        if row is None:
            return None
        return PortalSession(
            digest,
            row["tenant_id"],
            row["counterparty_id"],
            row["epoch"],
            datetime.fromisoformat(row["created_at"]),
            datetime.fromisoformat(row["last_seen_at"]),
        )

    def open_session(self, session: PortalSession) -> None:
        row = {
            "pk": _session_key(session.digest),
            "sk": "-",
            "tenant_id": session.tenant_id,
            "counterparty_id": session.counterparty_id,
            "epoch": session.epoch,
            "created_at": moment(session.created_at),
            "last_seen_at": moment(session.last_seen_at),
            "ttl": int(session.ends_at.timestamp()),
        }
        self._database.put_new("edge", row)

    def touch_session(self, digest: str, at: datetime) -> None:
        assign = {"last_seen_at": moment(at)}
        self._database.update("edge", _session_key(digest), "-", assign=assign, when=exists())

    def close_session(self, digest: str) -> None:
        self._database.delete_edge(_session_key(digest))


def _session_key(digest: str) -> str:
    return SYSTEM.key("PORTAL-SESSION", digest)
