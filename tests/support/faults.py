"""Faults at every AWS HTTP attempt and every call through a port (reliability.md §10).

Every attempt is numbered in one counter; attempt ``n`` of a run meets one fault:

====  ==========================================================================================
KB    the process is killed before the call
KA    the process is killed after the call took effect
LR    the call takes effect, its response is lost (the SDK repeats it)
E5    the call takes effect, the answer is a server error (the SDK repeats it)
TH    the call is refused without effect
TP    the call and every repetition of it are refused (no mode of its own in ``MODES``)
RC    a second actor runs completely inside the call, then it goes on
RK    a second actor runs completely inside the call, then the first is killed
====  ==========================================================================================

(use case, mode, n) is the seed: the same three give the same run. What moto never shows by itself
(stale reads) is in ``LaggingDynamo``.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from xml.sax.saxutils import escape

import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from kernel.clock import Clock
from tests.support.aws import RULES
from toolkit.aws.clients import client
from toolkit.aws.dynamodb import INDEX_NAMES

MODES: Final = ("KB", "KA", "LR", "E5", "TH", "RC", "RK")
_REPETITIONS: Final = 3
SERVICES: Final = ("dynamodb", "sqs", "events", "kms", "s3", "secretsmanager")
Answer = TypeVar("Answer")


class Killed(BaseException):
    """The process does not exist any more."""


@dataclass
class Actor:
    """One invocation of a function. After ``limit`` the platform has stopped it."""

    limit: datetime | None = None
    dead: bool = False


@dataclass
class Faults:
    """The fault of one run: at attempt ``n``, in ``mode``. ``n`` 0 only counts.

    ``race`` is what the second actor of RC and RK does. ``trace`` names the attempts so far.
    """

    n: int = 0
    mode: str = ""
    race: Callable[[], Any] = lambda: None
    trace: list[str] = field(default_factory=list)
    fired: bool = False

    def __str__(self) -> str:
        around = [f"{number}:{label}" for number, label in enumerate(self.trace, 1)][: self.n]
        return f"mode {self.mode} at attempt {self.n}: {' '.join(around)}"


@dataclass
class Switchboard:
    """Stands between the code under test and everything outside; one per process."""

    faults: Faults | None = None
    actors: list[Actor] = field(default_factory=list)
    clock: Clock | None = None
    _hooked: set[str] = field(default_factory=set)

    def hook_clients(self) -> None:
        """Put the hooks on the clients of the process, once."""
        for service in SERVICES:
            if service not in self._hooked:
                self._hooked.add(service)
                events = client(service).meta.events
                events.register_first("before-send", self._on_aws, unique_id="kopru-faults")
                events.register_last("before-send", _emulate_again, unique_id="kopru-emulate")

    @contextlib.contextmanager
    def actor(self, limit: datetime | None = None) -> Iterator[Actor]:
        """Everything inside is done by one invocation; invocations may nest (a race)."""
        actor = Actor(limit)
        self.actors.append(actor)
        try:
            yield actor
        finally:
            self.actors.pop()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """The test itself looks around or arranges something: no faults, no rules of keys."""
        faults, actors = self.faults, self.actors
        self.faults, self.actors = None, []
        try:
            with RULES.paused():
                yield
        finally:
            self.faults, self.actors = faults, actors

    # ------------------------------------------------------------------ the two doors

    def on_port(
        self,
        label: str,
        call: Callable[[], Answer],
        *,
        lost: Callable[[str], Answer],
        refused: Callable[[], Answer],
    ) -> Answer:
        """A call through a port: ``lost`` and ``refused`` make the answers of LR, E5 and TH."""

        def lose(mode: str) -> Answer:
            call()
            return lost(mode)

        answer: Answer = self._on_call(label, call, call, lose, refused)
        return answer

    def _on_aws(self, event_name: str, request: Any, **_: Any) -> Any:
        label = event_name.removeprefix("before-send.")

        def apply() -> None:
            botocore_stubber(event_name=event_name, request=request)

        def lose(mode: str) -> AWSResponse:
            apply()
            if mode == "LR":
                raise ReadTimeoutError(endpoint_url=request.url)
            return _failure(label, request, 500, "InternalServerError")

        return self._on_call(
            label,
            apply,
            lambda: None,  # None lets the emulation answer
            lose,
            lambda: _failure(label, request, 400, "ThrottlingException"),
        )

    def _on_call(
        self,
        label: str,
        apply: Callable[[], Any],
        go_on: Callable[[], Any],
        lose: Callable[[str], Any],
        refuse: Callable[[], Any],
    ) -> Any:
        self._alive()
        faults = self.faults
        if faults is None:
            return go_on()
        faults.trace.append(label)
        if faults.mode == "TP" and faults.n < len(faults.trace) < faults.n + _REPETITIONS:
            return refuse()
        if len(faults.trace) != faults.n:
            return go_on()
        faults.fired = True
        match faults.mode:
            case "KB":
                self._die()
            case "KA":
                apply()
                self._die()
            case "LR" | "E5":
                return lose(faults.mode)
            case "TH" | "TP":
                return refuse()
            case "RC" | "RK":
                faults.race()
                if faults.mode == "RK":
                    self._die()
                self._alive()
        return go_on()

    def _alive(self) -> None:
        """Raise Killed for an actor that is dead or past its time: ``finally`` reaches nothing."""
        if not self.actors:
            return
        actor = self.actors[-1]
        if actor.limit is not None and self.clock is not None and self.clock.now() > actor.limit:
            actor.dead = True
        if actor.dead:
            raise Killed

    def _die(self) -> None:
        if self.actors:
            self.actors[-1].dead = True
        raise Killed


SWITCHBOARD: Final = Switchboard()


def _emulate_again(**_: Any) -> None:
    botocore_stubber.enabled = True


def _failure(label: str, request: Any, status: int, code: str) -> AWSResponse:
    # botocore calls every handler of the event even after one has answered (X9): without this
    # the emulation would apply the effect behind the refusal.
    botocore_stubber.enabled = False
    if label.startswith("s3."):
        body = f"<Error><Code>{escape(code)}</Code><Message>injected</Message></Error>"
    else:
        body = json.dumps({"__type": f"com.amazonaws#{code}", "message": "injected"})
    headers: Any = {"x-amzn-errortype": code}
    return AWSResponse(request.url, status, headers, MockRawResponse(body.encode()))


@contextlib.contextmanager
def switched_on(clock: Clock) -> Iterator[Switchboard]:
    """The switchboard in place; waiting between the attempts of the SDK costs nothing."""
    SWITCHBOARD.hook_clients()
    SWITCHBOARD.clock = clock
    endpoint: Any = botocore.endpoint
    before = endpoint.time
    endpoint.time = SimpleNamespace(sleep=lambda _seconds: None)
    try:
        yield SWITCHBOARD
    finally:
        endpoint.time = before
        SWITCHBOARD.faults = None
        SWITCHBOARD.actors = []
        SWITCHBOARD.clock = None


# ---------------------------------------------------------------------------- stale reads

_Key = tuple[str, str, str]
_Image = dict[str, Any]


class LaggingDynamo:
    """A DynamoDB client whose inconsistent reads are ``lag`` writes of each row behind.

    ``GetItem``, ``BatchGetItem`` and ``Query`` without ``ConsistentRead`` and every query of an
    index see a row as it was before its last ``lag`` writes since ``start``. Everything else goes
    to the real client.
    """

    def __init__(self, real: Any, lag: int) -> None:
        self._real = real
        self.most = lag
        self._lag = 0
        self.images: dict[_Key, list[_Image | None]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def start(self, *, forget: bool = True) -> None:
        """From here on reads are behind; with ``forget`` what was written before is known
        everywhere by now.
        """
        if forget:
            self.images.clear()
        self._lag = self.most

    def stop(self) -> None:
        """Time has passed: every read sees every write."""
        self._lag = 0

    # ------------------------------------------------------------------ writes

    def put_item(self, **request: Any) -> Any:
        """As the client, remembering what was there."""
        return self._write([(request["TableName"], request["Item"])], self._real.put_item, request)

    def update_item(self, **request: Any) -> Any:
        """As the client, remembering what was there."""
        return self._write(
            [(request["TableName"], request["Key"])], self._real.update_item, request
        )

    def transact_write_items(self, **request: Any) -> Any:
        """As the client, remembering what was there."""
        touched = []
        for action in request["TransactItems"]:
            kind, one = next(iter(action.items()))
            if kind != "ConditionCheck":
                touched.append((one["TableName"], one.get("Item") or one["Key"]))
        return self._write(touched, self._real.transact_write_items, request)

    def batch_write_item(self, **request: Any) -> Any:
        """As the client, remembering what was there."""
        touched = [
            (table, write["PutRequest"]["Item"])
            for table, writes in request["RequestItems"].items()
            for write in writes
        ]
        return self._write(touched, self._real.batch_write_item, request)

    def _write(
        self, touched: Sequence[tuple[str, _Image]], call: Callable[..., Any], request: Any
    ) -> Any:
        before = {_key(table, item): self._now(table, item) for table, item in touched}
        answer = call(**request)
        for key, image in before.items():
            self.images.setdefault(key, []).append(image)
        return answer

    def _now(self, table: str, item: _Image) -> _Image | None:
        with SWITCHBOARD.quiet():
            key = {"pk": item["pk"], "sk": item["sk"]}
            answer = self._real.get_item(TableName=table, Key=key, ConsistentRead=True)
        image: _Image | None = answer.get("Item")
        return image

    # ------------------------------------------------------------------ reads

    def get_item(self, **request: Any) -> Any:
        """As the client, stale unless asked consistently."""
        answer = self._real.get_item(**request)
        if request.get("ConsistentRead"):
            return answer
        image = self._stale(_key(request["TableName"], request["Key"]), answer.get("Item"))
        answer.pop("Item", None)
        return answer | ({"Item": image} if image is not None else {})

    def batch_get_item(self, **request: Any) -> Any:
        """As the client, stale unless asked consistently."""
        answer = self._real.batch_get_item(**request)
        for table, wanted in request["RequestItems"].items():
            if wanted.get("ConsistentRead"):
                continue
            found = {_key(table, item): item for item in answer["Responses"].get(table, [])}
            images = [
                self._stale(_key(table, key), found.get(_key(table, key))) for key in wanted["Keys"]
            ]
            answer["Responses"][table] = [image for image in images if image is not None]
        return answer

    def query(self, **request: Any) -> Any:
        """As the client; an index is answered from stale images, in one page per request."""
        if request.get("ConsistentRead") or self._lag == 0:
            return self._real.query(**request)
        self._real.query(**request)  # counted, and checked by the rules of keys
        rows = self._stale_rows(request["TableName"])
        names = request["ExpressionAttributeNames"]
        values = request["ExpressionAttributeValues"]
        hash_name = names["#h"]
        index = next(
            (name for name, real in INDEX_NAMES.items() if real == request.get("IndexName")), ""
        )
        range_name = f"{index}_sk" if index else "sk"
        chosen = [row for row in rows if row.get(hash_name) == values[":h"] and range_name in row]
        expression = request["KeyConditionExpression"]
        if "begins_with" in expression:
            prefix = values[":r"]["S"]
            chosen = [row for row in chosen if row[range_name]["S"].startswith(prefix)]
        elif "<=" in expression:
            bound = values[":r"]["S"]
            chosen = [row for row in chosen if row[range_name]["S"] <= bound]
        chosen.sort(
            key=lambda row: (row[range_name]["S"], row["pk"]["S"], row["sk"]["S"]),
            reverse=not request.get("ScanIndexForward", True),
        )
        start = request.get("ExclusiveStartKey")
        if start is not None:
            at = [_identity(row) for row in chosen].index(_identity(start))
            chosen = chosen[at + 1 :]
        page = chosen[: request.get("Limit", len(chosen))]
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if len(page) < len(chosen):
            kept = {"pk", "sk", hash_name, range_name}
            answer["LastEvaluatedKey"] = {k: v for k, v in page[-1].items() if k in kept}
        return answer

    def _stale_rows(self, table: str) -> list[_Image]:
        with SWITCHBOARD.quiet():
            pages = self._real.get_paginator("scan").paginate(TableName=table)
            current = {_key(table, item): item for page in pages for item in page["Items"]}
        keys = current.keys() | {key for key in self.images if key[0] == table}
        images = [self._stale(key, current.get(key)) for key in sorted(keys)]
        return [image for image in images if image is not None]

    def _stale(self, key: _Key, current: _Image | None) -> _Image | None:
        if self._lag == 0:
            return current
        images = self.images.get(key, [])
        if not images:
            return current
        return images[-self._lag] if len(images) >= self._lag else images[0]


def _key(table: str, item: _Image) -> _Key:
    return (table, *_identity(item))


def _identity(item: _Image) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
