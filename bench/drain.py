"""Virtual time: how the send queues of the insurers drain when everybody sends in the same days.

A model of events, not of code: messages arrive, wait their turn in a queue that is shared fairly
between companies, are worked on by as many functions as the insurer agreed to, and come again from
the minute sweep. What decides is imported from the product: how many lines one call takes and how
many calls run at once (the catalogue), when a call that failed is repeated (``backoff_seconds``),
when an insurer counts as down (``Circuit``), when an answer that comes later is asked for
(``POLL_STEPS``) and how many rows one sweep takes. What nobody has published stands in
``Assumptions``.

Insurers that agree in all of that are simulated once and counted as often as they exist. The same
seed gives the same figures.
"""

from __future__ import annotations

import heapq
import random
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from kernel.sweeping import LIMIT
from pensions.adapters.dynamodb_pensions import _SWEEP_PUSH as SWEEP_PUSH
from pensions.application.prepare_submission import _UNSENT as UNSENT
from pensions.domain.circuit import Circuit
from pensions.domain.outcome import TransmissionKind
from pensions.domain.provider import Dialect, Provider
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.domain.transmission import (
    POLL_STEPS,
    Transmission,
    TransmissionState,
    backoff_seconds,
)

EPOCH: Final = datetime(2026, 6, 1, tzinfo=UTC)
"""Midnight of the first day; times of the model are seconds after it."""
DAY: Final = 86_400.0
SHARDS: Final = 4
MAX_RECEIVES: Final = 5
"""``maxReceiveCount`` of the send queues."""
VISIBILITY: Final = 360.0
"""``VisibilityTimeout`` of the send queues."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is not known of any insurer, and who sends how much.

    Units: seconds. ``call`` and ``line`` make up one synchronous call (20 s for 100 lines is the
    planning figure of reliability.md §14), ``asynchronous`` is a call that only takes or tells
    lines, ``ready`` how long an asynchronous insurer works on them, ``connect`` our own time-out,
    ``aws`` one request to AWS.
    """

    accountants: int = 1_000
    companies: int = 500
    people: int = 50
    days: int = 3
    opens: float = 9 * 3_600.0
    closes: float = 17 * 3_600.0
    call: float = 0.1
    line: float = 0.2
    asynchronous: float = 2.0
    ready: float = 30.0
    connect: float = 5.0
    aws: float = 0.008


@dataclass(frozen=True, slots=True)
class Outage:
    """One insurer cannot be reached from ``start`` to ``end``."""

    provider: str
    start: float
    end: float

    def holds(self, provider: str, now: float) -> bool:
        """Whether a call to ``provider`` at ``now`` does not arrive."""
        return provider == self.provider and self.start <= now < self.end


@dataclass(slots=True, eq=False)
class Sending:
    """One transmission of the model.

    Units: ``wished`` is when its sender wanted it sent, ``due`` its place in the index, ``again``
    the time before which a message about it changes nothing.
    """

    row: Transmission
    tenant: str
    lines: int
    wished: float
    open: bool = True
    taken: bool = False
    busy: bool = False
    started: bool = False
    due: float = 0.0
    again: float = 0.0


@dataclass(slots=True)
class Told:
    """What one insurer's queue did.

    Units: seconds; ``waits`` are from the wish to the first call, ``receives`` the most one message
    needed, ``last`` when the last transmission was done.
    """

    provider: Provider
    alike: int
    transmissions: int = 0
    done: int = 0
    calls: int = 0
    failed_calls: int = 0
    messages: int = 0
    receives: int = 0
    dead: int = 0
    last: float = 0.0
    waits: list[float] = field(default_factory=list)

    def wait(self, share: float) -> float:
        """The wait that ``share`` of the transmissions did not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class FairQueue:
    """Messages of many senders; whoever has some takes turns (fair queues of SQS)."""

    def __init__(self) -> None:
        self._groups: dict[str, deque[tuple[Sending, int]]] = {}

    def put(self, group: str, message: tuple[Sending, int]) -> None:
        """Add one message with the number of times it was received."""
        self._groups.setdefault(group, deque()).append(message)

    def take(self) -> tuple[Sending, int] | None:
        """The next message; its group goes to the end."""
        for group in self._groups:
            messages = self._groups.pop(group)
            message = messages.popleft()
            if messages:
                self._groups[group] = messages
            return message
        return None


@dataclass(slots=True)
class Insurer:
    """One insurer's queue, its workers, its circuit and what is told about it."""

    provider: Provider
    told: Told
    queue: FairQueue = field(default_factory=FairQueue)
    idle: int = 0
    circuit: Circuit = field(default_factory=lambda: Circuit(""))


