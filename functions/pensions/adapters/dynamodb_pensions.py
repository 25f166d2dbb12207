"""The store of the pensions context on DynamoDB: one tenant, one key prefix, one writer of states.

Rows in ``core`` (``pen#T#<tenant>#…``): ``CONTRACT#<id>`` with ``META`` and ``COUNTS``;
``EMPLOYEE#<id>``, ``CONTRIBUTION#<id>``, ``TRANSMISSION#<id>`` with ``META`` (and ``BODY``, the
frozen lines); ``IMPORT#<id>`` with ``CHUNK#<n>``. Lists go through the index ``by``; a person is
found by a keyed hash of the identity number, so no number stands in a key (security.md §5).
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.finding import Findable
from kernel.periods import Period
from kernel.sensitive import Secret, Tckn
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered, WriteRefusedError
from pensions.adapters import rows
from pensions.domain.circuit import Circuit
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution
from pensions.domain.employee import Employee
from pensions.domain.transmission import CALLED, FINAL, FrozenLine, Transmission
from pensions.ports import CredentialsUnavailableError, Due, EmployeeCounts, ImportChunk, JobView
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due, waiting
from toolkit.aws.dynamodb import (
    Database,
    Item,
    Keyspace,
    all_of,
    equals,
    exists,
    one_of,
)
from toolkit.aws.finding import enter
from toolkit.aws.history import read_history
from toolkit.aws.jobs import QUEUED, RUNNING, Jobs, job_from, job_key
from toolkit.aws.rows import instant_of, moment
from toolkit.aws.secrets import CredentialVault, SecretName, SecretUnavailableError
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, NOBODY, Change, Machinery, UnitOfWork, entity_key
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer

CONTEXT: Final = "pen"
_PURPOSE: Final = "credentials"
_BODY: Final = "BODY"
_COUNTS: Final = "COUNTS"
_POLL: Final = "POLL"
_WORK: Final = "DUE"
_ANSWERS: Final = "ANSWERS"
"""What an insurer has, or may have. A list of its own: a hundred thousand calls that
wait for their turn do not stand before the question how one that was made has ended.
"""
_SWEEP_PUSH: Final = timedelta(minutes=2)
_JOB_LEASE: Final = timedelta(minutes=10)  # longer than any worker may run
_JOB_PUSH: Final = timedelta(minutes=30)
_POLL_EVERY: Final = timedelta(hours=6)
QueueUrl = Callable[[str], str]


def _change(action: str, state: str, detail: Mapping[str, Any]) -> Change:
    return Change(action=action, to_state=state, detail=detail)


def person_hash(key: bytes, national_id: str) -> str:
    """Blind index of an identity number: keyed, per tenant (a plain hash could be reversed)."""
    return hmac.new(key, national_id.encode(), hashlib.sha256).hexdigest()[:40]


class DynamoUnit:
    """``PensionsUnit`` over one transaction."""

    def __init__(self, store: "DynamoPensionsStore") -> None:
        self._store = store
        self._keyspace = store.keyspace
        self._unit = UnitOfWork(store.machinery, store.keyspace, store.context)
        self._jobs = Jobs(store.database, store.keyspace)

    def __len__(self) -> int:
        return len(self._unit)

    # -------------------------------------------------------------- entities

    def add_contract(self, contract: Contract, action: str) -> None:
        row = rows.contract_row(contract)
        row["by_pk"] = self._keyspace.key("CONTRACTS")
        row["by_sk"] = contract.id
        detail = {"provider_code": contract.provider_code}
        self._unit.create("contract", contract.id, row, _change(action, "open", detail))
        self._claim(_contract_key(contract), contract.id)

    def save_contract(
        self, before: Contract, after: Contract, action: str, detail: Mapping[str, Any]
    ) -> Contract:
        if after.deleted:
            self._give_back(_contract_key(before), before.id)
        elif _contract_key(before) != _contract_key(after):
            self._give_back(_contract_key(before), before.id)
            self._claim(_contract_key(after), after.id)
        stored = self._unit.as_read(
            "contract", before.id, "deleted" if before.deleted else "open", before.stamp
        )
        state = "deleted" if after.deleted else "open"
        remove = ("by_pk", "by_sk", *NOT_DUE) if after.deleted else ()
        assign = rows.contract_row(after)
        if after.credentials.version != before.credentials.version:
            first = self._unit.now + _POLL_EVERY
            assign |= due_at(self._keyspace, first, after.id, waits_for=_POLL)
        changed = self._unit.change(
            stored,
            _change(action, state, detail),
            assign=assign,
            remove=remove,
        )
        return rows.contract_from(changed)

    def _claim(self, key: Sequence[str], owner: str, *, label: str = "unique") -> None:
        self._unit.claim(*key, owner=owner, label=label)

    def _give_back(self, key: Sequence[str], owner: str, *, label: str = "unique") -> None:
        """Free a business key of something withdrawn before it had any effect outside."""
        self._unit.transaction.update(
            "flow",
            self._keyspace.key("UNIQ", *key),
            "-",
            assign={"owner": NOBODY},
            when=equals("owner", owner),
            label=":".join((label, *key)),
        )

    def add_employee(self, employee: Employee, action: str, detail: Mapping[str, Any]) -> None:
        row = rows.employee_row(employee)
        row["by_pk"] = self._keyspace.key("EMPLOYEES", employee.contract_id)
        row["by_sk"] = employee.id
        change = _change(action, employee.status.value, detail)
        row |= enter(self._unit, "employee", employee.id, None, _findable(employee))
        self._unit.create("employee", employee.id, row, change)
        if employee.national_id is not None:
            self._claim(self._store.person_key(employee), employee.id)
        self._count(employee.contract_id, {employee.status.value: 1})

    def save_employee(
        self, before: Employee, after: Employee, action: str, detail: Mapping[str, Any]
    ) -> Employee:
        listed = after.status.value != "cancelled"
        if before.national_id is not None and not (listed and _number(before) == _number(after)):
            self._give_back(self._store.person_key(before), before.id)
        if after.national_id is not None and listed and _number(before) != _number(after):
            self._claim(self._store.person_key(after), after.id)
        stored = self._unit.as_read("employee", before.id, before.status.value, before.stamp)
        found = enter(self._unit, "employee", before.id, _findable(before), _findable(after))
        changed = self._unit.change(
            stored,
            _change(action, after.status.value, detail),
            assign={**rows.employee_row(after), **found},
            remove=() if listed else ("by_pk", "by_sk"),
        )
        if before.status is not after.status:
            self._count(after.contract_id, {before.status.value: -1, after.status.value: 1})
        return rows.employee_from(changed)

    def _count(self, contract_id: str, deltas: Mapping[str, int]) -> None:
        pk = entity_key(self._keyspace, "contract", contract_id)
        self._unit.count(pk, _COUNTS, {f"n_{status}": delta for status, delta in deltas.items()})

    def add_contribution(
        self, contribution: Contribution, action: str, detail: Mapping[str, Any]
    ) -> None:
        row = rows.contribution_row(contribution)
        row["by_pk"] = self._store.period_list(contribution.contract_id, contribution.period)
        row["by_sk"] = contribution.id
        change = _change(action, contribution.status.value, detail)
        self._unit.create("contribution", contribution.id, row, change)
        self._claim(_contribution_key(contribution), contribution.id)

    def save_contribution(
        self,
        before: Contribution,
        after: Contribution,
        action: str,
        detail: Mapping[str, Any],
    ) -> Contribution:
        if after.status.value == "cancelled":
            self._give_back(_contribution_key(before), before.id)
        stored = self._unit.as_read("contribution", before.id, before.status.value, before.stamp)
        changed = self._unit.change(
            stored,
            _change(action, after.status.value, detail),
            assign=rows.contribution_row(after),
        )
        return rows.contribution_from(changed)

    def require_enrolled(self, employee_id: str, policy_no: str) -> None:
        self._unit.transaction.check(
            "core",
            entity_key(self._keyspace, "employee", employee_id),
            META,
            all_of(equals("state", "enrolled"), equals("policy_no", policy_no)),
            label=f"employee:{employee_id}",
        )

    def require_contract(self, contract: Contract) -> None:
        self._unit.transaction.check(
            "core",
            entity_key(self._keyspace, "contract", contract.id),
            META,
            equals("version", contract.stamp.version),
            label=f"contract:{contract.id}",
        )

    def require_transmission(self, transmission: Transmission) -> None:
        self._unit.transaction.check(
            "core",
            entity_key(self._keyspace, "transmission", transmission.id),
            META,
            equals("version", transmission.stamp.version),
            label=f"transmission:{transmission.id}",
        )

    # -------------------------------------------------------------- transmissions

    def _due(self, transmission: Transmission) -> dict[str, str]:
        if transmission.due_at is None:
            return {}
        waits_for = _ANSWERS if transmission.state in CALLED else _WORK
        return due_at(self._keyspace, transmission.due_at, transmission.id, waits_for=waits_for)

    def add_transmission(self, transmission: Transmission, action: str) -> None:
        row = {**rows.transmission_row(transmission), **self._due(transmission)}
        row["by_pk"] = self._keyspace.key("TRANSMISSIONS", transmission.contract_id)
        row["by_sk"] = transmission.id
        change = _change(action, transmission.state.value, {"job_id": transmission.job_id})
        self._unit.create("transmission", transmission.id, row, change)

    def save_transmission(
        self,
        before: Transmission,
        after: Transmission,
        action: str,
        detail: Mapping[str, Any],
    ) -> Transmission:
        stored = self._unit.as_read("transmission", before.id, before.state.value, before.stamp)
        assign = {**rows.transmission_row(after), **self._due(after)}
        remove: tuple[str, ...] = () if after.due_at is not None else ("due_pk", "due_sk")
        if after.state in FINAL:
            remove += ("by_pk", "by_sk")
        changed = self._unit.change(
            stored, _change(action, after.state.value, detail), assign=assign, remove=remove
        )
        return rows.transmission_from(changed)

    def freeze_lines(self, transmission_id: str, lines: Sequence[FrozenLine]) -> None:
        self._unit.transaction.put_new(
            "core",
            {
                "pk": entity_key(self._keyspace, "transmission", transmission_id),
                "sk": _BODY,
                "lines": [rows.frozen_row(line) for line in lines],
            },
            label="body",
        )

    # -------------------------------------------------------------- companions

    def store_credentials(
        self, contract_id: str, version: int, username: str, password: Secret
    ) -> None:
        clear = json.dumps([username, password.reveal("seal")])
        name = SecretName(self._store.context.tenant_id, contract_id, _PURPOSE, version)
        self._store.vault.seal(self._unit.transaction, name, Secret(clear))

    def add_import_chunk(self, import_id: str, chunk: ImportChunk) -> None:
        self._unit.transaction.put_new(
            "core",
            {
                "pk": self._keyspace.key("IMPORT", import_id),
                "sk": f"CHUNK#{chunk.number:06d}",
                "changes": [dict(change) for change in chunk.changes],
                "outcomes": dict(chunk.outcomes),
            },
            label="chunk",
        )

    def post_collection(self, contribution: Contribution) -> None:
        self._unit.entry(
            f"{contribution.contract_id}:{contribution.period}",
            contribution.id,
            debit="withheld_from_wages",
            credit="owed_to_insurer",
            amount=contribution.amount.minor,
            currency=contribution.amount.currency,
        )

    def create_job(
        self,
        job_id: str,
        kind: str,
        *,
        subject: str,
        total: int,
        private: Mapping[str, Any],
        cancellable: bool = False,
    ) -> None:
        self._jobs.create(
            self._unit,
            job_id,
            kind,
            subject=subject,
            total=total,
            private=dict(private),
            cancellable=cancellable,
            # The sweep looks at unfinished jobs, in case the last worker died before closing one.
            **due_at(self._keyspace, self._unit.now + _SWEEP_PUSH, job_id),
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
    ) -> None:
        self._jobs.finish(self._unit, job_id, status, result=result, problems=problems)

    def cancel_job(self, job_id: str) -> None:
        self._unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"cancelled": True},
            when=one_of("status", (QUEUED, RUNNING)),
            label="job",
        )

    def job_prepared(self, job_id: str) -> None:
        self._unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"prepared": True},
            when=exists(),
            label="job",
        )

    def take_slot(self, name: Sequence[str], owner: str) -> None:
        self._claim(("SLOT", *name), owner, label="slot")

    def free_slot(self, name: Sequence[str], owner: str) -> None:
        self._give_back(("SLOT", *name), owner, label="slot")

    def received(self, source: str, event_id: str) -> None:
        self._unit.received(source, event_id)

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._unit.publish(event_type, subject, data)

    def enqueue(self, queue: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        url = self._store.queue_url(queue)
        self._unit.enqueue(url, message, delay_seconds=delay_seconds)

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        stored = StoredAnswer(answer.status, answer.body, answer.headers)
        self._store.idempotency.record(self._unit, command, stored)

    def commit(self, *, dispatch: bool = True) -> None:
        try:
            self._unit.commit(dispatch=dispatch)
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


def _contract_key(contract: Contract) -> tuple[str, ...]:
    return ("CONTRACT", contract.provider_code, contract.contract_no)


def _contribution_key(item: Contribution) -> tuple[str, ...]:
    place = (item.contract_id, str(item.period), item.employee_id, str(item.sequence))
    return ("CONTRIBUTION", *place)


def _findable(employee: Employee) -> Findable:
    """By name and policy; an identity number is looked up in the list of its contract."""
    if employee.status.value == "cancelled":
        return Findable("")
    return Findable(employee.full_name, (employee.policy_no,), employee.contract_id)


def _number(employee: Employee) -> str:
    return employee.national_id.reveal("compare") if employee.national_id is not None else ""


class DynamoPensionsStore:
    """``PensionsStore`` for one tenant."""

    def __init__(
        self,
        machinery: Machinery,
        context: TenantContext,
        *,
        vault: CredentialVault,
        index_key: Callable[[str], bytes],
        queue_url: QueueUrl,
    ) -> None:
        self.machinery = machinery
        self.database: Database = machinery.database
        self.context = context
        self.keyspace = Keyspace(CONTEXT, context.tenant_id)
        self.vault = vault
        self.queue_url = queue_url
        self.idempotency = IdempotencyStore(self.database, self.keyspace)
        self._index_key = index_key

    def person_hash(self, national_id: Tckn) -> str:
        """Blind index of an identity number."""
        return person_hash(self._index_key(self.context.tenant_id), national_id.reveal("index"))

    def person_key(self, employee: Employee) -> tuple[str, ...]:
        """Business key of a person: once per contract."""
        assert employee.national_id is not None  # noqa: S101  (callers ask first)
        return ("PERSON", employee.contract_id, self.person_hash(employee.national_id))

    def period_list(self, contract_id: str, period: Period) -> str:
        """Index partition of the contributions of a contract and month."""
        return self.keyspace.key("CONTRIBUTIONS", contract_id, str(period))

    def unit(self) -> DynamoUnit:
        """A new unit of work."""
        return DynamoUnit(self)

    def _entity(self, kind: str, identity: str) -> Item | None:
        return self.database.get("core", entity_key(self.keyspace, kind, identity), META)

    def _entities(self, kind: str, ids: Sequence[str]) -> Iterable[Item]:
        keys = [(entity_key(self.keyspace, kind, identity), META) for identity in ids]
        return self.database.get_many("core", keys).values()

    def contract(self, contract_id: str) -> Contract:
        row = self._entity("contract", contract_id)
        if row is None or row["state"] == "deleted":
            raise NotFoundError("not_found", "There is no such item.")
        return rows.contract_from(row)

    def contracts(self) -> Iterator[Contract]:
        return map(rows.contract_from, self.database.list_all(self.keyspace.key("CONTRACTS")))

    def employee(self, employee_id: str) -> Employee:
        row = self._entity("employee", employee_id)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.employee_from(row)

    def employees_by_id(self, ids: Sequence[str]) -> Mapping[str, Employee]:
        return {row["id"]: rows.employee_from(row) for row in self._entities("employee", ids)}

    def employees_by_national_id(
        self, contract_id: str, national_ids: Sequence[Tckn]
    ) -> Mapping[str, str]:
        wanted = {
            self.keyspace.key("UNIQ", "PERSON", contract_id, self.person_hash(number)): number
            for number in national_ids
        }
        found = self.database.get_many("flow", [(pk, "-") for pk in wanted])
        return {
            wanted[pk].reveal("match"): row["owner"]
            for (pk, _), row in found.items()
            if row["owner"] != NOBODY
        }

    def employees(self, contract_id: str) -> Iterator[Employee]:
        listed = self.database.list_all(self.keyspace.key("EMPLOYEES", contract_id))
        return map(rows.employee_from, listed)

    def employee_page(
        self, contract_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[Employee], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("EMPLOYEES", contract_id),
            limit=limit,
            after=dict(after) if after else None,
        )
        return [rows.employee_from(row) for row in page.items], page.next_key

    def employee_counts(self, contract_id: str) -> EmployeeCounts:
        pk = entity_key(self.keyspace, "contract", contract_id)
        row = self.database.get("core", pk, _COUNTS) or {}
        return EmployeeCounts(
            {name[2:]: number for name, number in row.items() if name.startswith("n_") and number}
        )

    def contribution(self, contribution_id: str) -> Contribution:
        row = self._entity("contribution", contribution_id)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.contribution_from(row)

    def contributions_by_id(self, ids: Sequence[str]) -> Mapping[str, Contribution]:
        found = self._entities("contribution", ids)
        return {row["id"]: rows.contribution_from(row) for row in found}

    def contributions(self, contract_id: str, period: Period) -> Iterator[Contribution]:
        listed = self.database.list_all(self.period_list(contract_id, period))
        return map(rows.contribution_from, listed)

    def transmission(self, transmission_id: str) -> Transmission | None:
        row = self._entity("transmission", transmission_id)
        return rows.transmission_from(row) if row is not None else None

    def frozen_lines(self, transmission_id: str) -> list[FrozenLine]:
        pk = entity_key(self.keyspace, "transmission", transmission_id)
        row = self.database.get("core", pk, _BODY)
        return [rows.frozen_from(line) for line in row["lines"]] if row is not None else []

    def open_transmissions(self, contract_id: str) -> list[Transmission]:
        listed = self.database.list_all(self.keyspace.key("TRANSMISSIONS", contract_id))
        return [rows.transmission_from(row) for row in listed]

    def credentials(self, contract: Contract) -> tuple[str, Secret]:
        name = SecretName(
            self.context.tenant_id, contract.id, _PURPOSE, contract.credentials.version
        )
        try:
            clear = self.vault.open(name)
        except SecretUnavailableError as error:
            raise CredentialsUnavailableError(
                error.code, error.message, detail=error.detail
            ) from error
        username, password = json.loads(clear.reveal("send"))
        return username, Secret(password)

    def import_chunks(self, import_id: str) -> Iterator[ImportChunk]:
        pk = self.keyspace.key("IMPORT", import_id)
        for row in self.database.query_all("core", pk, prefix="CHUNK#"):
            number = int(row["sk"].removeprefix("CHUNK#"))
            yield ImportChunk(number, row["changes"], row["outcomes"])

    def job(self, job_id: str) -> JobView | None:
        row = Jobs(self.database, self.keyspace).get(job_id)
        if row is None:
            return None
        job = job_from(row)
        return JobView(
            job.id,
            job.kind,
            job.status,
            job.total,
            job.done,
            job.failed,
            job.subject,
            row.get("private", {}),
            {name[2:]: number for name, number in row.items() if name.startswith("n_") and number},
            bool(row.get("prepared")),
            job.result,
            job.problems,
            job.created_at,
            bool(row.get("cancelled")),
        )

    def history(self, subject: str) -> list[HistoryLine]:
        entries, _ = read_history(self.database, CONTEXT, self.context.tenant_id, subject)
        return [
            HistoryLine(
                entry.at, entry.actor, entry.action, entry.from_state, entry.to_state, entry.detail
            )
            for entry in entries
        ]

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

    def start_job(self, job_id: str) -> None:
        until = moment(self.machinery.clock.now() + _JOB_LEASE)
        self.database.update(
            "core",
            job_key(self.keyspace, job_id),
            META,
            assign={"status": RUNNING, "due_sk": f"{until}#{job_id}"},
            when=one_of("status", (QUEUED, RUNNING)),
        )

    def answered(self, command: CommandIdentity) -> Remembered | None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        now = int(self.machinery.clock.now().timestamp())
        found = self.idempotency.find(command, now_seconds=now)
        return Remembered(found.status, found.body, found.headers) if found else None

    # -------------------------------------------------------------- shared by all tenants

    def _circuit_key(self, provider_code: str) -> str:
        return self.keyspace.system("CIRCUIT", provider_code)

    def circuit(self, provider_code: str) -> Circuit:
        row = self.database.get("core", self._circuit_key(provider_code), META)
        if row is None:
            return Circuit(provider_code)
        return Circuit(provider_code, row["failures"], instant_of(row["open_until"]))

    def save_circuit(self, circuit: Circuit) -> None:
        # Last writer wins: the breaker is a hint that saves calls, never a source of truth.
        self.database.update(
            "core",
            self._circuit_key(circuit.provider_code),
            META,
            assign={"failures": circuit.failures, "open_until": moment(circuit.open_until)},
        )


class DynamoDueWork:
    """``DueWork`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Transmissions and jobs that wait for their time, oldest first.

        Units: at most ``limit`` of those that an insurer has, and as many others.
        """

        def push(kind: str) -> timedelta:
            return _JOB_PUSH if kind == "JOB" else _SWEEP_PUSH

        found = [
            item
            for waits_for in (_ANSWERS, _WORK)
            for item in self._taken(now, limit, push, waits_for)
        ]
        return sorted(found, key=lambda item: item.due_at)

    def polls(self, now: datetime, limit: int) -> list[Due]:
        """Contracts to ask about, spread over the day by when their credentials were stored."""
        return self._taken(now, limit, lambda _: _POLL_EVERY, _POLL)

    def contracts(self) -> Iterator[tuple[str, str]]:
        """Tenant and id of every contract that has credentials, page by page."""
        return waiting(self._database, "core", self._keyspace, waits_for=_POLL)

    def _taken(
        self, now: datetime, limit: int, push: Callable[[str], timedelta], waits_for: str
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
        found = [Due(row.kind.lower(), row.id, row.tenant_id, row.due_at) for row in taken]
        return sorted(found, key=lambda item: item.due_at)
