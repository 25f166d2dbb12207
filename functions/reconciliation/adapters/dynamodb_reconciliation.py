"""The store of reconciliation on DynamoDB: one tenant, one key prefix, one writer of states.

Rows in ``core`` (``rec#T#<tenant>#…``): ``COUNTERPARTY#<id>``, ``E-INVOICE#<id>``,
``BABS-PARAMETERS#own`` and ``LEDGER-BATCH#<id>`` are entities with history and audit;
``PARTY#<hash>`` / ``<id>`` finds account cards by tax number (keyed hash, because it may be a
person's). Lines lie by month, ``LEDGER#<yyyy-mm>`` / ``<counterparty>#<line>``: the figures of a
month are one query, and so is one account in a month; ``LEDGER-SUMS#<yyyy-mm>`` / ``<card>``
are the sums of a card there, moved with its lines. What a line said before is kept in
``LEDGER-PAST#<counterparty>#<line>`` / ``<version>``. Where a line lies now is its uniqueness row
in ``flow``.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.finding import Findable
from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.periods import Period
from kernel.storing import CommandIdentity, Position, Remembered, WriteRefusedError
from reconciliation.adapters import rows
from reconciliation.adapters.dynamodb_access import AccessWrites
from reconciliation.adapters.dynamodb_answers import AnswerReads, AnswerWrites
from reconciliation.adapters.dynamodb_differences import DifferenceReads, DifferenceWrites
from reconciliation.adapters.dynamodb_events import EventReads, EventWrites
from reconciliation.adapters.dynamodb_letters import PARAMETERS, LetterReads, LetterWrites
from reconciliation.adapters.dynamodb_portal_mails import PortalMailWrites
from reconciliation.adapters.parts import IndexKey
from reconciliation.domain.counterparty import Counterparty, CounterpartyState
from reconciliation.domain.e_invoice import EInvoice
from reconciliation.domain.ledger import Direction, EntryFields, EntryState, LedgerEntry
from reconciliation.domain.month_sums import MonthSums, contribution
from reconciliation.domain.parameters import OwnRows
from reconciliation.ports import Due, JobView, Located, Place
from toolkit.auth import TenantContext
from toolkit.aws.due import due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace, Page, absent, all_of, equals
from toolkit.aws.finding import enter
from toolkit.aws.jobs import Jobs, job_from
from toolkit.aws.rows import moment
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key, sequence
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer

CONTEXT: Final = "rec"
COUNTERPARTY: Final = "counterparty"
INVOICE: Final = "e_invoice"
BATCH: Final = "ledger_batch"
_OWN: Final = "own"
_STORED: Final = "stored"
_CARDS: Final = 50
"""Account cards of one tax number that find an e-invoice in their own list."""
_PUSH: Final = timedelta(minutes=10)
QueueUrl = Callable[[str], str]


def _hashed(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:40]


def _missing() -> NotFoundError:
    return NotFoundError("not_found", "There is no such item.")


def _found_by(counterparty: Counterparty) -> Findable:
    """By title, code of the books and tax number; nobody's identity number is entered."""
    fields = counterparty.fields
    if counterparty.state is CounterpartyState.REMOVED:
        return Findable("")
    number = fields.party.number if fields.party.kind is PartyKind.VKN else ""
    return Findable(fields.title, (fields.code, number), most_words=3)


def _invoice_found_by(invoice: EInvoice, card: str) -> Findable:
    return Findable(invoice.view.number, (invoice.view.number,), card, most_words=1)


