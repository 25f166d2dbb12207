"""The evidence pack of a letter, checked offline; whatever is changed in it is found."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.cli import INVALID, OK, main
from infra.local.evidence import EvidenceError, verify
from reconciliation.domain.letter import Letter
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import TENANT, Browser, ReconciliationWorld

STATEMENT = b"Tarih;Belge No;Alacak\r\n15.01.2026;S-1;900,00\r\n"


@pytest.fixture
def letter(world: ReconciliationWorld) -> Letter:
    """A letter that was opened, answered, and whose statements were compared."""
    card = str(world.counterparty()["id"])
    world.work_portal()
    world.record(api_entry("S-1", "1000.00", direction="sales"))
    letter = world.letter(card)
    Browser(agent="Proofpoint", language="").get(world.letter_link(letter))
    said = {"outcome": "disagreed", "name": "Ali Er", "note": "900 lira bizde"}
    world.call("POST", f"/letters/{letter.id}/replies", said)
    headers = {"content-type": "text/csv"}
    world.call("POST", f"/letters/{letter.id}/statements", STATEMENT, headers=headers)
    world.work_portal()
    return letter


def _pack(world: ReconciliationWorld, letter: Letter, folder: Path) -> Path:
    answer = world.call("GET", f"/letters/{letter.id}/evidence")
    assert answer.status == 200, answer.body
    path = folder / "evidence.zip"
    path.write_bytes(base64.b64decode(answer.raw["body"]))
    return path


def _document(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return dict(json.loads(archive.read("evidence.json")))


def test_a_pack_holds_all_of_it_and_fits(
    world: ReconciliationWorld, letter: Letter, tmp_path: Path
) -> None:
    path = _pack(world, letter, tmp_path)
    assert verify(path) >= 8
    document = _document(path)
    kinds = {entry["kind"] for entry in document["entries"]}
    assert {"subject", "edition", "visit", "answer", "statement", "comparison", "history"} <= kinds
    visit = next(entry for entry in document["entries"] if entry["kind"] == "visit")
    assert visit["content"]["visitor"] == "machine"
    with zipfile.ZipFile(path) as archive:
        assert archive.read("statement-1.csv") == STATEMENT


def test_the_head_stands_in_the_letters_history(
    world: ReconciliationWorld, letter: Letter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _pack(world, letter, tmp_path)
    history = world.app.for_system(TENANT, "test").store.history(f"letter:{letter.id}")
    (made,) = (line for line in history if line.action == "letter.evidence_made")
    head = str(made.detail["head"])
    assert main(["evidence", "verify", str(path), "--head", head]) == OK
    assert "nothing was changed" in capsys.readouterr().out
    assert main(["evidence", "verify", str(path), "--head", "0" * 64]) == INVALID


def _answer(document: dict[str, Any]) -> None:
    entry = next(one for one in document["entries"] if one["kind"] == "answer")
    entry["content"]["said"] = "agreed"


def _dropped(document: dict[str, Any]) -> None:
    del document["entries"][3]


def _swapped(document: dict[str, Any]) -> None:
    entries = document["entries"]
    entries[2], entries[3] = entries[3], entries[2]


def _cut(document: dict[str, Any]) -> None:
    document["entries"].pop()


def _format(document: dict[str, Any]) -> None:
    document["format"] = "other"


@pytest.mark.parametrize("change", [_answer, _dropped, _swapped, _cut, _format])
def test_a_changed_chain_is_found(
    world: ReconciliationWorld,
    letter: Letter,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
) -> None:
    document = _document(_pack(world, letter, tmp_path))
    change(document)
    forged = tmp_path / "evidence.json"
    forged.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(EvidenceError):
        verify(forged)
    assert main(["evidence", "verify", str(forged)]) == INVALID


@pytest.mark.parametrize("what", ["changed", "missing", "added"])
def test_a_changed_file_is_found(
    world: ReconciliationWorld, letter: Letter, tmp_path: Path, what: str
) -> None:
    with zipfile.ZipFile(_pack(world, letter, tmp_path)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if what == "changed":
        content["statement-1.csv"] += b" "
    elif what == "missing":
        del content["statement-1.csv"]
    else:
        content["more.txt"] = b""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in content.items():
            target.writestr(name, data)
    forged = tmp_path / "forged.zip"
    forged.write_bytes(buffer.getvalue())
    with pytest.raises(EvidenceError, match=r"statement-1|more"):
        verify(forged)


def test_what_is_no_pack_is_said_so(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    for content in (b"", b"[]", b"\xff\xfe", b"PK\x05\x06" + b"\0" * 18):
        junk.write_bytes(content)
        with pytest.raises(EvidenceError):
            verify(junk)
    with pytest.raises(EvidenceError):
        verify(tmp_path / "nothing")
