"""Starts the simulated institutions and keeps their addresses for the functions.

The simulators themselves live in ``infra/local/simulators``; this module knows only what one of
them can be asked: where it listens, what it has accepted, how it should behave next.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol

from infra.local.cloud.database import copy_database
from infra.local.cloud.model import Now

_DATABASE: Final = ".sqlite3"


class RunningSimulator(Protocol):
    """One simulator that listens on a loopback port."""

    @property
    def name(self) -> str:
        """Its name, which is the provider's code."""
        ...

    @property
    def url(self) -> str:
        """The address that functions call."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """What it would do next and what it has accepted so far, as plain data."""
        ...

    def script(self, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change what it does next and say what was done.

        Raises: ValueError for a behaviour it does not know.
        """
        ...

    def follow_clock(self) -> None:
        """Begin or end at once what begins or ends at an instant that has come."""
        ...

    def stop(self) -> None:
        """Stop listening."""
        ...


StartAll = Callable[[Path, Now], Sequence[RunningSimulator]]
"""Starts every simulator, given its state folder and the clock of the stack."""


class UnknownSimulatorError(LookupError):
    """No simulator of this name is running."""


class SimulatorsHost:
    """The running simulators of one stack."""

    def __init__(self, start_all: StartAll, state_dir: Path, now: Now) -> None:
        self._start_all = start_all
        self._state_dir = state_dir
        self._now = now
        self._running: dict[str, RunningSimulator] = {}

    def start(self) -> None:
        """Start all simulators."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self._running = {each.name: each for each in self._start_all(self._state_dir, self._now)}

    def stop(self) -> None:
        """Stop all simulators."""
        for simulator in self._running.values():
            simulator.stop()
        self._running = {}

    def backup(self, target: Path) -> None:
        """Copy what the simulators keep into the folder ``target`` while they run.

        A book goes through SQLite: a plain copy would close a file that SQLite has open, which
        gives up its locks, and the next reader outside would delete the journal of the book.
        """
        target.mkdir(parents=True, exist_ok=True)
        for path in self._state_dir.iterdir():
            if path.suffix == _DATABASE:
                with closing(sqlite3.connect(path)) as book:
                    copy_database(book, target / path.name)
            elif _DATABASE not in path.name:
                shutil.copy2(path, target / path.name)

    def follow_clock(self) -> None:
        """The clock was moved: an outage may be over before anybody asks."""
        for simulator in self._running.values():
            simulator.follow_clock()

    def endpoints(self) -> dict[str, str]:
        """Address per provider code."""
        return {name: simulator.url for name, simulator in self._running.items()}

    def describe(self, name: str) -> Mapping[str, Any]:
        """State of one simulator. Raises: UnknownSimulatorError."""
        return self._get(name).describe()

    def script(self, name: str, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Script one simulator. Raises: UnknownSimulatorError, ValueError."""
        return self._get(name).script(behaviour)

    def _get(self, name: str) -> RunningSimulator:
        for key, simulator in self._running.items():
            if key.lower() == name.lower():
                return simulator
        raise UnknownSimulatorError(name)
