"""Checks an evidence pack without the product: ``python -m infra.local evidence verify FILE``.

Needs nothing but Python. The chain of hashes is recomputed from the entries as they stand in the
file, and every file of the archive is compared with the hash the first entry names. ``--head``
compares the end of the chain with the one in the letter's history.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "kopru-evidence/1"
_MAX_BYTES: Final = 200_000_000


class EvidenceError(Exception):
    """What is wrong with a pack, in one sentence."""


def verify(path: Path, head: str = "") -> int:
    """Check a pack, a zip archive or its ``evidence.json`` alone; gives the number of entries.

    Raises: EvidenceError naming the first thing that does not fit.
    """
    document, files = _read(path)
    if document.get("format") != FORMAT:
        raise EvidenceError(f"this is no evidence pack: the format is not {FORMAT}")
    entries = document.get("entries")
    if not isinstance(entries, list) or not entries:
        raise EvidenceError("the pack has no entries")
    previous = "0" * 64
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or entry.get("seq") != number:
            raise EvidenceError(f"entry {number} is missing or out of place")
        if entry.get("prev_hash") != previous:
            raise EvidenceError(f"entry {number} does not follow the entry before it")
        previous = _hash(entry)
        if entry.get("hash") != previous:
            raise EvidenceError(f"entry {number} was changed")
    if document.get("head") != previous:
        raise EvidenceError("the chain was cut off: its end is not the head of the pack")
    if head and head != previous:
        raise EvidenceError("the pack has another head than the letter's history")
    if files is not None:
        _check_files(entries[0], files)
    return len(entries)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes] | None]:
    try:
        if not zipfile.is_zipfile(path):
            return _object(path.read_text(encoding="utf-8")), None
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_BYTES:
                raise EvidenceError("the archive unpacks to more than 200 MB")
            content = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise EvidenceError(f"the file cannot be read: {type(error).__name__}") from None
    if "evidence.json" not in content:
        raise EvidenceError("the archive has no evidence.json")
    return _object(content.pop("evidence.json").decode("utf-8", "replace")), content


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise EvidenceError("evidence.json is not JSON") from None
    if not isinstance(found, dict):
        raise EvidenceError("evidence.json is no object")
    return found


def _hash(entry: Mapping[str, Any]) -> str:
    content = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check_files(first: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    named = {item["name"]: item["sha256"] for item in first["content"].get("files", [])}
    for name, digest in named.items():
        if name not in files:
            raise EvidenceError(f"the file {name} is missing")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise EvidenceError(f"the file {name} was changed")
    for name in files:
        if name not in named:
            raise EvidenceError(f"the file {name} does not belong to the pack")
