"""A listener on this machine that takes webhooks, or refuses them for as long as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_LARGEST: Final = 64 * 1024
_DOWN: Final = 503
Told = Callable[[Mapping[str, Any]], None]


class Receiver:
    """Takes what the product sends and remembers it in order; ``told`` hears of each as it comes.

    A receiver that is down answers 503 and remembers nothing.
    """

    def __init__(self, told: Told | None = None) -> None:
        self.is_down = False
        self._told = told
        self._taken: list[dict[str, Any]] = []
        self._refused = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def look(self) -> dict[str, Any]:
        """What it took: in order, by id once, and whether each subject came in order."""
        with self._lock:
            taken, refused = [*self._taken], self._refused
        first = {one["id"]: one for one in reversed(taken)}
        by_subject: dict[str, list[str]] = {}
        for one in taken:
            if first[one["id"]] is one:
                by_subject.setdefault(one["subject"], []).append(one["at"])
        return {
            "items": taken,
            "ids": len(first),
            "repeated": len(taken) - len(first),
            "refused": refused,
            "subjects": len(by_subject),
            "in_order": all(times == sorted(times) for times in by_subject.values()),
        }

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _take(self, identity: str, body: bytes) -> int:
        try:
            document = json.loads(body)
        except ValueError:
            return 400
        with self._lock:
            if self.is_down:
                self._refused += 1
                return _DOWN
            taken = {
                "id": identity,
                "type": document.get("type"),
                "at": document.get("timestamp"),
                "subject": str(document.get("data", {}).get("subject", "")),
                "data": document.get("data"),
            }
            self._taken.append(taken)
        if self._told is not None:
            self._told(taken)
        return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
                identity = self.headers.get("webhook-id", "")
                self.send_response(receiver._take(identity, self.rfile.read(length)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet: what came is remembered."""

        return Handler
