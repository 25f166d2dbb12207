"""Drives the pensions context through its real triggers, one invocation at a time, with faults.

A ``Drive`` is one AWS account (moto), one hostile insurer, one clock. Messages wait in
``mailbox`` until an invocation succeeds; what a client asked waits the same way, because a client
that got no answer asks again. ``snapshot`` and ``restore`` make a fresh world in a millisecond
(X15 of reliability.md), so that every use case can be tried with every fault at every call.
"""

import contextlib
import copy
import hashlib
import importlib
import io
import itertools
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from unittest import mock

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Secret
from pensions.adapters.field_parsers import API_PARSERS
from pensions.application.contracts import ContractFields
from pensions.application.employees import employee_of
from pensions.bootstrap import Application, Pensions, build
from pensions.domain.employee import check_fields
from pensions.domain.member_status import MemberStatus
from pensions.domain.outcome import (
    Ambiguous,
    AmbiguousReason,
    Fault,
    NotSent,
    NotSentReason,
    Outcome,
    TransmissionKind,
)
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import (
    CollectionLine,
    Connection,
    CredentialCheck,
    EnrolmentLine,
    MemberRef,
)
from pensions.settings import PensionsSettings
from tests.support import pensions_builders as builders
from tests.support.aws import (
    ACCOUNT,
    REGION,
    ROLES,
    RULES,
    STACK,
    START,
    AwsWorld,
    TablesSnapshot,
    aws_world,
    platform_of,
    stored_items,
)
from tests.support.events import queue_event
from tests.support.fakes import insurers as fake
from tests.support.faults import (
    MODES,
    SWITCHBOARD,
    Faults,
    Killed,
    LaggingDynamo,
    switched_on,
)
from tests.support.scanner import SCANNER
from toolkit.auth import TenantContext
from toolkit.aws.clients import client
from toolkit.aws.dynamodb import Database, TableRole
from toolkit.platform import Platform

TENANT: Final = "TENANT-A"
PROVIDER: Final = "anadolu"
PASSWORD: Final = "right-password"
FUNCTION_TIME: Final = timedelta(seconds=60)
IMPORT_TIME: Final = timedelta(seconds=300)
ROUND: Final = timedelta(seconds=200)
"""Longer than a lease, so that a dead actor's lease is over in the next round."""
PERSON_COMES: Final = timedelta(minutes=30)
"""Longer than the product waits for a key that does not open (15 minutes), so that a person finds
what the work has come to and not work that has yet to be tried."""
_WORK: Final = re.compile("#SYS#(DUE|ANSWERS)#")
"""Lists of work that comes to an end; the poll of contracts never does."""
# Speed and the checks AWS makes; not the request tokens: nothing may rely on them (X6).
_TRIGGERS: Final = {
    "prepare": "prepare_submission",
    "refresh": "refresh_status",
    "import": "run_import",
    "send": "send_to_insurer",
    "relay": "relay_outbox",
    "news": "on_events",
}


# ---------------------------------------------------------------------------- the insurer

_NEVER_DEDUPLICATES: Final = {
    code: replace(provider, deduplicates=False) for code, provider in PROVIDERS.items()
}


class HostileInsurers(fake.FakeInsurers):
    """The fake insurers without their manners: what is sent twice is accepted twice.

    Policy numbers follow from the person and what they hold already, not from who came before.
    """

    def _issue(
        self, provider: str, contract_no: str, national_id: str, channel: str, ready_at: datetime
    ) -> str:
        issued = super()._issue(provider, contract_no, national_id, channel, ready_at)
        member = self.members[provider][-1]
        assert member.policy_no == issued
        held = sum(each.national_id == national_id for each in self.members[provider])
        digest = zlib.crc32(f"{contract_no}/{national_id}/{held}".encode())
        member.policy_no = f"{provider[:2].upper()}{digest:010d}"
        return member.policy_no

    def _submit(self, *args: Any, **named: Any) -> Outcome:
        with mock.patch.object(fake, "PROVIDERS", _NEVER_DEDUPLICATES):
            return super()._submit(*args, **named)


