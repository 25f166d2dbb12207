"""A small HTTP/1.1 server for SDKs and browsers on this machine.

Keep-alive, one thread per connection, bodies in memory, ``Expect: 100-continue`` answered at once.
Parsing a request costs some twenty microseconds; the development servers of the usual frameworks
take longer than the operations they would carry.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

_MAX_LINE: Final = 65_536
_MAX_HEADERS: Final = 200
_MAX_BODY: Final = 256 * 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Shapes: ``path`` as sent (percent-encoded); header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]


class _BadRequestError(Exception):
    """The bytes are not a request this server takes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    rbufsize = 65_536
    server: _Server

    def handle(self) -> None:
        self.server.connections.add(self.connection)
        try:
            # A peer that goes away ends the conversation; that is all there is to say.
            with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
                while self._answer_one():
                    pass
        finally:
            self.server.connections.discard(self.connection)

    def _answer_one(self) -> bool:
        line = self.rfile.readline(_MAX_LINE)
        if not line.strip():
            return False
        try:
            request = self._read(line)
        except _BadRequestError as error:
            self._write(Response(error.status, str(error).encode()), head=False, close=True)
            return False
        close = request.headers.get("connection", "").lower() == "close"
        response = self.server.handler(request)
        self._write(response, head=request.method == "HEAD", close=close)
        return not close

    def _read(self, line: bytes) -> Request:
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise _BadRequestError(400, "This is not HTTP/1.1.")
        method, target, version = parts
        headers: dict[str, str] = {}
        for _ in range(_MAX_HEADERS):
            text = self.rfile.readline(_MAX_LINE)
            if text in (b"\r\n", b"\n", b""):
                break
            name, separator, value = text.decode("latin-1").partition(":")
            if not separator:
                raise _BadRequestError(400, "A header line has no colon.")
            key = name.strip().lower()
            value = value.strip()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        else:
            raise _BadRequestError(431, "Too many headers.")
        host = headers.get("host", "")
        if (host.rpartition(":")[0] or host) not in _LOOPBACK and host not in _LOOPBACK:
            # A page of another site that resolves its own name to this machine gets nothing.
            raise _BadRequestError(403, "This endpoint answers to localhost only.")
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY:
            raise _BadRequestError(413, "The body is too large.")
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while True:
            size = int(self.rfile.readline(_MAX_LINE).split(b";")[0], 16)
            total += size
            if total > _MAX_BODY:
                raise _BadRequestError(413, "The body is too large.")
            if size == 0:
                while self.rfile.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(pieces)
            pieces.append(self.rfile.read(size))
            self.rfile.readline(_MAX_LINE)

    def _write(self, response: Response, *, head: bool, close: bool) -> None:
        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = "Status"
        lines = [f"HTTP/1.1 {response.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if not any(name.lower() == "content-length" for name in response.headers):
            lines.append(f"Content-Length: {len(response.body)}")
        if close:
            lines.append("Connection: close")
        text = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.wfile.write(text if head else text + response.body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, port: int, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Connection)


class HttpServer:
    """Serves one handler on a loopback port."""

    def __init__(self, port: int, handler: Handler) -> None:
        self._server = _Server(port, handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="aws-endpoint",
            daemon=True,
        )

    @property
    def port(self) -> int:
        """The port, chosen by the system when 0 was asked for."""
        port: int = self._server.server_address[1]
        return port

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and end open connections."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
