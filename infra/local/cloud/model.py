"""What the cloud half and the runtime half of the local stack say to each other.

The cloud half (this package) owns everything that AWS would keep: tables, queues, objects, keys,
mails, executions, rules. The runtime half owns everything that AWS would *run*: function
processes, the HTTP gateway, queue pollers, the scheduler. These plain values are the only thing
both sides know; neither imports the other's machinery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

ACCOUNT_ID: Final = "123456789012"
"""The account every local ARN names."""

Json: TypeAlias = Any
"""A JSON document: resolved template parts and events have no narrower type."""

Log: TypeAlias = Callable[[str], None]
"""Where the stack says things aloud, one line each."""

Now: TypeAlias = Callable[[], datetime]
"""The movable clock of the stack; returns an aware UTC datetime."""


class LocalCloudError(Exception):
    """The stack cannot do what was asked; the message names the cause and the way out."""


class FunctionNotFoundError(Exception):
    """Nobody deployed a function of this name."""


class ThrottledError(Exception):
    """The function has no free environment within its concurrency limit."""


@dataclass(frozen=True, slots=True)
class InvokeOutcome:
    """Answer of one finished invocation.

    Shapes: ``payload`` is the JSON the function returned, or the error document
    (``errorType``, ``errorMessage``, ``stackTrace``) when ``function_error`` is set.
    """

    payload: bytes
    function_error: str | None = None


class Invoker(Protocol):
    """The one seam through which the cloud half runs functions (implemented by the runtime)."""

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        """Run the function and wait for its answer.

        Raises: FunctionNotFoundError, ThrottledError.
        """
        ...

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        """Accept the event now and run the function later, with retries and its own DLQ.

        Raises: FunctionNotFoundError.
        """
        ...


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One deployed function.

    Units: ``timeout`` in seconds, ``memory`` in MB.
    Shapes: ``code_dir`` goes first on the import path, then ``layer_dirs`` in order; third-party
    packages come from the interpreter's own environment, of a ``built`` function from its layers
    alone. ``env`` is what the template says;
    :meth:`LocalCloud.boto3_env` adds what the platform would say.
    """

    logical_id: str
    name: str
    arn: str
    handler: str
    code_dir: Path
    layer_dirs: tuple[Path, ...]
    env: Mapping[str, str]
    timeout: int
    memory: int
    reserved_concurrency: int | None = None
    dlq_arn: str | None = None
    built: bool = False


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """A queue that calls a function.

    Units: ``window_seconds`` is the batching window. ``maximum_concurrency`` of None means that
    the template does not limit it.
    Shapes: ``filters`` are event patterns, any of which lets a record through; none lets all.
    """

    logical_id: str
    source_arn: str
    queue_name: str
    function_name: str
    batch_size: int = 10
    window_seconds: float = 0.0
    maximum_concurrency: int | None = None
    report_batch_item_failures: bool = False
    filters: tuple[Json, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class InputTransformer:
    """How a rule rewrites an event: named JSON paths and the template that uses them."""

    paths: Mapping[str, str]
    template: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule or a schedule delivers.

    Shapes: ``input`` is a literal JSON text that replaces the event; ``input_path`` selects a
    part of it; at most one of ``input``, ``input_path`` and ``transformer`` is set.
    """

    target_id: str
    arn: str
    input: str | None = None
    input_path: str | None = None
    transformer: InputTransformer | None = None
    message_group_id: str | None = None
    dlq_arn: str | None = None
    maximum_retries: int = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern on a bus and its targets."""

    logical_id: str
    name: str
    bus: str
    pattern: Mapping[str, Json]
    targets: tuple[Target, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """A clock trigger (``rate(..)``, ``cron(..)`` or ``at(..)``) in its own zone."""

    logical_id: str
    name: str
    expression: str
    timezone: str
    target: Target
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class DeclaredOnly:
    """A resource that the template declares and this stack does not emulate."""

    logical_id: str
    resource_type: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything the runtime half needs to know about a deployed template.

    Shapes: ``http_api_body`` is the OpenAPI document that SAM generates, all intrinsics resolved
    (None when the template has no HTTP API); ``http_api_cors`` and ``http_api_id`` belong to it.
    ``physical_ids`` maps ``Child/LogicalId`` paths (children of nested stacks) to what ``Ref``
    gives. Tables, queues and buckets are physical names in template order.
    """

    stack_name: str
    parameters: Mapping[str, str]
    functions: tuple[FunctionSpec, ...]
    http_api_body: Json
    http_api_id: str
    event_source_mappings: tuple[EventSourceMapping, ...]
    schedules: tuple[Schedule, ...]
    rules: tuple[Rule, ...]
    outputs: Mapping[str, str]
    declared_only: tuple[DeclaredOnly, ...]
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    buses: tuple[str, ...] = ()
    state_machines: tuple[str, ...] = ()
    mail_event_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def function(self, name: str) -> FunctionSpec:
        """The function of this name or logical id.

        Raises: FunctionNotFoundError.
        """
        for spec in self.functions:
            if name in (spec.name, spec.logical_id):
                return spec
        raise FunctionNotFoundError(name)


def function_name_of(reference: str) -> str:
    """The bare function name of a name, a partial ARN or a full ARN, qualified or not."""
    if ":function:" in reference:
        reference = reference.split(":function:", 1)[1]
    return reference.split(":", 1)[0]


def last_arn_part(arn: str) -> str:
    """The resource name at the end of an ARN whose resource part has no slash (queues)."""
    return arn.rsplit(":", 1)[-1]


__all__: Sequence[str] = [
    "ACCOUNT_ID",
    "DeclaredOnly",
    "Deployment",
    "EventSourceMapping",
    "FunctionNotFoundError",
    "FunctionSpec",
    "InputTransformer",
    "InvokeOutcome",
    "Invoker",
    "Json",
    "LocalCloudError",
    "Log",
    "Now",
    "Rule",
    "Schedule",
    "Target",
    "ThrottledError",
    "function_name_of",
    "last_arn_part",
]