Event = tuple[float, int, str, Insurer | None, Sending | None, int]


class Drain:
    """Runs the model until nothing is left."""

    def __init__(
        self,
        known: Assumptions,
        requests: Mapping[int, int],
        outage: Outage | None = None,
        *,
        providers: Sequence[str] | None = None,
    ) -> None:
        """``requests`` are counted requests to AWS of one sending by its number of lines."""
        self._known = known
        self._requests = sorted(requests.items())
        self._outage = outage
        self._insurers = {
            provider.code: Insurer(provider, Told(provider, alike), idle=provider.max_concurrency)
            for provider, alike in profiles(providers)
        }
        self._events: list[Event] = []
        # What waits for its call, and what an insurer has taken: two lists, as the store has them.
        self._due: list[list[tuple[float, str, Insurer, Sending]]] = [[] for _ in range(2 * SHARDS)]
        self._number = 0
        self._waiting = 0
        self.starts: list[tuple[float, str, str]] = []
        """Time, provider and company of every first call, in order; for the test of fairness."""

    def run(self, wishes: Iterator[tuple[float, str, str, int]]) -> list[Told]:
        """Play all wishes: (time, provider, company, lines), in the order of time."""
        self._push(60.0, "sweep")
        coming = next(wishes, None)
        while True:
            if coming is not None and (not self._events or coming[0] <= self._events[0][0]):
                self._wish(*coming)
                coming = next(wishes, None)
                continue
            if coming is None and not self._waiting:
                break
            now, _, kind, insurer, sending, receives = heapq.heappop(self._events)
            if kind == "sweep":
                self._sweep(now)
                self._push(now + 60.0, "sweep")
            elif kind == "message" and insurer and sending:
                self._arrive(now, insurer, sending, receives)
            elif kind == "done" and insurer and sending:
                self._ended(now, insurer, sending)
            elif kind == "failed" and insurer and sending:
                self._unsent(now, insurer, sending)
            elif insurer:
                self._free(now, insurer)
        return [insurer.told for insurer in self._insurers.values()]

    # ------------------------------------------------------------------ what happens

    def _push(
        self,
        at: float,
        kind: str,
        insurer: Insurer | None = None,
        sending: Sending | None = None,
        receives: int = 0,
    ) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, kind, insurer, sending, receives))

    def _wish(self, now: float, code: str, tenant: str, lines: int) -> None:
        """A bound submission: one transmission per call it needs, each with its message."""
        insurer = self._insurers[code]
        size = insurer.provider.batch_size
        for number in range(ceil(lines / size)):
            part = min(size, lines - number * size)
            row = Transmission(
                f"{tenant}/{number}",
                tenant,
                code,
                TransmissionKind.COLLECTION,
                TransmissionState.OPEN,
                tenant,
            )
            sending = Sending(row, tenant, part, now)
            insurer.told.transmissions += 1
            self._waiting += 1
            self._wait(insurer, sending, now + UNSENT.total_seconds())
            self._arrive(now, insurer, sending, 0)

    def _arrive(self, now: float, insurer: Insurer, sending: Sending, receives: int) -> None:
        insurer.queue.put(sending.tenant, (sending, receives))
        if insurer.idle:
            self._next(now, insurer)

    def _free(self, now: float, insurer: Insurer) -> None:
        insurer.idle += 1
        self._next(now, insurer)

    def _next(self, now: float, insurer: Insurer) -> None:
        """An idle worker takes the next message."""
        message = insurer.queue.take()
        if message is None:
            return
        sending, receives = message
        told, known = insurer.told, self._known
        told.messages += 1
        told.receives = max(told.receives, receives + 1)
        insurer.idle -= 1
        instant = EPOCH + timedelta(seconds=now)
        if not sending.open or now < sending.again:
            self._push(now + known.aws, "free", insurer)  # old news: one read
        elif sending.busy:
            # Somebody is at it: the message fails and comes again, five times at most.
            self._push(now + known.aws, "free", insurer)
            if receives + 1 < MAX_RECEIVES:
                self._push(now + VISIBILITY, "message", insurer, sending, receives + 1)
            else:
                told.dead += 1
        elif insurer.circuit.blocks(instant) and insurer.circuit.open_until is not None:
            until = (insurer.circuit.open_until - EPOCH).total_seconds()
            self._postpone(insurer, sending, until)
            self._push(now + 6 * known.aws, "free", insurer)
        else:
            self._call(now, insurer, sending)

    def _call(self, now: float, insurer: Insurer, sending: Sending) -> None:
        told, known = insurer.told, self._known
        if not sending.started:
            sending.started = True
            told.waits.append(now - sending.wished)
            self.starts.append((now, insurer.provider.code, sending.tenant))
        told.calls += 1
        sending.busy = True
        sending.row = replace(sending.row, attempts=sending.row.attempts + 1)
        if self._outage is not None and self._outage.holds(insurer.provider.code, now):
            self._push(now + known.connect, "failed", insurer, sending)
            return
        if insurer.provider.dialect is Dialect.PERIOD_ASYNC:
            answer = known.asynchronous
        else:
            answer = known.call + known.line * sending.lines
        self._push(now + answer + known.aws * self._aws(sending.lines), "done", insurer, sending)

    def _ended(self, now: float, insurer: Insurer, sending: Sending) -> None:
        """The insurer answered; an asynchronous one has only taken the lines."""
        insurer.circuit = insurer.circuit.succeeded()
        sending.busy = False
        asynchronous = insurer.provider.dialect is Dialect.PERIOD_ASYNC
        if asynchronous and (not sending.taken or now < sending.wished + self._known.ready):
            sending.taken = True
            polls = sending.row.polls
            sending.row = replace(sending.row, polls=polls + 1)
            self._postpone(insurer, sending, now + POLL_STEPS[min(polls, len(POLL_STEPS) - 1)])
        else:
            sending.open = False
            self._waiting -= 1
            insurer.told.done += 1
            insurer.told.last = now
        self._free(now, insurer)

    def _unsent(self, now: float, insurer: Insurer, sending: Sending) -> None:
        """The call did not arrive: the circuit hears of it, the transmission waits."""
        insurer.told.failed_calls += 1
        insurer.circuit = insurer.circuit.failed(EPOCH + timedelta(seconds=now))
        sending.busy = False
        self._postpone(insurer, sending, now + backoff_seconds(sending.row))
        self._free(now, insurer)

    def _postpone(self, insurer: Insurer, sending: Sending, until: float) -> None:
        """Nothing about it before ``until``."""
        sending.again = until
        self._wait(insurer, sending, until)

    def _wait(self, insurer: Insurer, sending: Sending, until: float) -> None:
        """Due at ``until``; an earlier place in the index does not count any more."""
        sending.due = until
        shard = zlib.crc32(sending.row.id.encode()) % SHARDS + SHARDS * (
            sending.taken or sending.busy
        )
        heapq.heappush(self._due[shard], (until, sending.row.id, insurer, sending))

    def _sweep(self, now: float) -> None:
        """The minute run: the oldest due rows of each shard get a message and come again later.

        An insurer stands for others like it, and so do its rows.
        """
        for rows in self._due:
            room = LIMIT // SHARDS
            while rows and rows[0][0] <= now and room > 0:
                until, _, insurer, sending = heapq.heappop(rows)
                if not sending.open or until != sending.due:
                    continue
                room -= insurer.told.alike
                if not sending.busy:
                    self._push(now + self._known.aws, "message", insurer, sending)
                self._wait(insurer, sending, now + SWEEP_PUSH.total_seconds())

    def _aws(self, lines: int) -> int:
        """Counted requests of a sending with at least as many lines."""
        return next((n for size, n in self._requests if size >= lines), self._requests[-1][1])


