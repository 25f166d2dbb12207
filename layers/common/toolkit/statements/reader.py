"""One door for statement files: the content decides which format it is, never the name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from kernel.bank_statement import StatementItem
from toolkit.statements.csv_profile import CsvProfile, read_csv_statement
from toolkit.statements.mt940 import read_mt940
from toolkit.statements.values import StatementReason, StatementRefusedError

StatementFormat = Literal["camt", "mt940", "csv"]
_LOOK: Final = 4096
_MT940: Final = re.compile(rb"(?:^|[\r\n]|\{4:[\r\n]*):20:[^\r\n]*[\r\n]")
_MARKS: Final = (b"\xef\xbb\xbf",)
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")


def format_of(start: bytes) -> StatementFormat:
    """The format of a file by its first bytes; what is neither XML nor SWIFT is a table."""
    text = start[3:] if start.startswith(_MARKS) else start
    if text.lstrip().startswith(b"<"):
        return "camt"
    return "mt940" if _MT940.search(text) else "csv"


def read_statement(
    stream: BinaryIO, *, profile: CsvProfile | None = None
) -> Iterator[StatementItem]:
    """Items of a statement file in any format; ``stream`` must be seekable.

    Raises: StatementRefusedError, also ("statement.profile_missing") for a table without profile.
    """
    start = stream.read(_LOOK)
    stream.seek(0)
    if not start.strip():
        raise StatementRefusedError(StatementReason.EMPTY, "The file is empty.")
    if start.startswith(_WIDE) or b"\x00" in start:
        raise StatementRefusedError(
            StatementReason.ENCODING, "The file is in an encoding that is not read.", line=1
        )
    kind = format_of(start)
    if kind == "camt":
        # lxml takes a while to import: only when there is XML.
        from toolkit.statements.camt import read_camt

        yield from read_camt(stream)
    elif kind == "mt940":
        yield from read_mt940(stream)
    elif profile is None:
        raise StatementRefusedError(
            StatementReason.PROFILE_MISSING,
            "The file is a table; say how its columns are to be read.",
        )
    else:
        yield from read_csv_statement(stream, profile)
