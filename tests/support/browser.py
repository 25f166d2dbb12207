"""The browser for tests: the shared headless Chromium and a tiny server for rendered pages."""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.tools.browser import NARROW, WIDE, Browser, find_chromium, launch

__all__ = [
    "NARROW",
    "WIDE",
    "Answer",
    "Browser",
    "find_chromium",
    "launch",
    "serve",
    "static_answer",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the little server sends back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextlib.contextmanager
def serve(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """Serve ``answer(method, path with query)`` on a free loopback port; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            self.rfile.read(length)
            try:
                found = answer(self.command, self.path)
            except Exception:
                # The browser must get an answer, and the test a reason.
                found = Answer(500, {"content-type": "text/plain"}, traceback.format_exc().encode())
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A browser that closes a connection early is no event."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


def static_answer(folder: Path, path: str) -> Answer:
    """A built asset as CloudFront would send it."""
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    file = folder / Path(urlsplit(path).path).name
    if not file.is_file():
        return Answer(404, {"content-type": "text/plain"}, b"not found")
    return Answer(200, {"content-type": kinds.get(file.suffix, "text/plain")}, file.read_bytes())
