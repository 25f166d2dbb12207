"""Fires schedules on the movable clock, and moves the clock with everything that falls due.

As time passes, a due schedule runs in a thread of its own. ``advance`` is different: it is
deterministic and ends when the work is done. The clock stops at every due instant of schedules
that run at most twice a day, and at least once a day. Of what belongs to one instant, first that
comes to its end which waited for it (delayed messages, executions that sleep); then the due
schedules run in their order, and the work of each is done before the next one runs. Schedules that
run more often (the sweeps) would make three days take hours: they are coalesced to once a day and
once at the end, which is enough for them because a sweep takes whatever has become due. The report
says how often each was due and how often it ran.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from infra.local.clock import LocalClock
from infra.local.cloud.model import ACCOUNT_ID, LocalCloudError, Log, Schedule
from infra.local.expressions import Expression, ExpressionError, Rate, parse_expression

COARSE: Final = timedelta(hours=12)
"""Schedules with at least this distance between runs are never coalesced."""

_DAY: Final = timedelta(days=1)
_TICK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one run: ``detail`` is the answer of the target or its error."""

    ok: bool
    detail: str = ""


class Deliver(Protocol):
    """Brings the event of a schedule to its target and waits for the end of the run."""

    def __call__(self, schedule: Schedule, payload: bytes) -> Delivered:
        """Deliver once, with the retries of the target."""
        ...


class Stack(Protocol):
    """What moving the clock needs of the rest of the stack."""

    def move_clock(self, instant: datetime) -> None:
        """Let running functions finish, then move the clock of everything."""
        ...

    def settle(self) -> bool:
        """Wait until the queues are drained; false when that takes too long."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a schedule."""

    schedule: str
    scheduled_at: datetime
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Coalesced:
    """How often a frequent schedule was due during an advance, and how often it ran."""

    schedule: str
    due: int
    ran: int


@dataclass(frozen=True, slots=True)
class Advance:
    """What happened while the clock moved.

    Shapes: ``runs`` in the order in which they happened. ``settled`` is false when work was still
    going on at a stop after the time the stack waits for it.
    """

    started_at: datetime
    ended_at: datetime
    offset_seconds: int
    runs: tuple[Run, ...]
    coalesced: tuple[Coalesced, ...]
    settled: bool


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """What the dashboard shows of one schedule."""

    name: str
    target: str
    expression: str
    timezone: str
    enabled: bool
    next_at: datetime | None
    last: Run | None


class UnknownScheduleError(LookupError):
    """No schedule or scheduled function of this name."""


@dataclass(slots=True)
class _Entry:
    schedule: Schedule
    expression: Expression
    aliases: frozenset[str]
    next_at: datetime | None = None
    last: Run | None = None

    def due_after(self, instant: datetime) -> datetime | None:
        return self.expression.next_after(instant)

    def coarse(self, instant: datetime) -> bool:
        """Whether the next few runs are far enough apart to deserve a stop of their own."""
        previous = self.due_after(instant)
        for _ in range(3):
            following = self.due_after(previous) if previous is not None else None
            if previous is None or following is None:
                return True
            if following - previous < COARSE:
                return False
            previous = following
        return True


@dataclass(slots=True)
class _Fine:
    """A frequent schedule during an advance."""

    entry: _Entry
    since: datetime
    due: int = 0
    ran: int = 0


@dataclass(slots=True)
class _Journey:
    """Bookkeeping of one advance."""

    start: datetime
    target: datetime
    runs: list[Run] = field(default_factory=list)
    settled: bool = True


