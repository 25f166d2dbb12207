"""What every context does when a person asks, or when a time limit of its register has come.

``workspace`` publishes ``workspace.PrivacyRequested.v1`` with keyed hashes instead of values; each
context walks over the records that its register names, page by page, and answers with
``<context>.PrivacyAnswered.v1``. How far it is stands in ``<ctx>#T#<tenant>#PRIVACY#<request>`` /
``META`` in ``core``, so a process that dies costs one page:

* *export* writes what it finds into files below ``T/<tenant>/privacy/<request>/`` (seven days);
* *erasure* first looks whether anything is still in flight. If so it answers *waiting* and says
  what for, and is asked again. Otherwise each record loses its values in one transaction with its
  history, its audit row and the count of the request; it looks again until nothing is found;
* *retention* erases, the same way, what is over and older than its rule allows.

A walk over the register of entities finds also what no list shows any more (withdrawn people), and
writes of daily work pay nothing for it. Ledger, history and audit are never touched: they know ids.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol

from kernel.errors import ConflictError
from kernel.events import Event
from kernel.personal_data import Holding, Register
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Database, Item, Keyspace, equals, exists
from toolkit.aws.finding import FOUND_IN, forget
from toolkit.aws.objects import FileStore, privacy_key
from toolkit.aws.personal_records import UNPACKED, Codec, Paths, PersonalRecord, Wanted
from toolkit.aws.rows import moment
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, NOBODY, Change, Machinery, UnitOfWork, entity_key
from toolkit.entrypoints.queue import QueueMessage
from toolkit.observability import logger

INDEX: Final = "person-digest"
"""Purpose of the derived key under which all contexts compare people."""
EXPORT: Final = "export"
ERASURE: Final = "erasure"
RETENTION: Final = "retention"
PAGE: Final = 100
_RESERVE_SECONDS: Final = 15
_MOST_WAITING: Final = 50
_MOST_ROUNDS: Final = 3
_ACTOR: Final = "system:privacy"

Lookups = Callable[[Keyspace, str, Item], Iterable[str]]
"""Keys of the uniqueness rows that lead to an entity, by its kind and row."""


Beside = Callable[[Database, Keyspace, str, Item], Iterable[Item]]
"""Rows that belong to an entity and lie elsewhere, by the name that the register gives them."""


@dataclass(frozen=True, slots=True)
class StillOpen:
    """Something that must end before a person can be erased."""

    kind: str
    id: str
    state: str


class Housekeeping(Protocol):
    """What a context has beside rows."""

    def open_work(self, context: TenantContext) -> Sequence[StillOpen]:
        """What must end first."""
        ...

    def clear(self, context: TenantContext) -> None:
        """Remove copies that are not rows."""
        ...


@dataclass(frozen=True, slots=True)
class _NoHousekeeping:
    def open_work(self, _context: TenantContext) -> Sequence[StillOpen]:
        return ()

    def clear(self, _context: TenantContext) -> None:
        return


@dataclass(slots=True)
class _Progress:
    """One request in this context; ``n`` guards against a second worker."""

    id: str
    act: str
    stage: str
    digests: list[str]
    today: str
    n: int = 1
    kind_no: int = 0
    after: Mapping[str, Any] | None = None
    owners: list[str] = field(default_factory=list)
    waiting: list[list[str]] = field(default_factory=list)
    files: int = 0
    records: int = 0
    before: int = 0
    rounds: int = 0

    def walk(self, stage: str) -> None:
        """Begin a walk."""
        self.stage, self.kind_no, self.after = stage, 0, None


_FIRST_STAGE: Final = {EXPORT: "collect", ERASURE: "check", RETENTION: "destroy"}
_FIELDS: Final = tuple(_Progress.__dataclass_fields__)


@dataclass(frozen=True)
class PrivacyKeeper:
    """The queue function of one context: one event or one continuation at a time.

    Shapes: ``index_key`` gives the key of a tenant under which people are compared, the same in
    all contexts; ``answer`` is the type of the event that answers.
    """

    machinery: Machinery
    register: Register
    answer: str
    queue: str
    files: FileStore
    index_key: Callable[[str], bytes]
    raw: FileStore | None = None
    codec: Codec = UNPACKED
    lookups: Lookups = lambda *_: ()
    beside: Beside = lambda *_: ()
    house: Housekeeping = _NoHousekeeping()

    def __call__(self, message: QueueMessage) -> None:
        """Go on until the request is answered, or hand on what is left.

        Raises: ConflictError when another worker is ahead; the record comes again.
        """
        if "type" in message.body:
            tenant_id, request_id = self._begin(Event.from_dict(message.body))
        else:
            tenant_id, request_id = message.text("tenant_id"), message.text("request_id")
        context = TenantContext(tenant_id, _ACTOR, request_id)
        while True:
            progress = self._progress(context, request_id)
            if progress is None or progress.stage in ("done", "waiting"):
                return
            if message.remaining_seconds() < _RESERVE_SECONDS:
                self._save(context, progress, hand_on=True)
                return
            self._step(context, progress)

    # ------------------------------------------------------------------ progress

    def _keyspace(self, context: TenantContext) -> Keyspace:
        return Keyspace(self.register.prefix, context.tenant_id)

    def _key(self, context: TenantContext, request_id: str) -> str:
        return self._keyspace(context).key("PRIVACY", request_id)

    def _begin(self, event: Event) -> tuple[str, str]:
        """Note the request; asked again, a waiting one looks anew."""
        data = event.data
        context = TenantContext(event.tenant_id, _ACTOR, str(data["request_id"]))
        known = self._progress(context, str(data["request_id"]))
        if known is None:
            row = {
                "pk": self._key(context, str(data["request_id"])),
                "sk": META,
                **_row(
                    _Progress(
                        id=str(data["request_id"]),
                        act=str(data["act"]),
                        stage=_FIRST_STAGE[str(data["act"])],
                        digests=list(data["digests"]),
                        today=str(data["today"]),
                    )
                ),
            }
            self.machinery.database.put_new("core", row)
        elif known.stage == "waiting":
            known.waiting, known.owners = [], []
            known.walk("check")
            self._save(context, known)
        return context.tenant_id, context.correlation_id

    def _progress(self, context: TenantContext, request_id: str) -> _Progress | None:
        row = self.machinery.database.get("core", self._key(context, request_id), META)
        return None if row is None else _Progress(**{name: row[name] for name in _FIELDS})

    def _unit(self, context: TenantContext) -> UnitOfWork:
        return UnitOfWork(self.machinery, self._keyspace(context), context)

    def _save(
        self,
        context: TenantContext,
        progress: _Progress,
        *,
        hand_on: bool = False,
        answer: bool = False,
    ) -> None:
        unit = self._unit(context)
        row = {**_row(progress), "n": progress.n + 1}
        if progress.act != EXPORT:
            del row["records"]  # counted by the erasing transactions themselves
        unit.transaction.update(
            "core",
            self._key(context, progress.id),
            META,
            assign=row,
            when=equals("n", progress.n),
            label="privacy",
        )
        if hand_on:
            unit.enqueue(self.queue, {"request_id": progress.id})
        if answer:
            unit.publish(
                self.answer,
                f"privacy_request:{progress.id}",
                {
                    "request_id": progress.id,
                    "act": progress.act,
                    "status": progress.stage,
                    "records": progress.records,
                    "files": progress.files,
                    "waiting": [
                        dict(zip(("kind", "id", "state"), one, strict=True))
                        for one in progress.waiting
                    ],
                },
            )
        try:
            unit.commit()
        except TransactionRefusedError as error:
            raise ConflictError("conflict", "Another worker is ahead.") from error

    # ------------------------------------------------------------------ one page

    def _step(self, context: TenantContext, progress: _Progress) -> None:
        if progress.kind_no >= len(self.register.kinds):
            self._end_of_walk(context, progress)
            return
        kind = self.register.kinds[progress.kind_no]
        page = self.machinery.database.query(
            "core",
            self._keyspace(context).key("ENTITIES"),
            index="by",
            prefix=f"{kind}:",
            after=dict(progress.after) if progress.after else None,
            limit=PAGE,
        )
        ids = [str(item["by_sk"]).partition(":")[2] for item in page.items]
        wanted = self._wanted(context, progress)
        collected: list[dict[str, Any]] = []
        for record in self._read(context, kind, ids, wanted):
            self._one(context, progress, kind, record, wanted, collected)
        if collected:
            name = f"{self.register.context}-{progress.files:06d}.json"
            content = json.dumps(collected, ensure_ascii=False).encode()
            self.files.put(
                privacy_key(context.tenant_id, progress.id, name),
                content,
                content_type="application/json",
                filename=name,
            )
            progress.files += 1
        progress.after = page.next_key
        if page.next_key is None:
            progress.kind_no += 1
        self._save(context, progress)

    def _wanted(self, context: TenantContext, progress: _Progress) -> Wanted | None:
        if progress.act == RETENTION:
            return None
        key = self.index_key(context.tenant_id)
        return Wanted(key, frozenset(progress.digests), progress.owners)

    def _read(
        self, context: TenantContext, kind: str, ids: Sequence[str], wanted: Wanted | None
    ) -> Iterable[PersonalRecord]:
        """The entities of a page, with what lies beside those that are wholly the person's."""
        holdings = self.register.of(kind)
        paths = Paths(self.codec)
        names = sorted({name for holding in holdings for name in holding.rows} | {META})
        keyspace = self._keyspace(context)
        keys = [(entity_key(keyspace, kind, one), name) for one in ids for name in names]
        found = self.machinery.database.get_many("core", keys)
        for one in ids:
            pk = entity_key(keyspace, kind, one)
            rows = {name: found[pk, name] for name in names if (pk, name) in found}
            if META not in rows:
                continue
            record = PersonalRecord(holdings, rows, {}, paths)
            beside = {name for holding in holdings for name in holding.beside}
            if beside and record.is_whole(wanted):
                lying = {
                    name: list(
                        self.beside(self.machinery.database, keyspace, name, rows[META])
                        if name.startswith("@")
                        else self.machinery.database.query_all("core", keyspace.key(name, one))
                    )
                    for name in beside
                }
                record = PersonalRecord(holdings, rows, lying, paths)
            yield record

    def _one(
        self,
        context: TenantContext,
        progress: _Progress,
        kind: str,
        record: PersonalRecord,
        wanted: Wanted | None,
        collected: list[dict[str, Any]],
    ) -> None:
        if wanted is None:
            if self._is_over(kind, record.meta, progress):
                self._erase(context, progress, kind, record, wanted, "retention_ended")
            return
        if not record.is_about(wanted):
            return
        label = f"{kind}:{record.meta['id']}"
        if record.is_whole(wanted) and self._is_owner(kind) and label not in progress.owners:
            progress.owners.append(label)
        if progress.stage == "collect":
            said = _said(self.register, kind, record, wanted, progress)
            if said is not None:
                collected.append(said)
                progress.records += 1
        elif progress.stage == "check":
            self._look(progress, kind, record, wanted)
        else:
            self._erase(context, progress, kind, record, wanted, "erased")

    def _is_owner(self, kind: str) -> bool:
        return any(kind in holding.by.values() for holding in self.register.holdings)

    def _open_states(self, kind: str) -> frozenset[str]:
        return frozenset().union(*(one.open_states for one in self.register.of(kind)))

    def _look(self, progress: _Progress, kind: str, record: PersonalRecord, wanted: Wanted) -> None:
        meta = record.meta
        still_open = meta["state"] in self._open_states(kind) and record.erased(wanted)
        if still_open and len(progress.waiting) < _MOST_WAITING:
            progress.waiting.append([kind, str(meta["id"]), str(meta["state"])])

    def _is_over(self, kind: str, meta: Item, progress: _Progress) -> bool:
        living = frozenset().union(*(one.living for one in self.register.of(kind)))
        if meta["state"] in self._open_states(kind) | living:
            return False
        if meta.get("erased_at", "") >= meta["updated_at"]:
            return False
        today = date.fromisoformat(progress.today)
        return all(_ends(holding, meta, today) <= today for holding in self.register.of(kind))

    # ------------------------------------------------------------------ erasing

    def _erase(
        self,
        context: TenantContext,
        progress: _Progress,
        kind: str,
        record: PersonalRecord,
        wanted: Wanted | None,
        why: str,
    ) -> None:
        """One record in one transaction; what was copied elsewhere goes first."""
        changes = record.erased(wanted)
        if not changes:
            return
        meta, whole = record.meta, record.is_whole(wanted)
        self._remove_copies(context, kind, str(meta["id"]))
        unit = self._unit(context)
        own = changes.pop((str(meta["pk"]), META), {})
        if record.names(wanted) and meta.get(FOUND_IN):
            forget(unit, kind, str(meta["id"]), meta)
            own[FOUND_IN] = []
        detail = {"request_id": progress.id, "fields": sorted(own), "rows": len(changes)}
        unit.change(
            meta,
            Change(f"{kind}.{why}", str(meta["state"]), detail=detail),
            # Of a record that was erased in part only, the clock goes on for the rest.
            assign={**own, **({"erased_at": moment(unit.now)} if whole else {})},
        )
        for (pk, sk), changed in changes.items():
            unit.transaction.update("core", pk, sk, assign=changed, when=exists(), label="row")
        if whole:
            self._give_back(unit, kind, meta)
        unit.transaction.count("core", self._key(context, progress.id), META, {"records": 1})
        try:
            unit.commit()
        except TransactionRefusedError as error:
            raise ConflictError("conflict", "The record changed in the meantime.") from error

    def _give_back(self, unit: UnitOfWork, kind: str, meta: Item) -> None:
        """Look-ups of an erased record lead to nobody; those of somebody else stay."""
        for pk in self.lookups(unit.keyspace, kind, meta):
            row = self.machinery.database.get("flow", pk, "-")
            if row is not None and row["owner"] == meta["id"]:
                unit.transaction.update(
                    "flow",
                    pk,
                    "-",
                    assign={"owner": NOBODY},
                    when=equals("owner", meta["id"]),
                    label="lookup",
                )

    def _remove_copies(self, context: TenantContext, kind: str, identity: str) -> None:
        if self.raw is None:
            return
        for holding in self.register.of(kind):
            if holding.raw:
                place = holding.raw.format(id=identity)
                self.raw.remove_all(f"T/{context.tenant_id}/{place}")

    def _end_of_walk(self, context: TenantContext, progress: _Progress) -> None:
        if progress.stage == "check":
            if not progress.waiting:
                progress.waiting = [
                    [one.kind, one.id, one.state] for one in self.house.open_work(context)
                ][:_MOST_WAITING]
            if progress.waiting:
                progress.stage = "waiting"
                self._save(context, progress, answer=True)
                return
            progress.walk("erase")
            progress.before = progress.records
            self._save(context, progress)
            return
        if progress.stage == "erase":
            self.house.clear(context)
            progress.rounds += 1
            if progress.records != progress.before and progress.rounds < _MOST_ROUNDS:
                # What came in while we walked is found by walking again.
                progress.before = progress.records
                progress.walk("erase")
                self._save(context, progress)
                return
        progress.stage = "done"
        logger(self.register.context).info(
            "privacy request answered", extra={"act": progress.act, "records": progress.records}
        )
        self._save(context, progress, answer=True)


def _ends(holding: Holding, meta: Item, today: date) -> date:
    """First day on which the time of a record is over."""
    changed_on = datetime.fromisoformat(meta["updated_at"]).date()
    return holding.ground.retention.ends(changed_on, today)


def _row(progress: _Progress) -> Item:
    return {name: getattr(progress, name) for name in _FIELDS}


def _said(
    register: Register, kind: str, record: PersonalRecord, wanted: Wanted, progress: _Progress
) -> dict[str, Any] | None:
    """One record as it goes into the copy for the person."""
    held = record.held(wanted)
    if not held:
        return None
    meta, today = record.meta, date.fromisoformat(progress.today)

    def told(holding: Holding, values: Any) -> dict[str, Any]:
        return {
            "purpose": holding.ground.purpose,
            "basis": holding.ground.basis.value,
            "kept_until": _ends(holding, meta, today).isoformat(),
            "values": [
                {"field": one.path, "what": one.what.value, "value": text} for one, text in values
            ],
        }

    return {
        "context": register.context,
        "kind": kind,
        "id": meta["id"],
        "state": meta["state"],
        "since": meta["created_at"],
        "changed": meta["updated_at"],
        "held": [told(holding, values) for holding, values in held],
    }
