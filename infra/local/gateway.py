"""The front door of the local stack: one loopback port for the product and its control pages.

``/static/`` is what CloudFront would serve, ``/_local`` is the dashboard, everything else goes
through the HTTP API to the functions. The dashboard can wipe and move the whole stack, so it
answers loopback names only: a web page that made its own host name point here (DNS rebinding) or
posts a form across sites is refused.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from infra.local.cloud.model import Log, Now
from infra.local.http_api import HttpApi, message
from infra.local.static_files import PREFIX, StaticFiles
from infra.local.web import Handle, Request, Response, WebServer

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
LOCAL_PREFIX: Final = "/_local"
_REMEMBERED_REQUESTS: Final = 200
_LOOPBACK: Final = re.compile(r"^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$", re.IGNORECASE)

_STARTING: Final = (
    '<!doctype html><html lang="en"><title>Köprü is starting</title>'
    '<meta http-equiv="refresh" content="1"><p>Köprü is starting.</p></html>'
).encode()


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One line of the request log. No query and no headers: they carry tokens and names."""

    at: datetime
    method: str
    path: str
    status: int
    milliseconds: float


class Gateway:
    """Listens from the first moment; the product answers 503 until :meth:`connect`."""

    def __init__(
        self, *, port: int, static: StaticFiles, dashboard: Handle, log: Log, now: Now
    ) -> None:
        self._static = static
        self._dashboard = dashboard
        self._log = log
        self._now = now
        self._api: HttpApi | None = None
        self._lock = threading.Lock()
        self._requests: deque[LoggedRequest] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._server = WebServer(
            self.handle, port=port, max_body=MAX_BODY_BYTES, done=self._remember
        )

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self._server.port

    def start(self) -> None:
        """Start answering."""
        self._server.start()

    def stop(self) -> None:
        """Stop answering and cut open connections."""
        self._server.stop()

    def connect(self, api: HttpApi | None) -> None:
        """Put the product behind the door, or take it away while it is rebuilt."""
        self._api = api

    def requests(self) -> list[LoggedRequest]:
        """The latest requests, newest first."""
        with self._lock:
            return list(reversed(self._requests))

    def handle(self, request: Request) -> Response:
        """Answer one request, whatever happens."""
        try:
            return self._route(request)(request)
        except Exception as error:
            self._log(f"gateway: {request.method} {request.raw_path}: {error!r}")
            return message(500, "Internal Server Error")

    def _route(self, request: Request) -> Callable[[Request], Response]:
        path = request.raw_path
        if _is_control(path):
            return self._dashboard if is_local_request(request) else _refuse
        if path.startswith(PREFIX):
            return self._static.handle
        api = self._api
        return api.handle if api is not None else _not_ready

    def _remember(self, request: Request, response: Response, seconds: float) -> None:
        if request.raw_path.startswith(PREFIX) or _is_control(request.raw_path):
            return
        entry = LoggedRequest(
            at=self._now(),
            method=request.method,
            path=request.raw_path,
            status=response.status,
            milliseconds=round(seconds * 1000, 1),
        )
        with self._lock:
            self._requests.append(entry)
        self._log(f"{entry.method} {entry.path} {entry.status} {entry.milliseconds} ms")


def _is_control(path: str) -> bool:
    return path == LOCAL_PREFIX or path.startswith(f"{LOCAL_PREFIX}/")


def is_local_request(request: Request) -> bool:
    """Whether a person or tool on this machine asks, not a foreign page in its browser."""
    if not _LOOPBACK.match(request.header("host")):
        return False
    origin = request.header("origin")
    if origin and origin != "null":
        return bool(_LOOPBACK.match(urlsplit(origin).netloc))
    foreign = request.header("sec-fetch-site") == "cross-site" or origin == "null"
    return not (foreign and request.method not in ("GET", "HEAD"))


def _refuse(_request: Request) -> Response:
    return message(403, "Only this machine may use /_local; ask for it as localhost or 127.0.0.1")


def _not_ready(request: Request) -> Response:
    answer = message(503, "The local stack is starting")
    if "text/html" in request.header("accept"):
        answer = Response(503, (("content-type", "text/html; charset=utf-8"),), _STARTING)
    return answer.with_headers([("retry-after", "1"), ("cache-control", "no-store")])
