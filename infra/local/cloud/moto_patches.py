"""Corrections that make moto honest enough to run a product on, concurrently and for days.

moto is written for single-threaded unit tests. Each patch below names what goes wrong without it;
``tests/unit/local/test_moto_patches.py`` shows, for each, the unpatched and the patched behaviour,
so an upgrade of moto that repairs something (or moves it) fails a test by name.

``install()`` is for a running stack, ``patched()`` for a block and, by name, for a part.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from moto import backends
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.core.responses import EmptyResult
from moto.dynamodb import models as dynamodb_models
from moto.dynamodb import responses as dynamodb_responses
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import (
    DynamodbException,
    ItemSizeTooLarge,
    MockValidationException,
)
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler
from moto.kms import models as kms_models
from moto.kms.models import KmsBackend
from moto.kms.utils import _deserialize_ciphertext_blob
from moto.stepfunctions.parser.api import (
    HistoryEventType,
    InvalidToken,
    TaskTimedOut,
    TaskTimedOutEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackPoolManager,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from infra.local.cloud.dynamodb import expressions, writes
from infra.local.cloud.dynamodb.items import IndexedItems
from infra.local.cloud.dynamodb.query import fast_query, size_of

DYNAMODB_LOCK: Final = threading.RLock()
"""Held while DynamoDB answers one request."""

_BATCH_LIMIT: Final = 25
_TOKEN_SECONDS: Final = 600.0
_REPLAY_SECONDS: Final = 5.0
_MAX_ITEM_BYTES: Final = 405_000
_DYNAMODB_ERRORS: Final = "com.amazonaws.dynamodb.v20120810#"

Replace: TypeAlias = Callable[[Any, str, Any], None]
"""Sets an attribute of a class or module and remembers what was there."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One correction."""

    name: str
    install: Callable[[Replace], None]


class _ChangeFeed:
    """Tells one listener of every write to an item (the journal of the running stack)."""

    def __init__(self) -> None:
        self.listener: Callable[[str, DynamoType, DynamoType | None, Item | None], None] | None
        self.listener = None

    def __call__(
        self, table: str, hash_key: DynamoType, range_key: DynamoType | None, item: Item | None
    ) -> None:
        if self.listener is not None:
            self.listener(table, hash_key, range_key, item)


ITEM_CHANGES: Final = _ChangeFeed()


# ---------------------------------------------------------------------- everywhere


def _service_list_once(replace: Replace) -> None:
    """moto lists the files of its own package on every request to find the names of services."""
    names = list(backends.list_of_moto_modules())
    replace(backends, "list_of_moto_modules", lambda: names)


# ---------------------------------------------------------------------- DynamoDB


def _one_request_at_a_time(replace: Replace) -> None:
    """moto checks a condition and writes without a lock: two claims of one row can both win."""
    original = DynamoHandler.call_action

    def call_action(self: Any) -> Any:
        with DYNAMODB_LOCK:
            return original(self)

    replace(DynamoHandler, "call_action", call_action)


def _indexed_items(replace: Replace) -> None:
    """A query looks at, and sorts, every item of the table: 400 ms at 20,000 items."""
    original_init = Table.__init__
    original_query = Table.query

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        self.items = IndexedItems(self, ITEM_CHANGES)

    def query(
        self: Any,
        hash_key: DynamoType | None,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int,
        exclusive_start_key: dict[str, Any],
        scan_index_forward: bool,
        projection_expressions: list[list[str]] | None,
        index_name: str | None = None,
        consistent_read: bool = False,
        filter_expression: Any = None,
        hash_key_conditions: list[tuple[str, DynamoType]] | None = None,
        range_key_conditions: list[tuple[str, str, list[DynamoType]]] | None = None,
        **filters: Any,
    ) -> Any:
        index = self.items.index(index_name) if index_name else None
        simple = (
            isinstance(self.items, IndexedItems)
            and hash_key is not None
            and not filters
            and len(hash_key_conditions or ()) <= 1
            and len(range_key_conditions or ()) <= 1
            and (not index_name or (index is not None and not consistent_read))
        )
        if not simple:
            return original_query(
                self,
                hash_key,
                range_comparison,
                range_objs,
                limit,
                exclusive_start_key,
                scan_index_forward,
                projection_expressions,
                index_name,
                consistent_read,
                filter_expression,
                hash_key_conditions=hash_key_conditions,
                range_key_conditions=range_key_conditions,
                **filters,
            )
        return fast_query(
            self,
            hash_key,
            range_comparison,
            range_objs,
            limit,
            exclusive_start_key,
            scan_index_forward is not False,
            projection_expressions,
            index,
            filter_expression,
        )

    replace(Table, "__init__", __init__)
    replace(Table, "query", query)


