"""Serves the built front-end assets the way CloudFront does in a deployed stage.

Hashed names never change their content, so they are cached for ever; everything else is asked for
again. Only files below the folder are served: a path that leads out of it is not found.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from infra.local.web import Request, Response

PREFIX: Final = "/static/"
_HASHED: Final = re.compile(r"[.-][0-9a-f]{8,64}\.[a-z0-9.]+$")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
}


class StaticFiles:
    """Files below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def handle(self, request: Request) -> Response:
        """Answer a request below ``/static/``."""
        if request.method not in ("GET", "HEAD"):
            return _plain(405, "Method Not Allowed")
        path = self._file(unquote(request.raw_path.removeprefix(PREFIX)))
        if path is None:
            return _plain(404, "Not Found")
        facts = path.stat()
        etag = f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"'
        lasting = _HASHED.search(path.name) is not None
        headers = (
            ("content-type", _TYPES.get(path.suffix.lower(), "application/octet-stream")),
            ("cache-control", "public, max-age=31536000, immutable" if lasting else "no-cache"),
            ("etag", etag),
            ("x-content-type-options", "nosniff"),
        )
        if etag in request.header("if-none-match"):
            return Response(304, headers)
        return Response(200, headers, path.read_bytes())

    def _file(self, name: str) -> Path | None:
        if "\0" in name or "\\" in name:
            return None
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            return None
        return path


def _plain(status: int, text: str) -> Response:
    return Response(status, (("content-type", "text/plain; charset=utf-8"),), text.encode())
