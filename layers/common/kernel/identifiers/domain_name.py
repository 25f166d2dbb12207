"""DNS names in mail addresses and webhook targets, as ASCII labels.

Unicode labels become A-labels by IDNA2008. The standard library's ``idna`` codec is IDNA2003: it
turns ß into ss and the final ς of a Greek name into σ, which is another domain, so only the
``punycode`` codec is used here, under the character rules of RFC 5892. Right-to-left labels,
joiners and contextual characters need rules of their own and are refused; so is a label that mixes
scripts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from kernel.errors import ParseError
from kernel.scripts import is_mark, scripts_of

_LDH: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LETTERS: Final = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc"})
# RFC 5892, section 2.6: valid although case folding changes them, and the reverse.
_EXTRA: Final = frozenset("ßς")
_REFUSED: Final = frozenset(
    "\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b\u115f\u1160"
)


@lru_cache(maxsize=1024)
def parse(value: str) -> str:
    """The name in lower case with A-labels.

    Shapes: at least two labels, at most 253 characters; the last label is no number, so that an
    address in any notation (127.1, 2130706433, 0x7f.1) is no name. The people of a file share few
    names, so the last ones are remembered.
    Raises: ParseError("LABEL" | "SCRIPT" | "LENGTH").
    """
    labels = value.split(".")
    if len(labels) < 2:
        raise ParseError("LABEL", "the name has at least two parts")
    name = ".".join(_ascii_label(label) for label in labels)
    if len(name) > 253:
        raise ParseError("LENGTH", "the name is too long")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise ParseError("LABEL", "an address is not a name")
    return name


def _ascii_label(label: str) -> str:
    lowered = _lower(label)
    if lowered.isascii():
        if _LDH.fullmatch(lowered) is None:
            raise ParseError("LABEL", "a part of the name has a wrong character or length")
        return _a_label(_decoded(lowered)) if lowered.startswith("xn--") else lowered
    return _a_label(lowered)


def _a_label(label: str) -> str:
    if (
        label.isascii()
        or label[0] == "-"
        or label[-1] == "-"
        or label[2:4] == "--"
        or is_mark(label[0])
        or not all(_is_valid(char) for char in label)
    ):
        raise ParseError("LABEL", "a part of the name has a wrong character")
    if len(scripts_of(label)) > 1:
        raise ParseError("SCRIPT", "a part of the name mixes alphabets")
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    if len(encoded) > 63:
        raise ParseError("LABEL", "a part of the name is too long")
    return encoded


def _decoded(a_label: str) -> str:
    try:
        label = a_label[4:].encode("ascii").decode("punycode")
    except ValueError:
        label = ""
    if not label or label.isascii() or unicodedata.normalize("NFC", label) != label:
        raise ParseError("LABEL", "a part of the name is not a valid encoded name")
    return label


def _lower(label: str) -> str:
    # A capital İ is typed by Turkish hands only, and means i; str.lower() would add a dot above.
    composed = unicodedata.normalize("NFC", label).replace("İ", "i").lower()
    return unicodedata.normalize("NFC", composed)


def _is_valid(char: str) -> bool:
    if char.isascii():
        return char == "-" or char.isdigit() or char.islower()
    if char in _REFUSED or unicodedata.bidirectional(char) in {"R", "AL"}:
        return False
    stable = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
    return unicodedata.category(char) in _LETTERS and (stable == char or char in _EXTRA)
