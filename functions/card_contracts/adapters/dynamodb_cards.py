"""The store of card contracts on DynamoDB: one tenant, one key prefix, one writer of states.

Rows in ``core`` (``crd#T#<tenant>#…``): ``CARD-CONTRACT#<code>`` with ``META`` and one
``REVISION#<number>`` per content that ever counted; ``CARD``, ``BANK-ACCOUNT`` and
``DEDUCTION`` by code; ``PAIR#<hash>`` with who holds a card and account; ``CARD-SALE#<id>``,
``CARD-REFUND#<id>``; ``CARD-CALENDAR#<name>``; ``CARD-FEED#cash``; ``CARD-SETTINGS#company``.
Receivables lie in the order in
which money comes: ``RECEIVABLES#<year>`` / ``<pay day>#<sale or refund>#<no>``, because the pay day
of a posted plan never changes, and so a cash calendar is one query and needs no index.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from card_contracts.adapters import rows
from card_contracts.adapters.dynamodb_settlement import SettlementReads, SettlementWrites, job_view
from card_contracts.domain.calendars import CalendarFeed, OverrideTable
from card_contracts.domain.company import CompanySettings
from card_contracts.domain.contract import (
    CalendarName,
    Contract,
    ContractState,
    Pair,
    in_force,
)
from card_contracts.domain.lookups import BankAccount, Card, DeductionDefinition, Lookup
from card_contracts.domain.sale import LineStatus, ReceivableLine, Refund, Sale
from card_contracts.domain.sale_event import REFUSED_EVENT
from card_contracts.ports import Conditions, Due, JobView
from kernel.errors import NotFoundError
from kernel.finding import Findable
from kernel.signed_events import RefusedEvent
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.due import due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace, absent, equals
from toolkit.aws.finding import enter
from toolkit.aws.history import read_history
from toolkit.aws.jobs import Jobs
from toolkit.aws.refused_events import RefusedEvents
from toolkit.aws.rows import stamp_of
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key, sequence
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer

CONTEXT: Final = "crd"
CONTRACT: Final = "card_contract"
SALE: Final = "card_sale"
REFUND: Final = "card_refund"
CALENDAR: Final = "card_calendar"
FEED: Final = "card_feed"
SETTINGS: Final = "card_settings"
_FEED_ID: Final = "cash"
_COMPANY: Final = "company"
_REVISION: Final = "REVISION#"
_KINDS: Final[Mapping[type, str]] = {
    Card: "card",
    BankAccount: "bank_account",
    DeductionDefinition: "deduction",
}
_STORED: Final = "stored"
_AFTER: Final = "~"  # sorts after every character of a key
_PUSH: Final = timedelta(minutes=10)
QueueUrl = Callable[[str], str]


def _hashed(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:40]


def _change(action: str, state: str, detail: Mapping[str, Any]) -> Change:
    return Change(action=action, to_state=state, detail=detail)


def _line_key(line: ReceivableLine) -> str:
    return f"{line.pay.isoformat()}#{line.origin}#{line.no:03d}"


def _contract_found_by(contract: Contract) -> Findable:
    if contract.state is ContractState.REMOVED:
        return Findable("")
    title = f"{contract.code} {contract.description}".strip()
    return Findable(title, (contract.code,), most_words=4)


class DynamoUnit(SettlementWrites):
    """``CardsUnit`` over one transaction."""

    def __init__(self, store: "DynamoCardsStore") -> None:
        self._store = store
        self._database = store.database
        self._keyspace = store.keyspace
        self._unit = UnitOfWork(store.machinery, store.keyspace, store.context)
        self._jobs = Jobs(store.database, store.keyspace)

    def _listed(self, row: rows.Row, *segments: str, sort: str) -> rows.Row:
        return {**row, "by_pk": self._keyspace.key(*segments), "by_sk": sort}

    # -------------------------------------------------------------- contracts

    def _revision(self, contract: Contract) -> None:
        row = {
            "pk": entity_key(self._keyspace, CONTRACT, contract.code),
            "sk": f"{_REVISION}{sequence(contract.revision)}",
            **rows.contract_row(contract),
        }
        self._unit.transaction.put_new("core", row, label="revision")

    def add_contract(self, contract: Contract) -> None:
        row = self._listed(rows.contract_row(contract), "CONTRACTS", sort=contract.code)
        detail = {"revision": contract.revision}
        row |= enter(self._unit, CONTRACT, contract.code, None, _contract_found_by(contract))
        change = _change("contract.registered", contract.state.value, detail)
        self._unit.create(CONTRACT, contract.code, row, change)
        self._revision(contract)

    def save_contract(
        self, before: Contract, after: Contract, action: str, detail: Mapping[str, Any]
    ) -> Contract:
        stored = self._unit.as_read(CONTRACT, before.code, before.state.value, before.stamp)
        removed = after.state is ContractState.REMOVED
        old, new = _contract_found_by(before), _contract_found_by(after)
        found = enter(self._unit, CONTRACT, before.code, old, new)
        changed = self._unit.change(
            stored,
            _change(action, after.state.value, detail),
            assign={**rows.contract_row(after), **found},
            remove=("by_pk", "by_sk") if removed else (),
        )
        if after.revision != before.revision:
            self._revision(after)
        stamp = stamp_of(changed)
        return rows.contract_from(after.code, changed, changed["state"], stamp)

    def require_contract(self, contract: Contract) -> None:
        pk = entity_key(self._keyspace, CONTRACT, contract.code)
        unchanged = equals("version", contract.stamp.version)
        self._unit.transaction.check("core", pk, META, unchanged, label="contract")

    def save_pair(self, pair: Pair) -> None:
        pk = self._store.pair_key(pair.card_code, pair.bank_account_code)
        self._unit.transaction.update(
            "core",
            pk,
            META,
            assign={"holders": rows.holders_row(pair), "v": pair.version + 1},
            when=equals("v", pair.version) if pair.version else absent(),
            label="pair",
        )

    # -------------------------------------------------------------- look-ups

    def add_lookup(self, lookup: Lookup) -> None:
        kind = _KINDS[type(lookup)]
        row = self._listed(rows.lookup_row(lookup), "LIST", kind, sort=lookup.code)
        self._unit.create(kind, lookup.code, row, _change("lookup.added", lookup.state.value, {}))

    def save_lookup(self, before: Lookup, after: Lookup, action: str) -> Lookup:
        kind = _KINDS[type(before)]
        stored = self._unit.as_read(kind, before.code, before.state.value, before.stamp)
        changed = self._unit.change(
            stored, _change(action, after.state.value, {}), assign=rows.lookup_row(after)
        )
        return _lookup_from(type(before), changed)

    # -------------------------------------------------------------- sales

    def _document(self, kind: str, document_no: str, owner: str, replaces: str = "") -> None:
        self._unit.unique("DOCUMENT", kind, _hashed(document_no), owner=owner, replaces=replaces)

    def add_lines(self, lines: Sequence[ReceivableLine]) -> None:
        """Add receivables that must not be there yet."""
        for line in lines:
            row = {
                "pk": self._store.receivables_key(line.pay.year),
                "sk": _line_key(line),
                **rows.line_row(line),
            }
            self._unit.transaction.put_new("core", row, label="line")

    def add_sale(self, sale: Sale, lines: Sequence[ReceivableLine], *, replaces: str = "") -> None:
        row = self._listed(rows.sale_row(sale), "SALES", sort=sale.id)
        detail = {
            "contract_code": sale.contract_code,
            "revision": sale.revision,
            "amount": sale.amount.minor,
            "payments": len(lines),
        }
        row |= enter(
            self._unit, SALE, sale.id, None, Findable(sale.document_no, (sale.document_no,))
        )
        self._unit.create(SALE, sale.id, row, _change("sale.posted", sale.state.value, detail))
        self._document("sale", sale.document_no, sale.id, replaces)
        self.add_lines(lines)

    def save_sale(self, before: Sale, after: Sale, action: str, detail: Mapping[str, Any]) -> Sale:
        stored = self._unit.as_read(SALE, before.id, before.state.value, before.stamp)
        changed = self._unit.change(
            stored, _change(action, after.state.value, detail), assign=rows.sale_row(after)
        )
        return rows.sale_from(changed)

    def add_refund(self, refund: Refund, lines: Sequence[ReceivableLine]) -> None:
        row = self._listed(rows.refund_row(refund), "REFUNDS", refund.sale_id, sort=refund.id)
        detail = {"sale_id": refund.sale_id, "amount": refund.amount.minor}
        self._unit.create(REFUND, refund.id, row, _change("refund.posted", "posted", detail))
        self._document("refund", refund.document_no, refund.id)
        self.add_lines(lines)

    def cancel_lines(self, sale: Sale) -> None:
        for pk, sk in self._store.line_keys(sale):
            self._unit.transaction.update(
                "core",
                pk,
                sk,
                assign={"status": LineStatus.CANCELLED.value},
                when=equals("status", LineStatus.EXPECTED.value),
                label="line",
            )

    def post(
        self, account: str, key: str, *, debit: str, credit: str, amount: int, currency: str
    ) -> None:
        if amount:
            self._unit.entry(
                account, key, debit=debit, credit=credit, amount=amount, currency=currency
            )

    # -------------------------------------------------------------- calendars

    def save_overrides(
        self, before: OverrideTable, after: OverrideTable, action: str, detail: Mapping[str, Any]
    ) -> OverrideTable:
        row, change = rows.overrides_row(after), _change(action, _STORED, detail)
        name = before.name
        if not before.stamp.version:
            created = self._unit.create(CALENDAR, name.value, row, change)
            return rows.overrides_from(name, created)
        stored = self._unit.as_read(CALENDAR, name.value, _STORED, before.stamp)
        changed = self._unit.change(stored, change, assign=row)
        return rows.overrides_from(name, changed)

    def save_feed(self, before: CalendarFeed, after: CalendarFeed) -> CalendarFeed:
        row = {"feed_version": after.version}
        change = _change("feed.renewed", _STORED, {"version": after.version})
        if not before.stamp.version:
            return rows.feed_from(self._unit.create(FEED, _FEED_ID, row, change))
        stored = self._unit.as_read(FEED, _FEED_ID, _STORED, before.stamp)
        changed = self._unit.change(stored, change, assign=row)
        return rows.feed_from(changed)

    def save_settings(
        self,
        before: CompanySettings,
        after: CompanySettings,
        action: str,
        detail: Mapping[str, Any],
    ) -> CompanySettings:
        row, change = rows.settings_row(after), _change(action, _STORED, detail)
        if not before.stamp.version:
            return rows.settings_from(self._unit.create(SETTINGS, _COMPANY, row, change))
        stored = self._unit.as_read(SETTINGS, _COMPANY, _STORED, before.stamp)
        changed = self._unit.change(stored, change, assign=row)
        return rows.settings_from(changed)

    # -------------------------------------------------------------- refused sale events

    def add_refused_event(self, event: RefusedEvent) -> None:
        self._store.refused.add(self._unit, event, "sale_event.refused")

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent:
        return self._store.refused.settle(self._unit, before, after, action)

    # -------------------------------------------------------------- companions

    def received(self, source: str, event_id: str) -> None:
        self._unit.received(source, _hashed(event_id))

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
        try:
            self._unit.commit()
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


class DynamoCardsStore(SettlementReads):
    """``CardsStore`` for one tenant."""

    def __init__(
        self, machinery: Machinery, context: TenantContext, *, queue_url: QueueUrl
    ) -> None:
        self.machinery = machinery
        self.database: Database = machinery.database
        self.context = context
        self.keyspace = Keyspace(CONTEXT, context.tenant_id)
        self.queue_url = queue_url
        self.idempotency = IdempotencyStore(self.database, self.keyspace)
        self.refused = RefusedEvents(self.database, self.keyspace, REFUSED_EVENT)

    def unit(self) -> DynamoUnit:
        """A new unit of work."""
        return DynamoUnit(self)

    def _entity(self, kind: str, identity: str) -> Item | None:
        if not identity or "#" in identity:
            return None
        return self.database.get("core", entity_key(self.keyspace, kind, identity), META)

    def _owner(self, *segments: str) -> str | None:
        row = self.database.get("flow", self.keyspace.key("UNIQ", *segments), "-")
        return str(row["owner"]) if row is not None else None

    # -------------------------------------------------------------- contracts

    @staticmethod
    def _contract(row: Item | None) -> Contract:
        if row is None or row["state"] == ContractState.REMOVED.value:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.contract_from(row["id"], row, row["state"], stamp_of(row))

    def contract(self, code: str) -> Contract:
        return self._contract(self._entity(CONTRACT, code))

    def contracts(self) -> list[Contract]:
        return [
            self._contract(row) for row in self.database.list_all(self.keyspace.key("CONTRACTS"))
        ]

    def revisions(self, code: str) -> list[Contract]:
        newest = self.contract(code)
        pk = entity_key(self.keyspace, CONTRACT, code)
        found = self.database.query_all("core", pk, prefix=_REVISION)
        return [rows.contract_from(code, row, newest.state.value, newest.stamp) for row in found]

    def conditions(self, code: str, sold_on: date) -> Conditions:
        if not code or "#" in code:
            raise NotFoundError("not_found", "There is no such item.")
        contract_key = entity_key(self.keyspace, CONTRACT, code)
        calendars = {name: entity_key(self.keyspace, CALENDAR, name.value) for name in CalendarName}
        keys = [(contract_key, META), *((pk, META) for pk in calendars.values())]
        found = self.database.get_many("core", keys)
        newest = self._contract(found.get((contract_key, META)))
        deciding = newest
        if sold_on < newest.effective_from and newest.revision > 1:
            deciding = in_force(self.revisions(code), sold_on)
        overrides = {
            name: rows.overrides_from(name, found.get((pk, META))) for name, pk in calendars.items()
        }
        return Conditions(newest, deciding, overrides)

    def overrides(self, name: CalendarName) -> OverrideTable:
        return rows.overrides_from(name, self._entity(CALENDAR, name.value))

    def pair_key(self, card_code: str, bank_account_code: str) -> str:
        """Partition key of a card at a bank account."""
        return self.keyspace.key("PAIR", _hashed(card_code, bank_account_code))

    def pair(self, card_code: str, bank_account_code: str) -> Pair:
        key = self.pair_key(card_code, bank_account_code)
        return rows.pair_from(card_code, bank_account_code, self.database.get("core", key, META))

    # -------------------------------------------------------------- look-ups

    def _list(self, kind: type[Lookup]) -> list[Any]:
        listed = self.database.list_all(self.keyspace.key("LIST", _KINDS[kind]))
        return [_lookup_from(kind, row) for row in listed if row["state"] == "active"]

    def cards(self) -> list[Card]:
        return self._list(Card)

    def bank_accounts(self) -> list[BankAccount]:
        return self._list(BankAccount)

    def deduction_definitions(self) -> list[DeductionDefinition]:
        return self._list(DeductionDefinition)

    def lookup(self, kind: type[Lookup], code: str) -> Lookup | None:
        row = self._entity(_KINDS[kind], code)
        return _lookup_from(kind, row) if row is not None else None

    def lookups_of(
        self, contract: Contract
    ) -> tuple[Card | None, BankAccount | None, frozenset[str]]:
        card_key = entity_key(self.keyspace, "card", contract.card_code)
        account_key = entity_key(self.keyspace, "bank_account", contract.bank_account_code)
        codes = {one.code for term in contract.terms for one in term.deductions}
        deductions = {code: entity_key(self.keyspace, "deduction", code) for code in codes}
        keys = [(pk, META) for pk in (card_key, account_key, *deductions.values())]
        found = self.database.get_many("core", keys)
        card, account = found.get((card_key, META)), found.get((account_key, META))
        known = {
            code
            for code, pk in deductions.items()
            if (row := found.get((pk, META))) is not None and row["state"] == "active"
        }
        return (
            rows.card_from(card) if card is not None else None,
            rows.account_from(account) if account is not None else None,
            frozenset(known),
        )

    # -------------------------------------------------------------- the company

    def settings(self) -> CompanySettings:
        return rows.settings_from(self._entity(SETTINGS, _COMPANY))

    def was_received(self, source: str, event_id: str) -> bool:
        pk = self.keyspace.key("IN", source, _hashed(event_id))
        return self.database.get("flow", pk, "-") is not None

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        return self.refused.page(limit=limit, after=after)

    def refused_event(self, event_id: str) -> RefusedEvent:
        return self.refused.one(event_id)

    # -------------------------------------------------------------- sales

    def sale(self, sale_id: str) -> Sale:
        row = self._entity(SALE, sale_id)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.sale_from(row)

    def sale_of_document(self, document_no: str) -> Sale | None:
        owner = self._owner("DOCUMENT", "sale", _hashed(document_no))
        return self.sale(owner) if owner is not None else None

    def sale_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Sale], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("SALES"),
            limit=limit,
            after=dict(after) if after else None,
            forward=False,
        )
        return [rows.sale_from(row) for row in page.items], page.next_key

    def line_keys(self, sale: Sale) -> list[tuple[str, str]]:
        """Keys of the receivables of a sale."""
        return [
            (
                self.receivables_key(part.pay.year),
                f"{part.pay.isoformat()}#{sale.id}#{part.no:03d}",
            )
            for part in sale.parts
        ]

    def lines_of_sale(self, sale: Sale) -> list[ReceivableLine]:
        keys = self.line_keys(sale)
        found = self.database.get_many("core", keys)
        return [rows.line_from(found[key]) for key in keys]

    def refund_of_document(self, document_no: str) -> Refund | None:
        owner = self._owner("DOCUMENT", "refund", _hashed(document_no))
        row = self._entity(REFUND, owner) if owner is not None else None
        return rows.refund_from(row) if row is not None else None

    def refunds(self, sale_id: str) -> list[Refund]:
        listed = self.database.list_all(self.keyspace.key("REFUNDS", sale_id))
        return [rows.refund_from(row) for row in listed]

    # -------------------------------------------------------------- receivables

    def receivables_key(self, year: int) -> str:
        """Partition key of what lands in one year."""
        return self.keyspace.key("RECEIVABLES", str(year))

    def line_page(
        self, since: date, until: date, *, limit: int, after: Position | None
    ) -> tuple[list[ReceivableLine], Position | None]:
        year = int((after or {}).get("year", since.year))
        key: Mapping[str, Any] | None = (after or {}).get("key")
        found: list[ReceivableLine] = []
        while year <= until.year and len(found) < limit:
            page = self.database.query(
                "core",
                self.receivables_key(year),
                since=since.isoformat(),
                up_to=f"{until.isoformat()}{_AFTER}",
                after=dict(key) if key else None,
                limit=limit - len(found),
            )
            found += [rows.line_from(row) for row in page.items]
            key = page.next_key
            if key is None:
                year += 1
        if year > until.year:
            return found, None
        return found, {"year": year, "key": key}

    def lines(self, since: date, until: date) -> Iterator[ReceivableLine]:
        after: Position | None = None
        while True:
            page, after = self.line_page(since, until, limit=1_000, after=after)
            yield from page
            if after is None:
                return

    # -------------------------------------------------------------- small things

    def feed(self) -> CalendarFeed:
        return rows.feed_from(self._entity(FEED, _FEED_ID))

    def history(self, subject: str) -> list[HistoryLine]:
        entries, _ = read_history(self.database, CONTEXT, self.context.tenant_id, subject)
        return [
            HistoryLine(
                entry.at, entry.actor, entry.action, entry.from_state, entry.to_state, entry.detail
            )
            for entry in entries
        ]

    def job(self, job_id: str) -> JobView | None:
        row = Jobs(self.database, self.keyspace).get(job_id)
        if row is None:
            return None
        return job_view(row)

    def start_job(self, job_id: str) -> None:
        Jobs(self.database, self.keyspace).start(job_id)

    def answered(self, command: CommandIdentity) -> Remembered | None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        now = int(self.machinery.clock.now().timestamp())
        found = self.idempotency.find(command, now_seconds=now)
        return Remembered(found.status, found.body, found.headers) if found else None


def _lookup_from(kind: type[Lookup], row: Mapping[str, Any]) -> Lookup:
    if kind is Card:
        return rows.card_from(row)
    if kind is BankAccount:
        return rows.account_from(row)
    return rows.definition_from(row)


class DynamoDueWork:
    """``DueWork`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Jobs that are not over, oldest first."""
        taken = take_due(self._database, "core", self._keyspace, now, limit=limit, push=_PUSH)
        found = [Due(row.kind.lower(), row.id, row.tenant_id, row.due_at) for row in taken]
        return sorted(found, key=lambda item: item.due_at)