class Scheduler:
    """The schedules of a stack.

    ``aliases`` gives further names of a schedule: those of the function it runs.
    Raises: LocalCloudError for an expression that AWS would refuse.
    """

    def __init__(
        self,
        schedules: Iterable[Schedule],
        *,
        clock: LocalClock,
        stack: Stack,
        deliver: Deliver,
        log: Log,
        aliases: Callable[[Schedule], Iterable[str]] = lambda _schedule: (),
    ) -> None:
        self._clock = clock
        self._stack = stack
        self._deliver = deliver
        self._log = log
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._entries = self._prepare(list(schedules), aliases)

    def start(self) -> None:
        """Fire schedules as time passes."""
        self._thread = threading.Thread(target=self._watch, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fire nothing more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def statuses(self) -> list[ScheduleStatus]:
        """Every schedule with its next and its last run, in template order."""
        with self._lock:
            return [
                ScheduleStatus(
                    name=entry.schedule.logical_id,
                    target=entry.schedule.target.arn,
                    expression=entry.schedule.expression,
                    timezone=entry.schedule.timezone,
                    enabled=entry.schedule.enabled,
                    next_at=entry.next_at,
                    last=entry.last,
                )
                for entry in self._entries
            ]

    def run_now(self, name: str) -> list[Run]:
        """Run the schedules of this name now, or all schedules of the function of this name.

        Raises: UnknownScheduleError.
        """
        wanted = fold_name(name)
        found = [entry for entry in self._entries if wanted in entry.aliases]
        if not found:
            raise UnknownScheduleError(name)
        return [self._fire(entry, self._clock.now()) for entry in found]

    def advance(self, by: timedelta) -> Advance:
        """Move the clock and run what falls due on the way; returns when the work is done."""
        with self._lock:
            start = self._clock.now()
            journey = _Journey(start, start + by)
            coarse, fine = self._split(start)
            for instant in self._stops(coarse, journey):
                self._stack.move_clock(max(instant, self._clock.now()))
                calm = self._stack.settle()
                for entry, due in self._due(coarse, fine, instant, journey):
                    journey.runs.append(self._fire(entry, due))
                    # Who did not come to rest once is not waited for again at this stop.
                    calm = calm and self._stack.settle()
                journey.settled &= calm
            now = self._clock.now()
            for entry in self._entries:
                entry.next_at = entry.due_after(now)
            return Advance(
                started_at=start,
                ended_at=now,
                offset_seconds=self._clock.offset_seconds,
                runs=tuple(journey.runs),
                coalesced=tuple(
                    Coalesced(each.entry.schedule.logical_id, each.due, each.ran)
                    for each in fine
                    if each.due
                ),
                settled=journey.settled,
            )

    # -- inside

    def _prepare(
        self, schedules: Sequence[Schedule], aliases: Callable[[Schedule], Iterable[str]]
    ) -> list[_Entry]:
        now = self._clock.now()
        entries = []
        for index, schedule in enumerate(schedules):
            try:
                expression = parse_expression(schedule.expression, schedule.timezone)
            except ExpressionError as error:
                raise LocalCloudError(f"schedule {schedule.logical_id}: {error}") from None
            if isinstance(expression, Rate):
                # All sweeps at the same second would start all their processes at once.
                anchor = now + index * expression.period / len(schedules)
                expression = replace(expression, anchor=anchor)
            names = {schedule.logical_id, schedule.name, *aliases(schedule)}
            entry = _Entry(schedule, expression, frozenset(map(fold_name, names)))
            entry.next_at = entry.due_after(now)
            entries.append(entry)
        return entries

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            with self._lock:
                now = self._clock.now()
                due = []
                for entry in self._entries:
                    if entry.next_at is not None and entry.next_at <= now:
                        due.append((entry, entry.next_at))
                        # A laptop that slept runs a schedule once, not once per missed time.
                        entry.next_at = entry.due_after(now)
            for entry, instant in due:
                if entry.schedule.enabled:
                    threading.Thread(
                        target=self._fire, args=(entry, instant), name="schedule", daemon=True
                    ).start()

    def _fire(self, entry: _Entry, instant: datetime) -> Run:
        schedule = entry.schedule
        try:
            delivered = self._deliver(schedule, scheduled_event(schedule, instant))
        except Exception as error:
            delivered = Delivered(ok=False, detail=repr(error))
        run = Run(schedule.logical_id, instant, delivered.ok, delivered.detail)
        entry.last = run
        if not run.ok and not self._stopping.is_set():
            self._log(f"schedule {schedule.logical_id} failed: {run.detail[:300]}")
        return run

    def _split(self, start: datetime) -> tuple[list[_Entry], list[_Fine]]:
        enabled = [entry for entry in self._entries if entry.schedule.enabled]
        coarse = [entry for entry in enabled if entry.coarse(start)]
        return coarse, [_Fine(entry, start) for entry in enabled if entry not in coarse]

    @staticmethod
    def _stops(coarse: Sequence[_Entry], journey: _Journey) -> list[datetime]:
        stops = {journey.target}
        day = journey.start + _DAY
        while day < journey.target:
            stops.add(day)
            day += _DAY
        for entry in coarse:
            due = entry.due_after(journey.start)
            while due is not None and due <= journey.target:
                stops.add(due)
                due = entry.due_after(due)
        return sorted(stops)

    @staticmethod
    def _is_due_at(entry: _Entry, instant: datetime, journey: _Journey) -> bool:
        before = instant - timedelta(microseconds=1)
        return before >= journey.start and entry.due_after(before) == instant

    def _due(
        self, coarse: Sequence[_Entry], fine: Sequence[_Fine], instant: datetime, journey: _Journey
    ) -> Iterator[tuple[_Entry, datetime]]:
        """What runs at a stop, in its order, with the instant at which it was due."""
        for entry in coarse:
            if self._is_due_at(entry, instant, journey):
                yield entry, instant
        for each in fine:
            latest = self._catch_up(each, instant, journey)
            if latest is not None:
                yield each.entry, latest

    @staticmethod
    def _catch_up(each: _Fine, instant: datetime, journey: _Journey) -> datetime | None:
        """The last instant at which a frequent schedule was due, when it is its turn to run."""
        at_the_end = instant == journey.target
        if instant - each.since < _DAY and not at_the_end:
            return None
        missed = 0
        latest: datetime | None = None
        due = each.entry.due_after(each.since)
        while due is not None and due <= instant:
            missed, latest = missed + 1, due
            due = each.entry.due_after(due)
        each.since = instant
        each.due += missed
        each.ran += latest is not None
        return latest


def fold_name(name: str) -> str:
    """A name reduced to what people remember of it: letters and digits, lower-case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def scheduled_event(schedule: Schedule, instant: datetime) -> bytes:
    """The event that EventBridge Scheduler sends: the target's input, or its own default."""
    arn = f"arn:aws:scheduler:local:{ACCOUNT_ID}:schedule/default/{schedule.name}"
    at = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    if schedule.target.input is not None:
        text = schedule.target.input
        for name, value in (
            ("schedule-arn", arn),
            ("scheduled-time", at),
            ("execution-id", str(uuid.uuid4())),
            ("attempt-number", "1"),
        ):
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text.encode()
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT_ID,
            "time": at,
            "region": "local",
            "resources": [arn],
            "detail": "{}",
        }
    ).encode()
