"""Every attack by XML against every place that parses XML (security.md S34).

The places are found in the code, so that a new parser without attacks is a failure.
"""

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from kernel.errors import ValidationError
from kernel.masking import HIDDEN
from reconciliation.adapters.ubl import UblInvoices
from tests.support.reconciliation_builders import ubl
from toolkit.exchange_masks import raw_text
from toolkit.soap.envelope import EnvelopeRefusedError, check_envelope
from toolkit.statements.camt import read_camt
from toolkit.statements.values import StatementRefusedError
from toolkit.tabular.sheet_scan import parse_xml, scan_sheet
from toolkit.tabular.table import TableRefusedError

ROOT: Final = Path(__file__).parents[3]
PARSERS: Final = re.compile(r"etree\.(?:fromstring|parse|XML\w*Parser|iterparse)|ParserCreate\(")
SECRET: Final = "kopru-canary-of-a-file"

Door = Callable[[bytes], object]


def _kept_exchange(xml: bytes) -> None:
    """What cannot be laid out is hidden whole; the clear text is the bytes as they came."""
    text = raw_text(xml, {"r"})
    if text.masked == HIDDEN:
        assert SECRET not in text.reveal("a test")
        raise ValidationError("hidden", "Nothing of it is shown.")


DOORS: Final[dict[str, tuple[str, Door]]] = {
    "soap": (
        "layers/common/toolkit/soap/envelope.py",
        lambda xml: check_envelope(xml, expected=("{urn:x}Answer",)),
    ),
    "statement": (
        "layers/common/toolkit/statements/camt.py",
        lambda xml: list(read_camt(io.BytesIO(xml))),
    ),
    "kept exchange": ("layers/common/toolkit/exchange_masks.py", _kept_exchange),
    "invoice": ("functions/reconciliation/adapters/ubl.py", lambda xml: UblInvoices().read(xml)),
    "sheet": ("layers/common/toolkit/tabular/sheet_scan.py", lambda xml: scan_sheet(xml, [])),
    "part of a workbook": (
        "layers/common/toolkit/tabular/sheet_scan.py",
        lambda xml: parse_xml(xml, lambda _name, _attributes: None),
    ),
}
OURS_ALONE: Final = frozenset({"layers/common/toolkit/soap/client.py"})
"""Parses the bundled WSDL files only, whose hashes it checks before."""

REFUSALS: Final = (
    EnvelopeRefusedError,
    StatementRefusedError,
    TableRefusedError,
    ValidationError,
)


def _document_type(inside: str, use: str = "&x;") -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE r [{inside}]><r>{use}</r>'.encode()


def _laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return _document_type(f'<!ENTITY l0 "ha">{levels}', "&l9;")


def _attacks(canary: Path) -> dict[str, bytes]:
    """Every document is hostile whatever it was sent as."""
    plain = _document_type('<!ENTITY x "y">').decode()
    return {
        "external entity": _document_type(f'<!ENTITY x SYSTEM "{canary.as_uri()}">'),
        "external entity over the network": _document_type(
            '<!ENTITY x SYSTEM "http://169.254.169.254/latest/meta-data/">'
        ),
        "parameter entity": _document_type(f'<!ENTITY % x SYSTEM "{canary.as_uri()}"> %x;', ""),
        "external document type": (
            f'<?xml version="1.0"?><!DOCTYPE r SYSTEM "{canary.as_uri()}"><r/>'.encode()
        ),
        "billion laughs": _laughs(),
        "quadratic blow-up": _document_type(f'<!ENTITY x "{"a" * 50_000}">', "&x;" * 5_000),
        "document type in UTF-16": plain.replace('"1.0"', '"1.0" encoding="UTF-16"').encode(
            "utf-16"
        ),
        "document type in UTF-7": plain.replace('"1.0"', '"1.0" encoding="UTF-7"')
        .replace("<!DOCTYPE", "+ADwAIQ-DOCTYPE")
        .encode(),
        "document type in EBCDIC": plain.replace('"1.0"', '"1.0" encoding="cp037"').encode("cp037"),
        "undeclared entity": b"<r>&x;</r>",
        "two roots": b"<r/><r/>",
        "torn": b"<r><a></r>",
        "null bytes": b"<r>\x00</r>",
    }


NAMES: Final = tuple(_attacks(Path("/canary")))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("attack", NAMES)
def test_an_attack_is_refused_quickly_and_reads_nothing(
    door: str, attack: str, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    xml = _attacks(canary)[attack]
    started = time.process_time()
    with pytest.raises(REFUSALS) as refused:
        DOORS[door][1](xml)
    assert time.process_time() - started < 1.0
    assert SECRET not in f"{refused.value!s} {refused.value!r}"


@pytest.mark.parametrize("door", ["soap", "statement", "kept exchange", "invoice"])
def test_ten_thousand_levels_are_refused(door: str) -> None:
    deep = b"<r>" * 10_000 + b"</r>" * 10_000
    with pytest.raises(REFUSALS):
        DOORS[door][1](deep)


@pytest.mark.parametrize("door", ["sheet", "part of a workbook"])
def test_levels_cost_a_stream_nothing(door: str) -> None:
    deep = b"<r>" * 10_000 + b"</r>" * 10_000
    started = time.process_time()
    DOORS[door][1](deep)
    assert time.process_time() - started < 1.0


def test_an_inclusion_is_an_element_like_any_other(tmp_path: Path) -> None:
    """XInclude is not performed: the file does not come into the invoice."""
    canary = tmp_path / "canary"
    canary.write_text(SECRET)
    include = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{canary.as_uri()}" '
        'parse="text"/>'
    )
    xml = ubl().replace(b"</Invoice>", f"{include}</Invoice>".encode())
    assert xml != ubl()
    assert SECRET not in repr(UblInvoices().read(xml))


def test_every_parser_of_the_product_is_attacked() -> None:
    found = {
        str(path.relative_to(ROOT))
        for folder in ("functions", "layers/common")
        for path in (ROOT / folder).rglob("*.py")
        if PARSERS.search(path.read_text(encoding="utf-8"))
    }
    assert found == {path for path, _ in DOORS.values()} | OURS_ALONE
