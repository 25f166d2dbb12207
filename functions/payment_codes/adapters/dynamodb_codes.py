"""The store of payment codes on DynamoDB: one tenant, one key prefix, one writer of states.

Rows in ``core`` (``pay#T#<tenant>#…``): ``ORGANISATION#<tenant>``, ``PAYMENT-CODE#<id>``,
``PAYMENT#<id>``, ``CODE-MAIL#<id>``, ``REFUSED-EVENT#<id>``, ``SUPPRESSED#<digest of an address>``
with ``META``; beside codes and the
organisation a row ``NEWS`` (when the provider's list was read last, and when to read it again),
which changes every minute and has no history. Uniqueness (``flow``): identifications and
organisation codes for all tenants together under ``pay#SYS#UNIQ#…``, payment keys and documents per
tenant. Batches: ``JOB#<id>``, and a guard row ``BATCH#<id>`` / ``SLICE#<n>`` per finished slice.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.finding import Findable
from kernel.sensitive import Email, Secret
from kernel.signed_events import RefusedEvent
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered, WriteRefusedError
from payment_codes.adapters import rows
from payment_codes.adapters.dynamodb_jobs import JOB_PUSH, JobReads, JobWrites
from payment_codes.adapters.dynamodb_statements import StatementReads, StatementWrites
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation, ProviderKind
from payment_codes.domain.payment import Entry, Payment, PaymentState
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.domain.pull_budget import PullBucket, PullRate
from payment_codes.domain.source import Source
from payment_codes.domain.stated_document import REFUSED_EVENT
from payment_codes.ports import Due, KeyUnavailableError
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace, absent, equals
from toolkit.aws.finding import enter
from toolkit.aws.history import read_history
from toolkit.aws.jobs import Jobs
from toolkit.aws.refused_events import RefusedEvents
from toolkit.aws.rows import instant_of, moment
from toolkit.aws.secrets import CredentialVault, SecretName, SecretUnavailableError
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer

CONTEXT: Final = "pay"
CODE: Final = "payment_code"
PAYMENT: Final = "payment"
ORGANISATION: Final = "organisation"
MAIL: Final = "code_mail"
_PURPOSE: Final = "credentials"
_NEWS: Final = "NEWS"
_POLL: Final = "POLL"
_FEED: Final = "FEED"
_PUSH: Final = timedelta(minutes=2)
_POLL_PUSH: Final = timedelta(minutes=10)
_FEED_EVERY: Final = timedelta(seconds=50)
QueueUrl = Callable[[str], str]
AddressDigest = Callable[[Email], str]
"""A keyed digest of an address: it finds what is known of it and does not tell it."""


def _change(action: str, state: str, detail: Mapping[str, Any]) -> Change:
    return Change(action=action, to_state=state, detail=detail)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _list_of(kind: str, provider: ProviderKind) -> str:
    """Name of a provider's own list in the ``due`` index: its pulls have a budget of their own."""
    return f"{kind}-{provider.value.upper()}"


def _source_key(source: Source) -> tuple[str, ...]:
    return ("SOURCE", source.kind.value, _hashed(source.id))


def _findable(code: PaymentCode) -> Findable:
    """By customer, by the code itself and by its document."""
    return Findable(code.customer.name, (code.code, code.source.id))


