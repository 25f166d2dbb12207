"""The listening half of the simulated network, its notifications, and its script."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from infra.local.simulators.dias.network import COMMANDS, KINDS, Answer, Network

NAME: Final = "dias"
_LOOPBACK: Final = "127.0.0.1"
_LARGEST: Final = 1024 * 1024
_SHOWN: Final = 200


class RunningDias:
    """One simulated network that listens on a port it keeps, also while it is down."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._last: tuple[dict[str, str], bytes] | None = None
        self._sent = 0
        self._open()
        threading.Thread(target=self._watch, name=f"{NAME}-outage", daemon=True).start()

    @property
    def name(self) -> str:
        """Provider code."""
        return NAME

    @property
    def url(self) -> str:
        """The address functions call."""
        return f"http://{_LOOPBACK}:{self._port}/dias"

    def describe(self) -> Mapping[str, Any]:
        """What it would do next and what it holds."""
        self.follow_clock()
        state = self.network.state
        return {
            "name": NAME,
            "url": self.url,
            "down": self.network.is_down,
            "calls": dict(self.network.calls),
            "requests": len(state["requests"]),
            "payments": len(state["payments"]),
            "last": [
                {name: row[name] for name in ("id", "key", "rf", "amount", "currency", "booked_at",
                                              "value_date", "reversal_of", "times")}
                for row in state["payments"][-_SHOWN:]
            ],
            "queued": list(self.network.queued),
            "notifies": (state["notify"] or {}).get("url"),
            "kinds": dict(KINDS),
            "commands": dict(COMMANDS),
        }  # fmt: skip

    def script(self, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change what it does next; see ``network.COMMANDS``.

        Raises: ValueError for anything it does not know.
        """
        if "kind" in behaviour:
            self.network.queue(behaviour)
            return {"queued": list(self.network.queued)}
        unknown = set(behaviour) - set(COMMANDS)
        if unknown or not behaviour:
            raise ValueError(
                f"no such command: {', '.join(sorted(unknown)) or 'nothing was said'};"
                f" there are {', '.join(COMMANDS)}"
            )
        done: dict[str, Any] = {}
        try:
            for name, value in behaviour.items():
                done[name] = self._command(name, value)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{name} is not understood: {error}") from None
        return done

    def follow_clock(self) -> None:
        """Begin or end an outage that the clock has reached."""
        with self._lock:
            if self._stopping.is_set():
                return
            if self.network.is_down and self._server is not None:
                self._close()
            elif not self.network.is_down and self._server is None:
                self._open()

    def stop(self) -> None:
        """Stop listening, for good."""
        self._stopping.set()
        with self._lock:
            self._close()

    # ------------------------------------------------------------------ commands

    def _command(self, name: str, value: Any) -> Any:
        network = self.network
        if name in ("pay", "reverse"):
            payment = network.pay(value) if name == "pay" else network.reverse(value)
            for _ in range({"now": 1, "never": 0, "twice": 2}[value.get("notify", "now")]):
                self._notify(payment["rf"])
            return {"id": payment["id"], "key": payment["key"], "rf": payment["rf"]}
        if name == "clear":
            network.queued.clear()
        elif name == "repeat":
            network.set_times(value["payment_id"], 2)
        elif name == "lose":
            network.set_times(value["payment_id"], 0)
        elif name == "down":
            until = network.now() + timedelta(**{unit: int(n) for unit, n in value.items()})
            network.state["down_until"] = until.astimezone(UTC).isoformat()
        elif name == "up":
            network.state["down_until"] = None
        elif name == "notify":
            network.state["notify"] = {"url": str(value["url"]), "secret": str(value["secret"])}
        elif name == "send":
            return {"status": self._notify(value["rf"], str(value.get("as", "good")))}
        network.save()
        self.follow_clock()
        return True

    def _notify(self, rf: str, how: str = "good") -> int:
        """Send one notification; the status of the answer, 0 when there is none."""
        from kernel.sensitive import Secret
        from toolkit.http.webhook_signature import headers as signed_headers
        from toolkit.http.webhook_signature import key_of

        target = self.network.state["notify"]
        if target is None:
            return 0
        if how == "replayed" and self._last is not None:
            return _post(target["url"], *self._last)
        body = json.dumps({"type": "payment.received", "data": {"code": rf}}).encode()
        key = b"somebody else's key" if how == "forged" else key_of(Secret(target["secret"]))
        stamp = int(self.network.now().timestamp()) - (3_600 if how == "old" else 0)
        self._sent += 1
        identity = f"dias_{stamp}_{self._sent}"
        headers = signed_headers(key, identity, stamp, body)
        if how == "good":
            self._last = (headers, body)
        return _post(target["url"], headers, body)

    # ------------------------------------------------------------------ listening

    def _open(self) -> None:
        network = self.network

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
                self._answer(self.rfile.read(length))

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet: what happened stands in the book."""

            def _answer(self, body: bytes) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                if network.is_down:
                    # A connection from before the outage is kept open by whoever asks.
                    answer = Answer(0, b"", drop=True)
                else:
                    answer = network.handle(self.command, self.path, headers, body)
                if answer.wait:
                    time.sleep(answer.wait)
                if answer.drop:
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                _write(self, answer)

        self._server = ThreadingHTTPServer((_LOOPBACK, self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name=NAME, daemon=True).start()

    def _watch(self) -> None:
        """An outage begins and ends by the clock of the stack, which may be moved."""
        while not self._stopping.wait(0.2):
            self.follow_clock()

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def _write(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_response(answer.status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    handler.wfile.write(answer.body)


def _post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    request = urllib.request.Request(
        url, data=body, headers={**headers, "Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def start_dias(state_dir: Path, now: Callable[[], datetime]) -> RunningDias:
    """Start the network; its book lies under ``state_dir``."""
    return RunningDias(Network(state_dir / "dias.json", now))
