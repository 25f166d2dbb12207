"""A small HTTP/1.1 server for loopback: requests in, responses out, nothing else.

The gateway and the dashboard need less than a framework and more than the standard server's
defaults: keep-alive, chunked bodies, a limit on what is read, several headers of one name, and a
stop that does not wait for idle connections.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final
from urllib.parse import parse_qsl

IDLE_CONNECTION_SECONDS: Final = 75.0
_DRAIN_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_NO_BODY: Final = frozenset({204, 304})
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "trailer"}
)


@dataclass(frozen=True)
class Request:
    """One request as it arrived.

    Shapes: ``target`` is the raw path with its query; header names are lower-case, in order, one
    entry per line received.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    client: str = "127.0.0.1"

    @cached_property
    def raw_path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @cached_property
    def raw_query(self) -> str:
        """The query, still percent-encoded, without the question mark."""
        return self.target.partition("?")[2]

    @cached_property
    def query(self) -> dict[str, str]:
        """Decoded query; the last value of a repeated name wins."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def header(self, name: str, default: str = "") -> str:
        """All values of a header, joined by commas."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else default


@dataclass(frozen=True, slots=True)
class Response:
    """What to send back; ``headers`` may repeat a name (``set-cookie``)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str, default: str = "") -> str:
        """First value of a header."""
        return next((value for key, value in self.headers if key.lower() == name), default)

    def with_headers(self, more: Iterable[tuple[str, str]]) -> Response:
        """The same response with further headers."""
        return Response(self.status, (*self.headers, *more), self.body)


def json_response(document: object, status: int = 200) -> Response:
    """A JSON document, readable by people too."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    return Response(
        status,
        (("content-type", "application/json"), ("cache-control", "no-store")),
        text.encode() + b"\n",
    )


Handle = Callable[[Request], Response]
Done = Callable[[Request, Response, float], None]


class WebServer:
    """Serves ``handle`` on a loopback port; ``done`` is told about every request
    before its answer leaves, so that whoever got the answer also finds it in the log.

    Units: ``max_body`` in bytes; a longer request is answered 413 without calling ``handle``.
    Raises: OSError when the port is taken.
    """

    def __init__(
        self, handle: Handle, *, port: int = 0, max_body: int, done: Done | None = None
    ) -> None:
        self.handle = handle
        self.max_body = max_body
        self.done = done or (lambda _request, _response, _seconds: None)
        self._server = _Server(("127.0.0.1", port), _handler_for(self))
        self.port: int = self._server.server_port

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.2},
            name="web-server",
            daemon=True,
        ).start()

    def stop(self) -> None:
        """Stop listening and close open connections."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without the reverse name look-up of the base class, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a stack trace."""

    def close_connections(self) -> None:
        """Cut the connections that clients keep open."""
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _BodyTooLargeError(Exception):
    pass


class _MalformedError(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_CONNECTION_SECONDS
    owner: WebServer

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: ``WebServer.done`` is the log."""

    def _any(self) -> None:
        started = time.monotonic()
        body = b""
        response: Response | None = None
        try:
            body = self._read_body()
        except _BodyTooLargeError:
            self.close_connection = True
            response = json_response({"message": "Request Entity Too Large"}, 413)
        except _MalformedError:
            self.close_connection = True
            response = json_response({"message": "Bad Request"}, 400)
        request = Request(
            method=self.command,
            target=_origin_form(self.path),
            headers=tuple((name.lower(), value) for name, value in self.headers.items()),
            body=body,
            client=self.client_address[0],
        )
        if response is None:
            response = self.owner.handle(request)
        self.owner.done(request, response, time.monotonic() - started)
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _any

    def _read_body(self) -> bytes:
        limit = self.owner.max_body
        chunked = self.headers.get("Transfer-Encoding", "").strip().lower()
        if chunked:
            if chunked != "chunked" or "Content-Length" in self.headers:
                raise _MalformedError
            return self._read_chunks(limit)
        length = self.headers.get("Content-Length", "0").strip()
        if not length.isascii() or not length.isdigit():
            raise _MalformedError
        size = int(length)
        if size > limit:
            self._drain(size)
            raise _BodyTooLargeError
        body = self.rfile.read(size)
        if len(body) < size:
            raise _MalformedError
        return body

    def _read_chunks(self, limit: int) -> bytes:
        body = bytearray()
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                raise _MalformedError from None
            if size < 0:
                raise _MalformedError
            if size == 0:
                while self.rfile.readline(8192).strip():
                    continue
                return bytes(body)
            if len(body) + size > limit:
                raise _BodyTooLargeError
            body += self.rfile.read(size)
            self.rfile.readline(8)

    def _drain(self, size: int) -> None:
        # A client that is still writing would see a reset instead of the answer.
        left = min(size, _DRAIN_BYTES)
        while left > 0 and (piece := self.rfile.read(min(left, _CHUNK))):
            left -= len(piece)

    def _send(self, response: Response) -> None:
        bodyless = response.status in _NO_BODY
        lines = [
            f"HTTP/1.1 {response.status} {_phrase(response.status)}",
            f"date: {self.date_time_string()}",
            *(
                f"{name}: {value}"
                for name, value in response.headers
                if name.lower() not in _HOP_BY_HOP
            ),
        ]
        if not bodyless:
            lines.append(f"content-length: {len(response.body)}")
        if self.close_connection:
            lines.append("connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        send_body = not bodyless and self.command != "HEAD"
        # One write is one packet: the head and the body must not wait for each other's ACK.
        self.wfile.write(head + response.body if send_body else head)


def _handler_for(server: WebServer) -> type[_Handler]:
    class Handler(_Handler):
        owner = server

    return Handler


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _origin_form(target: str) -> str:
    """The path and query of a request target that may name a host, too."""
    if target.startswith("/"):
        return target
    _, separator, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if separator else "/" + target
