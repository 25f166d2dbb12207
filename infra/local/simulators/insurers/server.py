"""The listening half: a port per insurer, so that "not reachable" is a refused connection.

One thread accepts for all of them, one thread serves each connection. A real insurer that is down
does not answer politely; closing its port is the only honest way to show that.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from infra.local.simulators.insurers.service import Answer, Service

_LOOPBACK: Final = "127.0.0.1"
_LARGEST_REQUEST: Final = 8 * 1024 * 1024
_TICK: Final = 0.2


class Server:
    """Listens for all insurers of one stack."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = dict(services)
        self._ports: dict[str, int] = {}
        self._listening: dict[str, socket.socket] = {}
        self._connections: dict[str, set[socket.socket]] = {code: set() for code in services}
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        self._running = True
        for code in self._services:
            self._open(code)
        self._follow_outages()
        self._thread = threading.Thread(target=self._accept, name="insurers", daemon=True)
        self._thread.start()

    def url(self, code: str) -> str:
        """Address of an insurer; it keeps it while it is down."""
        return f"http://{_LOOPBACK}:{self._ports[code]}/insurers/{code}"

    def refresh(self) -> None:
        """Look at once who is down or up; otherwise it takes a moment."""
        with self._lock:
            self._follow_outages()
        self._wake_out.send(b"x")

    def stop(self, code: str) -> None:
        """Stop listening for one insurer; the last one stops the thread."""
        with self._lock:
            self._close(code)
            self._services.pop(code, None)
            if self._services or not self._running:
                return
            self._running = False
        self._wake_out.send(b"x")
        self._thread.join(timeout=5)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _open(self, code: str) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, self._ports.get(code, 0)))
        listener.listen(128)
        listener.setblocking(False)
        self._ports[code] = listener.getsockname()[1]
        self._listening[code] = listener
        self._selector.register(listener, selectors.EVENT_READ, code)

    def _close(self, code: str) -> None:
        listener = self._listening.pop(code, None)
        if listener is not None:
            self._selector.unregister(listener)
            listener.close()
        for connection in list(self._connections.get(code, ())):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _follow_outages(self) -> None:
        for code, service in self._services.items():
            refusing = service.down() == "refuse"
            if refusing and code in self._listening:
                self._close(code)
            elif not refusing and code not in self._listening:
                with contextlib.suppress(OSError):  # the port is taken for a moment: next tick
                    self._open(code)

    def _accept(self) -> None:
        while self._running:
            # A clock that is moved from outside can end an outage at any time, so while
            # somebody is down this looks again and again.
            waiting = _TICK if len(self._listening) < len(self._services) else None
            for key, _ in self._selector.select(waiting):
                if key.data is None:
                    self._wake_in.recv(64)
                    continue
                with contextlib.suppress(OSError, BlockingIOError):
                    connection, address = key.fileobj.accept()  # type: ignore[union-attr]
                    self._start(str(key.data), connection, address)
            with self._lock:
                if self._running:
                    self._follow_outages()

    def _start(self, code: str, connection: socket.socket, address: tuple[str, int]) -> None:
        service = self._services.get(code)
        if service is None:
            connection.close()
            return
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[code].add(connection)
        threading.Thread(
            target=self._serve, args=(code, service, connection, address), daemon=True
        ).start()

    def _serve(
        self, code: str, service: Service, connection: socket.socket, address: tuple[str, int]
    ) -> None:
        try:
            _Handler(connection, address, service)
        except OSError:
            return  # the caller went away: nobody to tell
        finally:
            self._connections[code].discard(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection to one insurer."""

    protocol_version = "HTTP/1.1"
    server_version = "insurer"
    sys_version = ""
    timeout = 30

    def __init__(
        self, connection: socket.socket, address: tuple[str, int], service: Service
    ) -> None:
        self._service = service
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """The WSDL, as insurers publish it."""
        if self.path.endswith("?wsdl") and self._service.down() is None:
            self._send(Answer(200, self._service.wsdl))
        else:
            self._send(Answer(404, b"", "text/plain"))

    def do_POST(self) -> None:
        """One SOAP request."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_REQUEST:
            self.close_connection = True
            self._send(Answer(413, b"", "text/plain"))
            return
        self._send(self._service.handle(self.rfile.read(length)))

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: what happened stands in the book."""

    def _send(self, answer: Answer) -> None:
        if answer.wait:
            time.sleep(answer.wait)
        if answer.drop:
            self.close_connection = True
            return
        head = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('', ''))[0]}"]
        head.append(f"Content-Type: {answer.content_type}")
        head.append(f"Content-Length: {len(answer.body)}")
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        raw = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + answer.body
        # One write: head and body in two would wait for each other's acknowledgement.
        if not answer.drip:
            self.wfile.write(raw)
            return
        for index in range(len(raw)):
            self.wfile.write(raw[index : index + 1])
            time.sleep(answer.drip)
