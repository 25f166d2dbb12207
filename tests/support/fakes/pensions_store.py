"""``PensionsStore`` in plain dictionaries: the same refusals as the real one, in microseconds.

``MemoryPensions`` holds all tenants; ``store(tenant_id)`` sees one of them. What left through a
commit is in ``messages`` and ``events``. ``tests/contract/pensions/test_store.py`` runs one suite
against this fake and against DynamoDB.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, TypeVar

from kernel.clock import Clock
from kernel.errors import NotFoundError, ValidationError
from kernel.periods import Period
from kernel.sensitive import Secret, Tckn
from kernel.stamp import Stamp
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered, WriteRefusedError
from pensions.domain.circuit import Circuit
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution
from pensions.domain.employee import Employee
from pensions.domain.transmission import CALLED, FINAL, FrozenLine, Transmission
from pensions.ports import CredentialsUnavailableError, Due, EmployeeCounts, ImportChunk, JobView

MAX_WRITES: Final = 100
_ANSWER_LIFETIME: Final = timedelta(hours=48)
_OPEN_JOB: Final = ("queued", "running")
Entity = TypeVar("Entity", Contract, Employee, Contribution, Transmission)
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message or event that a commit let out."""

    tenant_id: str
    name: str
    body: Mapping[str, Any]


@dataclass
class _Job:
    view: JobView
    due_at: datetime | None
    cancellable: bool = False


@dataclass
class MemoryPensions:
    """The tables of all tenants."""

    clock: Clock
    entities: dict[Key, Any] = field(default_factory=dict)
    history: dict[Key, list[HistoryLine]] = field(default_factory=dict)
    taken: dict[Key, str] = field(default_factory=dict)
    bodies: dict[Key, list[FrozenLine]] = field(default_factory=dict)
    secrets: dict[Key, tuple[str, Secret]] = field(default_factory=dict)
    chunks: dict[Key, ImportChunk] = field(default_factory=dict)
    entries: dict[Key, int] = field(default_factory=dict)
    jobs: dict[Key, _Job] = field(default_factory=dict)
    pushed: dict[Key, datetime] = field(default_factory=dict)
    answers: dict[Key, tuple[str, datetime, Remembered]] = field(default_factory=dict)
    inbox: set[Key] = field(default_factory=set)
    circuits: dict[str, Circuit] = field(default_factory=dict)
    mappings: dict[Key, dict[str, str]] = field(default_factory=dict)
    messages: list[Sent] = field(default_factory=list)
    events: list[Sent] = field(default_factory=list)

    def store(self, tenant_id: str) -> "MemoryPensionsStore":
        """The store of one tenant."""
        return MemoryPensionsStore(self, tenant_id)

    # ------------------------------------------------------------------ DueWork

    def due(self, now: datetime, limit: int) -> list[Due]:
        """See ``DueWork``; transmissions come back after two minutes, jobs after thirty."""
        found: list[Due] = []
        called: list[Due] = []
        for key, entity in self.entities.items():
            if key[1] == "transmission" and entity.due_at is not None:
                at = self.pushed.get(key, entity.due_at)
                if at <= now:
                    of_its_kind = called if entity.state in CALLED else found
                    of_its_kind.append(Due("transmission", key[2], key[0], at))
                    self.pushed[key] = now + timedelta(minutes=2)
        for (tenant_id, job_id), job in self.jobs.items():
            if job.due_at is not None and job.due_at <= now:
                found.append(Due("job", job_id, tenant_id, job.due_at))
                job.due_at = now + timedelta(minutes=30)
        both = (sorted(each, key=lambda item: item.due_at)[:limit] for each in (called, found))
        return sorted(chain(*both), key=lambda item: item.due_at)

    def polls(self, now: datetime, limit: int) -> list[Due]:
        """Contracts to ask about; here all that have credentials."""
        contracts = [
            Due("contract", key[2], key[0], now)
            for key, entity in self.entities.items()
            if key[1] == "contract" and not entity.deleted and entity.credentials.version
        ]
        return contracts[:limit]

    def contracts(self) -> Iterator[tuple[str, str]]:
        """Tenant and id of every contract that has credentials."""
        return ((item.tenant_id, item.id) for item in self.polls(self.clock.now(), 10_000))


@dataclass
class _Write:
    label: str
    holds: Callable[[], bool]
    apply: Callable[[], None]


