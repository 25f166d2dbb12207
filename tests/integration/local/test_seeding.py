"""The first start fills the stack once, before anybody can see it half full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("seeding.py")


def start(folder: Path, manner: str, code: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), manner],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_the_seed_runs_once_behind_a_closed_door(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first = start(folder, "ok")
    assert (first["seeds"], first["main_door_while_seeding"]) == (1, 503)
    assert (first["main_door_after"], first["item"]) == (200, 200)
    assert first["credentials"] == {
        "api_key": "key-1",
        "users": [],
        "seeded_for": first["base_url"],
        "base_url": first["base_url"],
    }
    assert first["mode"] == "0o600"
    (folder / "credentials.json").unlink()
    second = start(folder, "reset")
    assert second["credentials"]["api_key"] == "key-1", "written again from the state"
    assert second["credentials"]["base_url"] == second["base_url"]
    assert (second["seeds"], second["item_after_reset"]) == (1, 200), "only the reset seeded"


def test_a_seed_that_fails_leaves_a_stack_that_runs_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first = start(folder, "fails")
    assert (first["main_door_after"], first["item"]) == (200, 200)
    assert first["credentials"]["seed_error"] == "LookupError('no such company')"
    assert "no such company" in (folder / "stack.log").read_text()
    assert start(folder, "ok")["seeds"] == 0, "what people did meanwhile is not seeded over"


def test_a_seed_that_was_killed_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert "seed" not in start(folder, "dies", code=9)
    second = start(folder, "ok")
    assert (second["seeds"], second["item"], second["credentials"]["api_key"]) == (1, 200, "key-1")
