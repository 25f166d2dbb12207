"""Step Functions executions that survive a killed process, by replay.

moto interprets the real state machine but keeps executions in threads. The journal here writes
down every start, every outcome of a task, every task token with its answer, and when each wait
began. Waits for tokens and wait states follow the clock of the stack, which can be moved. After a
restart a running execution is started again: finished tasks answer from the journal without any
effect, a task that waits for its token waits for the *same* token, and waits and timeouts only take
what is left of them. Finished executions are listed as before, and their names stay taken.

Lambda tasks written as a bare function ARN are not journalled; they run again. Use
``arn:aws:states:::lambda:invoke``.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import (
    Timestamp,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    CallbackTimeoutError,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.states import ContextObject
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)

from infra.local.cloud.database import copy_database, open_database
from infra.local.cloud.model import Log
from infra.local.cloud.moto_patches import TASK_TOKENS, Replace
from infra.local.template import Scope

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS execution (
  arn TEXT PRIMARY KEY, state_machine TEXT NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL,
  started_at REAL NOT NULL, status TEXT NOT NULL, stopped_at REAL, outcome TEXT);
CREATE TABLE IF NOT EXISTS step (
  key TEXT PRIMARY KEY, execution TEXT NOT NULL, started_at REAL NOT NULL, token TEXT,
  submitted TEXT, outcome TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS step_by_execution ON step (execution);
CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, outcome TEXT NOT NULL) WITHOUT ROWID;
"""
_KEY: Final = "_kopru_step"
_SLICE_SECONDS: Final = 0.2

Outcome = tuple[Literal["output"], Any] | tuple[Literal["error"], str | None, str | None]
"""How a task ended: its output, or the name and cause of its error."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the journal knows of one attempt of one task, or of one wait."""

    started_at: float
    token: str | None = None
    submitted: Any = None
    outcome: Outcome | None = None


class ExecutionJournal:
    """The file behind the executions of one stack."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = open_database(path, _SCHEMA)
        self._visits: dict[str, int] = defaultdict(int)
        self.opened_at = time.time()
        TASK_TOKENS.known = {
            row[0] for row in self._rows("SELECT token FROM step WHERE token > ''")
        }
        TASK_TOKENS.used = {row[0] for row in self._rows("SELECT token FROM token")}

    def close(self) -> None:
        """Write nothing any more: what happens from here on is the end of the process."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def backup(self, target: Path) -> None:
        """Write a consistent copy to ``target``."""
        with self._lock:
            if self._database is not None:
                copy_database(self._database, target)

    # ------------------------------------------------------------------ executions

    def started(self, execution: Any) -> None:
        """An execution was started (again)."""
        self._write(
            "INSERT OR IGNORE INTO execution VALUES (?,?,?,?,?,?,NULL,NULL)",
            execution.exec_arn,
            execution.state_machine_arn,
            execution.name,
            execution.execution_input,
            time.time(),
            "RUNNING",
        )

    def ended(self, execution: Any) -> None:
        """An execution has come to its end; its steps are not needed any more."""
        outcome = json.dumps([execution.output, execution.error, execution.cause], default=str)
        self._write(
            "UPDATE execution SET status=?, stopped_at=?, outcome=? WHERE arn=?",
            execution.exec_status.value,
            time.time(),
            outcome,
            execution.exec_arn,
        )
        self._write("DELETE FROM step WHERE execution=?", execution.exec_arn)

    def executions(self, *, running: bool) -> list[tuple[Any, ...]]:
        """ARN, machine, name, input, start, status, end, outcome of executions, by start."""
        return self._rows(
            "SELECT * FROM execution WHERE (status='RUNNING')=? ORDER BY started_at", running
        )

    # ------------------------------------------------------------------ steps

    def visit(self, env: Any, state: str) -> str:
        """Key of one visit to a state: the same for the same visit of a replay."""
        context = env.states.context_object.context_object_data
        item = (context.get("Map") or {}).get("Item") or {}
        place = f"{context['Execution']['Id']}|{state}|{item.get('Index', '')}"
        with self._lock:
            count = self._visits[place]
            self._visits[place] += 1
        return f"{place}|{count}"

    def begin(self, key: str) -> Step:
        """What is known of a step, which begins now if it did not before."""
        execution = key.split("|", 1)[0]
        now = time.time()
        self._write(
            "INSERT OR IGNORE INTO step (key, execution, started_at) VALUES (?,?,?)",
            key,
            execution,
            now,
        )
        rows = self._rows("SELECT started_at, token, submitted, outcome FROM step WHERE key=?", key)
        if not rows:
            return Step(now)
        started_at, token, submitted, outcome = rows[0]
        return Step(
            started_at,
            token,
            None if submitted is None else json.loads(submitted),
            None if outcome is None else tuple(json.loads(outcome)),
        )

    def write_step(
        self, key: str, column: Literal["token", "submitted", "outcome"], value: Any
    ) -> None:
        """Write one fact about a step."""
        text = value if column == "token" else json.dumps(value, default=str)
        self._write(f"UPDATE step SET {column}=? WHERE key=?", text, key)  # noqa: S608 (fixed names)

    def answered(self, token: str, outcome: Outcome) -> None:
        """A task token was answered."""
        self._write("INSERT OR IGNORE INTO token VALUES (?,?)", token, json.dumps(outcome))

    def answer_to(self, token: str | None) -> Outcome | None:
        """The answer a token got, if any."""
        rows = self._rows("SELECT outcome FROM token WHERE token=?", token)
        return tuple(json.loads(rows[0][0])) if rows else None

    def expects(self, token: str) -> bool:
        """Whether an execution that has not ended waits, or will wait again, for this token."""
        return bool(self._rows("SELECT 1 FROM step WHERE token=?", token))

    def already_waited(self, step: Step) -> float:
        """Seconds that went by before this process; none for what began in it."""
        return time.time() - step.started_at if step.started_at < self.opened_at else 0.0

    # ------------------------------------------------------------------ SQL

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return [] if self._database is None else self._database.execute(sql, values).fetchall()

    def _write(self, sql: str, *values: object) -> None:
        with self._lock:
            if self._database is not None:
                self._database.execute(sql, values)