def _updates_on_copies(replace: Replace) -> None:
    """An update that fails half-way leaves its first half; a cancelled one shows in old reads."""
    replace(dynamodb_models.DynamoDBBackend, "update_item", writes.update_item)


def _transactions_in_place(replace: Replace) -> None:
    """A transaction copies every table it touches, per action, and a cancelled one puts the copy
    back over what others wrote meanwhile: 21 of 300 acknowledged writes were lost.
    """
    replace(dynamodb_models.DynamoDBBackend, "transact_write_items", writes.transact_write_items)


def _request_tokens(replace: Replace) -> None:
    """``ClientRequestToken`` is ignored: a repeated transaction runs twice. A token that comes
    back with another request is refused, as on AWS.
    """
    original = DynamoHandler.transact_write_items
    answered: dict[str, tuple[float, bytes, Any]] = {}

    def transact_write_items(self: Any) -> Any:
        token = self.body.get("ClientRequestToken")
        if not token:
            return original(self)
        now = time.monotonic()
        while answered:
            oldest = next(iter(answered))
            if answered[oldest][0] > now - _TOKEN_SECONDS:
                break
            del answered[oldest]
        text = json.dumps(self.body, sort_keys=True, default=repr)
        request = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if token in answered:
            _, earlier, answer = answered[token]
            if earlier != request:
                raise DynamodbException(
                    f"{_DYNAMODB_ERRORS}IdempotentParameterMismatchException",
                    message="The request token was used with different parameters",
                )
            return answer
        answer = original(self)
        answered[token] = (now, request, answer)
        return answer

    replace(DynamoHandler, "transact_write_items", transact_write_items)


def _request_limits(replace: Replace) -> None:
    """A batch of more than 25 writes is accepted; a transactional read stops at 25 items although
    AWS takes 100.
    """
    original = DynamoHandler.batch_write_item

    def batch_write_item(self: Any) -> Any:
        requests = self.body.get("RequestItems", {})
        if sum(len(one) for one in requests.values()) > _BATCH_LIMIT:
            raise MockValidationException("Too many items requested for the BatchWriteItem call")
        return original(self)

    replace(DynamoHandler, "batch_write_item", batch_write_item)
    replace(dynamodb_responses, "TRANSACTION_MAX_ITEMS", 100)


def _expressions_once(replace: Replace) -> None:
    """Every condition is parsed three times per write, every update expression twice."""
    replace(ConditionExpressionParser, "parse", expressions.parse_condition)
    replace(ConditionExpressionParser, "_make_operand", expressions.make_operand)

    def make(_: Any, expression_str: str) -> Any:
        return expressions.parse_update(expression_str)

    replace(UpdateExpressionParser, "make", classmethod(make))


def _item_size_once(replace: Replace) -> None:
    """Building an item measures all its attributes again for each attribute."""

    def __init__(
        self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: Mapping[str, Any]
    ) -> None:
        self.hash_key = hash_key
        self.range_key = range_key
        self.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if size_of(self) > _MAX_ITEM_BYTES:
            raise ItemSizeTooLarge

    replace(Item, "__init__", __init__)


# ---------------------------------------------------------------------- Step Functions


def _state_machines_run(replace: Replace) -> None:
    """By default moto only pretends to run executions."""
    replace(default_user_config["stepfunctions"], "execute_state_machine", True)


def _executions_have_names(replace: Replace) -> None:
    """An execution started without a name is called "None", and so is the next one."""
    original = StepFunctionsParserBackend.start_execution

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Any:
        chosen = name or str(uuid.uuid4())
        return original(self, state_machine_arn, chosen, execution_input, trace_header)

    replace(StepFunctionsParserBackend, "start_execution", start_execution)


