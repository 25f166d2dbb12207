"""Body of one execution environment: the process in which a function's handler runs.

AWS's own runtime interface client runs the handler where a wheel exists (Linux); elsewhere the
small loop below speaks the same three-endpoint protocol, so a timeout kills a process on every
machine. This file is started by path, in a clean environment, and imports nothing of ours: what
a handler can import is decided by its artifact and layers alone.

A pipe inherited from the stack is watched all the time. The kernel closes it when the stack goes
away, however it goes away, and the environment then kills its own process group: no orphan may
go on working against a queue or a provider after its owner died.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Final

PARENT_PIPE: Final = "KOPRU_LOCAL_PARENT_PIPE"
RUNTIME_CHOICE: Final = "KOPRU_LOCAL_RUNTIME"
_PREFIX: Final = "/2018-06-01/runtime"


class LambdaContext:
    """The context object of an invocation, with the attributes that AWS documents."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.aws_request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = answer.headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline_ms = int(answer.headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the platform kills this invocation; never negative."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def watch_parent(pipe: int) -> None:
    """Kill the whole process group as soon as the other end of the pipe is gone."""

    def wait() -> None:
        while os.read(pipe, 1):
            continue
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def error_document(error: BaseException, error_type: str | None = None) -> dict[str, Any]:
    """The error document that Lambda returns for an exception."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "errorMessage": str(error),
        "errorType": error_type or type(error).__name__,
        "stackTrace": traceback.format_list([f for f in frames if f.filename != __file__]),
    }


def load_handler(reference: str) -> Callable[[Any, LambdaContext], Any]:
    """The handler callable named ``package.module.function``.

    Raises: RuntimeFault with the error type that Lambda uses.
    """
    module_name, _, function_name = reference.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise RuntimeFault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise RuntimeFault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        ) from error
    handler = getattr(module, function_name, None)
    if not callable(handler):
        raise RuntimeFault(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
        )
    return handler  # type: ignore[no-any-return]


class RuntimeFault(Exception):
    """A fault of the runtime itself, with the error type that Lambda reports for it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class RuntimeLoop:
    """Our own runtime interface client, for machines without a wheel of AWS's."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._connection = HTTPConnection(host, int(port))

    def run(self, reference: str) -> None:
        """Import the handler, then take one invocation after the other until told to stop."""
        try:
            handler = load_handler(reference)
        except RuntimeFault as fault:
            self._refuse_start(error_document(fault.__cause__ or fault), fault)
        except Exception as error:
            self._refuse_start(error_document(error), error)
        else:
            while True:
                self._one(handler)

    def _refuse_start(self, document: dict[str, Any], error: Exception) -> None:
        if isinstance(error, RuntimeFault):
            document |= {"errorType": error.error_type, "errorMessage": str(error)}
        _complain(document)
        self._post("/init/error", json.dumps(document).encode(), document["errorType"])
        sys.exit(1)

    def _one(self, handler: Callable[[Any, LambdaContext], Any]) -> None:
        self._connection.request("GET", f"{_PREFIX}/invocation/next")
        answer = self._connection.getresponse()
        payload = answer.read()
        context = LambdaContext(answer)
        os.environ["_X_AMZN_TRACE_ID"] = answer.headers.get("Lambda-Runtime-Trace-Id", "")
        where = f"/invocation/{context.aws_request_id}"
        try:
            result = handler(json.loads(payload), context)
            try:
                body = json.dumps(result, ensure_ascii=False).encode()
            except (TypeError, ValueError) as error:
                raise RuntimeFault(
                    "Runtime.MarshalError", f"Unable to marshal response: {error}"
                ) from error
        except Exception as error:
            kind = error.error_type if isinstance(error, RuntimeFault) else None
            document = error_document(error, kind) | {"requestId": context.aws_request_id}
            _complain(document)
            self._post(f"{where}/error", json.dumps(document).encode(), document["errorType"])
        else:
            self._post(f"{where}/response", body)

    def _post(self, path: str, body: bytes, error_type: str | None = None) -> None:
        headers = {"Content-Type": "application/json"}
        if error_type:
            headers["Lambda-Runtime-Function-Error-Type"] = error_type
        self._connection.request("POST", _PREFIX + path, body, headers)
        self._connection.getresponse().read()


def _complain(document: dict[str, Any]) -> None:
    trace = "".join(document["stackTrace"])
    sys.stdout.write(f"[ERROR] {document['errorType']}: {document['errorMessage']}\n{trace}")
    sys.stdout.flush()


def main() -> None:
    """Run the handler that the environment names, until killed."""
    watch_parent(int(os.environ.pop(PARENT_PIPE)))
    own = os.environ.pop(RUNTIME_CHOICE, "") == "own"
    reference = os.environ["_HANDLER"]
    if not own and importlib.util.find_spec("runtime_client") is not None:
        from awslambdaric.__main__ import main as run_client

        run_client(["awslambdaric", reference])
    else:
        RuntimeLoop(os.environ["AWS_LAMBDA_RUNTIME_API"]).run(reference)


if __name__ == "__main__":
    main()