class MemoryUnit:
    """``PensionsUnit``: checks everything first, then applies everything."""

    def __init__(self, world: MemoryPensions, tenant_id: str) -> None:
        self._world = world
        self._tenant = tenant_id
        self._writes: list[_Write] = []
        self._keys: set[Key] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def _touch(self, *key: str) -> None:
        if key in self._keys:
            message = "one transaction touches a row once"
            raise ValueError(message)
        self._keys.add(key)

    def _add(
        self, label: str, apply: Callable[[], None], holds: Callable[[], bool] = lambda: True
    ) -> None:
        self._writes.append(_Write(label, holds, apply))

    # ------------------------------------------------------------------ entities

    def _create(self, kind: str, entity: Entity, action: str, detail: Mapping[str, Any]) -> None:
        key = (self._tenant, kind, entity.id)
        for part in ("row", "history", "audit"):
            self._touch(part, *key)
        now = _instant(self._world.clock.now())
        stored = replace(entity, stamp=Stamp(1, "", now, now))
        self._add(
            f"{kind}:{entity.id}",
            lambda: self._apply(key, stored, action, detail),
            lambda: key not in self._world.entities,
        )

    def _save(
        self, kind: str, before: Entity, after: Entity, action: str, detail: Mapping[str, Any]
    ) -> Entity:
        key = (self._tenant, kind, before.id)
        for part in ("row", "history", "audit"):
            self._touch(part, *key)
        now = _instant(self._world.clock.now())
        stamp = Stamp(before.stamp.version + 1, "", before.stamp.created_at, now)
        stored = replace(after, stamp=stamp)

        def holds() -> bool:
            current = self._world.entities.get(key)
            return current is not None and current.stamp.version == before.stamp.version

        self._add(f"{kind}:{before.id}", lambda: self._apply(key, stored, action, detail), holds)
        return stored

    def _apply(self, key: Key, entity: Any, action: str, detail: Mapping[str, Any]) -> None:
        lines = self._world.history.setdefault(key, [])
        line = HistoryLine(
            at=_instant(self._world.clock.now()),
            actor="user:U1",
            action=action,
            from_state=lines[-1].to_state if lines else "",
            to_state=_state(entity),
            detail=dict(detail),
        )
        self._world.entities[key] = entity
        self._world.pushed.pop(key, None)
        lines.append(line)

    def _claim(self, owner: str, *name: str, label: str = "unique") -> None:
        key = (self._tenant, *name)
        self._touch("unique", *key)
        self._add(
            ":".join((label, *name)),
            lambda: self._world.taken.__setitem__(key, owner),
            lambda: key not in self._world.taken,
        )

    def _give_back(self, owner: str, *name: str, label: str = "unique") -> None:
        key = (self._tenant, *name)
        self._touch("unique", *key)
        self._add(
            ":".join((label, *name)),
            lambda: self._world.taken.__delitem__(key),
            lambda: self._world.taken.get(key) == owner,
        )

    def add_contract(self, contract: Contract, action: str) -> None:
        self._create("contract", contract, action, {})
        self._claim(contract.id, *_contract_key(contract))

    def save_contract(
        self, before: Contract, after: Contract, action: str, detail: Mapping[str, Any]
    ) -> Contract:
        if after.deleted:
            self._give_back(before.id, *_contract_key(before))
        elif _contract_key(before) != _contract_key(after):
            self._give_back(before.id, *_contract_key(before))
            self._claim(after.id, *_contract_key(after))
        return self._save("contract", before, after, action, detail)

    def add_employee(self, employee: Employee, action: str, detail: Mapping[str, Any]) -> None:
        self._create("employee", employee, action, detail)
        self._keys.add(("counts", employee.contract_id))
        if employee.national_id is not None:
            self._claim(employee.id, *_person_key(employee))

    def save_employee(
        self, before: Employee, after: Employee, action: str, detail: Mapping[str, Any]
    ) -> Employee:
        old = None if before.status.value == "cancelled" else _person_key(before)
        new = None if after.status.value == "cancelled" else _person_key(after)
        if old != new:
            if old and before.national_id is not None:
                self._give_back(before.id, *old)
            if new and after.national_id is not None:
                self._claim(after.id, *new)
        if before.status is not after.status:
            self._keys.add(("counts", after.contract_id))
        return self._save("employee", before, after, action, detail)

    def add_contribution(
        self, contribution: Contribution, action: str, detail: Mapping[str, Any]
    ) -> None:
        self._create("contribution", contribution, action, detail)
        self._claim(contribution.id, *_contribution_key(contribution))

    def save_contribution(
        self,
        before: Contribution,
        after: Contribution,
        action: str,
        detail: Mapping[str, Any],
    ) -> Contribution:
        if after.status.value == "cancelled":
            self._give_back(before.id, *_contribution_key(before))
        return self._save("contribution", before, after, action, detail)

    def add_transmission(self, transmission: Transmission, action: str) -> None:
        self._create("transmission", transmission, action, {})

    def save_transmission(
        self,
        before: Transmission,
        after: Transmission,
        action: str,
        detail: Mapping[str, Any],
    ) -> Transmission:
        return self._save("transmission", before, after, action, detail)

    # ------------------------------------------------------------------ conditions

    def _require(self, kind: str, identity: str, holds: Callable[[Any], bool]) -> None:
        key = (self._tenant, kind, identity)
        if ("row", *key) in self._keys:
            return
        self._keys.add(("row", *key))
        self._add(
            f"{kind}:{identity}",
            lambda: None,
            lambda: key in self._world.entities and holds(self._world.entities[key]),
        )

    def require_enrolled(self, employee_id: str, policy_no: str) -> None:
        self._require(
            "employee",
            employee_id,
            lambda person: person.status.value == "enrolled" and person.policy_no == policy_no,
        )

    def require_contract(self, contract: Contract) -> None:
        version = contract.stamp.version
        self._require("contract", contract.id, lambda row: row.stamp.version == version)

    def require_transmission(self, transmission: Transmission) -> None:
        version = transmission.stamp.version
        self._require("transmission", transmission.id, lambda row: row.stamp.version == version)

    # ------------------------------------------------------------------ companions

    def freeze_lines(self, transmission_id: str, lines: Sequence[FrozenLine]) -> None:
        key = (self._tenant, transmission_id)
        self._touch("body", *key)
        self._add(
            "body",
            lambda: self._world.bodies.__setitem__(key, list(lines)),
            lambda: key not in self._world.bodies,
        )

    def store_credentials(
        self, contract_id: str, version: int, username: str, password: Secret
    ) -> None:
        key = (self._tenant, contract_id, str(version))
        self._touch("secret", *key)
        self._add(
            "secret",
            lambda: self._world.secrets.__setitem__(key, (username, password)),
            lambda: key not in self._world.secrets,
        )

    def add_import_chunk(self, import_id: str, chunk: ImportChunk) -> None:
        key = (self._tenant, import_id, f"{chunk.number:06d}")
        self._touch("chunk", *key)
        self._add(
            "chunk",
            lambda: self._world.chunks.__setitem__(key, chunk),
            lambda: key not in self._world.chunks,
        )

    def post_collection(self, contribution: Contribution) -> None:
        key = (self._tenant, contribution.contract_id, str(contribution.period), contribution.id)
        self._touch("entry", *key)
        self._add(
            f"entry:{contribution.id}",
            lambda: self._world.entries.__setitem__(key, contribution.amount.minor),
            lambda: key not in self._world.entries,
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
        key = (self._tenant, job_id)
        self._touch("job", *key)
        created_at = _instant(self._world.clock.now())
        view = JobView(
            job_id, kind, "queued", total, 0, 0, subject, dict(private), created_at=created_at
        )
        due_at = self._world.clock.now() + timedelta(minutes=2)
        self._add(
            "job",
            lambda: self._world.jobs.__setitem__(key, _Job(view, due_at, cancellable)),
            lambda: key not in self._world.jobs,
        )

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        self._keys.add(("job", self._tenant, job_id))

        def apply() -> None:
            job = self._world.jobs[self._tenant, job_id]
            outcomes = Counter(job.view.outcomes)
            moved = {name: getattr(job.view, name) for name in ("total", "done", "failed")}
            for name, delta in deltas.items():
                if name.startswith("n_"):
                    outcomes[name[2:]] += delta
                else:
                    moved[name] += delta
            job.view = replace(job.view, **moved, outcomes=dict(outcomes))

        self._add("job", apply)

    def cancel_job(self, job_id: str) -> None:
        key = (self._tenant, job_id)
        self._touch("job", *key)

        def apply() -> None:
            self._world.jobs[key].view = replace(self._world.jobs[key].view, cancelled=True)

        def holds() -> bool:
            return key in self._world.jobs and self._world.jobs[key].view.status in _OPEN_JOB

        self._add("job", apply, holds)

    def job_prepared(self, job_id: str) -> None:
        key = (self._tenant, job_id)
        self._touch("job", *key)

        def apply() -> None:
            self._world.jobs[key].view = replace(self._world.jobs[key].view, prepared=True)

        self._add("job", apply, lambda: key in self._world.jobs)

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        key = (self._tenant, job_id)
        self._touch("job", *key)

        def apply() -> None:
            job = self._world.jobs[key]
            job.view = replace(
                job.view, status=status, result=dict(result), problems=list(problems)
            )
            job.due_at = None

        self._add(
            "job",
            apply,
            lambda: key in self._world.jobs and self._world.jobs[key].view.status in _OPEN_JOB,
        )

    def take_slot(self, name: Sequence[str], owner: str) -> None:
        self._claim(owner, "SLOT", *name, label="slot")

    def free_slot(self, name: Sequence[str], owner: str) -> None:
        self._give_back(owner, "SLOT", *name, label="slot")

    def received(self, source: str, event_id: str) -> None:
        key = (self._tenant, source, event_id)
        self._touch("inbox", *key)
        self._add("inbox", lambda: self._world.inbox.add(key), lambda: key not in self._world.inbox)

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._keys.add(("outbox", str(len(self._keys))))
        event = Sent(self._tenant, event_type, {"subject": subject, **data})
        self._add("outbox", lambda: self._world.events.append(event))

    def enqueue(self, queue: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        self._keys.add(("outbox", str(len(self._keys))))
        sent = Sent(self._tenant, queue, dict(message))
        self._add("outbox", lambda: self._world.messages.append(sent))

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        key = (self._tenant, command.identity)
        self._touch("answer", *key)
        stored = (_body_hash(command), self._world.clock.now() + _ANSWER_LIFETIME, answer)
        self._add(
            "idempotency",
            lambda: self._world.answers.__setitem__(key, stored),
            lambda: (
                key not in self._world.answers
                or self._world.answers[key][1] <= self._world.clock.now()
            ),
        )

    def commit(self, *, dispatch: bool = True) -> None:
        if len(self) > MAX_WRITES:
            message = f"{len(self)} actions do not fit one transaction"
            raise ValueError(message)
        refused = [write.label for write in self._writes if not write.holds()]
        if refused:
            raise WriteRefusedError(refused)
        for write in self._writes:
            write.apply()


class MemoryPensionsStore:
    """``PensionsStore`` of one tenant."""

    def __init__(self, world: MemoryPensions, tenant_id: str) -> None:
        self._world = world
        self._tenant = tenant_id

    def unit(self) -> MemoryUnit:
        """A new unit of work."""
        return MemoryUnit(self._world, self._tenant)

    def _all(self, kind: str) -> Iterator[Any]:
        keys = sorted(key for key in self._world.entities if key[:2] == (self._tenant, kind))
        return (self._world.entities[key] for key in keys)

    def _one(self, kind: str, identity: str) -> Any:
        found = self._world.entities.get((self._tenant, kind, identity))
        if found is None or getattr(found, "deleted", False):
            raise NotFoundError("not_found", "There is no such item.")
        return found

    def _named(self, kind: str, ids: Sequence[str]) -> dict[str, Any]:
        rows = {identity: (self._tenant, kind, identity) for identity in ids}
        entities = self._world.entities
        return {name: entities[key] for name, key in rows.items() if key in entities}

    def contract(self, contract_id: str) -> Contract:
        found: Contract = self._one("contract", contract_id)
        return found

    def contracts(self) -> Iterator[Contract]:
        return (contract for contract in self._all("contract") if not contract.deleted)

    def employee(self, employee_id: str) -> Employee:
        found: Employee = self._one("employee", employee_id)
        return found

    def employees_by_id(self, ids: Sequence[str]) -> Mapping[str, Employee]:
        return self._named("employee", ids)

    def employees_by_national_id(
        self, contract_id: str, national_ids: Sequence[Tckn]
    ) -> Mapping[str, str]:
        clear = [number.reveal("match") for number in national_ids]
        keys = {number: (self._tenant, "PERSON", contract_id, number) for number in clear}
        taken = self._world.taken
        return {number: taken[key] for number, key in keys.items() if key in taken}

    def employees(self, contract_id: str) -> Iterator[Employee]:
        return (
            person
            for person in self._all("employee")
            if person.contract_id == contract_id and person.status.value != "cancelled"
        )

    def employee_page(
        self, contract_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[Employee], Position | None]:
        last = str(after["id"]) if after else ""
        people = [person for person in self.employees(contract_id) if person.id > last]
        page = people[:limit]
        return page, {"id": page[-1].id} if len(people) > limit else None

    def employee_counts(self, contract_id: str) -> EmployeeCounts:
        people = (person for person in self._all("employee") if person.contract_id == contract_id)
        return EmployeeCounts(dict(Counter(person.status.value for person in people)))

    def contribution(self, contribution_id: str) -> Contribution:
        found: Contribution = self._one("contribution", contribution_id)
        return found

    def contributions_by_id(self, ids: Sequence[str]) -> Mapping[str, Contribution]:
        return self._named("contribution", ids)

    def contributions(self, contract_id: str, period: Period) -> Iterator[Contribution]:
        place = (contract_id, period)
        rows = self._all("contribution")
        return (item for item in rows if (item.contract_id, item.period) == place)

    def transmission(self, transmission_id: str) -> Transmission | None:
        found: Transmission | None = self._world.entities.get(
            (self._tenant, "transmission", transmission_id)
        )
        return found

    def frozen_lines(self, transmission_id: str) -> list[FrozenLine]:
        return list(self._world.bodies.get((self._tenant, transmission_id), []))

    def open_transmissions(self, contract_id: str) -> list[Transmission]:
        return [
            item
            for item in self._all("transmission")
            if item.contract_id == contract_id and item.state not in FINAL
        ]

    def credentials(self, contract: Contract) -> tuple[str, Secret]:
        key = (self._tenant, contract.id, str(contract.credentials.version))
        if key not in self._world.secrets:
            raise CredentialsUnavailableError(
                "secret_unavailable", "The credentials are not stored."
            )
        return self._world.secrets[key]

    def import_chunks(self, import_id: str) -> Iterator[ImportChunk]:
        keys = sorted(key for key in self._world.chunks if key[:2] == (self._tenant, import_id))
        return (self._world.chunks[key] for key in keys)

    def job(self, job_id: str) -> JobView | None:
        found = self._world.jobs.get((self._tenant, job_id))
        return found.view if found is not None else None

    def start_job(self, job_id: str) -> None:
        job = self._world.jobs.get((self._tenant, job_id))
        if job is not None and job.view.status in _OPEN_JOB:
            job.view = replace(job.view, status="running")
            job.due_at = self._world.clock.now() + timedelta(minutes=10)

    def history(self, subject: str) -> list[HistoryLine]:
        kind, _, identity = subject.partition(":")
        return self._world.history.get((self._tenant, kind, identity), [])[:200]

    def import_mapping(self, kind: str) -> Mapping[str, str]:
        return dict(self._world.mappings.get((self._tenant, kind), {}))

    def remember_import_mapping(self, kind: str, mapping: Mapping[str, str]) -> None:
        self._world.mappings.setdefault((self._tenant, kind), {}).update(mapping)

    def answered(self, command: CommandIdentity) -> Remembered | None:
        found = self._world.answers.get((self._tenant, command.identity))
        if found is None or found[1] <= self._world.clock.now():
            return None
        if found[0] != _body_hash(command):
            raise ValidationError(
                "idempotency_key_reused", "This Idempotency-Key was used with another body."
            )
        return found[2]

    def circuit(self, provider_code: str) -> Circuit:
        return self._world.circuits.get(provider_code, Circuit(provider_code))

    def save_circuit(self, circuit: Circuit) -> None:
        self._world.circuits[circuit.provider_code] = circuit


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _state(entity: Any) -> str:
    if isinstance(entity, Contract):
        return "deleted" if entity.deleted else "open"
    state = entity.state if isinstance(entity, Transmission) else entity.status
    return str(state.value)


def _body_hash(command: CommandIdentity) -> str:
    return str(getattr(command, "body_hash", ""))


def _contract_key(contract: Contract) -> Key:
    return ("CONTRACT", contract.provider_code, contract.contract_no)


def _person_key(employee: Employee) -> Key:
    number = employee.national_id
    return ("PERSON", employee.contract_id, number.reveal("index") if number is not None else "")


def _contribution_key(item: Contribution) -> Key:
    place = (item.contract_id, str(item.period), item.employee_id, str(item.sequence))
    return ("CONTRIBUTION", *place)