def _failures_keep_their_cause(replace: Replace) -> None:
    """``SendTaskFailure`` forgets its cause."""

    def send_task_failure(self: Any) -> Any:
        self.stepfunction_backend.send_task_failure(
            self._get_param("taskToken"),
            error=self._get_param("error"),
            cause=self._get_param("cause"),
        )
        return EmptyResult()

    replace(StepFunctionResponse, "send_task_failure", send_task_failure)


class _TaskTokens:
    """Which task tokens were given out, and which were answered (they outlive a restart)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: set[str] = set()
        self.used: set[str] = set()
        self.on_used: Callable[[str, Any], None] | None = None
        self.is_expected: Callable[[str], bool] | None = None

    def use(self, token: str, outcome: Any) -> None:
        """Remember that a token was answered, and how."""
        self.used.add(token)
        if self.on_used is not None:
            self.on_used(token, outcome)

    def may_come(self, token: str) -> bool:
        """Whether a replay is on its way to the task that waits for this token."""
        return self.is_expected is not None and self.is_expected(token)


TASK_TOKENS: Final = _TaskTokens()


def _tokens_are_good_once(replace: Replace) -> None:
    """A task token can be answered again and again; AWS says ``TaskTimedOut`` from the second
    time on, also when its execution has ended.
    """
    original_add = CallbackPoolManager.add

    def add(self: Any, callback_id: str) -> Any:
        TASK_TOKENS.known.add(callback_id)
        return original_add(self, callback_id)

    def once(original: Callable[..., Any], outcome_of: Callable[..., Any]) -> Callable[..., Any]:
        def send(self: Any, task_token: str, *args: Any, **kwargs: Any) -> Any:
            deadline = time.monotonic() + _REPLAY_SECONDS
            while True:
                with TASK_TOKENS.lock:
                    if task_token in TASK_TOKENS.used:
                        raise _gone()
                    try:
                        answer = original(self, task_token, *args, **kwargs)
                    except InvalidToken:
                        if task_token not in TASK_TOKENS.known:
                            raise
                    else:
                        TASK_TOKENS.use(task_token, outcome_of(*args, **kwargs))
                        return answer
                if not TASK_TOKENS.may_come(task_token) or time.monotonic() > deadline:
                    raise _gone()
                time.sleep(0.05)

        return send

    def success(outcome: str) -> Any:
        return ("output", json.loads(outcome))

    def failure(error: str | None = None, cause: str | None = None) -> Any:
        return ("error", error, cause)

    replace(CallbackPoolManager, "add", add)
    for operation, outcome_of in (("send_task_success", success), ("send_task_failure", failure)):
        original = getattr(StepFunctionsParserBackend, operation)
        replace(StepFunctionsParserBackend, operation, once(original, outcome_of))


def _starting_executions_wait(replace: Replace) -> None:
    """Answering a token fails with a Python error while another execution is just starting."""
    original = StepFunctionsParserBackend._get_executions

    def _get_executions(self: Any, execution_status: Any = None) -> list[Any]:
        return [
            execution
            for execution in original(self, execution_status)
            if execution.exec_worker is not None and execution.exec_worker.env is not None
        ]

    replace(StepFunctionsParserBackend, "_get_executions", _get_executions)


def _gone() -> Exception:
    # The error class of moto has lost its own code; the SDK needs it to raise the right one.
    error: Exception = TaskTimedOut(
        "Task Timed Out: 'Provided task does not exist anymore'", "TaskTimedOut", 400
    )
    return error


def _heartbeats_time_out_by_name(replace: Replace) -> None:
    """A missed heartbeat is reported as ``States.Timeout`` instead of
    ``States.HeartbeatTimeout``, so the wrong branch of the machine is taken.
    """
    original = StateTaskServiceCallback._from_error

    def _from_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, HeartbeatTimeoutError):
            return original(self, env, ex)
        name = StatesErrorNameType.StatesHeartbeatTimeout
        return FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=name),
            event_type=HistoryEventType.TaskTimedOut,
            event_details=EventDetails(
                taskTimedOutEventDetails=TaskTimedOutEventDetails(
                    error=name.to_name(),
                    resource=self._get_sfn_resource(),
                    resourceType=self._get_sfn_resource_type(),
                )
            ),
        )

    replace(StateTaskServiceCallback, "_from_error", _from_error)


# ---------------------------------------------------------------------- KMS


def _disabled_keys_refuse(replace: Replace) -> None:
    """moto encrypts and decrypts with keys that are disabled or waiting for deletion."""
    for operation in ("encrypt", "decrypt", "generate_data_key"):
        original = getattr(KmsBackend, operation)
        replace(KmsBackend, operation, _with_enabled_key(original))


def _with_enabled_key(original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse_or_do(self: Any, *args: Any, **kwargs: Any) -> Any:
        if "ciphertext_blob" in kwargs:
            key_id = _deserialize_ciphertext_blob(kwargs["ciphertext_blob"]).key_id
        else:
            key_id = kwargs.get("key_id") or args[0]
        key = self.keys.get(self.any_id_to_key_id(key_id))
        if key is not None and key.key_state == "Disabled":
            raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
        if key is not None and key.key_state == "PendingDeletion":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return original(self, *args, **kwargs)

    return refuse_or_do


def _symmetric_keys_are_cheap(replace: Replace) -> None:
    """For every key, also a symmetric one, moto generates an RSA key pair that nobody can use."""
    original = kms_models.generate_private_key

    def generate_private_key(key_spec: str) -> Any:
        return None if key_spec == "SYMMETRIC_DEFAULT" else original(key_spec)

    replace(kms_models, "generate_private_key", generate_private_key)


# ---------------------------------------------------------------------- installing

PATCHES: Final[Mapping[str, Patch]] = MappingProxyType(
    {
        patch.name: patch
        for patch in (
            Patch("service-list-once", _service_list_once),
            Patch("one-request-at-a-time", _one_request_at_a_time),
            Patch("indexed-items", _indexed_items),
            Patch("updates-on-copies", _updates_on_copies),
            Patch("transactions-in-place", _transactions_in_place),
            Patch("request-tokens", _request_tokens),
            Patch("request-limits", _request_limits),
            Patch("expressions-once", _expressions_once),
            Patch("item-size-once", _item_size_once),
            Patch("state-machines-run", _state_machines_run),
            Patch("executions-have-names", _executions_have_names),
            Patch("failures-keep-their-cause", _failures_keep_their_cause),
            Patch("tokens-are-good-once", _tokens_are_good_once),
            Patch("starting-executions-wait", _starting_executions_wait),
            Patch("heartbeats-time-out-by-name", _heartbeats_time_out_by_name),
            Patch("disabled-keys-refuse", _disabled_keys_refuse),
            Patch("symmetric-keys-are-cheap", _symmetric_keys_are_cheap),
        )
    }
)
"""Every correction by name, in the order of installation."""

_Replaced: TypeAlias = list[tuple[Any, str, Any]]

_installed: _Replaced = []


def install(*more: Patch) -> None:
    """Install every patch, and ``more``, until :func:`uninstall`; further calls do nothing."""
    if not _installed:
        _replace_all([*PATCHES.values(), *more], _installed)


def uninstall() -> None:
    """Bring back moto as it was."""
    _put_back(_installed)


@contextmanager
def patched(names: Collection[str] = tuple(PATCHES)) -> Iterator[None]:
    """Install some patches for a block."""
    if _installed:
        raise RuntimeError("the patches are installed for the whole process already")
    replaced: _Replaced = []
    try:
        _replace_all([PATCHES[name] for name in names], replaced)
        yield
    finally:
        _put_back(replaced)


def _replace_all(patches: Collection[Patch], replaced: _Replaced) -> None:
    def replace(owner: Any, name: str, value: Any) -> None:
        replaced.append((owner, name, _get(owner, name)))
        _set(owner, name, value)

    for patch in patches:
        patch.install(replace)


def _put_back(replaced: _Replaced) -> None:
    while replaced:
        _set(*replaced.pop())


def _get(owner: Any, name: str) -> Any:
    # vars() keeps classmethod objects as they are; getattr would bind them.
    return owner[name] if isinstance(owner, dict) else vars(owner)[name]


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)
