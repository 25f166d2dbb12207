"""Talks to a running local stack, which is found through the file it leaves in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

RUN_FILE: Final = "run.json"
_TIMEOUT_SECONDS: Final = 3600.0  # moving the clock by a month is work


class NotRunningError(Exception):
    """No stack answers for this folder."""


class RefusedError(Exception):
    """The stack answered with an error; ``status`` and ``detail`` say which."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What a running stack says about itself in its folder."""

    pid: int
    base_url: str
    aws_endpoint: str

    def write(self, folder: Path) -> None:
        """Announce the stack."""
        draft = folder / f"{RUN_FILE}.new"
        draft.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        draft.replace(folder / RUN_FILE)

    @classmethod
    def find(cls, folder: Path) -> RunningStack:
        """The stack that owns a folder. Raises: NotRunningError."""
        try:
            document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
            found = cls(**document)
            os.kill(found.pid, 0)
        except PermissionError:
            return found
        except (OSError, ValueError, TypeError):
            raise NotRunningError(
                f"no local stack is running in {folder}; start it with `make run`"
            ) from None
        return found

    @staticmethod
    def forget(folder: Path) -> None:
        """The stack of this folder has stopped."""
        (folder / RUN_FILE).unlink(missing_ok=True)


class LocalClient:
    """The commands of ``/_local`` as methods; every answer is plain data.

    Raises: NotRunningError, RefusedError.
    """

    def __init__(self, stack: RunningStack) -> None:
        self._base_url = stack.base_url

    def get(self, path: str) -> dict[str, Any]:
        """Read a resource below ``/_local``."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a command below ``/_local``."""
        return self._call("POST", path, dict(body or {}))

    def _call(self, method: str, path: str, body: object) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"{self._base_url}/_local/{path}",
            data=data,
            method=method,
            headers={"Accept": "application/json", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                document = json.loads(answer.read())
        except HTTPError as error:
            raise RefusedError(error.code, _detail(error.read())) from None
        except (URLError, OSError, ValueError) as error:
            raise NotRunningError(f"{self._base_url} does not answer: {error}") from None
        return dict(document)


def _detail(body: bytes) -> str:
    try:
        document = json.loads(body)
        if "runs" in document:
            failed = (run for run in document["runs"] if not run["ok"])
            return "; ".join(f"{run['schedule']} failed: {run['detail']}" for run in failed)
        return str(document.get("detail") or document.get("message") or document)
    except (ValueError, AttributeError):
        return body.decode("utf-8", "replace")[:500]


def path_of(*parts: str) -> str:
    """A path below ``/_local`` with every part escaped."""
    return "/".join(quote(part, safe="") for part in parts)


def visit(link: str) -> int:
    """Open a link as mail scanners do: no cookies, no answer kept; gives the status."""
    request = Request(link, headers={"User-Agent": "mail-scanner"})
    try:
        with urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError) as error:
        raise NotRunningError(f"{link} does not answer: {error}") from None
