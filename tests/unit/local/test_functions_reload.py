"""Code that changed is noticed, and what is said can be found again."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

from infra.local.log_book import LogBook
from infra.local.reload import Reloader, Watcher


def touch(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    # Two writes within one tick of the file system's clock would look like one.
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


def test_changed_new_and_removed_files_are_told_apart_by_root(tmp_path: Path) -> None:
    functions, layer, template = tmp_path / "functions", tmp_path / "layer", tmp_path / "t.yaml"
    touch(functions / "pensions" / "a.py", "1")
    touch(functions / "pensions" / "gone.py", "1")
    touch(layer / "b.py", "1")
    touch(template, "1")
    watcher = Watcher([functions, layer, template])
    assert watcher.changes() == {}
    touch(functions / "pensions" / "a.py", "2")
    touch(functions / "pages" / "new.html", "1")
    (functions / "pensions" / "gone.py").unlink()
    touch(template, "2")
    assert watcher.changes() == {
        functions: {
            functions / "pensions" / "a.py",
            functions / "pages" / "new.html",
            functions / "pensions" / "gone.py",
        },
        template: {template},
    }
    assert watcher.changes() == {}


def test_what_running_code_writes_is_not_a_change(tmp_path: Path) -> None:
    touch(tmp_path / "a.py", "1")
    watcher = Watcher([tmp_path])
    touch(tmp_path / "__pycache__" / "a.cpython-311.pyc", "x")
    touch(tmp_path / ".a.py.swp", "x")
    assert watcher.changes() == {}


def test_the_reloader_calls_back_until_it_is_stopped(tmp_path: Path) -> None:
    calls: list[Mapping[Path, set[Path]]] = []
    touch(tmp_path / "a.py", "1")
    reloader = Reloader([tmp_path], calls.append, poll_seconds=0.02)
    reloader.start()
    touch(tmp_path / "a.py", "2")
    end = time.monotonic() + 5
    while not calls and time.monotonic() < end:
        time.sleep(0.01)
    reloader.stop()
    assert calls == [{tmp_path: {tmp_path / "a.py"}}]
    touch(tmp_path / "a.py", "3")
    time.sleep(0.1)
    assert len(calls) == 1


def test_only_what_matters_is_printed_and_everything_is_kept(tmp_path: Path) -> None:
    out = io.StringIO()
    book = LogBook(tmp_path / "stack.log", out=out)
    book.open()
    book.note("WorkspaceApiFunction", "one")
    book.say("ready")
    book.noting("gateway")("GET /")
    book.close()
    assert out.getvalue() == "ready\n"
    assert [line.text for line in book.latest()] == ["one", "ready", "GET /"]
    assert [line.text for line in book.latest("gateway")] == ["GET /"]
    assert [line.text for line in book.latest(limit=1)] == ["GET /"]
    lines = (tmp_path / "stack.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "WorkspaceApiFunction: one",
        "stack: ready",
        "gateway: GET /",
    ]


def test_a_verbose_book_prints_its_notes(tmp_path: Path) -> None:
    out = io.StringIO()
    book = LogBook(tmp_path / "stack.log", verbose=True, out=out)
    book.note("gateway", "GET /")
    assert out.getvalue() == "gateway: GET /\n"


def test_a_log_that_grew_too_large_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "stack.log"
    with path.open("wb") as old:
        old.truncate(21 * 1024 * 1024)
    book = LogBook(path)
    book.open()
    book.note("stack", "fresh")
    book.close()
    assert path.stat().st_size < 100
    assert (tmp_path / "stack.log.1").stat().st_size == 21 * 1024 * 1024
