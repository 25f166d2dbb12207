"""The state folder: owned once, never mistaken for somebody else's, saved and loaded whole."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud.journal import ItemChange, ItemJournal, ObjectFiles, StoredVersion, Vault
from infra.local.cloud.model import LocalCloudError
from infra.local.state import FORMAT_VERSION, LocalState

ROOT = Path(__file__).parents[3]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[LocalState]:
    state = LocalState(tmp_path / "state")
    state.open()
    yield state
    state.close()


def test_a_new_folder_gets_a_format(state: LocalState) -> None:
    written = json.loads((state.folder / "format.json").read_text(encoding="utf-8"))
    assert (written["format"], written["version"]) == ("kopru-local-state", FORMAT_VERSION)
    assert state.data.is_dir()


def test_a_folder_has_one_owner(state: LocalState) -> None:
    script = (
        "import pathlib\n"
        "from infra.local.state import LocalState\n"
        f"LocalState(pathlib.Path({str(state.folder)!r})).open()\n"
    )

    def other() -> str:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
        )
        return done.stderr

    refusal = other()
    assert str(state.folder) in refusal
    assert f"in use by process {os.getpid()}" in refusal
    state.close()
    assert other() == ""


def test_a_killed_owner_leaves_the_folder_free(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    script = (
        "import pathlib, time\n"
        "from infra.local.state import LocalState\n"
        f"LocalState(pathlib.Path({str(folder)!r})).open()\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        state = LocalState(folder)
        with pytest.raises(LocalCloudError, match=f"process {process.pid}"):
            state.open()
        process.send_signal(signal.SIGKILL)
        process.wait()
    state.open()
    state.close()


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(LocalCloudError, match=f"{tmp_path} is not a Köprü state folder.*letter"):
        LocalState(tmp_path).open()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("", encoding="utf-8")
    with pytest.raises(LocalCloudError, match="is a file"):
        LocalState(path).open()


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": "other", "version": 1}', "belongs to 'other'"),
        (f'{{"format": "kopru-local-state", "version": {FORMAT_VERSION + 1}}}', "has format"),
    ],
)
def test_a_folder_of_another_format_is_refused(
    state: LocalState, written: str, complaint: str
) -> None:
    state.close()
    (state.folder / "format.json").write_text(written, encoding="utf-8")
    with pytest.raises(LocalCloudError, match=complaint):
        state.open()
    assert not state.is_open


def test_snapshots_bring_everything_back(state: LocalState) -> None:
    vault = Vault(state.data / "vault.sqlite")
    files = ObjectFiles(state.data / "objects")
    vault.put("kms", "key", {"id": "1"})
    files.write("b", "k", [StoredVersion({"n": 1}, b"first")])
    state.save_snapshot("before", {"vault.sqlite": vault.backup, "objects": files.backup})
    vault.put("kms", "key", {"id": "2"})
    files.write("b", "k", [])
    vault.close()
    files.close()

    assert state.snapshots() == ["before"]
    state.load_snapshot("before")
    vault = Vault(state.data / "vault.sqlite")
    files = ObjectFiles(state.data / "objects")
    assert vault.get("kms", "key") == {"id": "1"}
    assert list(files.read("b")) == [("k", [StoredVersion({"n": 1}, b"first")])]
    vault.close()
    files.close()


def test_a_reset_keeps_snapshots(state: LocalState) -> None:
    vault = Vault(state.data / "vault.sqlite")
    vault.put("kms", "key", {"id": "1"})
    state.save_snapshot("kept", {"vault.sqlite": vault.backup})
    vault.close()
    state.reset()
    assert list(state.data.iterdir()) == []
    assert state.snapshots() == ["kept"]


def test_snapshot_names_are_checked(state: LocalState) -> None:
    with pytest.raises(LocalCloudError, match="is not a snapshot name"):
        state.save_snapshot("../up", {})
    with pytest.raises(LocalCloudError, match=r"no snapshot 'absent'.*saved: none"):
        state.load_snapshot("absent")


def test_items_are_journalled_by_key(tmp_path: Path) -> None:
    journal = ItemJournal(tmp_path / "items.sqlite")
    journal.write([ItemChange("t", "k1", "one"), ItemChange("t", "k2", "two")])
    journal.write([ItemChange("t", "k1", None), ItemChange("t", "k2", "three")])
    journal.write([ItemChange("other", "k1", "x")])
    assert list(journal.read("t")) == ["three"]
    journal.close()
    again = ItemJournal(tmp_path / "items.sqlite")
    assert list(again.read("t")) == ["three"]
    again.close()


def test_a_failed_write_is_undone(tmp_path: Path) -> None:
    journal = ItemJournal(tmp_path / "items.sqlite")
    broken = ItemChange("t", "k2", object())  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        journal.write([ItemChange("t", "k1", "one"), broken])
    assert list(journal.read("t")) == []
    journal.write([ItemChange("t", "k1", "one")])
    assert list(journal.read("t")) == ["one"]
    journal.close()


def test_objects_leave_no_orphans(tmp_path: Path) -> None:
    files = ObjectFiles(tmp_path / "objects")
    files.write("b", "k", [StoredVersion({}, b"1"), StoredVersion({}, None)])
    files.write("b", "k", [StoredVersion({}, b"2")])
    assert list(files.read("b")) == [("k", [StoredVersion({}, b"2")])]
    contents = [path for path in (tmp_path / "objects").iterdir() if "index" not in path.name]
    assert [path.read_bytes() for path in contents] == [b"2"]
    files.close()


def test_a_damaged_journal_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "items.sqlite"
    journal = ItemJournal(path)
    journal.write([ItemChange("t", str(number), "x" * 500) for number in range(200)])
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096:12288] = b"\x00" * 8192
    path.write_bytes(data)
    with pytest.raises(LocalCloudError, match=r"items\.sqlite is damaged"):
        ItemJournal(path)
