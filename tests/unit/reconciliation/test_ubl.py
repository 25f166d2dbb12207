"""UBL-TR e-invoices: what is read, what is refused unparsed, every problem at once."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ValidationError
from reconciliation.adapters.ubl import UblInvoices
from reconciliation.domain.e_invoice import MAX_BYTES, MAX_LINES
from reconciliation.domain.ledger import Direction
from tests.support.reconciliation_builders import ETTN, OTHER_VKN, VKN, lira, ubl

READER = UblInvoices()


def code_of(content: bytes) -> str:
    with pytest.raises(ValidationError) as caught:
        READER.read(content)
    return caught.value.code


def pointers(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        READER.read(content)
    assert caught.value.code == "invalid_input"
    return sorted((problem.pointer, problem.code) for problem in caught.value.problems)


def test_the_neutral_view_of_a_document() -> None:
    view = READER.read(ubl(lines=2))
    assert (view.uuid, view.number) == (ETTN, "ABC2026000000123")
    assert (view.profile, view.kind) == ("TICARIFATURA", "SATIS")
    assert view.issued_on == date(2026, 1, 15)
    amounts = (lira("1000.00"), lira("200.00"), lira("1200.00"))
    assert (view.net, view.vat, view.payable) == amounts
    assert view.supplier.name == "Deneme Yedek Parça A.Ş."
    assert view.supplier.tax_office == "Kadıköy"
    assert [line.name for line in view.lines] == ["Fren balatası 1", "Fren balatası 2"]
    assert (view.lines[0].quantity, view.lines[0].unit) == ("2", "C62")
    assert view.other_side(Direction.SALES).party.number == OTHER_VKN
    assert view.other_side(Direction.PURCHASE).party.number == VKN


def test_a_person_is_named_by_first_and_family_name() -> None:
    view = READER.read(ubl(supplier="12345678950", supplier_name=""))
    assert view.supplier.name == "Deniz Deneme"
    assert "12345678950" not in repr(view)
    assert "Deniz" not in repr(view)


def test_turkish_encodings_are_read() -> None:
    head = '<?xml version="1.0" encoding="windows-1254"?>'
    content = ubl(head=head).decode().encode("windows-1254")
    assert READER.read(content).supplier.name == "Deneme Yedek Parça A.Ş."


def test_of_a_very_long_document_the_first_lines_are_kept_and_all_are_counted() -> None:
    view = READER.read(ubl(lines=MAX_LINES + 1))
    assert (len(view.lines), view.line_count) == (MAX_LINES, MAX_LINES + 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ubl.unreadable"),
        (b"not xml", "ubl.unreadable"),
        (ubl()[:-3], "ubl.unreadable"),
        (ubl().replace(b"UTF-8", b"UTF-7"), "ubl.unreadable"),
        (ubl().decode().encode("utf-16"), "ubl.unreadable"),
        (b"<Invoice/>", "ubl.not_an_invoice"),
        (b"<a>" * 2_000 + b"</a>" * 2_000, "ubl.unreadable"),
        (b" " * (MAX_BYTES + 1), "ubl.too_large"),
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "ubl.dtd",
        ),
        (
            ubl(head='<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', note="&b;"),
            "ubl.dtd",
        ),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_an_entity_nobody_declared_is_not_followed() -> None:
    assert code_of(ubl(note="&secret;")) == "ubl.unreadable"


def test_everything_wrong_is_said_at_once() -> None:
    content = ubl(uuid="1", supplier="1234567891", payable="1.200,00", lines=0)
    content = content.replace(b"2026-01-15", b"15.01.2026")
    assert pointers(content) == [
        ("/AccountingSupplierParty/Party/PartyIdentification/ID", "check"),
        ("/InvoiceLine", "required"),
        ("/IssueDate", "date"),
        ("/LegalMonetaryTotal/PayableAmount", "amount"),
        ("/UUID", "shape"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b'PayableAmount currencyID="TRY"', b'PayableAmount currencyID="EUR"', "currency"),
        (b">1200.00</cbc:PayableAmount>", b">1200.005</cbc:PayableAmount>", "amount"),
        (b"<cbc:PayableAmount", b"<cbc:PrepaidAmount", None),
    ],
)
def test_an_amount_is_exact_and_in_the_documents_currency(
    old: bytes, new: bytes, found: str | None
) -> None:
    content = ubl().replace(old, new)
    if found is None:
        content = content.replace(b"</cbc:PayableAmount", b"</cbc:PrepaidAmount")
    assert pointers(content) == [("/LegalMonetaryTotal/PayableAmount", found or "required")]


ANSWER = re.compile(r"ubl\.[a-z_]+|invalid_input|[0-9a-f-]{36}")


def outcome(content: bytes) -> str:
    try:
        return READER.read(content).uuid
    except ValidationError as error:
        return error.code


@given(st.binary(max_size=200), st.integers(0, 3_000), st.integers(0, 40))
def test_damage_is_refused_and_never_an_accident(noise: bytes, at: int, cut: int) -> None:
    whole = ubl()
    content = whole[:at] + noise + whole[at + cut :]
    assert ANSWER.fullmatch(outcome(content))
