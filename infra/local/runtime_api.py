"""The Lambda Runtime API of one execution environment.

AWS's runtime interface client asks three questions: give me the next event, here is the answer,
here is an error. Each environment gets a loopback port of its own, because the client can be told
a host and a port but no path. An invocation is handed over by :meth:`RuntimeApi.submit` and its
answer arrives in the invocation's future, whoever delivers it: the function, or the environment
that noticed that the process died.
"""

from __future__ import annotations

import json
import queue
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from infra.local.cloud.model import InvokeOutcome

MAX_RESPONSE_BYTES: Final = 6 * 1024 * 1024 + 1024 * 100
"""What Lambda lets a synchronous answer weigh (6 MB and a margin for the envelope)."""

_ERROR: Final = "Unhandled"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a handler.

    Units: ``deadline`` in seconds since the epoch, real time (never the movable clock).
    """

    payload: bytes
    deadline: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Future[InvokeOutcome] = field(default_factory=Future)

    def settle(self, outcome: InvokeOutcome) -> None:
        """Give the answer, unless somebody was faster."""
        try:
            self.answer.set_result(outcome)
        except InvalidStateError:
            return


def failure(error_type: str, message: str, **more: object) -> InvokeOutcome:
    """The outcome of an invocation that the platform, not the handler, brought to an end."""
    document = {"errorType": error_type, "errorMessage": message, **more}
    return InvokeOutcome(json.dumps(document).encode(), _ERROR)


class RuntimeApi:
    """Serves one environment; ``on_polling`` is called when it first asks for work."""

    def __init__(self, function_arn: str, on_polling: Callable[[], None]) -> None:
        self.init_error: InvokeOutcome | None = None
        self._arn = function_arn
        self._on_polling = on_polling
        self._work: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[str, Invocation] = {}
        self._closed = False
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        ).start()

    @property
    def address(self) -> str:
        """Value of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_port}"

    def submit(self, invocation: Invocation) -> None:
        """Hand the invocation to the environment; its future will hold the answer."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the environment is closed")
            self._pending[invocation.request_id] = invocation
        self._work.put(invocation)

    def close(self, reason: Callable[[Invocation], InvokeOutcome]) -> None:
        """Stop serving and settle whatever was not answered with ``reason``."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            pending = list(self._pending.values())
            self._pending.clear()
        for invocation in pending:
            invocation.settle(reason(invocation))
        self._work.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next_event(self) -> Invocation | None:
        """Block until there is work; None once the environment is closed."""
        self._on_polling()
        return self._work.get()

    def answered(self, request_id: str, body: bytes, *, is_error: bool) -> bool:
        """Record what the handler said; false when nobody waits for this request."""
        with self._lock:
            invocation = self._pending.pop(request_id, None)
        if invocation is None:
            return False
        if len(body) > MAX_RESPONSE_BYTES:
            invocation.settle(
                failure(
                    "Function.ResponseSizeTooLarge",
                    "Response payload size exceeded maximum allowed payload size "
                    f"({MAX_RESPONSE_BYTES} bytes).",
                )
            )
        else:
            invocation.settle(InvokeOutcome(body, _ERROR if is_error else None))
        return True

    def headers_of(self, invocation: Invocation) -> list[tuple[str, str]]:
        """The headers with which an event is handed over."""
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return [
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(invocation.deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self._arn),
            ("Lambda-Runtime-Trace-Id", f"{trace};Parent={secrets.token_hex(8)};Sampled=0"),
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Bind without the reverse name look-up of the base class, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed environment breaks its connection; that is expected and not worth a trace."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: RuntimeApi

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: one line per poll would bury the functions' own logs."""

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            self._send(404, b"{}")
            return
        invocation = self.api.next_event()
        if invocation is None:
            self.close_connection = True
            return
        self._send(200, invocation.payload, self.api.headers_of(invocation))

    def do_POST(self) -> None:
        body = self._body()
        parts = self.path.strip("/").split("/")
        if parts[-2:] == ["init", "error"]:
            self.api.init_error = InvokeOutcome(body, _ERROR)
            self._send(202, b"{}")
        elif len(parts) >= 2 and parts[-1] in ("response", "error"):
            known = self.api.answered(parts[-2], body, is_error=parts[-1] == "error")
            self._send(202 if known else 400, b"{}")
        else:
            self._send(404, b"{}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = bytearray()
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            chunks += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(chunks)

    def _send(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        lines = [
            f"HTTP/1.1 {status} {'OK' if status < 400 else 'Error'}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers or ()),
        ]
        # One write is one packet: the head and the body must not wait for each other's ACK.
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def _handler_for(owner: RuntimeApi) -> type[_Handler]:
    class Handler(_Handler):
        api = owner

    return Handler
