"""Counterparties, ledger entries, events of the books, e-invoices, and files of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.errors import ParseError, Problem, ValidationError
from kernel.identifiers.ledger_party import LedgerParty
from kernel.money import Money
from kernel.parsing import format_instant
from kernel.sensitive import Email
from kernel.signed_events import RefusedEvent
from kernel.text import clean_company_title
from reconciliation.domain.book_event import MAX_CARDS, BookEvent, BookEventKind
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields
from reconciliation.domain.e_invoice import EInvoice, InvoiceParty
from reconciliation.domain.ledger import MAX_TOGETHER, Direction, EntryFields, LedgerEntry
from reconciliation.domain.parameters import (
    EntryKind,
)
from reconciliation.domain.values import parse_line
from reconciliation.schemas.fields import (
    SHOWN,
    ApiAmount,
    ApiDate,
    Code,
    DocumentNo,
    Language,
    party_number,
    party_out,
    stamped,
)
from toolkit.http.fields import EdgeModel, choice, parsed

_MAX_EMAILS: Final = 10


def _emails(value: object) -> Any:
    if not isinstance(value, list) or len(value) > _MAX_EMAILS:
        raise ParseError("SHAPE", f"a list of at most {_MAX_EMAILS} addresses")
    return tuple(dict.fromkeys(Email(str(item)) for item in value))


_EMAILS: Final[Mapping[str, Any]] = {
    "type": "array",
    "items": {"type": "string", "format": "email"},
    "maxItems": _MAX_EMAILS,
}


class CounterpartyIn(EdgeModel):
    """Body of an account card: a company names its tax number, a person its identity number."""

    code: Code
    title: Annotated[str, parsed(clean_company_title)]
    tax_no: Annotated[LedgerParty, parsed(party_number(10))] | None = None
    national_id: Annotated[LedgerParty, parsed(party_number(11))] | None = None
    tax_office: Annotated[str, parsed(lambda value: parse_line(value, 100))] = ""
    emails: Annotated[tuple[Email, ...], parsed(_emails, _EMAILS)] = ()
    language: Language = "tr"

    def problems(self) -> list[Problem]:
        """What is wrong beyond single fields."""
        if self.tax_no is None and self.national_id is None:
            return [Problem("/tax_no", "required", "Name the tax number or the identity number.")]
        if self.tax_no is not None and self.national_id is not None:
            text = "Name the tax number or the identity number, not both."
            return [Problem("/national_id", "unexpected", text)]
        return []

    def to_fields(self) -> CounterpartyFields:
        """What the books say."""
        party = self.tax_no or self.national_id
        assert party is not None  # noqa: S101  (``problems`` is asked first)
        return CounterpartyFields(
            self.code, self.title, party, self.tax_office, self.emails, self.language
        )


class EntryIn(EdgeModel):
    """One line of an account. Without ``total`` it is net and VAT together."""

    counterparty_code: Code
    document_no: DocumentNo
    document_date: ApiDate
    due_on: ApiDate | None = None
    kind: Annotated[EntryKind, choice(EntryKind)]
    direction: Annotated[Direction, choice(Direction)]
    net_amount: ApiAmount
    vat: ApiAmount | None = None
    total: ApiAmount | None = None
    net_amount_try: ApiAmount | None = None
    is_electronic: bool = False
    source_id: Annotated[str, parsed(lambda value: parse_line(value, 64))] = ""
    cancelled: bool = False

    def to_fields(self) -> EntryFields:
        """What the books say."""
        vat = self.vat or Money.zero(self.net_amount.currency)
        same = vat.currency == self.net_amount.currency
        total = self.total or (self.net_amount + vat if same else self.net_amount)
        return EntryFields(
            self.counterparty_code,
            self.document_no,
            self.document_date,
            self.kind,
            self.direction,
            self.net_amount,
            vat,
            total,
            self.is_electronic,
            self.due_on,
            self.net_amount_try,
            self.source_id,
            self.cancelled,
        )


class EntriesIn(EdgeModel):
    """Body of recording lines: all of them or none."""

    entries: list[EntryIn] = Field(min_length=1, max_length=MAX_TOGETHER)


class BookEventIn(EdgeModel):
    """Text of a signed event of the books: account cards, lines, or one electronic document.

    Shapes: ``document`` is the XML itself; ``direction`` says whether the company sold or purchased
    by it.
    """

    kind: Annotated[BookEventKind, choice(BookEventKind)]
    counterparties: list[CounterpartyIn] | None = Field(
        default=None, min_length=1, max_length=MAX_CARDS
    )
    entries: list[EntryIn] | None = Field(default=None, min_length=1, max_length=MAX_TOGETHER)
    document: str | None = Field(default=None, min_length=1)
    direction: Annotated[Direction, choice(Direction)] | None = None

    def to_event(self) -> BookEvent:
        """The event. Raises: ValidationError for members that are missing or too much."""
        of_invoice = self.kind is BookEventKind.E_INVOICE
        wanted = {
            "counterparties": self.kind is BookEventKind.COUNTERPARTIES,
            "entries": self.kind is BookEventKind.LEDGER_ENTRIES,
            "document": of_invoice,
            "direction": of_invoice,
        }
        problems = [
            Problem(f"/{name}", "required" if needed else "unexpected", _BY_KIND)
            for name, needed in wanted.items()
            if needed is (getattr(self, name) is None)
        ]
        cards = self.counterparties or []
        problems += [
            problem.under(f"/counterparties/{number}")
            for number, card in enumerate(cards)
            for problem in card.problems()
        ]
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        return BookEvent(
            self.kind,
            tuple(card.to_fields() for card in cards),
            tuple(entry.to_fields() for entry in self.entries or ()),
            (self.document or "").encode(),
            self.direction or Direction.SALES,
        )


_BY_KIND: Final = "Events of this kind have other members."


class FileImportIn(EdgeModel):
    """Body of importing an uploaded file."""

    upload_id: str = Field(min_length=1, max_length=64)
    dry_run: bool = False
    language: Language = "tr"


class DismissBookEventIn(EdgeModel):
    """Body of putting a refused event aside: why nothing is to be done."""

    note: Annotated[str, Field(min_length=1), parsed(lambda value: parse_line(value, 200))]


def counterparty_out(counterparty: Counterparty) -> dict[str, Any]:
    """An account card as the API shows it."""
    fields, stamp = counterparty.fields, counterparty.stamp
    return {
        "id": counterparty.id,
        "code": fields.code,
        "title": fields.title,
        **party_out(fields.party),
        "tax_office": fields.tax_office,
        "emails": [email.reveal(SHOWN) for email in fields.emails],
        "language": fields.language,
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }


def entry_out(entry: LedgerEntry) -> dict[str, Any]:
    """A line as the API shows it."""
    fields = entry.fields
    return {
        "id": f"{entry.counterparty_id}-{entry.key}",
        "counterparty_id": entry.counterparty_id,
        "counterparty_code": fields.counterparty_code,
        "document_no": fields.document_no,
        "document_date": fields.document_date.isoformat(),
        "due_on": None if fields.due_on is None else fields.due_on.isoformat(),
        "kind": fields.kind.value,
        "direction": fields.direction.value,
        "net_amount": fields.net.to_api(),
        "vat": fields.vat.to_api(),
        "total": fields.total.to_api(),
        "net_amount_try": None if fields.net_home is None else fields.net_home.to_api(),
        "currency": fields.net.currency,
        "is_electronic": fields.is_electronic,
        "source_id": fields.source_id,
        "cancelled": fields.cancelled,
        "version": entry.version,
        "recorded_at": entry.recorded_at,
        "import_id": entry.import_id,
    }


def _side_out(side: InvoiceParty) -> dict[str, Any]:
    return {"name": side.name, **party_out(side.party), "tax_office": side.tax_office}


def invoice_out(invoice: EInvoice, *, with_lines: bool = False) -> dict[str, Any]:
    """An e-invoice as the API shows it; a list leaves its lines out."""
    view, stamp = invoice.view, invoice.stamp
    shown: dict[str, Any] = {
        "id": invoice.id,
        "direction": invoice.direction.value,
        "uuid": view.uuid,
        "number": view.number,
        "issued_on": view.issued_on.isoformat(),
        "profile": view.profile,
        "type": view.kind,
        "supplier": _side_out(view.supplier),
        "customer": _side_out(view.customer),
        "net_amount": view.net.to_api(),
        "vat": view.vat.to_api(),
        "payable": view.payable.to_api(),
        "line_count": view.line_count,
        "counterparty_ids": list(invoice.counterparty_ids),
        "sha256": invoice.digest,
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }
    if with_lines:
        shown["notes"] = list(view.notes)
        shown["lines"] = [
            {
                "number": line.number,
                "name": line.name,
                "quantity": line.quantity,
                "unit": line.unit,
                "net_amount": line.net.to_api(),
            }
            for line in view.lines
        ]
    return shown


def refused_event_out(event: RefusedEvent) -> dict[str, Any]:
    """A signed event that could not be taken, with what stood in its way."""
    return {
        "id": event.id,
        "event_id": event.event_id,
        "document": event.document or None,
        "reason": event.reason,
        "errors": [{"pointer": pointer, "code": code} for pointer, code in event.problems],
        "status": event.state.value,
        "note": event.note or None,
        "stated_at": format_instant(event.stated_at),
        "received_at": format_instant(event.received_at),
        **stamped(event.stamp),
    }
