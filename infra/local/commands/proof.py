"""``kopru evidence``, ``openapi``, ``doctor`` and ``config``: prove, describe, diagnose."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.local.client import LocalClient, NotRunningError, RefusedError, RunningStack
from infra.local.commands.product import KEY_VARIABLE, URL_VARIABLE, Product, add_flags, part
from infra.local.commands.talk import (
    INVALID,
    OK,
    REMOTE,
    AddCommand,
    columns,
    complain,
    folder_of,
    pretty,
    show,
    talk,
)
from infra.local.settings import DEFAULT_PORT, ROOT, default_port

_LEAST_PYTHON: Final = (3, 11)
_LEAST_FREE_BYTES: Final = 500_000_000


def add(command: AddCommand) -> None:
    """The commands that prove, describe and diagnose."""
    evidence = command.group("evidence", "packs that prove what was sent, seen and said")
    export = command(
        "export",
        _export,
        "the pack of a letter (†)",
        under=evidence,
        example="evidence export 01JX… --out letter.zip",
    )
    export.add_argument("letter")
    export.add_argument("--out", type=Path, default=None, metavar="FILE")
    add_flags(export)
    verify = command("verify", _verify, "check a pack, without any stack", under=evidence)
    verify.add_argument("file", type=Path, help="the zip archive, or its evidence.json")
    verify.add_argument("--head", default="", help="head of the chain from the letter's history")

    add_flags(command("openapi", _openapi, "the description of the API (†)"))
    command("doctor", _doctor, "what this machine needs, has and runs")
    config = command.group("config", "where settings come from")
    command("explain", _config, "every setting with its value and its origin", under=config)


def _export(options: argparse.Namespace) -> int:
    path = f"/v1/reconciliation/letters/{part(options.letter)}/evidence"
    content = Product.of(options).ask("GET", path).body
    out: Path = options.out or Path(f"evidence-{options.letter}.zip")
    out.write_bytes(content)
    show(options, {"file": str(out), "bytes": len(content)}, lambda: [[str(out)]])
    return OK


def _verify(options: argparse.Namespace) -> int:
    from infra.local.evidence import EvidenceError, verify

    try:
        entries = verify(options.file, options.head)
    except EvidenceError as error:
        return complain(str(error), INVALID)
    print(f"{options.file.name}: {entries} entries, nothing was changed")
    return OK


def _openapi(options: argparse.Namespace) -> int:
    print(pretty(Product.of(options).get("/v1/openapi.json")))
    return OK


def _doctor(options: argparse.Namespace) -> int:
    checks = [
        {"check": check, "state": "ok" if good else "missing", "detail": detail}
        for check, good, detail in _checks(options)
    ]
    show(options, {"items": checks}, lambda: columns(checks, "state", "check", "detail"))
    missing = [each for each in checks if each["state"] != "ok"]
    if missing:
        talk(f"{len(missing)} of {len(checks)} are not as they should be")
    return REMOTE if missing else OK


def _checks(options: argparse.Namespace) -> Iterator[tuple[str, bool, str]]:
    version = sys.version_info
    yield "Python 3.11 or newer", version >= _LEAST_PYTHON, ".".join(map(str, version[:3]))
    for module in ("moto", "samtranslator", "zeep", "httpx", "reportlab"):
        found = importlib.util.find_spec(module) is not None
        yield f"package {module}", found, "" if found else "run `make run`, which installs"
    product = importlib.util.find_spec("workspace") is not None
    yield "the product's code", product, "" if product else "PYTHONPATH is missing; use ./kopru"
    assets = ROOT / "build" / "assets" / "manifest.json"
    yield "built style sheets", assets.exists(), "" if assets.exists() else "run `make assets`"
    folder = folder_of(options)
    beside = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(beside).free
    yield "room on the disk", free > _LEAST_FREE_BYTES, f"{free // 1_000_000} MB at {beside}"
    yield "folder can be written", os.access(beside, os.W_OK), str(folder)
    try:
        running = RunningStack.find(folder)
    except NotRunningError as error:
        port = default_port()
        yield f"port {port} is free", not _listens(port), "PORT=… chooses another"
        yield "local stack", False, str(error)
        return
    yield "local stack", True, f"{running.base_url}, process {running.pid}"
    try:
        overview = LocalClient(running).get("")
    except (NotRunningError, RefusedError) as error:
        yield "local stack answers", False, str(error)
        return
    dead = sum(q["visible"] for q in overview["queues"] if q["is_dead_letter_queue"])
    yield "no dead letters", not dead, f"{dead} messages; kopru dlq list" if dead else ""
    failed = [
        each["name"]
        for each in overview["schedules"]
        if each["last_run"] is not None and not each["last_run"]["ok"]
    ]
    yield "schedules run", not failed, ", ".join(failed)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _config(options: argparse.Namespace) -> int:
    items = list(_settings(options))
    show(options, {"items": items}, lambda: columns(items, "name", "value", "origin"))
    return OK


def _settings(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    folder = folder_of(options)
    yield _setting("port", str(default_port()), "PORT", f"default {DEFAULT_PORT}")
    given = "--dir" if options.dir is not None else None
    yield _setting("folder", str(folder), "KOPRU_LOCAL_DIR", "default", given)
    yield _setting("base URL", os.environ.get(URL_VARIABLE, "-"), URL_VARIABLE, "the local stack")
    # Whether there is a key, never which.
    key = "set" if os.environ.get(KEY_VARIABLE) else "-"
    yield _setting("API key", key, KEY_VARIABLE, "credentials.json of the folder")
    yield _setting("colours", "no", "NO_COLOR", "none are used but in `demo`")
    clock = folder / "data" / "clock.json"
    if clock.exists():
        moved = json.loads(clock.read_text(encoding="utf-8"))
        yield {"name": "clock", "value": json.dumps(moved), "origin": str(clock)}


def _setting(
    name: str, value: str, variable: str, default: str, given: str | None = None
) -> dict[str, str]:
    origin = given or (variable if os.environ.get(variable) else default)
    return {"name": name, "value": value, "origin": origin}
