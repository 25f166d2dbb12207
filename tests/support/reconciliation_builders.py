"""Counterparties, account lines and e-invoices of tests; every number is synthetic."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from kernel.money import Money
from reconciliation.domain.ledger import Direction, EntryFields, LedgerEntry
from reconciliation.domain.parameters import EntryKind

VKN: Final = "1234567890"
OTHER_VKN: Final = "4540536920"
ETTN: Final = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


def lira(amount: str) -> Money:
    """An amount in lira, also a negative one."""
    return Money.from_api(amount, "TRY", allow_zero=True, allow_negative=True)


def fields(
    net: str = "1000.00",
    *,
    code: str = "120.01.001",
    document_no: str = "A-1",
    on: date = date(2026, 1, 15),
    kind: EntryKind = EntryKind.INVOICE,
    direction: Direction = Direction.PURCHASE,
    **more: Any,
) -> EntryFields:
    """A line without VAT."""
    amount = lira(net)
    return EntryFields(code, document_no, on, kind, direction, amount, lira("0.00"), amount, **more)


def entry(card: str, net: str = "1000.00", number: int = 1, **more: Any) -> LedgerEntry:
    """A stored line of ``card``; ``number`` says when it came."""
    of = fields(net, document_no=f"A-{number}", **more)
    return LedgerEntry(card, f"k{number}", of, f"{number:05d}")


def api_counterparty(code: str = "120.01.001", **changes: Any) -> dict[str, Any]:
    """Body of a counterparty."""
    body = {
        "code": code,
        "title": "Deneme Yedek Parça A.Ş.",
        "tax_no": VKN,
        "tax_office": "Kadıköy",
        "emails": ["muhasebe@deneme.example"],
        "language": "tr",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def api_money(amount: str, currency: str = "TRY") -> dict[str, str]:
    """Money as the API writes it."""
    return {"amount": amount, "currency": currency}


def api_entry(document_no: str = "A-1", net: str = "3000.00", **changes: Any) -> dict[str, Any]:
    """Body of one line, without VAT."""
    body = {
        "counterparty_code": "120.01.001",
        "document_no": document_no,
        "document_date": "2026-01-15",
        "kind": "invoice",
        "direction": "purchase",
        "net_amount": api_money(net),
        "total": api_money(net),
        "is_electronic": False,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def ubl(
    *,
    uuid: str = ETTN,
    number: str = "ABC2026000000123",
    supplier: str = VKN,
    supplier_name: str = "Deneme Yedek Parça A.Ş.",
    customer: str = OTHER_VKN,
    head: str = '<?xml version="1.0" encoding="UTF-8"?>',
    lines: int = 1,
    payable: str = "1200.00",
    note: str = "Yalnız bin iki yüz lira",
) -> bytes:
    """A UBL-TR e-invoice as companies exchange it, shortened to what matters."""

    def party(tag: str, value: str, name: str) -> str:
        scheme = "TCKN" if len(value) == 11 else "VKN"
        person = (
            "<cac:Person><cbc:FirstName>Deniz</cbc:FirstName>"
            "<cbc:FamilyName>Deneme</cbc:FamilyName></cac:Person>"
            if scheme == "TCKN"
            else ""
        )
        named = f"<cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName>" if name else ""
        return (
            f"<cac:{tag}><cac:Party><cac:PartyIdentification>"
            f'<cbc:ID schemeID="{scheme}">{value}</cbc:ID></cac:PartyIdentification>{named}'
            "<cac:PartyTaxScheme><cac:TaxScheme><cbc:Name>Kadıköy</cbc:Name></cac:TaxScheme>"
            f"</cac:PartyTaxScheme>{person}</cac:Party></cac:{tag}>"
        )

    body = "".join(
        f"<cac:InvoiceLine><cbc:ID>{place}</cbc:ID>"
        '<cbc:InvoicedQuantity unitCode="C62">2</cbc:InvoicedQuantity>'
        '<cbc:LineExtensionAmount currencyID="TRY">1000.00</cbc:LineExtensionAmount>'
        f"<cac:Item><cbc:Name>Fren balatası {place}</cbc:Name></cac:Item></cac:InvoiceLine>"
        for place in range(1, lines + 1)
    )
    return (
        f"{head}"
        '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
        ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
        ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
        "<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:CustomizationID>TR1.2</cbc:CustomizationID>"
        "<cbc:ProfileID>TICARIFATURA</cbc:ProfileID>"
        f"<cbc:ID>{number}</cbc:ID><cbc:UUID>{uuid.upper()}</cbc:UUID>"
        "<cbc:IssueDate>2026-01-15</cbc:IssueDate><cbc:InvoiceTypeCode>SATIS</cbc:InvoiceTypeCode>"
        f"<cbc:Note>{note}</cbc:Note>"
        "<cbc:DocumentCurrencyCode>TRY</cbc:DocumentCurrencyCode>"
        + party("AccountingSupplierParty", supplier, supplier_name)
        + party("AccountingCustomerParty", customer, "Alıcı Ltd. Şti.")
        + '<cac:TaxTotal><cbc:TaxAmount currencyID="TRY">200.00</cbc:TaxAmount></cac:TaxTotal>'
        '<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="TRY">1000.00'
        '</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID="TRY">1000.00'
        '</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID="TRY">1200.00'
        f'</cbc:TaxInclusiveAmount><cbc:PayableAmount currencyID="TRY">{payable}'
        f"</cbc:PayableAmount></cac:LegalMonetaryTotal>{body}</Invoice>"
    ).encode()
