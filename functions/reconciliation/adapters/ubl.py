"""UBL-TR invoices (e-Fatura, e-Arşiv) as a neutral view.

Entities, DTDs and the network are off, a DOCTYPE is refused before anything is parsed, and only
what is named here is read: extensions, signatures and embedded documents are passed over. The
signature is not checked; the hub shows what the document says and keeps its SHA-256.
Source: OASIS UBL 2.1, UBL-TR 1.2 (CustomizationID ``TR1.2``), namespaces as below.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.identifiers import ledger_party
from kernel.identifiers.ledger_party import LedgerParty
from kernel.money import Money
from kernel.parsing import parse_date_api
from kernel.text import clean_free_text, shortened
from reconciliation.domain.e_invoice import (
    MAX_BYTES,
    MAX_LINES,
    InvoiceLine,
    InvoiceParty,
    InvoiceView,
)

_MAX_NOTES: Final = 20
_UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
_ROOT: Final = f"{{{_UBL}Invoice-2}}Invoice"
_NAMES: Final = {
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
}
_FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY")
_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,80}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_READABLE: Final = re.compile(r"utf-?8|us-ascii|iso-8859-9|windows-1254", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,8})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
Value = TypeVar("Value")
_NOBODY: Final = LedgerParty(ledger_party.PartyKind.SPECIAL, "", None)


class UblInvoices:
    """``InvoiceReader`` for UBL-TR."""

    def read(self, content: bytes) -> InvoiceView:
        """The view of one document.

        Raises: ValidationError("ubl.unreadable" | "ubl.dtd" | "ubl.too_large" |
        "ubl.not_an_invoice") for what is no such document, ("invalid_input") with every
        wrong element, pointers being paths of elements.
        """
        root = _parse(content)
        if root.tag != _ROOT:
            raise ValidationError("ubl.not_an_invoice", "The document is no UBL invoice.")
        return _Reader(root).view()


def _parse(content: bytes) -> Any:
    # lxml takes a while to import: only when there is XML.
    from lxml import etree

    if len(content) > MAX_BYTES:
        raise ValidationError("ubl.too_large", "An e-invoice has at most 1 MiB.")
    declared = _ENCODING.search(content[:200])
    name = declared[1].decode("ascii") if declared else "utf-8"
    # The search for DOCTYPE works on bytes, so ASCII must stay ASCII.
    if b"\x00" in content or _READABLE.fullmatch(name) is None:
        raise ValidationError("ubl.unreadable", "The document is not in a known encoding.")
    if any(mark in content for mark in _FORBIDDEN):
        raise ValidationError("ubl.dtd", "The document has a document type declaration.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
        recover=False,
    )
    try:
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ValidationError("ubl.unreadable", "The document is not well-formed XML.") from None


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._problems: list[Problem] = []
        self._currency = self._value("cbc:DocumentCurrencyCode", _currency, "TRY")

    def view(self) -> InvoiceView:
        """The view. Raises: ValidationError with every wrong element."""
        total = "cac:LegalMonetaryTotal"
        taxes = self._root.findall("cac:TaxTotal/cbc:TaxAmount", _NAMES)
        lines = self._root.findall("cac:InvoiceLine", _NAMES)
        view = InvoiceView(
            uuid=self._value("cbc:UUID", _uuid, ""),
            number=self._value("cbc:ID", _line(64), ""),
            issued_on=self._value("cbc:IssueDate", parse_date_api, parse_date_api("1900-01-01")),
            profile=self._value("cbc:ProfileID", _line(40), ""),
            kind=self._value("cbc:InvoiceTypeCode", _line(40), ""),
            supplier=self._party("cac:AccountingSupplierParty"),
            customer=self._party("cac:AccountingCustomerParty"),
            net=self._amount(f"{total}/cbc:TaxExclusiveAmount"),
            vat=self._sum(taxes, "cac:TaxTotal/cbc:TaxAmount"),
            payable=self._amount(f"{total}/cbc:PayableAmount"),
            lines=tuple(
                self._item(line, number) for number, line in enumerate(lines[:MAX_LINES], 1)
            ),
            line_count=len(lines),
            notes=tuple(
                shortened(" ".join((note.text or "").split()), 500)
                for note in self._root.findall("cbc:Note", _NAMES)[:_MAX_NOTES]
            ),
        )
        if not lines:
            self._wrong("cac:InvoiceLine", "required", "The document has no line.")
        if self._problems:
            raise ValidationError(
                "invalid_input", "The e-invoice cannot be used.", problems=self._problems
            )
        return view

    def _wrong(self, path: str, code: str, message: str) -> None:
        # Paths of elements without prefixes: what a person finds in the document.
        pointer = "/" + re.sub(r"\b[a-z]+:", "", path)
        self._problems.append(Problem(pointer, code, message))

    def _value(
        self,
        path: str,
        read: Callable[[str], Value],
        otherwise: Value,
        *,
        within: Any = None,
        place: str = "",
    ) -> Value:
        where = place or path
        found = (self._root if within is None else within).findall(path, _NAMES)
        if len(found) != 1:
            code = "required" if not found else "duplicate"
            self._wrong(where, code, "This element stands exactly once.")
            return otherwise
        return self._read(found[0].text or "", where, read, otherwise)

    def _read(self, text: str, place: str, read: Callable[[str], Value], otherwise: Value) -> Value:
        try:
            return read(text.strip())
        except KopruError as error:
            self._wrong(place, error.code.lower(), error.message)
            return otherwise

    def _text(self, within: Any, path: str, limit: int) -> str:
        """An optional text, cut to what the hub shows."""
        found = within.find(path, _NAMES)
        words = " ".join((found.text or "").split()) if found is not None else ""
        return shortened(words, limit)

    def _party(self, path: str) -> InvoiceParty:
        found = self._root.find(f"{path}/cac:Party", _NAMES)
        if found is None:
            self._wrong(f"{path}/cac:Party", "required", "This element is missing.")
            return InvoiceParty(_NOBODY, "")
        numbers = [
            item.text or ""
            for item in found.findall("cac:PartyIdentification/cbc:ID", _NAMES)
            if item.get("schemeID") in ("VKN", "TCKN")
        ]
        place = f"{path}/cac:Party/cac:PartyIdentification/cbc:ID"
        party = _NOBODY
        if len(numbers) == 1:
            party = self._read(numbers[0], place, ledger_party.parse, _NOBODY)
        else:
            self._wrong(place, "required", "A party has one VKN or one TCKN.")
        name = self._text(found, "cac:PartyName/cbc:Name", 200)
        if not name:
            parts = ("cac:Person/cbc:FirstName", "cac:Person/cbc:FamilyName")
            name = " ".join(filter(None, (self._text(found, part, 100) for part in parts)))
        if not name:
            self._wrong(f"{path}/cac:Party/cac:PartyName/cbc:Name", "required", "A party is named.")
        office = self._text(found, "cac:PartyTaxScheme/cac:TaxScheme/cbc:Name", 100)
        return InvoiceParty(party, name, office)

    def _money(self, item: Any, place: str) -> Money:
        zero = Money.zero(self._currency)
        if item.get("currencyID") != self._currency:
            self._wrong(place, "currency", "All amounts are in the currency of the document.")
            return zero
        return self._read(item.text or "", place, lambda text: _money(text, self._currency), zero)

    def _amount(self, path: str) -> Money:
        found = self._root.findall(path, _NAMES)
        if len(found) == 1:
            return self._money(found[0], path)
        code = "required" if not found else "duplicate"
        self._wrong(path, code, "This element stands exactly once.")
        return Money.zero(self._currency)

    def _sum(self, items: list[Any], path: str) -> Money:
        if not items:
            self._wrong(path, "required", "This element is missing.")
        found = Money.zero(self._currency)
        for item in items:
            found += self._money(item, path)
        return found

    def _item(self, line: Any, number: int) -> InvoiceLine:
        place = f"cac:InvoiceLine/{number}"
        quantity = line.find("cbc:InvoicedQuantity", _NAMES)
        net = line.find("cbc:LineExtensionAmount", _NAMES)
        amount = Money.zero(self._currency)
        if net is None:
            self._wrong(f"{place}/cbc:LineExtensionAmount", "required", "A line has an amount.")
        else:
            amount = self._money(net, f"{place}/cbc:LineExtensionAmount")
        return InvoiceLine(
            self._text(line, "cbc:ID", 20) or str(number),
            self._text(line, "cac:Item/cbc:Name", 120),
            self._text(line, "cbc:InvoicedQuantity", 20),
            shortened(quantity.get("unitCode") or "", 10) if quantity is not None else "",
            amount,
        )


def _uuid(text: str) -> str:
    if _UUID.fullmatch(text.lower()) is None:
        raise ParseError("SHAPE", "the ETTN is a UUID")
    return text.lower()


def _currency(text: str) -> str:
    if _CURRENCY.fullmatch(text) is None:
        raise ParseError("CURRENCY", "the currency is a code of three letters")
    return Money.zero(text).currency


def _money(text: str, currency: str) -> Money:
    if _AMOUNT.fullmatch(text) is None:
        raise ParseError("AMOUNT", "the amount has digits, a point and decimals")
    return Money.from_decimal(Decimal(text), currency)


def _line(limit: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        words = clean_free_text(text, limit)
        if not words or "\n" in words or "\t" in words:
            raise ParseError("LENGTH", f"one line of 1 to {limit} characters")
        return words

    return read