def profiles(codes: Sequence[str] | None = None) -> list[tuple[Provider, int]]:
    """Insurers that differ in what the model looks at, each with how many there are of it."""
    of: dict[tuple[str, int, int], list[Provider]] = {}
    for provider in PROVIDERS.values():
        if codes is None or provider.code in codes:
            key = (provider.dialect.value, provider.batch_size, provider.max_concurrency)
            of.setdefault(key, []).append(provider)
    return [(alike[0], len(alike)) for alike in of.values()]


def three_days(known: Assumptions, seed: int) -> Iterator[tuple[float, str, str, int]]:
    """Wishes of all accountants: a third of the companies a day, one after the other.

    A company has one insurer, all insurers are equally frequent. Each accountant sits down at an
    hour of its own and sends a company every half minute to three minutes.
    """
    chosen = [(provider.code, alike) for provider, alike in profiles()]
    codes = [code for code, _ in chosen]
    share = sum(alike for _, alike in chosen)
    dice = random.Random(seed)  # noqa: S311 - a repeatable model, no secret
    wishes: list[tuple[float, str, str, int]] = []
    for accountant in range(known.accountants):
        left = known.companies
        for day in range(known.days):
            today = ceil(left / (known.days - day))
            left -= today
            latest = max(known.opens, known.closes - today * 105.0)
            now = day * DAY + dice.uniform(known.opens, latest)
            for number in range(today):
                now += dice.uniform(30.0, 180.0)
                place = dice.randrange(share)
                # Insurers that others stand for are not simulated.
                if place < len(codes):
                    company = f"{accountant}-{day}-{number}"
                    wishes.append((now, codes[place], company, known.people))
    return iter(sorted(wishes))