class DynamoUnit(
    LetterWrites, AnswerWrites, DifferenceWrites, PortalMailWrites, AccessWrites, EventWrites
):
    """``ReconciliationUnit`` over one transaction."""

    def __init__(self, store: "DynamoReconciliationStore") -> None:
        self._store = store
        self._keyspace = store.keyspace
        self._unit = UnitOfWork(store.machinery, store.keyspace, store.context)
        self._jobs = Jobs(store.database, store.keyspace)
        self._refused = store.refused
        self._known_months: Mapping[tuple[str, Period], Collection[Direction]] = {}
        self._sums: dict[tuple[str, Period], Counter[str]] = {}
        self._firsts: dict[tuple[str, Period], dict[Direction, str]] = {}

    def _listed(self, row: rows.Row, name: str, identity: str) -> rows.Row:
        return {**row, "by_pk": self._keyspace.key(name), "by_sk": identity}

    # -------------------------------------------------------------- counterparties

    def _findable(self, counterparty: Counterparty) -> None:
        """Let an account card be found by its number; what it had before is checked by readers."""
        party = counterparty.fields.party
        if party.kind is PartyKind.SPECIAL:
            return
        self._unit.transaction.update(
            "core",
            self._store.party_key(party),
            counterparty.id,
            assign={"at": moment(self._unit.now)},
            label="party",
        )

    def add_counterparty(self, counterparty: Counterparty) -> Counterparty:
        row = self._listed(rows.counterparty_row(counterparty), "COUNTERPARTIES", counterparty.id)
        row |= enter(self._unit, COUNTERPARTY, counterparty.id, None, _found_by(counterparty))
        change = Change("counterparty.added", counterparty.state.value)
        made = self._unit.create(COUNTERPARTY, counterparty.id, row, change)
        code = _hashed(counterparty.fields.code)
        self._unit.unique("COUNTERPARTY", code, owner=counterparty.id)
        self._findable(counterparty)
        return rows.counterparty_from(made)

    def save_counterparty(
        self, before: Counterparty, after: Counterparty, action: str
    ) -> Counterparty:
        stored = self._unit.as_read(COUNTERPARTY, before.id, before.state.value, before.stamp)
        row = rows.counterparty_row(after)
        row |= enter(self._unit, COUNTERPARTY, before.id, _found_by(before), _found_by(after))
        removed = after.state is CounterpartyState.REMOVED
        changed = self._unit.change(
            stored,
            Change(action, after.state.value),
            assign=row if removed else self._listed(row, "COUNTERPARTIES", before.id),
            remove=("by_pk", "by_sk") if removed else (),
        )
        if before.fields.party != after.fields.party:
            self._findable(after)
        return rows.counterparty_from(changed)

    # -------------------------------------------------------------- e-invoices, parameters

    def add_invoice(self, invoice: EInvoice) -> EInvoice:
        row = self._listed(rows.invoice_row(invoice), "E-INVOICES", invoice.id)
        detail = {
            "direction": invoice.direction.value,
            "payable": invoice.view.payable.minor,
            "sha256": invoice.digest,
        }
        card = next(iter(invoice.counterparty_ids), "")
        row |= enter(self._unit, INVOICE, invoice.id, None, _invoice_found_by(invoice, card))
        made = self._unit.create(
            INVOICE, invoice.id, row, Change("e_invoice.taken", _STORED, detail=detail)
        )
        uuid = _hashed(invoice.view.uuid)
        self._unit.unique("E-INVOICE", invoice.direction.value, uuid, owner=invoice.id)
        place = f"{invoice.view.issued_on.isoformat()}#{invoice.id}"
        for card in invoice.counterparty_ids[:_CARDS]:
            of_card = {"pk": self._keyspace.key("INVOICES-OF", card), "sk": place}
            self._unit.transaction.put_new("core", of_card, label="invoice_of")
        return rows.invoice_from(made)

    def save_parameters(self, before: OwnRows, after: OwnRows) -> OwnRows:
        row = rows.parameters_row(after)
        change = Change("babs_parameters.changed", _STORED, detail={"rows": row["rows"]})
        if not before.stamp.version:
            return rows.parameters_from(self._unit.create(PARAMETERS, _OWN, row, change))
        stored = self._unit.as_read(PARAMETERS, _OWN, _STORED, before.stamp)
        changed = self._unit.change(stored, change, assign=row)
        return rows.parameters_from(changed)

    # -------------------------------------------------------------- lines

    def note_batch(self, batch_id: str, detail: Mapping[str, Any]) -> None:
        change = Change("ledger_batch.recorded", _STORED, detail=detail)
        self._unit.create(BATCH, batch_id, {}, change)

    def know_months(self, known: Mapping[tuple[str, Period], Collection[Direction]]) -> None:
        self._known_months = known

    def _sum_up(self, entry: LedgerEntry, current: LedgerEntry | None) -> None:
        """Take what a line said out of the sums, and what it says now in."""
        card = entry.counterparty_id
        for line, sign in ((current, -1), (entry, 1)):
            if line is not None:
                sums = self._sums.setdefault((card, line.fields.period), Counter())
                for name, amount in contribution(line).items():
                    sums[name] += sign * amount
        direction, month = entry.fields.direction, (card, entry.fields.period)
        if direction not in self._known_months.get(month, ()):
            self._firsts.setdefault(month, {}).setdefault(direction, entry.order)

    def _write_sums(self) -> None:
        for (card, period), sums in self._sums.items():
            firsts = {
                f"first_{direction.value}": order
                for direction, order in self._firsts.get((card, period), {}).items()
            }
            changes = {name: step for name, step in sums.items() if step}
            if not changes and not firsts:
                continue
            self._unit.transaction.update(
                "core",
                self._store.sums_key(period),
                card,
                assign=firsts,
                add=changes,
                when=all_of(*(absent(name) for name in firsts)) if firsts else None,
                label="sums",
            )

    def write_entry(self, entry: LedgerEntry, located: Located) -> None:
        self._sum_up(entry, located.current)
        now = moment(self._unit.now)
        current, target = located.current, located.target
        place = (entry.counterparty_id, entry.key)
        row = {**rows.entry_row(entry), "recorded_at": now}
        period = entry.fields.period
        pk, sk = self._store.month_key(period), "#".join(place)
        if target is None:
            self._unit.transaction.put_new("core", {"pk": pk, "sk": sk, **row}, label="entry")
        else:
            unchanged = all_of(
                equals("version", target.version), equals("state", target.state.value)
            )
            self._unit.transaction.update("core", pk, sk, assign=row, when=unchanged, label="entry")
        if current is None:
            self._unit.unique("LEDGER-ENTRY", *place, owner=str(period))
            return
        past = {
            "pk": self._keyspace.key("LEDGER-PAST", *place),
            "sk": sequence(current.version),
            **rows.entry_row(current),
        }
        self._unit.transaction.put_new("core", past, label="past")
        before = current.fields.period
        if before == period:
            return
        self._unit.transaction.update(
            "core",
            self._store.month_key(before),
            sk,
            assign={"state": EntryState.MOVED.value, "version": entry.version},
            when=equals("version", current.version),
            label="entry",
        )
        self._unit.unique("LEDGER-ENTRY", *place, owner=str(period), replaces=str(before))

    # -------------------------------------------------------------- companions

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._unit.publish(event_type, subject, data)

    def enqueue(self, queue: str, message: Mapping[str, Any]) -> None:
        self._unit.enqueue(self._store.queue_url(queue), message)

    def create_job(
        self, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
    ) -> None:
        self._jobs.create(
            self._unit,
            job_id,
            kind,
            subject=subject,
            private=dict(private),
            # The sweep looks at unfinished jobs, in case their message was lost.
            **due_at(self._keyspace, self._unit.now + _PUSH, job_id),
        )

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        self._jobs.advance(self._unit, job_id, **deltas)

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None:
        self._jobs.finish(
            self._unit,
            job_id,
            status,
            result=result,
            problems=problems,
            assign={"total": total, "done": total, "failed": failed},
        )

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        stored = StoredAnswer(answer.status, answer.body, answer.headers)
        self._store.idempotency.record(self._unit, command, stored)

    def commit(self) -> None:
        self._write_sums()
        try:
            self._unit.commit()
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


