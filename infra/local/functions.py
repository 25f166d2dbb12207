"""Runs the deployed functions: which environment takes an event, and how many there may be.

The host keeps a pool of environments per function and behaves like Lambda where it matters to a
handler: cold starts, one event at a time per environment, reserved concurrency that throttles,
asynchronous events with retries and a dead-letter queue. It differs where a laptop differs: a
function without reserved concurrency waits for a free environment instead of scaling without
limit, idle environments are reaped, and code or clock changes replace them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from infra.local.cloud.model import (
    FunctionNotFoundError,
    FunctionSpec,
    InvokeOutcome,
    ThrottledError,
    function_name_of,
)
from infra.local.environment_main import RUNTIME_CHOICE
from infra.local.environments import Environment

UNRESERVED_LIMIT: Final = 8
"""Environments of a function that reserves nothing: what a laptop can run, not what AWS would."""

MAX_ENVIRONMENTS: Final = 18
"""Idle environments beyond this number are stopped, the least recently used first."""

IDLE_SECONDS: Final = 240.0
_PATIENCE_SECONDS: Final = 0.1
_SYNC_LIMIT_BYTES: Final = 6 * 1024 * 1024


FunctionLog = Callable[[str, str], None]
"""Where the lines of a function go: its logical id, one line."""

DeadLetterSink = Callable[[str, bytes], None]
"""Where an asynchronous event goes after its last attempt: ARN of the queue, the event."""


@dataclass(slots=True)
class FunctionStats:
    """Counters of one function since the stack started."""

    invocations: int = 0
    cold_starts: int = 0
    errors: int = 0
    timeouts: int = 0
    throttles: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class FunctionStatus:
    """What the dashboard shows of a function."""

    logical_id: str
    name: str
    handler: str
    timeout: int
    limit: int
    idle: int
    busy: int
    stats: FunctionStats


@dataclass(slots=True)
class _Pool:
    """The environments of one function. All access under ``changed``."""

    spec: FunctionSpec
    changed: threading.Condition = field(default_factory=threading.Condition)
    idle: list[Environment] = field(default_factory=list)
    busy: set[Environment] = field(default_factory=set)
    generation: int = 0
    generations: dict[Environment, int] = field(default_factory=dict)
    stats: FunctionStats = field(default_factory=FunctionStats)

    @property
    def limit(self) -> int:
        reserved = self.spec.reserved_concurrency
        return UNRESERVED_LIMIT if reserved is None else reserved


class FunctionHost:
    """Implements the cloud's ``Invoker``: functions by name, run in processes of their own.

    ``log`` gets what functions print, ``complain`` what the platform did to them: timeouts, code
    that cannot be imported, processes that died, events that were given up.
    """

    def __init__(
        self,
        *,
        log: FunctionLog,
        complain: FunctionLog | None = None,
        platform_variables: Callable[[], Mapping[str, str]],
        dead_letter: DeadLetterSink,
        retry_delays: tuple[float, ...] = (1.0, 2.0),
        idle_seconds: float = IDLE_SECONDS,
        own_runtime: bool = False,
    ) -> None:
        self._log = log
        self._complain = complain or log
        self._platform_variables = platform_variables
        self._dead_letter = dead_letter
        self._retry_delays = retry_delays
        self._idle_seconds = idle_seconds
        self._own_runtime = own_runtime
        self._extra: dict[str, str] = {}
        self._pools: dict[str, _Pool] = {}
        self._running = threading.Condition()
        self._in_flight = 0
        self._accepted = 0
        self._begun = 0
        self._held = False
        self._kept = 0
        self._stopping = threading.Event()
        threading.Thread(target=self._housekeeping, name="function-reaper", daemon=True).start()

    # -- what is deployed

    def deploy(self, specs: Iterable[FunctionSpec]) -> None:
        """Replace the set of functions; environments of the previous set are stopped."""
        old, self._pools = self._pools, {spec.name: _Pool(spec) for spec in specs}
        for pool in old.values():
            _stop_all(pool)

    def set_variables(self, extra: Mapping[str, str]) -> None:
        """Add platform variables (the clock offset) and replace environments that lack them."""
        if dict(extra) != self._extra:
            self._extra = dict(extra)
            self.recycle()

    def recycle(self, names: Iterable[str] | None = None) -> list[str]:
        """Replace the environments of these functions (all by default).

        Idle ones stop now, busy ones after the event they are working on. Gives the names of the
        functions that had any.
        """
        wanted = None if names is None else set(names)
        touched = []
        for name, pool in self._pools.items():
            if wanted is not None and name not in wanted:
                continue
            with pool.changed:
                pool.generation += 1
                idle, pool.idle = pool.idle, []
                if idle or pool.busy:
                    touched.append(name)
            for environment in idle:
                environment.kill()
        return touched

    def statuses(self) -> list[FunctionStatus]:
        """State and counters of every function, in template order."""
        found = []
        for pool in self._pools.values():
            with pool.changed:
                found.append(
                    FunctionStatus(
                        logical_id=pool.spec.logical_id,
                        name=pool.spec.name,
                        handler=pool.spec.handler,
                        timeout=pool.spec.timeout,
                        limit=pool.limit,
                        idle=len(pool.idle),
                        busy=len(pool.busy),
                        stats=pool.stats,
                    )
                )
        return found

    # -- running events

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        """Run the function and wait for its answer.

        Raises: FunctionNotFoundError, ThrottledError.
        """
        pool = self._pool(function_name)
        if len(payload) > _SYNC_LIMIT_BYTES:
            raise ValueError(f"request must be smaller than {_SYNC_LIMIT_BYTES} bytes")
        with self._counted():
            environment = self._acquire(pool)
            try:
                outcome = environment.invoke(payload)
            finally:
                self._release(pool, environment)
        self._record(pool, outcome)
        return outcome

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        """Accept the event now and run the function later, with retries and its own DLQ.

        Raises: FunctionNotFoundError.
        """
        pool = self._pool(function_name)
        with self._running:
            self._accepted += 1
        threading.Thread(
            target=self._run_async, args=(pool.spec, payload), name="async-invoke", daemon=True
        ).start()

    def warm(self, names: Iterable[str]) -> None:
        """Start one environment of each function ahead of its first event."""
        for name in names:
            pool = self._pools.get(function_name_of(name))
            if pool is None:
                continue
            with pool.changed:
                if pool.idle or pool.busy or pool.limit < 1:
                    continue
                pool.idle.append(self._start(pool))

    @contextmanager
    def held(self, timeout: float) -> Iterator[bool]:
        """Let running events finish and start none while the block runs.

        Gives false when events were still running after ``timeout`` seconds.
        """
        with self._running:
            self._held = True
            drained = self._running.wait_for(lambda: self._in_flight == 0, timeout)
        try:
            yield drained
        finally:
            with self._running:
                self._held = False
                self._running.notify_all()

    @contextmanager
    def kept_warm(self) -> Iterator[None]:
        """Stop no idle environment while the block runs: work that comes round again and again,
        as a clock that moves by days brings it, would start each of them anew every time.
        """
        with self._running:
            self._kept += 1
        try:
            yield
        finally:
            with self._running:
                self._kept -= 1

    @property
    def in_flight(self) -> int:
        """Events that are running at this moment."""
        with self._running:
            return self._in_flight

    @property
    def idle(self) -> bool:
        """Whether no event is running and no asynchronous one waits for its (next) attempt."""
        with self._running:
            return not self._in_flight and not self._accepted

    @property
    def begun(self) -> int:
        """Events that began since the stack started."""
        with self._running:
            return self._begun

    def stop(self, timeout: float = 3.0) -> None:
        """Kill every environment and wait until the processes are gone."""
        self._stopping.set()
        with self._running:
            self._held = False
            self._running.notify_all()
        victims = [victim for pool in self._pools.values() for victim in _stop_all(pool)]
        end = time.monotonic() + timeout
        for victim in victims:
            victim.join(max(0.0, end - time.monotonic()))

    # -- inside

    def _pool(self, reference: str) -> _Pool:
        name = function_name_of(reference)
        pool = self._pools.get(name)
        if pool is None:
            raise FunctionNotFoundError(f"Function not found: {name}")
        return pool

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._running:
            # A handler that invokes another function while the clock is about to move must not
            # wait for itself: after the grace of ``held`` new events pass anyway.
            self._running.wait_for(lambda: not self._held or self._stopping.is_set(), timeout=20)
            self._in_flight += 1
            self._begun += 1
        try:
            yield
        finally:
            with self._running:
                self._in_flight -= 1
                self._running.notify_all()

    def _acquire(self, pool: _Pool) -> Environment:
        reserved = pool.spec.reserved_concurrency is not None
        give_up = time.monotonic() + max(30.0, pool.spec.timeout)
        patience = time.monotonic() + _PATIENCE_SECONDS
        with pool.changed:
            while not self._stopping.is_set():
                pool.idle = [each for each in pool.idle if each.alive]
                if pool.idle:
                    environment = pool.idle.pop()
                    pool.busy.add(environment)
                    return environment
                now = time.monotonic()
                if len(pool.busy) < pool.limit:
                    # A warm environment that is free in a moment beats a cold start, and two
                    # cold starts at a time only slow each other down.
                    starting = any(not each.started for each in pool.busy)
                    if not pool.busy or (now >= patience and not starting):
                        environment = self._start(pool)
                        pool.busy.add(environment)
                        return environment
                    pool.changed.wait(0.02)
                elif reserved or now >= give_up:
                    break
                else:
                    pool.changed.wait(min(1.0, give_up - now))
            pool.stats.throttles += 1
        raise ThrottledError(f"Rate exceeded: {pool.spec.name}")

    def _start(self, pool: _Pool) -> Environment:
        pool.stats.cold_starts += 1
        spec = pool.spec
        variables = {**spec.env, **self._platform_variables(), **self._extra}
        if self._own_runtime or spec.built:  # AWS's client is not in the artifact
            variables[RUNTIME_CHOICE] = "own"
        environment = Environment(
            spec,
            variables,
            log=lambda line: self._log(spec.logical_id, line),
            on_exit=lambda gone: self._gone(pool, gone),
        )
        pool.generations[environment] = pool.generation
        return environment

    def _gone(self, pool: _Pool, environment: Environment) -> None:
        with pool.changed:
            pool.generations.pop(environment, None)
            if environment in pool.idle:
                pool.idle.remove(environment)
            pool.changed.notify()
        refusal = environment.init_error
        if refusal is not None:
            self._complain(pool.spec.logical_id, _in_words(refusal.payload.decode()))

    def _release(self, pool: _Pool, environment: Environment) -> None:
        with pool.changed:
            pool.busy.discard(environment)
            current = pool.generations.get(environment) == pool.generation
            keep = current and environment.alive and not self._stopping.is_set()
            if keep:
                pool.idle.append(environment)
            pool.changed.notify()
        if not keep:
            environment.kill()

    def _record(self, pool: _Pool, outcome: InvokeOutcome) -> None:
        text = outcome.payload.decode("utf-8", "replace") if outcome.function_error else ""
        with pool.changed:
            pool.stats.invocations += 1
            if outcome.function_error:
                pool.stats.errors += 1
                pool.stats.timeouts += "Sandbox.Timedout" in text
                pool.stats.last_error = text[:500]
        by_the_platform = "Sandbox.Timedout" in text or '"Runtime.' in text
        if by_the_platform and not self._stopping.is_set():
            self._complain(pool.spec.logical_id, _in_words(text))

    def _run_async(self, spec: FunctionSpec, payload: bytes) -> None:
        try:
            self._try_async(spec, payload)
        finally:
            with self._running:
                self._accepted -= 1

    def _try_async(self, spec: FunctionSpec, payload: bytes) -> None:
        for delay in (*self._retry_delays, None):
            try:
                if self.invoke(spec.name, payload).function_error is None:
                    return
            except ThrottledError:
                self._complain(spec.logical_id, "asynchronous event throttled")
            except FunctionNotFoundError:
                return
            if delay is not None and self._stopping.wait(delay):
                return
        if spec.dlq_arn:
            self._dead_letter(spec.dlq_arn, payload)
        self._complain(spec.logical_id, "asynchronous event given up after its last attempt")

    def _housekeeping(self) -> None:
        while not self._stopping.wait(min(5.0, self._idle_seconds / 2)):
            if not self._kept:
                self.reap()

    def reap(self) -> int:
        """Stop environments that have been idle too long or are too many; gives their number."""
        now = time.monotonic()
        idle: list[tuple[float, _Pool, Environment]] = []
        total = 0
        for pool in list(self._pools.values()):
            with pool.changed:
                total += len(pool.idle) + len(pool.busy)
                idle += [(each.idle_since, pool, each) for each in pool.idle]
        idle.sort(key=lambda entry: entry[0])
        victims = [entry for entry in idle if now - entry[0] > self._idle_seconds]
        surplus = total - len(victims) - MAX_ENVIRONMENTS
        if surplus > 0:
            victims = idle[: len(victims) + surplus]
        stopped = 0
        for _, pool, environment in victims:
            with pool.changed:
                if environment not in pool.idle:
                    continue
                pool.idle.remove(environment)
            environment.kill()
            stopped += 1
        return stopped


def _in_words(document: str) -> str:
    try:
        error = json.loads(document)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return document[:500]


def _stop_all(pool: _Pool) -> list[Environment]:
    with pool.changed:
        pool.generation += 1
        victims = [*pool.idle, *pool.busy]
        pool.idle.clear()
        pool.changed.notify_all()
    for victim in victims:
        victim.kill()
    return victims
