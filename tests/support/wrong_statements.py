"""Bank statements that are cut off, malformed or in another encoding, in every format.

Each says which problems must be told, with their lines; all begin like a good file whose first
movement would settle something, so that what is left behind would be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.statements import Move, camt, csv_text, mt940

FIXED_PROFILE: Final[Mapping[str, Any]] = {
    "characters": {
        "value_date": [1, 8],
        "direction": [9, 9],
        "amount": [10, 21],
        "remittance": [22, 60],
    },
    "date_format": "yyyymmdd",
    "currency": "EUR",
    "implied_decimals": True,
}
MOVES: Final = (
    Move(32_534, text="POS Δόση 1"),
    Move(32_533, text="POS Δόση 2"),
    Move(-4_250, text="Έξοδα"),
    Move(1_100, text="Διάφορα"),
)
Problems = tuple[tuple[int, str], ...]
"""Line (0 is the whole file) and code of each problem, in the order of the file."""


@dataclass(frozen=True)
class Wrong:
    """One file; ``code`` says what became of the whole import."""

    name: str
    content: bytes
    code: str
    problems: Problems
    profile: str | Mapping[str, Any] | None = None


def fixed_text() -> str:
    """The movements with a fixed width for every field."""
    rows = (
        f"{move.day:%Y%m%d}{'A' if move.amount >= 0 else 'B'}{abs(move.amount):012d}{move.text}"
        for move in MOVES
    )
    return "\r\n".join((*rows, ""))


def good_files() -> dict[str, tuple[bytes, str | Mapping[str, Any] | None]]:
    """What the wrong ones are made from, by format: content and profile."""
    return {
        "camt.053.001.02": (camt(MOVES, version="02"), None),
        "camt.053.001.08": (camt(MOVES), None),
        "MT940": (mt940(MOVES, style="/"), None),
        "CSV": (csv_text(MOVES).encode(), "greek"),
        "fixed width": (fixed_text().encode(), FIXED_PROFILE),
    }


def _line_of(content: bytes, part: bytes) -> int:
    return content[: content.index(part)].count(b"\n") + 1


def _swap(content: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for old, new in pairs:
        assert old in content
        content = content.replace(old, new, 1)
    return content


def wrong_files() -> Iterator[Wrong]:
    """Every format, cut off, malformed and in a wrong encoding."""
    for name, (content, profile) in good_files().items():
        wide = content.decode().encode("utf-16")
        encoding = "statement.encoding"
        yield Wrong(f"{name}: UTF-16", wide, encoding, ((1, encoding),), profile)
        if name == "MT940":
            # Other code pages are read; this byte is in none of them.
            other = content.replace("Δόση 2".encode(), b"\xff", 1)
            place = _line_of(other, b"\xff")
        else:
            other = content.decode().encode("cp1253")
            place = _line_of(other, "Δ".encode("cp1253"))
            if name.startswith("camt"):
                place = _line_of(other, "Ε".encode("cp1253"))
            if name == "CSV":
                place = 1
        yield Wrong(f"{name}: code page", other, encoding, ((place, encoding),), profile)
    yield from _camt()
    yield from _mt940()
    yield from _csv()
    yield from _fixed()


def _camt() -> Iterator[Wrong]:
    syntax = "statement.syntax"
    for version in ("02", "08"):
        name, good = f"camt.053.001.{version}", camt(MOVES, version=version)
        cut = good[: good.index("Έξοδα".encode())]
        yield Wrong(f"{name}: cut off", cut, syntax, ((cut.count(b"\n") + 1, syntax),))
        open_tag = _swap(good, (b"</Ntry>\n<Ntry>", b"\n<Ntry>"))
        place = open_tag.count(b"\n") + 1
        yield Wrong(f"{name}: not well-formed", open_tag, syntax, ((place, syntax),))
        second = good.index(b"<Ntry>", good.index(b"<Ntry>") + 1)
        rest = _swap(
            good[second:],
            (b'<Amt Ccy="EUR">325.33</Amt>', b'<Amt Ccy="EUR">325,33</Amt>'),
            (b"<CdtDbtInd>DBIT</CdtDbtInd>", b"<CdtDbtInd>?</CdtDbtInd>"),
        )
        broken = good[:second] + rest
        lines = [_line_of(broken, text.encode()) for text in ("Δόση 2", "Έξοδα")]
        problems = tuple(zip(lines, ("amount", "direction"), strict=True))
        yield Wrong(f"{name}: malformed", broken, "statement_wrong", problems)


def _mt940() -> Iterator[Wrong]:
    good = mt940(MOVES, style="/")
    cut = good[: good.index(b"C11,00NTRF")]
    problems = ((_line_of(good, b"C11,00"), "entry"),)
    yield Wrong("MT940: cut off", cut, "statement_wrong", problems)
    whole = good[: good.index(b":62F:")]
    lacks = ((_line_of(good, b":20:"), "balance_missing"),)
    yield Wrong("MT940: end is missing", whole, "statement_wrong", lacks)
    broken = _swap(
        good, (b":61:2606010601C325,33", b":61:2613010601C325,33"), (b"D42,50", b"D42.50")
    )
    places = [(_line_of(broken, b":61:261301"), "date"), (_line_of(broken, b"D42.50"), "entry")]
    yield Wrong("MT940: malformed", broken, "statement_wrong", tuple(places))


def _csv() -> Iterator[Wrong]:
    good = csv_text(MOVES).encode()
    row = _line_of(good, "Έξοδα".encode())
    cut = good[: good.index(b";-42,50")]
    yield Wrong("CSV: cut off", cut, "statement_wrong", ((row, "row_length"),), "greek")
    broken = _swap(
        good,
        (b"01/06/2026;01/06/2026;POS", b"31/02/2026;01/06/2026;POS"),
        (b"-42,50", b"-42.5"),
    )
    places = ((3, "date"), (row, "amount"))
    yield Wrong("CSV: malformed", broken, "statement_wrong", places, "greek")
    late = good.replace("Έξοδα".encode(), "Έξοδα".encode("cp1253"))
    code = "statement.encoding"
    yield Wrong("CSV: one row in a code page", late, code, ((row, code),), "greek")
    gap = b"\r\n".join(line for line in good.split(b"\r\n") if b"-42,50" not in line)
    lost = ((row, "balance_mismatch"),)
    yield Wrong("CSV: a row is missing", gap, "statement_wrong", lost, "greek")
    none = good.replace("Ποσό".encode(), b"X")
    header = "statement.header_missing"
    yield Wrong("CSV: no header", none, header, ((0, header),), "greek")


def _fixed() -> Iterator[Wrong]:
    good = fixed_text().encode()
    cut = good[: good.index("Διάφορα".encode()) - 4]
    problems = ((4, "row_length"),)
    yield Wrong("fixed width: cut off", cut, "statement_wrong", problems, FIXED_PROFILE)
    broken = _swap(good, (b"20260601A000000032533", b"20261301A000000032533"), (b"B0", b"?0"))
    places = ((2, "date"), (3, "direction"))
    yield Wrong("fixed width: malformed", broken, "statement_wrong", places, FIXED_PROFILE)