class DynamoReconciliationStore(LetterReads, AnswerReads, DifferenceReads, EventReads):
    """``ReconciliationStore`` for one tenant."""

    def __init__(
        self,
        machinery: Machinery,
        context: TenantContext,
        *,
        queue_url: QueueUrl,
        index_key: IndexKey,
    ) -> None:
        self.machinery = machinery
        self.database: Database = machinery.database
        self.context = context
        self.keyspace = Keyspace(CONTEXT, context.tenant_id)
        self.queue_url = queue_url
        self._index_key = index_key
        self.idempotency = IdempotencyStore(self.database, self.keyspace)

    def unit(self) -> DynamoUnit:
        """A new unit of work."""
        return DynamoUnit(self)

    def party_key(self, party: LedgerParty) -> str:
        """Partition that names the account cards of a number: keyed, per tenant."""
        return self.keyspace.key("PARTY", self._keyed(party.number)[:40])

    def month_key(self, period: Period) -> str:
        """Partition of the lines of a month."""
        return self.keyspace.key("LEDGER", str(period))

    def sums_key(self, period: Period) -> str:
        """Partition of the sums of a month."""
        return self.keyspace.key("LEDGER-SUMS", str(period))

    def entry_key(self, identity: Sequence[str]) -> str:
        return _hashed(*identity)

    def _entity(self, kind: str, identity: str) -> Item | None:
        return self.database.get("core", entity_key(self.keyspace, kind, identity), META)

    def _owners(self, keys: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        """Owners of uniqueness rows, by the caller's names for them."""
        wanted = {name: self.keyspace.key("UNIQ", *segments) for name, segments in keys.items()}
        found = self.database.get_many("flow", [(pk, "-") for pk in wanted.values()])
        return {
            name: str(row["owner"])
            for name, pk in wanted.items()
            if (row := found.get((pk, "-"))) is not None
        }

    # -------------------------------------------------------------- counterparties

    def counterparty(self, counterparty_id: str) -> Counterparty:
        row = self._entity(COUNTERPARTY, counterparty_id)
        if row is None or row["state"] == CounterpartyState.REMOVED.value:
            raise _missing()
        return rows.counterparty_from(row)

    def counterparties(self, ids: Iterable[str]) -> dict[str, Counterparty]:
        keys = [(entity_key(self.keyspace, COUNTERPARTY, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return {row["id"]: rows.counterparty_from(row) for row in found.values()}

    def counterparties_by_code(self, codes: Iterable[str]) -> dict[str, Counterparty]:
        owners = self._owners({code: ("COUNTERPARTY", _hashed(code)) for code in codes})
        known = self.counterparties(owners.values())
        return {code: known[owner] for code, owner in owners.items() if owner in known}

    def counterparties_of(self, party: LedgerParty) -> list[Counterparty]:
        if party.kind is PartyKind.SPECIAL:
            return []
        found = self.database.query_all("core", self.party_key(party))
        cards = self.counterparties([str(row["sk"]) for row in found])
        return [card for card in cards.values() if card.fields.party == party]

    def counterparty_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Counterparty], Position | None]:
        page = self._page("COUNTERPARTIES", limit, after)
        return [rows.counterparty_from(row) for row in page.items], page.next_key

    def _page(self, name: str, limit: int, after: Position | None, *, forward: bool = True) -> Page:
        return self.database.list_rows(
            self.keyspace.key(name),
            limit=limit,
            after=dict(after) if after else None,
            forward=forward,
        )

    # -------------------------------------------------------------- lines

    def locate(self, places: Sequence[Place]) -> dict[tuple[str, str], Located]:
        names = {f"{one.counterparty_id}#{one.key}": one for one in places}
        months = self._owners(
            {name: ("LEDGER-ENTRY", one.counterparty_id, one.key) for name, one in names.items()}
        )
        here = {name: (self.month_key(one.period), name) for name, one in names.items()}
        now = {name: (self.month_key(Period.parse(month)), name) for name, month in months.items()}
        # A line nobody has seen has no row anywhere.
        wanted = [key for name in months for key in (here[name], now[name])]
        found = self.database.get_many("core", wanted)

        def entry(key: tuple[str, str] | None) -> LedgerEntry | None:
            row = found.get(key) if key is not None else None
            return rows.entry_from(row) if row is not None else None

        return {
            (one.counterparty_id, one.key): Located(entry(now.get(name)), entry(here[name]))
            for name, one in names.items()
        }

    def former(self, places: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str], EntryFields]:
        keys = {
            (self.keyspace.key("LEDGER-PAST", card, key), sequence(version)): (card, key)
            for card, key, version in places
        }
        found = self.database.get_many("core", list(keys))
        return {keys[name]: rows.fields_from(row) for name, row in found.items()}

    def entries(self, period: Period) -> Iterator[LedgerEntry]:
        for row in self.database.query_all("core", self.month_key(period)):
            yield rows.entry_from(row)

    def month_sums(self, period: Period) -> Iterator[MonthSums]:
        for row in self.database.query_all("core", self.sums_key(period)):
            yield rows.sums_from(row)

    def known_months(
        self, months: Collection[tuple[str, Period]]
    ) -> dict[tuple[str, Period], Collection[Direction]]:
        keys = {(self.sums_key(period), card): (card, period) for card, period in months}
        found = self.database.get_many("core", list(keys))
        return {keys[name]: rows.sums_from(row).first.keys() for name, row in found.items()}

    def entry_page(
        self, period: Period, counterparty_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[LedgerEntry], Position | None]:
        page = self.database.query(
            "core",
            self.month_key(period),
            prefix=f"{counterparty_id}#" if counterparty_id else None,
            limit=limit,
            after=dict(after) if after else None,
        )
        return [rows.entry_from(row) for row in page.items], page.next_key

    # -------------------------------------------------------------- e-invoices and the rest

    def invoice(self, invoice_id: str) -> EInvoice:
        row = self._entity(INVOICE, invoice_id)
        if row is None:
            raise _missing()
        return rows.invoice_from(row)

    def invoice_of(self, direction: Direction, uuid: str) -> EInvoice | None:
        owners = self._owners({uuid: ("E-INVOICE", direction.value, _hashed(uuid))})
        return self.invoice(owners[uuid]) if uuid in owners else None

    def invoice_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[EInvoice], Position | None]:
        page = self._page("E-INVOICES", limit, after, forward=False)
        return [rows.invoice_from(row) for row in page.items], page.next_key

    def invoices_of(
        self, counterparty_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[EInvoice], Position | None]:
        page = self.database.query(
            "core",
            self.keyspace.key("INVOICES-OF", counterparty_id),
            limit=limit,
            after=dict(after) if after else None,
            forward=False,
        )
        ids = [str(row["sk"]).partition("#")[2] for row in page.items]
        keys = [(entity_key(self.keyspace, INVOICE, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return [rows.invoice_from(found[key]) for key in keys if key in found], page.next_key

    def parameters(self) -> OwnRows:
        return rows.parameters_from(self._entity(PARAMETERS, _OWN))

    def answered(self, command: CommandIdentity) -> Remembered | None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        now = int(self.machinery.clock.now().timestamp())
        found = self.idempotency.find(command, now_seconds=now)
        return Remembered(found.status, found.body, found.headers) if found else None

    def job(self, job_id: str) -> JobView | None:
        row = Jobs(self.database, self.keyspace).get(job_id)
        if row is None:
            return None
        return _job(row)

    def jobs(self, kinds: Collection[str], limit: int) -> list[JobView]:
        page = self.database.list_rows(self.keyspace.key("JOBS"), limit=50, forward=False)
        return [_job(row) for row in page.items if row["kind"] in kinds][:limit]

    def start_job(self, job_id: str) -> None:
        Jobs(self.database, self.keyspace).start(job_id)


def _job(row: Item) -> JobView:
    job = job_from(row)
    return JobView(
        job.id,
        job.kind,
        job.status,
        row["private"],
        job.total,
        job.done,
        job.result,
        job.problems,
        job.created_at,
    )


class DynamoDueWork:
    """``DueWork`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def due(self, now: datetime, limit: int) -> list[Due]:
        """What waits for its time, oldest first."""
        taken = take_due(self._database, "core", self._keyspace, now, limit=limit, push=_PUSH)
        found = [
            # An entity and a job both say what they are.
            Due(str(row.row["kind"]), row.id, row.tenant_id, row.due_at)
            for row in taken
        ]
        return sorted(found, key=lambda item: item.due_at)
