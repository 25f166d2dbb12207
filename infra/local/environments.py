"""One execution environment of a function: a process of its own and the Runtime API it talks to.

The environment is the fence of the platform: a handler that passes its limit is killed with its
whole process group, so no further AWS or provider call gets through, and the invocation fails the
way Lambda fails it (``Sandbox.Timedout``, ``Runtime.ExitError``, the document of an init error).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.local.cloud.model import FunctionSpec, InvokeOutcome, Log
from infra.local.environment_main import PARENT_PIPE
from infra.local.runtime_api import Invocation, RuntimeApi, failure

INIT_SECONDS: Final = 30.0
"""Budget for importing a handler. AWS gives 10 s; a laptop that starts six at once needs more."""

_ADVICE: Final = "LAMBDA_WARNING: Unhandled exception."
"""Begins a paragraph of AWS's client about runtime updates, which never happen here."""

_MAIN: Final = Path(__file__).with_name("environment_main.py")


class Environment:
    """A started process that runs one invocation at a time.

    ``on_exit`` is called once, from a thread of the environment, when the process is gone.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        variables: Mapping[str, str],
        *,
        log: Log,
        on_exit: Callable[[Environment], None],
    ) -> None:
        self.spec = spec
        self.started_at = time.monotonic()
        self.idle_since = self.started_at
        self.init_seconds: float | None = None
        self._log = log
        self._on_exit = on_exit
        self._up = threading.Event()
        self._gone = threading.Event()
        self._killed_for: InvokeOutcome | None = None
        self._api = RuntimeApi(spec.arn, self._polling)
        self._process, self._pipe = self._start(variables)
        threading.Thread(target=self._relay_output, daemon=True).start()
        threading.Thread(target=self._wait_for_exit, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process can still take an invocation."""
        return not self._gone.is_set() and self._killed_for is None

    @property
    def started(self) -> bool:
        """Whether the handler is loaded (or the process is gone): the cold start is over."""
        return self._up.is_set()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of the process group."""
        return self._process.pid

    @property
    def init_error(self) -> InvokeOutcome | None:
        """Why the handler could not be loaded, if it could not."""
        return self._api.init_error

    def invoke(self, payload: bytes) -> InvokeOutcome:
        """Run the handler on one event within the function's timeout."""
        if not self._up.wait(INIT_SECONDS):
            self.kill(failure("Runtime.InitTimeout", f"Init did not end in {INIT_SECONDS:.0f} s"))
        if not self.alive:
            return self._end_of(None)
        limit = float(self.spec.timeout)
        invocation = Invocation(payload, deadline=time.time() + limit)
        try:
            self._api.submit(invocation)
        except RuntimeError:
            return self._end_of(invocation)
        try:
            return invocation.answer.result(timeout=limit)
        except FutureTimeoutError:
            outcome = failure(
                "Sandbox.Timedout",
                f"RequestId: {invocation.request_id} Error: Task timed out after {limit:.2f} "
                "seconds",
            )
            self.kill(outcome)
            return outcome
        finally:
            self.idle_since = time.monotonic()

    def kill(self, outcome: InvokeOutcome | None = None) -> None:
        """End the process group at once; a running invocation fails with ``outcome``."""
        if self._gone.is_set():
            return
        if self._killed_for is None:
            self._killed_for = outcome or failure("Runtime.Killed", "The environment was stopped")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def join(self, timeout: float) -> bool:
        """Wait until the process is gone; false when it is still there."""
        return self._gone.wait(timeout)

    def _start(self, variables: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
        read_end, write_end = os.pipe()
        spec = self.spec
        imports = os.pathsep.join(str(path) for path in (spec.code_dir, *spec.layer_dirs))
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": imports,
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            **variables,
            PARENT_PIPE: str(read_end),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "_HANDLER": spec.handler,
            "LAMBDA_TASK_ROOT": str(spec.code_dir),
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": uuid.uuid4().hex,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        }
        # -P: the folder of the main file must not become importable for the handler. -S: what is
        # installed here must not be importable for a built one.
        flags = ["-P", "-S"] if spec.built else ["-P"]
        try:
            process = subprocess.Popen(
                [sys.executable, *flags, str(_MAIN)],
                cwd=spec.code_dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(read_end,),
                start_new_session=True,
            )
        except BaseException:
            os.close(write_end)
            self._api.close(lambda _: failure("Runtime.SpawnError", "The process did not start"))
            raise
        finally:
            os.close(read_end)
        return process, write_end

    def _polling(self) -> None:
        if not self._up.is_set():
            self.init_seconds = time.monotonic() - self.started_at
            self._up.set()

    def _relay_output(self) -> None:
        stream = self._process.stdout
        if stream is None:  # never with PIPE; tells the type checker so
            return
        with stream:
            for raw in stream:
                # AWS's client joins the lines of one error with carriage returns.
                for line in raw.decode("utf-8", "replace").rstrip("\n").split("\r"):
                    if line.strip() and _ADVICE not in line:
                        self._log(line.replace("\u00a0", " "))

    def _wait_for_exit(self) -> None:
        self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            # What the handler left behind in its group dies with it.
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self._pipe)
        self._gone.set()
        self._api.close(self._end_of)
        self._up.set()
        self._on_exit(self)

    def _end_of(self, invocation: Invocation | None) -> InvokeOutcome:
        """Why an invocation ended without an answer of the handler."""
        if self._killed_for is not None:
            return self._killed_for
        if self._api.init_error is not None:
            return self._api.init_error
        code = self._process.returncode
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        request = f"RequestId: {invocation.request_id} " if invocation else ""
        return failure("Runtime.ExitError", f"{request}Error: Runtime exited with error: {how}")
