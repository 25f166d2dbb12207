"""The product's API as commands use it: a running local stack, or a deployed stage (†).

The local stack is found by its folder with its demo key. Another stage is named by ``--base-url``
or ``KOPRU_BASE_URL``; its key stands in ``KOPRU_API_KEY`` or in a file, never on the command line,
where every process list would show it. A command with ``--to STAGE`` finds both under the stage's
name: ``KOPRU_STAGING_BASE_URL`` and ``KOPRU_STAGING_API_KEY``; ``local`` is the local stack.
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from infra.local.client import NotRunningError, RefusedError, RunningStack
from infra.local.commands.talk import folder_of
from infra.local.seeding import CREDENTIALS_FILE
from infra.local.settings import SettingsError

URL_VARIABLE: Final = "KOPRU_BASE_URL"
KEY_VARIABLE: Final = "KOPRU_API_KEY"
LOCAL: Final = "local"
"""The stage that needs no address."""
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_PATIENCE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said; ``body`` is a document, or the bytes of a file."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Target:
    """Which stage is spoken to, with which key, and where both were found."""

    base_url: str
    key: str
    origin: str


def add_flags(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The flags of a command that also speaks to a deployed stage."""
    command.add_argument("--base-url", default="", metavar="URL", help=f"or {URL_VARIABLE}")
    command.add_argument(
        "--key-file", type=Path, metavar="FILE", help=f"file with the API key; or {KEY_VARIABLE}"
    )
    return command


def target_of(options: argparse.Namespace, key: str = "api_key") -> Target:
    """The stage that is meant; ``key`` names the local stack's key. Raises: SettingsError."""
    stage = getattr(options, "stage", "")
    if stage and options.base_url:
        raise SettingsError("--to names a stage and --base-url another; say one of them")
    url_variable, key_variable = URL_VARIABLE, KEY_VARIABLE
    if stage:
        name = stage.upper().replace("-", "_")
        url_variable, key_variable = f"KOPRU_{name}_BASE_URL", f"KOPRU_{name}_API_KEY"
    base_url = options.base_url or os.environ.get(url_variable, "")
    if stage == LOCAL:
        base_url = ""
    elif stage and not base_url:
        raise SettingsError(f"the stage {stage} has no address: {url_variable}=…")
    if base_url:
        if options.key_file is not None:
            return Target(base_url.rstrip("/"), _key_in(options.key_file), str(options.key_file))
        given = os.environ.get(key_variable, "")
        if not given:
            raise SettingsError(f"{base_url} needs a key: {key_variable}=… or --key-file")
        return Target(base_url.rstrip("/"), given, key_variable)
    folder = folder_of(options)
    stack = RunningStack.find(folder)
    path = folder / CREDENTIALS_FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        found = _key_in(options.key_file) if options.key_file is not None else str(known[key])
    except (OSError, ValueError, KeyError):
        raise SettingsError(f"{path} has no {key}; was the stack seeded?") from None
    return Target(stack.base_url, found, str(path))


def _key_in(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None


class Product:
    """A client of the API that speaks in exceptions a command understands.

    Raises (every call): RefusedError with all problems of the answer, NotRunningError.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    @classmethod
    def of(cls, options: argparse.Namespace, key: str = "api_key") -> Product:
        """The product of a command line."""
        return cls(target_of(options, key))

    def get(self, path: str, **query: Any) -> Any:
        """The document at a path."""
        return self.ask("GET", path, query=query).body

    def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """The answer to a command."""
        return self.ask("POST", path, dict(body or {}), query=query).body

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        content_type: str = "",
    ) -> Answer:
        """One request."""
        headers = {
            "authorization": f"Bearer {self._target.key}",
            "accept": "application/json, */*",
        }
        if method == "POST":
            headers["idempotency-key"] = f"kopru-{secrets.token_hex(8)}"
        if content_type:
            headers["content-type"] = content_type
        asked = {
            name: str(value) for name, value in (query or {}).items() if value not in ("", None)
        }
        address = f"{path}?{urlencode(asked)}" if asked else path
        try:
            answer = httpx.request(
                method,
                f"{self._target.base_url}{address}",
                headers=headers,
                content=content,
                json=body,
                timeout=60,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise NotRunningError(f"{self._target.base_url} does not answer: {error}") from None
        if answer.status_code >= 400:
            raise RefusedError(answer.status_code, _in_words(answer))
        kind = answer.headers.get("content-type", "")
        document = answer.json() if "json" in kind and answer.content else answer.content
        return Answer(answer.status_code, dict(answer.headers), document)

    def items(self, path: str, limit: int, **query: Any) -> list[dict[str, Any]]:
        """Items of a list, page by page, at most ``limit``."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while len(found) < limit:
            page = self.get(path, limit=min(100, limit - len(found)), cursor=cursor, **query)
            found += page["items"]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                break
        return found[:limit]

    def upload(self, path: Path) -> str:
        """Put a file into the room for uploads; gives its id."""
        content = path.read_bytes()
        kind = content_type_of(path)
        room = self.post(
            "/v1/uploads", {"filename": path.name, "content_type": kind, "size": len(content)}
        )
        sent = httpx.post(
            room["url"],
            data=room["fields"],
            files={"file": (path.name, content, kind)},
            timeout=300,
            trust_env=False,
        )
        if sent.status_code >= 300:
            raise RefusedError(sent.status_code, f"{path.name} was not taken: {sent.text[:300]}")
        return str(room["upload_id"])

    def job(self, started: Mapping[str, Any]) -> dict[str, Any]:
        """A job at its end. Raises also: NotRunningError when it does not come in time."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            found: dict[str, Any] = self.get(f"/v1/jobs/{started['id']}")
            if found["status"] in _FINAL:
                return found
            time.sleep(0.2)
        raise NotRunningError(f"the job {started['id']} did not end in time")


def content_type_of(path: Path) -> str:
    """What a file is, by its name."""
    if path.suffix.lower() == ".xlsx":
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return mimetypes.guess_type(path.name)[0] or "text/csv"


def part(text: str) -> str:
    """A piece of a path, escaped."""
    return quote(text, safe="")


def _in_words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        lines = [str(problem.get("detail") or problem.get("title") or answer.status_code)]
        lines += [
            f"  {each.get('pointer', '')} {each.get('code', '')}: {each.get('message', '')}"
            for each in problem.get("errors", ())
        ]
        return "\n".join(lines)
    except ValueError:
        return f"{answer.status_code}: {answer.text[:300]}"
