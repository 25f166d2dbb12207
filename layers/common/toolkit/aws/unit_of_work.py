"""The commit of every use case: state, history, audit, ledger, uniqueness and outbox in one
transaction.

One entity row lives at ``<ctx>#T#<tenant>#<KIND>#<id>`` / ``META`` in ``core``. Each change raises
its ``version`` by one under the condition that nobody changed it in between, and writes with the
same number

* a history row ``<ctx>#T#<tenant>#HIST#<kind>:<id>`` / ``<version>`` in ``core`` (ids, codes,
states, amounts;
  never personal data): the timeline of the item;
* an audit row ``<ctx>#T#<tenant>#ENT#<kind>:<id>`` / ``<version>`` in ``audit``, chained by hash;
the head
  of the chain lives on the entity row, so the version condition also serialises the chain
  (reliability.md §8, security.md §10).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.clock import Clock
from kernel.events import Event
from kernel.ids import IdSource
from kernel.stamp import Stamp
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Condition, Database, Item, Keyspace, absent, all_of, equals
from toolkit.aws.outbox import Delivery, Outbox
from toolkit.aws.rows import moment
from toolkit.aws.transactions import Transaction
from toolkit.observability import logger

META: Final = "META"
GENESIS: Final = "0" * 64
NOBODY: Final = "nobody"
"""Owner of a business key that was given back: somebody may take it again."""


def sequence(number: int) -> str:
    """Sort key of a history or audit row: ten digits, so that text order is number order."""
    return f"{number:010d}"


def entity_label(kind: str, identity: str) -> str:
    """Label of the guarded write of one entity, to find it again in a refusal."""
    return f"{kind}:{identity}"


def entity_key(keyspace: Keyspace, kind: str, identity: str) -> str:
    """Partition key of an entity row."""
    return keyspace.key(kind.upper().replace("_", "-"), identity)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one entity, for its history and its audit chain.

    ``detail`` holds ids, codes, counts and amounts in minor units, never personal data.
    """

    action: str
    to_state: str
    from_state: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def chain_hash(row: Mapping[str, Any]) -> str:
    """Hash of an audit row: SHA-256 over its canonical JSON without ``hash`` and storage keys."""
    content = {key: row[key] for key in sorted(row) if key not in {"hash", "pk", "sk", "w"}}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Machinery:
    """The shared machinery a repository is built from: database, outbox, time and ids."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: IdSource


class UnitOfWork:
    """Builds and commits one transaction for one tenant, then dispatches its outbox rows."""

    def __init__(self, machinery: Machinery, keyspace: Keyspace, context: TenantContext) -> None:
        self._machinery = machinery
        self.keyspace = keyspace
        self.context = context
        self.transaction = Transaction(machinery.ids.new())
        self.deliveries: list[Delivery] = []
        self.now = machinery.clock.now()

    def __len__(self) -> int:
        return len(self.transaction)

    def beside(self, keyspace: Keyspace, context: TenantContext | None = None) -> "UnitOfWork":
        """The same transaction seen from another keyspace of this context.

        For changes that belong together but not to the same tenant: a person and a membership, a
        tenant being created and its first user. Committing either commits both.
        """
        other = UnitOfWork.__new__(UnitOfWork)
        other._machinery = self._machinery
        other.keyspace = keyspace
        other.context = context or self.context
        other.transaction = self.transaction
        other.deliveries = self.deliveries
        other.now = self.now
        return other

    # ------------------------------------------------------------------ entities

    def create(
        self, kind: str, identity: str, attributes: Mapping[str, Any], change: Change
    ) -> Item:
        """Write a new entity with its first history and audit rows; returns the row."""
        digest = self._record(kind, identity, 1, GENESIS, change)
        stamp = moment(self.now)
        row: Item = {
            "pk": entity_key(self.keyspace, kind, identity),
            "sk": META,
            "id": identity,
            "kind": kind,
            "state": change.to_state,
            "version": 1,
            "audit_hash": digest,
            "created_at": stamp,
            "updated_at": stamp,
            **attributes,
        }
        self.transaction.put_new("core", row, label=entity_label(kind, identity))
        return row

    def as_read(self, kind: str, identity: str, state: str, stamp: Stamp) -> Item:
        """What ``change`` needs to know of the row of an entity that was read in ``state``."""
        return {
            "pk": entity_key(self.keyspace, kind, identity),
            "kind": kind,
            "id": identity,
            "state": state,
            "version": stamp.version,
            "audit_hash": stamp.audit_hash,
            "created_at": stamp.created_at,
        }

    def change(
        self,
        row: Mapping[str, Any],
        change: Change,
        *,
        assign: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        when: Condition | None = None,
    ) -> Item:
        """Change an entity that was read as ``row``: state, version, history and audit move
        together.

        The write holds only while state and version are what was read (rule 3: a stale read costs a
        retry, nothing worse). Returns the row as it will be.
        """
        kind, identity = str(row["kind"]), str(row["id"])
        version = int(row["version"]) + 1
        filled = Change(change.action, change.to_state, str(row["state"]), change.detail)
        digest = self._record(kind, identity, version, str(row["audit_hash"]), filled)
        assigned: dict[str, Any] = {
            **(assign or {}),
            "state": change.to_state,
            "version": version,
            "audit_hash": digest,
            "updated_at": moment(self.now),
        }
        guard = all_of(
            equals("version", row["version"]),
            equals("state", row["state"]),
            *([when] if when else []),
        )
        self.transaction.update(
            "core",
            str(row["pk"]),
            META,
            assign=assigned,
            remove=remove,
            when=guard,
            label=entity_label(kind, identity),
        )
        changed = {**row, **assigned}
        for name in remove:
            changed.pop(name, None)
        return changed

    def _record(self, kind: str, identity: str, version: int, previous: str, change: Change) -> str:
        subject = f"{kind}:{identity}"
        at = moment(self.now)
        history: Item = {
            "pk": self.keyspace.key("HIST", subject),
            "sk": sequence(version),
            "at": at,
            "actor": self.context.actor,
            "action": change.action,
            "from": change.from_state,
            "to": change.to_state,
            "detail": dict(change.detail),
            "correlation_id": self.context.correlation_id,
        }
        if version == 1:
            # The first history row of an entity is the register from which the audit verifier
            # learns that the entity exists; it costs no write of its own.
            history["by_pk"] = self.keyspace.key("ENTITIES")
            history["by_sk"] = subject
        audit: dict[str, Any] = {
            "pk": self.keyspace.key("ENT", subject),
            "sk": sequence(version),
            "seq": version,
            "at": at,
            "actor": self.context.actor,
            "action": change.action,
            "entity": subject,
            "from": change.from_state,
            "to": change.to_state,
            "content_hash": hashlib.sha256(
                json.dumps(change.detail, sort_keys=True, ensure_ascii=False, default=str).encode()
            ).hexdigest(),
            "prev_hash": previous,
        }
        audit["hash"] = chain_hash(audit)
        self.transaction.put_new("core", history, label=f"history:{subject}")
        self.transaction.put_new("audit", audit, label=f"audit:{subject}")
        return str(audit["hash"])

    # ------------------------------------------------------------------ companions

    def unique(self, *segments: str, owner: str, replaces: str = "") -> None:
        """Reserve a business key for ever (no TTL); ``owner`` is the id that holds it.

        ``replaces`` names a former owner that was withdrawn before it had any effect outside.
        """
        pk = self.keyspace.key("UNIQ", *segments)
        label = "unique:" + ":".join(segments)
        if replaces:
            self.transaction.update(
                "flow",
                pk,
                "-",
                assign={"owner": owner},
                when=equals("owner", replaces),
                label=label,
            )
        else:
            self.transaction.put_new("flow", {"pk": pk, "sk": "-", "owner": owner}, label=label)

    def claim(self, *segments: str, owner: str, label: str = "unique") -> None:
        """Reserve a business key that nobody ever had, or that its owner gave back."""
        self.transaction.update(
            "flow",
            self.keyspace.key("UNIQ", *segments),
            "-",
            assign={"owner": owner},
            when=absent() | equals("owner", NOBODY),
            label=":".join((label, *segments)),
        )

    def received(self, source: str, event_id: str) -> None:
        """Note an incoming event so that its effect happens exactly once (inbox)."""
        row = {
            "pk": self.keyspace.key("IN", source, event_id),
            "sk": "-",
            "at": moment(self.now),
            "ttl": int(self.now.timestamp()) + 90 * 86_400,
        }
        self.transaction.put_new("flow", row, label="inbox")

    def entry(
        self,
        account: str,
        business_key: str,
        *,
        debit: str,
        credit: str,
        amount: int,
        currency: str,
    ) -> None:
        """Post one ledger entry of two legs (Σ debit = Σ credit) and move the balance beside it.

        Units: ``amount`` is minor units > 0. The balance row is ``ACC#<account>`` / ``BAL`` with
        one counter per leg name; entries are never edited, a correction is a new linked entry.
        """
        pk = self.keyspace.key("ACC", account)
        for leg, name in (("D", debit), ("C", credit)):
            self.transaction.put_new(
                "ledger",
                {
                    "pk": pk,
                    "sk": f"ENTRY#{business_key}#{leg}",
                    "leg": leg,
                    "name": name,
                    "amount": amount,
                    "currency": currency,
                    "at": moment(self.now),
                },
                label=f"entry:{business_key}",
            )
        self.transaction.count("ledger", pk, "BAL", {f"D_{debit}": amount, f"C_{credit}": amount})

    def count(self, pk: str, sk: str, deltas: Mapping[str, int]) -> None:
        """Move counters of a narrow row in ``core`` beside the guarded writes of this
        transaction.
        """
        self.transaction.count("core", pk, sk, deltas)

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell other contexts, if and only if this commits."""
        event = Event(
            id=self._machinery.ids.new(),
            type=event_type,
            source=f"kopru.{event_type.partition('.')[0]}",
            time=self.now,
            tenant_id=self.context.tenant_id,
            subject=subject,
            data=data,
        )
        self.deliveries.append(
            self._machinery.outbox.add_event(self.transaction, self.keyspace, event)
        )

    def enqueue(
        self, queue_url: str, message: Mapping[str, Any], *, delay_seconds: int = 0
    ) -> None:
        """Give work to a queue of this context, if and only if this commits."""
        body = {"v": 1, "tenant_id": self.context.tenant_id, "hops": 0, **message}
        self.deliveries.append(
            self._machinery.outbox.add_message(
                self.transaction,
                self.keyspace,
                self._machinery.ids.new(),
                queue_url=queue_url,
                message=body,
                delay_seconds=delay_seconds,
            )
        )

    # ------------------------------------------------------------------ commit

    def commit(self, *, dispatch: bool = True) -> None:
        """Write everything or nothing, then deliver the outbox rows.

        A delivery that fails is no failure of the commit: the rows are due and the sweep repeats
        them, so the caller hears the truth about what was written.
        Raises: TransactionRefusedError, ConflictError (see ``Transaction.commit``).
        """
        self.transaction.commit(self._machinery.database)
        if not dispatch or not self.deliveries:
            return
        try:
            self._machinery.outbox.dispatch(self.deliveries)
        except Exception as error:
            logger("outbox").warning(
                "rows left to the relay",
                extra={"error_class": type(error).__name__, "rows": len(self.deliveries)},
            )