class FaultyGateway:
    """``InsurerGateway`` whose calls are fault points."""

    def __init__(self, insurers: HostileInsurers) -> None:
        self._insurers = insurers

    def check_credentials(
        self, connection: Connection, *, deadline_seconds: float
    ) -> CredentialCheck:
        """See ``InsurerGateway``."""
        nobody = CredentialCheck(False, "insurer_unavailable", "insurer_unavailable")
        return SWITCHBOARD.on_port(
            "insurer.check_credentials",
            lambda: self._insurers.check_credentials(connection, deadline_seconds=deadline_seconds),
            lost=lambda _: nobody,
            refused=lambda: nobody,
        )

    def enrol(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        return self._call(
            "insurer.enrol",
            lambda: self._insurers.enrol(
                connection, reference, lines, deadline_seconds=deadline_seconds
            ),
        )

    def collect(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        return self._call(
            "insurer.collect",
            lambda: self._insurers.collect(
                connection, reference, lines, deadline_seconds=deadline_seconds
            ),
        )

    def query(
        self,
        connection: Connection,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        return self._call(
            "insurer.query",
            lambda: self._insurers.query(
                connection, reference, kind, lines, deadline_seconds=deadline_seconds
            ),
        )

    def member_statuses(
        self, connection: Connection, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> Sequence[MemberStatus] | Ambiguous | NotSent | Fault:
        """See ``InsurerGateway``."""
        return SWITCHBOARD.on_port(
            "insurer.member_statuses",
            lambda: self._insurers.member_statuses(
                connection, members, deadline_seconds=deadline_seconds
            ),
            lost=_lost,
            refused=lambda: NotSent(NotSentReason.UNREACHABLE),
        )

    def _call(self, label: str, call: Callable[[], Outcome]) -> Outcome:
        return SWITCHBOARD.on_port(
            label, call, lost=_lost, refused=lambda: NotSent(NotSentReason.UNREACHABLE)
        )


def _lost(mode: str) -> Ambiguous:
    reason = AmbiguousReason.TIMEOUT if mode == "LR" else AmbiguousReason.SERVER_ERROR
    return Ambiguous(reason)


# ---------------------------------------------------------------------------- work


@dataclass(frozen=True)
class Work:
    """What arrives: a message of a queue, or (``ask``) a request of a client."""

    trigger: str
    body: Mapping[str, Any] = field(default_factory=dict)
    ask: "Callable[[Drive], Any] | None" = field(default=None, compare=False)

    def same_as(self, other: "Work") -> bool:
        """Whether it is the same message or request."""
        return (self.trigger, self.body) == (other.trigger, other.body)


class _Context:
    """The Lambda context of one invocation, on the clock of the drive."""

    def __init__(self, clock: FixedClock, limit: datetime) -> None:
        self._clock, self._limit = clock, limit

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the platform stops the function."""
        return max(0, int((self._limit - self._clock.now()).total_seconds() * 1000))


class _Ids:
    """Counting ids whose position can be put back; each ``space`` counts for itself."""

    def __init__(self) -> None:
        self.space = 0
        self.counters: dict[int, int] = {}

    @property
    def used(self) -> int:
        """How many ids of this space were made."""
        return self.counters.get(self.space, 0)

    def new(self) -> str:
        """The next id."""
        self.counters[self.space] = self.used + 1
        return SequenceIds(self.used, at=START + timedelta(days=self.space)).new()


@dataclass(frozen=True)
class Snapshot:
    """A whole world at one moment."""

    tables: TablesSnapshot
    objects: Mapping[str, frozenset[str]]
    insurers: Mapping[str, Any]
    now: datetime
    used_ids: Mapping[int, int]
    mailbox: tuple[Work, ...]
    received: tuple[Work, ...]
    events: tuple[Mapping[str, Any], ...]
    images: Mapping[Any, tuple[Any, ...]]


class UnsettledError(AssertionError):
    """Work was still moving after many rounds without any fault (I-14)."""


# ---------------------------------------------------------------------------- the drive


class Drive:
    """One account with the pensions context in it; see the module's docstring."""

    def __init__(self, aws: AwsWorld, *, lag: int | None = None) -> None:
        self.aws = aws
        self.clock = FixedClock(START)
        self.ids = _Ids()
        self.insurers = HostileInsurers(self.clock.now)
        self.platform: Platform = platform_of(aws, clock=self.clock, ids=self.ids)
        self._lagging: LaggingDynamo | None = None
        if lag is not None:
            self._lagging = LaggingDynamo(client("dynamodb"), lag)
            self.platform.__dict__["database"] = Database(self._lagging, aws.settings.tables)
        self.application: Application = build(
            PensionsSettings.from_environment(),
            platform=self.platform,
            gateway_of=lambda _context: FaultyGateway(self.insurers),
        )
        self.platform.app_secret.derive("warm")  # read once per process, not per message
        self.mailbox: list[Work] = []
        self.received: list[Work] = []
        self.events: list[Mapping[str, Any]] = []
        self.logs = io.StringIO()
        self.tenants: tuple[str, ...] = (TENANT,)
        self.sweeping = True

    # ------------------------------------------------------------------ doing

    def use(self, tenant_id: str = TENANT, actor: str = "user:U1") -> Pensions:
        """The use cases as a user of the tenant calls them."""
        return self.application.for_tenant(TenantContext(tenant_id, actor, "req-1"))

    def deliver(self, work: Work, *, fenced: bool = True) -> bool:
        """One invocation with this work; it leaves the mailbox only when that succeeded.

        ``fenced`` False: a platform that does not stop a function that outlived its time.
        """
        span = IMPORT_TIME if work.trigger == "import" else FUNCTION_TIME
        done = self._invoke(work, self.clock.now() + span, fenced=fenced)
        if done:
            for position, waiting in enumerate(self.mailbox):
                if waiting.same_as(work):
                    del self.mailbox[position]
                    break
        self.collect()
        return done

    def _invoke(self, work: Work, stop: datetime, *, fenced: bool) -> bool:
        tenant = str(work.body.get("tenant_id", TENANT))
        rules = RULES.only(contexts=("pen",), tenants=(tenant,))
        try:
            actor = SWITCHBOARD.actor(stop if fenced else None)
            with actor, rules, contextlib.redirect_stdout(self.logs):
                if work.ask is not None:
                    work.ask(self)
                    return True
                handler = _handler(work.trigger)
                answer = handler(queue_event(dict(work.body)), _Context(self.clock, stop))
                return not answer["batchItemFailures"]
        except Killed:
            return False
        except AssertionError:
            raise
        except Exception as error:  # the client sees an error and asks again
            self.logs.write(f"{type(error).__name__}: {error}\n")
            return False

    def _images(self) -> dict[Any, list[Any]]:
        return {} if self._lagging is None else self._lagging.images

    def lag_by(self, writes: int) -> None:
        """How many writes of a row inconsistent reads are behind."""
        assert self._lagging is not None
        self._lagging.most = writes

    def lag(self, *, on: bool, forget: bool = True) -> None:
        """From now on (or no more) inconsistent reads are behind the writes that follow."""
        if self._lagging is None:
            return
        if on:
            self._lagging.start(forget=forget)
        else:
            self._lagging.stop()

    def expire(self) -> int:
        """Do what DynamoDB does to rows whose time to live is over; number of rows."""
        now = int(self.clock.now().timestamp())
        gone = 0
        for role in ("flow", "edge"):
            table: Any = dynamodb_backends[ACCOUNT][REGION].tables[f"{STACK}-{role}"]
            for item in list(table.items.every_item()):
                if "ttl" in item.attrs and int(item.attrs["ttl"].value) <= now:
                    table.items[item.hash_key].pop(item.range_key)
                    gone += 1
        return gone

    def sweep(self) -> bool:
        """The minute run: outbox, due rows."""
        stop = self.clock.now() + FUNCTION_TIME
        try:
            with (
                SWITCHBOARD.actor(stop),
                RULES.only(contexts=("pen",), tenants=self.tenants),
                contextlib.redirect_stdout(self.logs),
            ):
                _handler("relay")({}, _Context(self.clock, stop))
        except Killed:
            return False
        finally:
            self.collect()
        return True

    def collect(self) -> None:
        """Take what is in the queues: messages into the mailbox, events into ``events``."""
        for queue in sqs_backends[ACCOUNT][REGION].queues.values():
            waiting, queue._messages = list(queue._messages), []
            for message in waiting:
                body = json.loads(message.body)
                name = queue.name.removeprefix(f"{STACK}-")
                if name == "bus-log":
                    self.events.append(body["detail"])
                elif name.startswith("pensions-"):
                    trigger = name.removeprefix("pensions-").partition("-")[0]
                    work = Work(trigger, body)
                    self.mailbox.append(work)
                    self.received.append(work)

    def work(self) -> None:
        """Deliver everything that waits, until nothing waits (no faults, no time passes)."""
        for _ in range(100):
            if not self.mailbox:
                return
            for work in list(self.mailbox):
                self.deliver(work)
        raise UnsettledError("messages keep coming")

    def pass_time(self, span: timedelta) -> None:
        """Deliver and sweep for a while, whether or not it ends."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            due = self._next_due()
            if not self.mailbox and (due is None or due > until):
                self.clock.set(until)
                return
            self._round(due)

    def _round(self, due: datetime | None) -> None:
        self.clock.set(max(self.clock.now() + ROUND, due or self.clock.now()))
        for work in list(self.mailbox):
            self.deliver(work)
        if self.sweeping and self._next_due() is not None:
            self.sweep()

    def settle(self, rounds: int = 14) -> None:
        """Let time pass and everything be delivered and swept until nothing is due any more.

        Raises: UnsettledError when that does not end.
        """
        for _ in range(rounds):
            due = self._next_due()
            if not self.mailbox and due is None:
                return
            self._round(due)
        if not self.mailbox and self._next_due() is None:
            return
        waiting = [(work.trigger, dict(work.body)) for work in self.mailbox]
        raise UnsettledError(f"still moving: {waiting}, next due {self._next_due()}")

    def _next_due(self) -> datetime | None:
        due = [
            item.attrs["due_sk"].value
            for role in ("core", "flow")
            for item in stored_items(role)
            if "due_pk" in item.attrs and _WORK.search(item.attrs["due_pk"].value)
        ]
        if not due:
            return None
        return datetime.fromisoformat(min(due).partition("#")[0]) + timedelta(milliseconds=1)

    # ------------------------------------------------------------------ looking

    def rows(self, role: TableRole) -> list[dict[str, Any]]:
        """Every row of a table, in key order, without a request."""
        return self.aws.rows(role)

    def states(self, kind: str, tenant_id: str = TENANT) -> dict[str, str]:
        """State of every entity of a kind, by id."""
        prefix = f"pen#T#{tenant_id}#{kind.upper()}#"
        return {
            row["id"]: row["state"]
            for row in self.rows("core")
            if row["pk"].startswith(prefix) and row["sk"] == "META"
        }

    def snapshot(self) -> Snapshot:
        """Everything there is; rows are never changed in place, so references are enough."""
        return Snapshot(
            tables=self.aws.tables(),
            objects={name: frozenset(bucket.keys) for name, bucket in _buckets().items()},
            insurers=copy.deepcopy(_state(self.insurers)),
            now=self.clock.now(),
            used_ids=dict(self.ids.counters),
            mailbox=tuple(self.mailbox),
            received=tuple(self.received),
            events=tuple(self.events),
            images={key: tuple(images) for key, images in self._images().items()},
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Put the world back as it was."""
        self.aws.restore(snapshot.tables)
        for name, bucket in _buckets().items():
            for key in set(bucket.keys) - snapshot.objects[name]:
                bucket.keys.pop(key)
        vars(self.insurers).update(copy.deepcopy(dict(snapshot.insurers)))
        self.clock.set(snapshot.now)
        self.ids.counters = dict(snapshot.used_ids)
        self.mailbox = list(snapshot.mailbox)
        self.received = list(snapshot.received)
        self.events = list(snapshot.events)
        self._images().clear()
        self._images().update({key: list(images) for key, images in snapshot.images.items()})
        self.logs = io.StringIO()
        random.seed(0)  # the jitter of a backoff

    # ------------------------------------------------------------------ arranging

    def contract(self, provider: str = PROVIDER, tenant_id: str = TENANT, **changes: Any) -> str:
        """Given: a contract with tested credentials; returns its id."""
        queue = f"pensions-send-{provider}"
        if queue not in {
            queue.name.removeprefix(f"{STACK}-")
            for queue in sqs_backends[ACCOUNT][REGION].queues.values()
        }:
            self.aws.create_queue(queue)
        self.insurers.script(provider, {"account": {"username": "ws", "password": PASSWORD}})
        contract = builders.contract(provider_code=provider, **changes)
        fields = {name: getattr(contract, name) for name in ContractFields.__slots__}
        stored = self.use(tenant_id).register_contract()(ContractFields(**fields))
        self.use(tenant_id).store_credentials()(stored.id, "ws", Secret(PASSWORD))
        self.collect()
        self.mailbox[:] = [w for w in self.mailbox if w.body.get("tenant_id") != tenant_id]
        return stored.id

    def people(
        self, contract_id: str, count: int, *, first: int = 1, tenant_id: str = TENANT
    ) -> list[str]:
        """Given: people who are ready to be sent; returns their ids."""
        store, ids = self.use(tenant_id).store, []
        for start in range(first, first + count, 10):
            unit = store.unit()
            for number in range(start, min(start + 10, first + count)):
                checked = check_fields(builders.fields_of(number), API_PARSERS)
                person = employee_of(checked, employee_id=self.ids.new(), contract_id=contract_id)
                unit.add_employee(person, "employee.added", {"contract_id": contract_id})
                ids.append(person.id)
            unit.commit()
        return ids


def _handler(trigger: str) -> Any:
    module = importlib.import_module(f"pensions.handlers.{_TRIGGERS[trigger]}")
    return module.handler


def _buckets() -> Mapping[str, Any]:
    return {
        name: bucket
        for backend in s3_backends[ACCOUNT].values()
        for name, bucket in backend.buckets.items()
    }


def _state(insurers: HostileInsurers) -> dict[str, Any]:
    return {name: value for name, value in vars(insurers).items() if name != "_now"}


@contextlib.contextmanager
def driving(*, lag: int | None = None) -> Iterator[Drive]:
    """A drive over a fresh account."""
    with contextlib.ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        drive = Drive(aws, lag=lag)
        for module in _TRIGGERS.values():
            target = importlib.import_module(f"pensions.handlers.{module}")
            stack.enter_context(
                mock.patch.object(target, "application", return_value=drive.application)
            )
        stack.enter_context(switched_on(drive.clock))
        yield drive


# ---------------------------------------------------------------------------- schedules


@dataclass(frozen=True)
class UseCase:
    """One invocation to be tried with every fault: how the world is, and what arrives.

    ``arrange`` returns the work; ``check`` asserts what only this use case promises at the end.
    ``person`` is what somebody does after ``PERSON_COMES`` without whom it cannot end.
    """

    name: str
    arrange: Callable[[Drive], Work]
    check: Callable[[Drive], None] = lambda _drive: None
    person: Callable[[Drive], None] | None = None


@dataclass(frozen=True)
class Run:
    """One schedule and what it ended in."""

    use_case: str
    faults: Faults
    second: Faults | None
    complaints: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.use_case}, {self.faults}"
        if self.second is not None:
            text += f"\n  then {self.second}"
        return text + "".join(f"\n  - {complaint}" for complaint in self.complaints)


Inspect = Callable[[Drive], list[str]]


class Explorer:
    """Tries a use case with faults; the world is arranged once and put back before each run."""

    def __init__(
        self, drive: Drive, use_case: UseCase, inspect: Inspect, *, forget: bool = True
    ) -> None:
        """``forget`` False: reads are also behind what ``arrange`` wrote while lag was on."""
        self._forget = forget
        self.drive = drive
        self.use_case = use_case
        self._inspect = inspect
        with SWITCHBOARD.quiet():
            self._work = use_case.arrange(drive)
            drive.collect()
        if not any(work.same_as(self._work) for work in drive.mailbox):
            drive.mailbox.append(self._work)
        self._start = drive.snapshot()
        self._before = {id(item) for role in ROLES for item in stored_items(role)}
        self._known: dict[str, list[str]] = {}

    def trace(self) -> list[str]:
        """Labels of the attempts of the work when nothing goes wrong."""
        faults = Faults()
        self._first(faults)
        return faults.trace

    def run(self, faults: Faults, second: Faults | None = None) -> Run:
        """One schedule: fault, second fault during the first redelivery, then only recovery."""
        self._first(faults)
        if second is not None:
            self.drive.clock.advance(ROUND)
            second.race = self._again
            with self._faulty(second):
                self.drive.deliver(self._work)
        return Run(self.use_case.name, faults, second, tuple(self._outcome()))

    def forget(self) -> None:
        """The code has changed: what recovered before may recover otherwise now."""
        self._known.clear()

    def delivered_at_once(self, faults: Faults) -> bool:
        """Whether the first delivery was acknowledged in spite of the fault."""
        return self._first(faults)

    def stall(self, n: int, *, fenced: bool) -> Run:
        """The first actor stands still inside attempt ``n`` while four leases pass and others
        work; ``fenced`` says whether the platform stops a function that outlived its time.
        """

        def pass_leases() -> None:
            for _ in range(4):
                self.drive.clock.advance(ROUND)
                self.drive.deliver(self._work)
                self.drive.sweep()
                for waiting in list(self.drive.mailbox):
                    self.drive.deliver(waiting)

        faults = Faults(n, "RC")
        self._first(faults, race=pass_leases, fenced=fenced)
        return Run(self.use_case.name, faults, None, tuple(self._outcome()))

    def singles(self, modes: Sequence[str] = MODES) -> Iterator[Run]:
        """Every mode at every attempt."""
        for mode in modes:
            for n in itertools.count(1):
                run = self.run(Faults(n, mode))
                if not run.faults.fired:
                    break
                yield run

    def doubles(self, modes: Sequence[str] = MODES) -> Iterator[Run]:
        """Every mode at every attempt, then every mode at every attempt of the redelivery.

        Two first faults that leave the same world behind have the same second halves.
        """
        seen: set[str] = set()
        for mode in modes:
            for n in itertools.count(1):
                first = Faults(n, mode)
                self._first(first)
                if not first.fired:
                    break
                state = self._fingerprint()
                if state in seen:
                    continue
                seen.add(state)
                for second_mode in modes:
                    for m in itertools.count(1):
                        second = Faults(m, second_mode)
                        run = self.run(Faults(n, mode), second)
                        if not second.fired:
                            break
                        yield run

    def _first(
        self,
        faults: Faults,
        race: Callable[[], Any] | None = None,
        *,
        fenced: bool = True,
    ) -> bool:
        self.drive.restore(self._start)
        faults.race = race or self._again
        with self._faulty(faults):
            return self.drive.deliver(self._work, fenced=fenced)

    @contextlib.contextmanager
    def _faulty(self, faults: Faults) -> Iterator[None]:
        SWITCHBOARD.faults = faults
        self.drive.lag(on=True, forget=self._forget)
        try:
            yield
        finally:
            SWITCHBOARD.faults = None
            self.drive.lag(on=False)

    def _again(self) -> None:
        self.drive.deliver(self._work)

    def _outcome(self) -> list[str]:
        """Complaints after recovery; equal worlds recover equally, so each is recovered once."""
        SCANNER.check(self.drive.logs.getvalue(), "the log")
        state = self._fingerprint()
        if state not in self._known:
            self._known[state] = self._recover()
        return self._known[state]

    def _fingerprint(self) -> str:
        """Everything the rest of the run depends on, except the position of the id counter.

        A digest: thousands of worlds in full would fill the memory of a worker.
        """
        drive = self.drive
        rows = sorted(
            json.dumps(item.to_json(), sort_keys=True, default=str)
            for role in ROLES
            for item in stored_items(role)
            if id(item) not in self._before
        )
        waiting = [(work.trigger, sorted(work.body.items())) for work in drive.mailbox]
        received = [(work.trigger, sorted(work.body.items())) for work in drive.received]
        rest = (waiting, received, drive.events, drive.clock.now(), _state(drive.insurers))
        text = "\n".join([*rows, repr(rest), repr(RULES.violations)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _recover(self) -> list[str]:
        complaints = []
        try:
            if self.use_case.person is not None:
                self.drive.pass_time(PERSON_COMES)
                self.use_case.person(self.drive)
                self.drive.collect()
            self.drive.settle()
            # One more duplicate of everything that ever came, long after it was done.
            for work in list(self.drive.received):
                self.drive.deliver(work)
            self.drive.settle()
        except UnsettledError as error:
            complaints.append(f"I-14: {error}")
        except AssertionError as error:
            complaints.append(f"{self.use_case.name}: {error}")
        complaints += self._inspect(self.drive)
        try:
            self.use_case.check(self.drive)
        except AssertionError as error:
            complaints.append(f"{self.use_case.name}: {error}")
        return complaints
