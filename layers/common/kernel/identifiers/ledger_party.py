"""Tax number column of a ledger: a company, a person, or one of the placeholders for nobody.

A placeholder fails its checksum and must not stop an import; it is kept as a special value that is
never merged with another line and never matched to a counterparty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import ParseError
from kernel.identifiers import tckn, vkn

PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType({**tckn.PLACEHOLDERS, **vkn.PLACEHOLDERS})
"""Both placeholder lists; a dated parameter."""


class PartyKind(StrEnum):
    """What the number is."""

    VKN = "VKN"
    TCKN = "TCKN"
    SPECIAL = "SPECIAL"


@dataclass(frozen=True, slots=True)
class LedgerParty:
    """Whom a ledger line names; the number may identify a person, so it stays out of ``repr``."""

    kind: PartyKind
    number: str = field(repr=False)
    special: str | None = None


def parse(value: object, placeholders: Mapping[str, str] = PLACEHOLDERS) -> LedgerParty:
    """Read the column, blanks (U+0020) around it dropped.

    Raises: ParseError as ``vkn.parse`` and ``tckn.parse``, by the number's length.
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the number is text of ten or eleven digits")
    text = value.strip(" ")
    if text in placeholders:
        return LedgerParty(PartyKind.SPECIAL, text, placeholders[text])
    if len(text) == 11:
        return LedgerParty(PartyKind.TCKN, tckn.parse(text))
    return LedgerParty(PartyKind.VKN, vkn.parse(text))