class DynamoUnit(JobWrites, StatementWrites):
    """``PaymentsUnit`` over one transaction."""

    def __init__(self, store: "DynamoPaymentsStore") -> None:
        self._store = store
        self._keyspace = store.keyspace
        self._unit = UnitOfWork(store.machinery, store.keyspace, store.context)
        self._jobs = Jobs(store.database, store.keyspace)

    def _unit_database(self) -> Database:
        return self._store.database

    def _system_unique(self, owner: str, *segments: str) -> None:
        self._unit.transaction.put_new(
            "flow",
            {"pk": self._keyspace.system("UNIQ", *segments), "sk": "-", "owner": owner},
            label=f"unique:{segments[0]}",
        )

    # -------------------------------------------------------------- organisation

    def add_organisation(self, organisation: Organisation) -> None:
        change = _change("organisation.created", organisation.connection.value, {})
        row = rows.organisation_row(organisation)
        self._unit.create(ORGANISATION, organisation.id, row, change)
        self._claim_organisation(organisation.org_code)
        self._feed(organisation)

    def save_organisation(
        self, before: Organisation, after: Organisation, action: str, detail: Mapping[str, Any]
    ) -> Organisation:
        if before.org_code != after.org_code:
            self._claim_organisation(after.org_code)
        if before.provider is not after.provider:
            self._feed(after)
        stored = self._unit.as_read(ORGANISATION, before.id, before.connection.value, before.stamp)
        changed = self._unit.change(
            stored,
            _change(action, after.connection.value, detail),
            assign=rows.organisation_row(after),
        )
        news = {"pulled_at": moment(before.pulled_at)}
        return rows.organisation_from(changed, news)

    def _claim_organisation(self, org_code: str) -> None:
        """An organisation code belongs to one company for ever, also after it took another."""
        owner = self._store.context.tenant_id
        self._unit.transaction.update(
            "flow",
            self._keyspace.system("UNIQ", "ORG", org_code),
            "-",
            assign={"owner": owner},
            when=absent() | equals("owner", owner),
            label="unique:ORG",
        )

    def _feed(self, organisation: Organisation) -> None:
        """Have the organisation's list read every minute, or no longer."""
        pk = entity_key(self._keyspace, ORGANISATION, organisation.id)
        if organisation.is_online:
            place = _list_of(_FEED, organisation.provider)
            due = due_at(self._keyspace, self._unit.now, organisation.id, waits_for=place)
            self._unit.transaction.update("core", pk, _NEWS, assign=due)
        else:
            self._unit.transaction.update("core", pk, _NEWS, remove=NOT_DUE)

    def seal_key(self, organisation_id: str, version: int, key: Secret) -> None:
        name = SecretName(self._store.context.tenant_id, organisation_id, _PURPOSE, version)
        self._store.vault.seal(self._unit.transaction, name, key)

    # -------------------------------------------------------------- codes

    def _due(self, identity: str, at: datetime | None) -> dict[str, str]:
        return due_at(self._keyspace, at, identity) if at is not None else {}

    def add_code(self, code: PaymentCode, *, replaces: str = "") -> None:
        row = {**rows.code_row(code), **self._due(code.id, code.due_at)}
        row["by_pk"] = self._keyspace.key("CODES")
        row["by_sk"] = code.id
        detail = {"source": code.source.kind.value, "mode": code.mode.value}
        row |= enter(self._unit, CODE, code.id, None, _findable(code))
        self._unit.create(CODE, code.id, row, _change("code.issued", code.status.value, detail))
        self._system_unique(self._store.context.tenant_id, "IDENT", code.org_code, code.ident)
        self._unit.unique("RF", code.code, owner=code.id)
        self._unit.unique(*_source_key(code.source), owner=code.id, replaces=replaces)

    def save_code(
        self, before: PaymentCode, after: PaymentCode, action: str, detail: Mapping[str, Any]
    ) -> PaymentCode:
        stored = self._unit.as_read(CODE, before.id, before.status.value, before.stamp)
        found = enter(self._unit, CODE, before.id, _findable(before), _findable(after))
        changed = self._unit.change(
            stored,
            _change(action, after.status.value, detail),
            assign={**rows.code_row(after), **self._due(after.id, after.due_at), **found},
            remove=() if after.due_at is not None else NOT_DUE,
        )
        news = {"pulled_at": moment(before.pulled_at)}
        return rows.code_from(changed, news)

    def require_code(self, code: PaymentCode) -> None:
        self._unit.transaction.check(
            "core",
            entity_key(self._keyspace, CODE, code.id),
            META,
            equals("version", code.stamp.version),
            label=f"code:{code.id}",
        )

    # -------------------------------------------------------------- payments

    def _payment_lists(self, payment: Payment) -> dict[str, str]:
        place = (
            ("UNMATCHED",)
            if payment.state is PaymentState.UNMATCHED
            else ("PAYMENTS", payment.code_id or "none")
        )
        return {"by_pk": self._keyspace.key(*place), "by_sk": payment.id}

    def add_payment(self, payment: Payment, action: str) -> None:
        row = {**rows.payment_row(payment), **self._payment_lists(payment)}
        detail = rows.payment_detail(payment, self._store.context.tenant_id)
        self._unit.create(PAYMENT, payment.id, row, _change(action, payment.state.value, detail))
        self._unit.unique("PAYMENT", payment.key, owner=payment.id)

    def save_payment(
        self, before: Payment, after: Payment, action: str, detail: Mapping[str, Any]
    ) -> Payment:
        stored = self._unit.as_read(PAYMENT, before.id, before.state.value, before.stamp)
        changed = self._unit.change(
            stored,
            _change(action, after.state.value, detail),
            assign={**rows.payment_row(after), **self._payment_lists(after)},
        )
        return rows.payment_from(changed)

    def know_payment(self, key: str, payment_id: str) -> None:
        self._unit.unique("PAYMENT", key, owner=payment_id)

    def post(self, account: str, key: str, entry: Entry, currency: str) -> None:
        self._unit.entry(
            account,
            f"{key}:{entry.leg}",
            debit=entry.debit,
            credit=entry.credit,
            amount=entry.amount,
            currency=currency,
        )

    # -------------------------------------------------------------- mails

    def add_mail(self, mail: CodeMail) -> None:
        row = {**rows.mail_row(mail), **self._due(mail.id, mail.next_at)}
        row["by_pk"] = self._keyspace.key("MAILS", mail.code_id)
        row["by_sk"] = mail.id
        detail = {"code_id": mail.code_id}
        self._unit.create(MAIL, mail.id, row, _change("mail.queued", mail.state.value, detail))

    def save_mail(self, before: CodeMail, after: CodeMail, action: str) -> CodeMail:
        stored = self._unit.as_read(MAIL, before.id, before.state.value, before.stamp)
        changed = self._unit.change(
            stored,
            _change(action, after.state.value, {"code_id": after.code_id, "reason": after.reason}),
            assign={**rows.mail_row(after), **self._due(after.id, after.next_at)},
            remove=() if after.next_at is not None else NOT_DUE,
        )
        return rows.mail_from(changed)

    def require_not_suppressed(self, email: Email) -> None:
        pk = self._store.suppression_key(email)
        self._unit.transaction.check("core", pk, META, absent(), label="suppressed")

    def suppress(self, email: Email, reason: str) -> None:
        self._unit.transaction.update(
            "core",
            self._store.suppression_key(email),
            META,
            assign={"reason": reason, "at": moment(self._unit.now)},
            label="suppress",
        )

    # -------------------------------------------------------------- refused document events

    def add_refused_event(self, event: RefusedEvent) -> None:
        self._store.refused.add(self._unit, event, "document_event.refused")

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent:
        return self._store.refused.settle(self._unit, before, after, action)

    # -------------------------------------------------------------- companions

    def received(self, source: str, event_id: str) -> None:
        self._unit.received(source, _hashed(event_id))

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._unit.publish(event_type, subject, data)

    def enqueue(self, queue: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        url = self._store.queue_url(queue)
        self._unit.enqueue(url, message, delay_seconds=delay_seconds)

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        stored = StoredAnswer(answer.status, answer.body, answer.headers)
        self._store.idempotency.record(self._unit, command, stored)

    def commit(self) -> None:
        try:
            self._unit.commit()
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


class DynamoPaymentsStore(JobReads, StatementReads):
    """``PaymentsStore`` for one tenant."""

    def __init__(
        self,
        machinery: Machinery,
        context: TenantContext,
        *,
        vault: CredentialVault,
        queue_url: QueueUrl,
        address_digest: AddressDigest,
    ) -> None:
        self.machinery = machinery
        self.database: Database = machinery.database
        self.context = context
        self.keyspace = Keyspace(CONTEXT, context.tenant_id)
        self.refused = RefusedEvents(self.database, self.keyspace, REFUSED_EVENT)
        self.vault = vault
        self.queue_url = queue_url
        self._address_digest = address_digest
        self.idempotency = IdempotencyStore(self.database, self.keyspace)

    def unit(self) -> DynamoUnit:
        """A new unit of work."""
        return DynamoUnit(self)

    def _with_news(self, kind: str, identity: str) -> tuple[Item | None, Item | None]:
        pk = entity_key(self.keyspace, kind, identity)
        found = self.database.get_many("core", [(pk, META), (pk, _NEWS)])
        return found.get((pk, META)), found.get((pk, _NEWS))

    def organisation(self) -> Organisation | None:
        row, news = self._with_news(ORGANISATION, self.context.tenant_id)
        return rows.organisation_from(row, news) if row is not None else None

    def provider_key(self, organisation: Organisation) -> Secret:
        version = organisation.credentials_version
        name = SecretName(self.context.tenant_id, organisation.id, _PURPOSE, version)
        try:
            return self.vault.open(name)
        except SecretUnavailableError as error:
            raise KeyUnavailableError(error.code, error.message, detail=error.detail) from error

    def next_sequence(self, org_code: str, step: int) -> int:
        row = self.database.update(
            "core", self.keyspace.key("COUNTER", org_code), META, add={"last": step}
        )
        assert row is not None  # noqa: S101  (an update without condition always answers)
        return int(row["last"])

    def code(self, code_id: str) -> PaymentCode:
        row, news = self._with_news(CODE, code_id)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.code_from(row, news)

    def _owner(self, *segments: str) -> str | None:
        row = self.database.get("flow", self.keyspace.key("UNIQ", *segments), "-")
        return str(row["owner"]) if row is not None else None

    def code_of_source(self, source: Source) -> PaymentCode | None:
        owner = self._owner(*_source_key(source))
        return self.code(owner) if owner is not None else None

    def codes_of_sources(self, sources: Sequence[Source]) -> Mapping[Source, PaymentCode]:
        wanted = {self.keyspace.key("UNIQ", *_source_key(source)): source for source in sources}
        owners = self.database.get_many("flow", [(pk, "-") for pk in wanted])
        keys = {
            (entity_key(self.keyspace, CODE, row["owner"]), META): wanted[pk]
            for (pk, _), row in owners.items()
        }
        # Without their news: how old it is matters to nobody who issues.
        found = self.database.get_many("core", list(keys)) if keys else {}
        return {keys[key]: rows.code_from(row, None) for key, row in found.items()}

    def code_by_rf(self, rf: str) -> PaymentCode | None:
        owner = self._owner("RF", rf) if "#" not in rf and rf else None
        return self.code(owner) if owner is not None else None

    def code_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[PaymentCode], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("CODES"),
            limit=limit,
            after=dict(after) if after else None,
            forward=False,
        )
        news = self.database.get_many("core", [(row["pk"], _NEWS) for row in page.items])
        found = [rows.code_from(row, news.get((row["pk"], _NEWS))) for row in page.items]
        return found, page.next_key

    def payments(self, code_id: str) -> list[Payment]:
        listed = self.database.list_all(self.keyspace.key("PAYMENTS", code_id))
        return [rows.payment_from(row) for row in listed]

    def payment(self, payment_id: str) -> Payment:
        pk = entity_key(self.keyspace, PAYMENT, payment_id)
        row = self.database.get("core", pk, META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.payment_from(row)

    def known_keys(self, keys: Sequence[str]) -> Mapping[str, str]:
        wanted = {self.keyspace.key("UNIQ", "PAYMENT", key): key for key in keys}
        found = self.database.get_many("flow", [(pk, "-") for pk in wanted])
        return {wanted[pk]: row["owner"] for (pk, _), row in found.items()}

    def unmatched(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Payment], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("UNMATCHED"), limit=limit, after=dict(after) if after else None
        )
        return [rows.payment_from(row) for row in page.items], page.next_key

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        return self.refused.page(limit=limit, after=after)

    def refused_event(self, event_id: str) -> RefusedEvent:
        return self.refused.one(event_id)

    def was_received(self, source: str, event_id: str) -> bool:
        pk = self.keyspace.key("IN", source, _hashed(event_id))
        return self.database.get("flow", pk, "-") is not None

    def mail(self, mail_id: str) -> CodeMail | None:
        row = self.database.get("core", entity_key(self.keyspace, MAIL, mail_id), META)
        return rows.mail_from(row) if row is not None else None

    def mails(self, code_id: str) -> list[CodeMail]:
        listed = self.database.list_all(self.keyspace.key("MAILS", code_id))
        return [rows.mail_from(row) for row in listed]

    def suppression_key(self, email: Email) -> str:
        """Key of the row that says that an address wants nothing."""
        return self.keyspace.key("SUPPRESSED", self._address_digest(email))

    def is_suppressed(self, email: Email) -> bool:
        return self.database.get("core", self.suppression_key(email), META) is not None

    def history(self, subject: str) -> list[HistoryLine]:
        entries, _ = read_history(self.database, CONTEXT, self.context.tenant_id, subject)
        return [
            HistoryLine(
                entry.at, entry.actor, entry.action, entry.from_state, entry.to_state, entry.detail
            )
            for entry in entries
        ]

    # -------------------------------------------------------------- news

    def _poll(self, code_id: str, provider: ProviderKind, at: datetime) -> Item:
        return due_at(self.keyspace, at, code_id, waits_for=_list_of(_POLL, provider))

    def news(
        self, code_id: str, provider: ProviderKind, at: datetime, *, again_at: datetime | None
    ) -> None:
        assign: dict[str, Any] = {"pulled_at": moment(at)}
        if again_at is not None:
            assign |= self._poll(code_id, provider, again_at)
        self.database.update(
            "core",
            entity_key(self.keyspace, CODE, code_id),
            _NEWS,
            assign=assign,
            remove=() if again_at is not None else NOT_DUE,
        )

    def ask_again(self, code_id: str, provider: ProviderKind, at: datetime) -> None:
        pk = entity_key(self.keyspace, CODE, code_id)
        self.database.update("core", pk, _NEWS, assign=self._poll(code_id, provider, at))

    def organisation_news(self, organisation_id: str, at: datetime) -> None:
        pk = entity_key(self.keyspace, ORGANISATION, organisation_id)
        self.database.update("core", pk, _NEWS, assign={"pulled_at": moment(at)})

    # -------------------------------------------------------------- small things

    def _customer_key(self, customer_id: str) -> str:
        return self.keyspace.key("CUSTOMER", _hashed(customer_id))

    def customer_enabled(self, customer_id: str) -> bool | None:
        row = self.database.get("core", self._customer_key(customer_id), META)
        return bool(row["enabled"]) if row is not None else None

    def customers_enabled(self, customer_ids: Collection[str]) -> Mapping[str, bool]:
        wanted = {self._customer_key(customer_id): customer_id for customer_id in customer_ids}
        found = self.database.get_many("core", [(pk, META) for pk in wanted])
        return {wanted[pk]: bool(row["enabled"]) for (pk, _), row in found.items()}

    def switch_customer(self, customer_id: str, *, enabled: bool) -> None:
        now = moment(self.machinery.clock.now())
        self.database.update(
            "core",
            self._customer_key(customer_id),
            META,
            assign={"enabled": enabled, "at": now, "actor": self.context.actor},
        )

    # -------------------------------------------------------------- jobs

    def import_mapping(self, kind: str) -> Mapping[str, str]:
        row = self.database.get("core", self.keyspace.key("MAPPING", kind), META)
        return row["columns"] if row is not None else {}

    def remember_import_mapping(self, kind: str, mapping: Mapping[str, str]) -> None:
        # Last writer wins: it is a proposal that a person sees before it counts.
        self.database.update(
            "core",
            self.keyspace.key("MAPPING", kind),
            META,
            assign={"columns": {**self.import_mapping(kind), **mapping}},
        )

    def answered(self, command: CommandIdentity) -> Remembered | None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        now = int(self.machinery.clock.now().timestamp())
        found = self.idempotency.find(command, now_seconds=now)
        return Remembered(found.status, found.body, found.headers) if found else None


