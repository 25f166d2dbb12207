"""Proof with large files: statements of 100 MB are read in the memory of a small one.

``python -m bench.statement_memory [--megabytes 100]`` makes files of that size while they are read,
one format at a time, each in a process of its own, and compares how much memory the process holds
after a tenth of the file with the most it held at the end. Nothing is ever whole in memory, neither
on our side nor on the side of what makes the file.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, BinaryIO, Final, cast

from bench.frame import peak_mb
from kernel.bank_statement import StatementEntry, StatementProblem
from tests.support.statements import Move, camt, mt940
from tests.support.wrong_statements import FIXED_PROFILE
from toolkit.statements.csv_profile import PROFILES, CsvProfile, profile_from
from toolkit.statements.reader import read_statement
from toolkit.statements.values import MAX_BYTES

MOST_GROWTH_MB: Final = 8
"""What the allocator may still take after a tenth of a file."""
_MOVE: Final = Move(32_534, text="POS SATIS FTR-2026-000001", bank_reference="B-1", end_to_end="E")
_OPENING: Final = 100_000


@dataclass(frozen=True, slots=True)
class Form:
    """A format: what stands before and after so many movements, and one of them."""

    body: bytes
    around: Callable[[int], tuple[bytes, bytes]]
    profile: CsvProfile | None = None


def _cut(whole: bytes, start: bytes, end: bytes) -> tuple[bytes, bytes, bytes]:
    first = whole.index(start)
    last = whole.index(end, first) + len(end)
    return whole[:first], whole[first:last], whole[last:]


def _swift_or_xml(made: Callable[[int], bytes], start: bytes, end: bytes) -> Form:
    """One statement with its balances; ``made`` gives it with one movement and a closing one."""

    def around(count: int) -> tuple[bytes, bytes]:
        head, _, tail = _cut(made(_OPENING + count * _MOVE.amount), start, end)
        return head, tail

    return Form(_cut(made(0), start, end)[1], around)


def _camt(version: str) -> Form:
    return _swift_or_xml(
        lambda closing: camt([_MOVE], version=version, opening=_OPENING, closing=closing),
        b"<Ntry>",
        b"</Ntry>",
    )


def _mt940() -> Form:
    return _swift_or_xml(
        lambda closing: mt940([_MOVE], style="/", opening=_OPENING, closing=closing),
        b":61:",
        f"/NAME/{_MOVE.name}\r\n".encode(),
    )


def _table(head: str, row: str, profile: CsvProfile) -> Form:
    return Form(f"{row}\r\n".encode(), lambda _: (head.encode(), b""), profile)


FORMS: Final[Mapping[str, Callable[[], Form]]] = {
    "camt.053.001.02": lambda: _camt("02"),
    "camt.053.001.08": lambda: _camt("08"),
    "MT940": _mt940,
    "CSV": lambda: _table(
        "Tarih;Valör;Tutar;Açıklama\r\n",
        "01.06.2026;01.06.2026;325,34;POS SATIŞ FTR-2026-000001",
        PROFILES["turkish"],
    ),
    "fixed width": lambda: _table(
        "", "20260601A000000032534POS SATIS FTR-2026-000001", profile_from(FIXED_PROFILE)
    ),
}


class Made(io.RawIOBase):
    """A file that is made while it is read; only its start can be read again."""

    def __init__(self, form: Form, size: int) -> None:
        self._form = form
        self._count = size // len(form.body) - 2
        self.place = 0
        self._rewind()

    def _rewind(self) -> None:
        head, tail = self._form.around(self._count)
        self._parts = chain([head], repeat(self._form.body, self._count), [tail])
        self._rest = bytearray()
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        assert offset == whence == 0
        self._rewind()
        return 0

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (part := next(self._parts, None)) is not None:
            self._rest += part
        given = self._rest[: len(buffer)]
        del self._rest[: len(buffer)]
        buffer[: len(given)] = given
        self.place += len(given)
        return len(given)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one file took; memory of the whole process, in MB."""

    form: str
    megabytes: float
    entries: int
    seconds: float
    early_mb: float
    peak_mb: float

    @property
    def growth_mb(self) -> float:
        """How much more memory nine tenths of the file took."""
        return round(self.peak_mb - self.early_mb, 1)


def read(name: str, size: int) -> Reading:
    """Read one made file in this process. Raises ValueError when it has a problem."""
    form = FORMS[name]()
    stream = Made(form, size)
    source = cast("BinaryIO", io.BufferedReader(cast("Any", stream)))
    entries, early = 0, 0.0
    began = time.process_time()
    for item in read_statement(source, profile=form.profile):
        if isinstance(item, StatementProblem):
            raise ValueError(f"{item.place}: {item.message}")
        entries += isinstance(item, StatementEntry)
        if not early and stream.place > size // 10:
            early = peak_mb()
    seconds = round(time.process_time() - began, 1)
    megabytes = round(stream.place / 1_000_000, 1)
    return Reading(name, megabytes, entries, seconds, early, peak_mb())


def measure_one(name: str, size: int) -> Reading:
    """The same in a process of its own, whose peak is its own too."""
    command = [sys.executable, "-m", "bench.statement_memory", "--one", name, "--bytes", str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Reading(**json.loads(done.stdout))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.statement_memory", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--one", choices=list(FORMS), help="only this one, here, as JSON")
    parser.add_argument("--bytes", type=int, default=MAX_BYTES)
    options = parser.parse_args(arguments)
    if options.one:
        found = read(options.one, options.bytes)
        print(json.dumps({name: getattr(found, name) for name in Reading.__slots__}))
        return 0
    grown = 0.0
    for name in FORMS:
        found = measure_one(name, options.megabytes * 1_000_000)
        grown = max(grown, found.growth_mb)
        print(
            f"{name}: {found.megabytes} MB, {found.entries} entries, {found.seconds} s, "
            f"{found.early_mb} MB of memory after a tenth, {found.peak_mb} MB at the end",
            flush=True,
        )
    return int(grown > MOST_GROWTH_MB)


if __name__ == "__main__":
    sys.exit(main())
