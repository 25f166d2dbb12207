"""The event buses: which rule wants an event, what its target gets, and where failures go."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from moto.events.models import EventPattern

from infra.local.cloud.model import (
    ACCOUNT_ID,
    FunctionNotFoundError,
    InputTransformer,
    Invoker,
    Json,
    Log,
    Now,
    Rule,
    Target,
    function_name_of,
    last_arn_part,
)
from infra.local.cloud.sqs_engine import SqsEngine
from infra.local.cloud.sqs_queue import SqsError

_MAX_ENTRIES: Final = 10
_MAX_BYTES: Final = 1_048_576
_PLACEHOLDER: Final = re.compile(r"<([\w.\-]+)>")
_PATH_STEP: Final = re.compile(r"[^.\[\]$]+")

StartExecution = Callable[[str, str], object]
"""Starts a state machine (ARN, input)."""


class BusError(Exception):
    """The request as a whole is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EventBus:
    """All buses of the stack: matching, transforming, delivering."""

    def __init__(
        self,
        *,
        region: str,
        sqs: SqsEngine,
        start_execution: StartExecution,
        invoker: Callable[[], Invoker],
        now: Now,
        log: Log,
    ) -> None:
        self._region = region
        self._sqs = sqs
        self._start_execution = start_execution
        self._invoker = invoker
        self._now = now
        self._log = log
        self._buses: frozenset[str] = frozenset({"default"})
        self._rules: tuple[tuple[Rule, EventPattern], ...] = ()

    def use(self, buses: Sequence[str], rules: Sequence[Rule]) -> None:
        """Take the buses and rules of a deployment."""
        self._buses = frozenset(buses)
        self._rules = tuple(
            (rule, EventPattern(json.dumps(rule.pattern), dict(rule.pattern))) for rule in rules
        )

    def put_events(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Answer ``PutEvents``. Every event is delivered before the answer.

        Raises: BusError.
        """
        entries = request.get("Entries") or []
        if not 1 <= len(entries) <= _MAX_ENTRIES:
            raise BusError("ValidationException", "PutEvents takes 1 to 10 entries.")
        if sum(_size(entry) for entry in entries) > _MAX_BYTES:
            raise BusError("ValidationException", "Total size of the entries is over the limit.")
        results = [self._put(entry) for entry in entries]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    def publish(
        self,
        *,
        source: str,
        detail_type: str,
        detail: Mapping[str, Json],
        bus: str = "default",
        resources: Sequence[str] = (),
        time: str | None = None,
    ) -> str:
        """Put one event on a bus and deliver it to every matching rule; returns its id."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT_ID,
            "time": time or self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": list(resources),
            "detail": detail,
        }
        for rule, pattern in self._rules:
            if rule.enabled and rule.bus == bus and pattern.matches_event(event):
                for target in rule.targets:
                    self.deliver(target, event)
        return str(event["id"])

    def deliver(self, target: Target, event: Json) -> bool:
        """Give an event to one target; what cannot be delivered goes to its dead-letter queue."""
        try:
            self._deliver(target.arn, input_for(target, event), target.message_group_id)
        except (SqsError, FunctionNotFoundError, LookupError, ValueError) as error:
            self._log(f"event for {target.arn} not delivered: {error}")
            if target.dlq_arn is not None:
                self._sqs.send(
                    last_arn_part(target.dlq_arn),
                    json.dumps(event),
                    attributes={
                        "ERROR_MESSAGE": {"DataType": "String", "StringValue": str(error)[:1000]},
                        "TARGET_ARN": {"DataType": "String", "StringValue": target.arn},
                    },
                )
            return False
        return True

    def _put(self, entry: Mapping[str, Json]) -> dict[str, Json]:
        bus = (entry.get("EventBusName") or "default").rsplit("/", 1)[-1]
        missing = [name for name in ("Source", "DetailType", "Detail") if not entry.get(name)]
        if missing:
            return _refused("InvalidArgument", f"Parameter {missing[0]} is not valid.")
        if bus not in self._buses:
            return _refused("ResourceNotFoundException", f"Event bus {bus} does not exist.")
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return _refused("MalformedDetail", "Detail is malformed.")
        identifier = self.publish(
            source=entry["Source"],
            detail_type=entry["DetailType"],
            detail=detail,
            bus=bus,
            resources=entry.get("Resources") or (),
        )
        return {"EventId": identifier}

    def _deliver(self, arn: str, payload: Json, group: str | None) -> None:
        body = json.dumps(payload, ensure_ascii=False)
        match arn.split(":")[2]:
            case "sqs":
                name = last_arn_part(arn)
                key = str(uuid.uuid4()) if name.endswith(".fifo") else None
                self._sqs.send(name, body, group_id=group, deduplication_id=key)
            case "lambda":
                self._invoker().invoke_async(function_name_of(arn), body.encode())
            case "states":
                self._start_execution(arn, body)
            case service:
                raise ValueError(f"targets of {service} are not emulated")


def matches(pattern: Mapping[str, Json], event: Mapping[str, Json]) -> bool:
    """Whether an event (or a queue record) matches an event pattern."""
    return bool(EventPattern(json.dumps(pattern), dict(pattern)).matches_event(event))


def input_for(target: Target, event: Json) -> Json:
    """What a target gets instead of, or as a part of, an event."""
    if target.input is not None:
        return json.loads(target.input)
    if target.input_path is not None:
        return _at(event, target.input_path)
    if target.transformer is not None:
        return transform(target.transformer, event)
    return event


def transform(transformer: InputTransformer, event: Mapping[str, Json]) -> Json:
    """Fill an input template: JSON when the result is JSON, else text.

    A placeholder outside quotes becomes JSON; inside quotes, the bare text of a string.
    """
    values: dict[str, Any] = {name: _at(event, path) for name, path in transformer.paths.items()}
    values["aws.events.event"] = event
    values["aws.events.event.json"] = event
    values["aws.events.event.ingestion-time"] = event.get("time")
    template = transformer.template
    pieces: list[str] = []
    quoted = False
    position = 0
    while position < len(template):
        match = _PLACEHOLDER.match(template, position)
        if match is not None and match[1] in values:
            pieces.append(_filled(values[match[1]], quoted=quoted))
            position = match.end()
            continue
        character = template[position]
        if character == '"' and (position == 0 or template[position - 1] != "\\"):
            quoted = not quoted
        pieces.append(character)
        position += 1
    text = "".join(pieces)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _filled(value: Json, *, quoted: bool) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if not quoted:
        return text
    return text[1:-1] if isinstance(value, str) else text.replace('"', '\\"')


def _at(event: Json, path: str) -> Json:
    value = event
    for step in _PATH_STEP.findall(path):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _refused(code: str, message: str) -> dict[str, Json]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _size(entry: Mapping[str, Json]) -> int:
    texts = (entry.get(name) or "" for name in ("Source", "DetailType", "Detail"))
    return sum(len(str(text).encode()) for text in texts)