class DynamoDueWork:
    """``DueWork`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Codes, mails and imports that wait for their time, oldest first."""
        return self._taken(now, limit, lambda kind: JOB_PUSH if kind == "JOB" else _PUSH)

    def polls(self, provider: ProviderKind, now: datetime, limit: int) -> list[Due]:
        """Codes whose list is to be read again."""
        return self._taken(now, limit, _POLL_PUSH, _list_of(_POLL, provider))

    def organisations(self, provider: ProviderKind, now: datetime, limit: int) -> list[Due]:
        """Organisations whose list is to be read."""
        return self._taken(now, limit, _FEED_EVERY, _list_of(_FEED, provider))

    def _bucket_key(self, provider: ProviderKind) -> str:
        return self._keyspace.system("BUCKET", provider.value)

    def bucket(self, provider: ProviderKind, rate: PullRate, now: datetime) -> PullBucket:
        """The tokens of a provider; a bucket nobody took from is full."""
        row = self._database.get("core", self._bucket_key(provider), META)
        full_at = datetime.fromisoformat(row["full_at"]) if row is not None else now
        return PullBucket(provider, rate, full_at)

    def replace_bucket(self, before: PullBucket, after: PullBucket) -> bool:
        """Write the tokens unless somebody else did."""
        # Microseconds: one token of a fast provider grows in less than a second.
        return (
            self._database.update(
                "core",
                self._bucket_key(before.provider),
                META,
                assign={"full_at": after.full_at.isoformat(timespec="microseconds")},
                when=absent()
                | equals("full_at", before.full_at.isoformat(timespec="microseconds")),
            )
            is not None
        )

    def tenant_of(self, org_code: str) -> str | None:
        """The company that owns an organisation code."""
        row = self._database.get("flow", self._keyspace.system("UNIQ", "ORG", org_code), "-")
        return str(row["owner"]) if row is not None else None

    def _taken(
        self,
        now: datetime,
        limit: int,
        push: timedelta | Callable[[str], timedelta],
        waits_for: str = "DUE",
    ) -> list[Due]:
        taken = take_due(
            self._database,
            "core",
            self._keyspace,
            now,
            limit=limit,
            push=push,
            waits_for=waits_for,
        )
        found = [
            Due(
                row.kind.lower().replace("-", "_"),
                row.id,
                row.tenant_id,
                row.due_at,
                instant_of(row.row.get("pulled_at")),
            )
            for row in taken
        ]
        return sorted(found, key=lambda item: item.due_at)
