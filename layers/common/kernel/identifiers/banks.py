"""Names of banks by the code in an IBAN, for display only.

An unknown code never refuses a payment: the code itself is shown. The lists are data without
official validity dates, so each entry says how sure we are of it.
Source: domain/identifiers.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kernel.identifiers.iban import bank_code


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank of one country, by its code in the IBAN."""

    country: Literal["TR", "GR"]
    code: str
    name: str
    bic: str | None = None
    mark: Literal["CONFIRMED", "UNVERIFIED"] = "UNVERIFIED"


_BANKS: Final = (
    Bank("TR", "00010", "Ziraat Bankası"),
    Bank("TR", "00012", "Halkbank"),
    Bank("TR", "00015", "VakıfBank"),
    Bank("TR", "00032", "TEB"),
    Bank("TR", "00046", "Akbank"),
    Bank("TR", "00062", "Garanti BBVA"),
    Bank("TR", "00064", "İş Bankası"),
    Bank("TR", "00067", "Yapı Kredi"),
    Bank("TR", "00111", "QNB"),
    Bank("TR", "00134", "DenizBank"),
    Bank("TR", "00205", "Kuveyt Türk"),
    Bank("TR", "00206", "Türkiye Finans"),
    Bank("GR", "010", "Τράπεζα της Ελλάδος", "BNGRGRAA"),
    Bank("GR", "011", "Εθνική Τράπεζα", "ETHNGRAA", "CONFIRMED"),
    Bank("GR", "014", "Alpha Bank", "CRBAGRAA", "CONFIRMED"),
    Bank("GR", "016", "Attica Bank", "ATTIGRAA"),
    Bank("GR", "017", "Τράπεζα Πειραιώς", "PIRBGRAA", "CONFIRMED"),
    Bank("GR", "026", "Eurobank", "ERBKGRAA", "CONFIRMED"),
    Bank("GR", "034", "Optima Bank", "IBOGGRAA"),
    Bank("GR", "056", "Aegean Baltic Bank"),
    Bank("GR", "701", "Viva"),
)
_BY_CODE: Final[Mapping[tuple[str, str], Bank]] = {
    (bank.country, bank.code): bank for bank in _BANKS
}
_BY_BIC: Final = {bank.bic: bank for bank in _BANKS if bank.bic}


def by_iban(iban: str) -> Bank | None:
    """The bank of a compact IBAN, if we know its code."""
    return by_code(iban[:2], bank_code(iban))


def by_code(country: str, code: str) -> Bank | None:
    """The bank with this code in its country's IBANs."""
    return _BY_CODE.get((country, code))


def by_bic(bic: str) -> Bank | None:
    """The bank with this BIC; a branch suffix does not matter."""
    return _BY_BIC.get(bic[:8])