class _Current(threading.local):
    """The step this thread is about to run."""

    key: str | None = None


class Executions:
    """Hooks the journal into moto's interpreter; without a journal everything is as before."""

    def __init__(self) -> None:
        self.journal: ExecutionJournal | None = None
        self.seconds: Callable[[], float] = time.time
        """The clock that waits and timeouts follow: that of the stack, which can be moved."""
        self._current = _Current()
        self._asleep: dict[object, Callable[[], bool]] = {}
        self.woken = 0
        """Waits that have ended in this process."""

    # ------------------------------------------------------------------ life cycle

    def open(self, journal: ExecutionJournal, seconds: Callable[[], float] = time.time) -> None:
        """Journal everything from now on; ``seconds`` is the clock of the stack."""
        self.journal = journal
        self.seconds = seconds
        TASK_TOKENS.on_used = journal.answered
        TASK_TOKENS.is_expected = journal.expects

    def close(self, scope: Scope) -> None:
        """Journal nothing any more and end every thread of an execution."""
        if self.journal is None:
            return
        TASK_TOKENS.on_used = TASK_TOKENS.is_expected = None
        self.journal.close()
        self.journal = None
        # Who waits for a token of a closed account may do so for ever: no wait of the next one.
        self._asleep = {}
        for execution in _executions_of(scope):
            worker = execution.exec_worker
            if execution.exec_status == ExecutionStatus.RUNNING and worker and worker.env:
                with contextlib.suppress(Exception):
                    execution.stop(datetime.now(UTC), None, None)

    def quiet(self, scope: Scope) -> bool:
        """Whether every running execution waits for something that has not come yet.

        A wait is not quiet when the clock has passed its end or its token was answered: its thread
        is about to wake.
        """
        waits = [*self._asleep.values()]
        running = sum(
            execution.exec_status == ExecutionStatus.RUNNING for execution in _executions_of(scope)
        )
        return len(waits) >= running and not any(is_over() for is_over in waits)

    def restore_finished(self, scope: Scope, state_machine_arn: str) -> None:
        """List the finished executions of a machine again, so that their names stay taken."""
        if self.journal is None:
            return
        backend = stepfunctions_parser_backends[scope.account_id][scope.region]
        machine = backend.describe_state_machine(state_machine_arn)
        known = {execution.exec_arn for execution in machine.executions}
        for row in self.journal.executions(running=False):
            arn, owner, name, text, started_at, status, stopped_at, outcome = row
            if owner != state_machine_arn or arn in known:
                continue
            execution = Execution(
                name=name,
                sm_type=machine.sm_type,
                role_arn=machine.roleArn,
                exec_arn=arn,
                account_id=scope.account_id,
                region_name=scope.region,
                state_machine=machine,
                start_date=datetime.fromtimestamp(started_at, UTC),
                cloud_watch_logging_session=None,
                input_data=text,
                activity_store={},
            )
            execution.exec_status = ExecutionStatus(status)
            execution.stop_date = datetime.fromtimestamp(stopped_at, UTC)
            execution.output, execution.error, execution.cause = json.loads(outcome)
            machine.executions.append(execution)

    def resume(self, scope: Scope, log: Log) -> int:
        """Start again what was running when the last process ended; returns how many."""
        if self.journal is None:
            return 0
        backend = stepfunctions_parser_backends[scope.account_id][scope.region]
        alive = {execution.exec_arn for execution in _executions_of(scope)}
        resumed = 0
        for arn, machine, name, text, *_ in self.journal.executions(running=True):
            if arn in alive:
                continue
            try:
                backend.start_execution(machine, name, text)
                resumed += 1
            except Exception as error:
                log(f"execution {arn} cannot be resumed: {error!r}")
        return resumed

    # ------------------------------------------------------------------ hooks

    def install(self, replace: Replace) -> None:
        """Put the hooks into moto (a patch; see :mod:`infra.local.cloud.moto_patches`)."""
        self._hook_executions(replace)
        self._hook_tasks(replace)
        self._hook_service_calls(replace)
        self._hook_waits(replace)
        self._hook_tokens(replace)

    def _hook_executions(self, replace: Replace) -> None:
        original_start = StepFunctionsParserBackend.start_execution
        original_end = BaseExecutionWorkerCommunication.terminated

        def start_execution(backend: Any, *args: Any, **kwargs: Any) -> Any:
            execution = original_start(backend, *args, **kwargs)
            if self.journal is not None:
                self.journal.started(execution)
            return execution

        def terminated(communication: Any) -> None:
            original_end(communication)
            if self.journal is not None:
                self.journal.ended(communication.execution)

        replace(StepFunctionsParserBackend, "start_execution", start_execution)
        replace(BaseExecutionWorkerCommunication, "terminated", terminated)

    def _hook_tasks(self, replace: Replace) -> None:
        original_body = StateTaskServiceCallback._eval_body
        original_token = ContextObject.update_task_token
        original_frame = Environment.as_inner_frame_of.__func__
        original_execution = StateTaskService._eval_execution

        def _eval_body(task: Any, env: Any) -> None:
            if self.journal is None:
                original_body(task, env)
                return
            key = self.journal.visit(env, task.name)
            setattr(env, _KEY, key)
            try:
                with self._running(f"{key}|token"):
                    original_body(task, env)
            finally:
                setattr(env, _KEY, None)

        def update_task_token(context: Any) -> str:
            fresh: str = original_token(context)
            key = self._current.key
            if self.journal is None or key is None:
                return fresh
            known = self.journal.begin(key).token
            if known is None:
                self.journal.write_step(key, "token", fresh)
                return fresh
            context.context_object_data["Task"]["Token"] = known
            return known

        def as_inner_frame_of(cls: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
            # A timed attempt runs in a frame of its own, on a thread of its own.
            frame = original_frame(cls, env, *args, **kwargs)
            setattr(frame, _KEY, getattr(env, _KEY, None))
            return frame

        def _eval_execution(task: Any, env: Any) -> None:
            visit = getattr(env, _KEY, None)
            if self.journal is None or visit is None:
                original_execution(task, env)
                return
            retry = env.states.context_object.context_object_data["State"]["RetryCount"]
            key = f"{visit}|{retry}"
            step = self.journal.begin(key)
            token = self.journal.begin(f"{visit}|token").token
            outcome = step.outcome or self.journal.answer_to(token)
            if outcome is not None:
                _answer(env, outcome)
            else:
                with self._running(key):
                    self._run_task(task, env, key, original_execution)

        replace(StateTaskServiceCallback, "_eval_body", _eval_body)
        replace(ContextObject, "update_task_token", update_task_token)
        replace(Environment, "as_inner_frame_of", classmethod(as_inner_frame_of))
        replace(StateTaskService, "_eval_execution", _eval_execution)

    def _run_task(self, task: Any, env: Any, key: str, run: Callable[[Any, Any], None]) -> None:
        try:
            run(task, env)
        except (CallbackTimeoutError, TimeoutError):
            # Time is not an outcome: after a restart what is left of it is waited for again.
            raise
        except Exception as error:
            if self.journal is not None and env.is_running():
                failure = task._from_error(env, error)
                details = next(iter(failure.event_details.values()))
                name = failure.error_name.error_name if failure.error_name else None
                # The interpreter's own errors come again by themselves.
                if not str(name).startswith("States."):
                    self.journal.write_step(key, "outcome", ("error", name, details.get("cause")))
            raise
        if self.journal is not None:
            self.journal.write_step(key, "outcome", ("output", env.stack[-1]))

    def _hook_service_calls(self, replace: Replace) -> None:
        # The factory imports every service, so that all subclasses exist by now.
        assert state_task_service_factory is not None  # noqa: S101
        for service in _subclasses(StateTaskService):
            if "_eval_service_task" in vars(service):
                replace(
                    service, "_eval_service_task", self._once(vars(service)["_eval_service_task"])
                )

    def _once(self, original: Callable[..., None]) -> Callable[..., None]:
        """A service call whose answer is written down before anybody waits for its token."""

        def _eval_service_task(task: Any, env: Any, **kwargs: Any) -> None:
            key, self._current.key = self._current.key, None
            submitted = None
            if self.journal is not None and key is not None:
                submitted = self.journal.begin(key).submitted
            if submitted is not None:
                env.stack.append(submitted[0])
                return
            original(task, env=env, **kwargs)
            if self.journal is not None and key is not None:
                self.journal.write_step(key, "submitted", [env.stack[-1]])

        return _eval_service_task

    def _hook_waits(self, replace: Replace) -> None:
        original_timeout = Timeout._eval_body

        def wait(function: Any, env: Any) -> None:
            seconds = function._get_wait_seconds(env=env)
            if self.journal is not None:
                state = env.states.context_object.context_object_data["State"]["Name"]
                step = self.journal.begin(self.journal.visit(env, f"{state}|wait"))
                if not isinstance(function, Timestamp):
                    seconds = max(0, seconds - self.journal.already_waited(step))
            self._wait(env, seconds)

        def timeout(limit: Any, env: Any) -> None:
            original_timeout(limit, env)
            visit = getattr(env, _KEY, None)
            if self.journal is not None and visit is not None:
                waited = self.journal.already_waited(self.journal.begin(f"{visit}|token"))
                env.stack.append(max(0, env.stack.pop() - int(waited)))

        replace(WaitFunction, "_eval_body", wait)
        replace(Timeout, "_eval_body", timeout)

    def _hook_tokens(self, replace: Replace) -> None:
        def wait(endpoint: Any, timeout: float | None = None) -> Any:
            """Wait for a token on the clock of the stack: moving it ends the wait."""
            event = endpoint._notify_event
            until = None if timeout is None else self.seconds() + timeout

            def is_over() -> bool:
                return event.is_set() or (until is not None and self.seconds() >= until)

            with self._sleeping(is_over):
                while not event.is_set():
                    left = _SLICE_SECONDS if until is None else until - self.seconds()
                    if left <= 0:
                        break
                    event.wait(min(left, _SLICE_SECONDS))
            return endpoint._outcome

        replace(CallbackEndpoint, "wait", wait)

    def _wait(self, env: Any, seconds: float) -> None:
        """Wait while the execution runs.

        moto counts whole seconds only, so what is left of a resumed wait, a fraction, would never
        end.
        """
        until = self.seconds() + seconds
        with self._sleeping(lambda: self.seconds() >= until):
            while env.is_running() and (left := until - self.seconds()) > 0:
                # In slices: an end between the question and the wait would not be noticed, and
                # the clock of the stack may be moved.
                env.program_state_event.wait(min(left, _SLICE_SECONDS))

    @contextmanager
    def _sleeping(self, is_over: Callable[[], bool]) -> Iterator[None]:
        wait, asleep = object(), self._asleep
        asleep[wait] = is_over
        try:
            yield
        finally:
            self.woken += 1
            del asleep[wait]

    @contextmanager
    def _running(self, key: str) -> Iterator[None]:
        before, self._current.key = self._current.key, key
        try:
            yield
        finally:
            self._current.key = before


EXECUTIONS: Final = Executions()
"""The hooks of this process (moto's interpreter is the process's)."""


def _answer(env: Any, outcome: Outcome) -> None:
    if outcome[0] == "error":
        raise CallbackOutcomeFailureError(CallbackOutcomeFailure("replay", outcome[1], outcome[2]))
    env.stack.append(outcome[1])


def _executions_of(scope: Scope) -> list[Any]:
    backend = stepfunctions_parser_backends[scope.account_id][scope.region]
    return [execution for machine in backend.state_machines for execution in machine.executions]


def _subclasses(cls: Any) -> Sequence[Any]:
    found: list[Any] = []
    for child in cls.__subclasses__():
        found += [child, *_subclasses(child)]
    return found