def behind_a_large_one(seed: int, *, small: int = 40) -> tuple[int, int]:
    """20,000 lines of one company, then small companies: most messages one of them waited for.

    Shapes: (messages of the large company that started while a small one waited, at most; messages
    of the large company).
    """
    code = next(p.code for p in PROVIDERS.values() if p.dialect is Dialect.USERNAMETOKEN_BATCH)
    dice = random.Random(seed)  # noqa: S311 - see above
    drain = Drain(Assumptions(), {100: 45}, providers=[code])
    large = ceil(20_000 / PROVIDERS[code].batch_size)
    wishes = [(0.0, code, "large", 20_000)]
    wishes += [(dice.uniform(10.0, 1_200.0), code, f"small-{n}", 10) for n in range(small)]
    drain.run(iter(sorted(wishes)))
    began = {tenant: at for at, _, tenant in reversed(drain.starts)}
    most = 0
    for at, _, tenant, _ in wishes[1:]:
        waited = range(len(drain.starts))
        most = max(
            most,
            sum(
                drain.starts[n][2] == "large" and at < drain.starts[n][0] < began[tenant]
                for n in waited
            ),
        )
    return most, large


def by_dialect(told: Sequence[Told]) -> Counter[str]:
    """Transmissions by dialect, insurers alike counted as often as they exist."""
    found: Counter[str] = Counter()
    for one in told:
        found[one.provider.dialect.value] += one.transmissions * one.alike
    return found
