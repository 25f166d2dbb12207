"""Entities of reconciliation as stored rows and back; the only place with attribute names."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.money import Money
from kernel.periods import Period
from kernel.sensitive import Email
from reconciliation.domain.counterparty import (
    Counterparty,
    CounterpartyFields,
    CounterpartyState,
    Origin,
)
from reconciliation.domain.e_invoice import EInvoice, InvoiceLine, InvoiceParty, InvoiceView
from reconciliation.domain.ledger import Direction, EntryFields, EntryState, LedgerEntry
from reconciliation.domain.month_sums import MonthSums
from reconciliation.domain.parameters import EntryKind, Key, OwnRows, ParameterRow
from toolkit.aws.rows import day, day_of, stamp_of

Row = dict[str, Any]
_STORED = "store"  # reason given when a masked value is opened to be stored in its own row


def _party_row(party: LedgerParty) -> Row:
    return {"kind": party.kind.value, "number": party.number, "special": party.special}


def _party_from(row: Mapping[str, Any]) -> LedgerParty:
    return LedgerParty(PartyKind(row["kind"]), row["number"], row["special"])


# ---------------------------------------------------------------------------- counterparties


def counterparty_row(counterparty: Counterparty) -> Row:
    """Attributes of an account card."""
    former = counterparty.former
    return {
        **_card_row(counterparty.fields),
        "origins": [[one.actor, one.where, one.at] for one in counterparty.origins],
        "import_id": counterparty.import_id,
        "former": _card_row(former) if former is not None else None,
    }


def _card_row(fields: CounterpartyFields) -> Row:
    return {
        "code": fields.code,
        "title": fields.title,
        "party": _party_row(fields.party),
        "tax_office": fields.tax_office,
        "emails": [email.reveal(_STORED) for email in fields.emails],
        "language": fields.language,
    }


def _card_from(row: Mapping[str, Any]) -> CounterpartyFields:
    return CounterpartyFields(
        code=row["code"],
        title=row["title"],
        party=_party_from(row["party"]),
        tax_office=row["tax_office"],
        emails=tuple(Email(text) for text in row["emails"]),
        language=row["language"],
    )


def counterparty_from(row: Mapping[str, Any]) -> Counterparty:
    """The account card behind a row."""
    return Counterparty(
        row["id"],
        _card_from(row),
        CounterpartyState(row["state"]),
        tuple(Origin(*one) for one in row["origins"]),
        row["import_id"],
        _card_from(row["former"]) if row["former"] is not None else None,
        stamp_of(row),
    )


# ---------------------------------------------------------------------------- lines


def entry_row(entry: LedgerEntry) -> Row:
    """Attributes of a line. Amounts are minor units of ``currency``, ``home`` of lira."""
    fields = entry.fields
    return {
        "code": fields.counterparty_code,
        "document_no": fields.document_no,
        "document_date": fields.document_date.isoformat(),
        "due_on": day(fields.due_on),
        "kind": fields.kind.value,
        "direction": fields.direction.value,
        "currency": fields.net.currency,
        "net": fields.net.minor,
        "vat": fields.vat.minor,
        "total": fields.total.minor,
        "home": None if fields.net_home is None else fields.net_home.minor,
        "is_electronic": fields.is_electronic,
        "source_id": fields.source_id,
        "cancelled": fields.cancelled,
        "state": entry.state.value,
        "order": entry.order,
        "version": entry.version,
        "import_id": entry.import_id,
        "recorded_at": entry.recorded_at,
    }


def entry_from(row: Mapping[str, Any]) -> LedgerEntry:
    """The line behind a row of a month."""
    counterparty_id, _, key = str(row["sk"]).partition("#")
    return LedgerEntry(
        counterparty_id,
        key,
        fields_from(row),
        row["order"],
        EntryState(row["state"]),
        row["version"],
        row["import_id"],
        row["recorded_at"],
    )


def sums_from(row: Mapping[str, Any]) -> MonthSums:
    """The sums of a card in a month."""
    first = {
        direction: row[f"first_{direction.value}"]
        for direction in Direction
        if f"first_{direction.value}" in row
    }
    counters = {name: value for name, value in row.items() if isinstance(value, int)}
    return MonthSums(str(row["sk"]), counters, first)


def fields_from(row: Mapping[str, Any]) -> EntryFields:
    """What the books said of a line, now or before."""
    currency = row["currency"]
    return EntryFields(
        counterparty_code=row["code"],
        document_no=row["document_no"],
        document_date=date.fromisoformat(row["document_date"]),
        kind=EntryKind(row["kind"]),
        direction=Direction(row["direction"]),
        net=Money(row["net"], currency),
        vat=Money(row["vat"], currency),
        total=Money(row["total"], currency),
        is_electronic=row["is_electronic"],
        due_on=day_of(row["due_on"]),
        net_home=None if row["home"] is None else Money(row["home"], "TRY"),
        source_id=row["source_id"],
        cancelled=row["cancelled"],
    )


# ---------------------------------------------------------------------------- e-invoices


def _side_row(side: InvoiceParty) -> Row:
    return {"party": _party_row(side.party), "name": side.name, "tax_office": side.tax_office}


def _side_from(row: Mapping[str, Any]) -> InvoiceParty:
    return InvoiceParty(_party_from(row["party"]), row["name"], row["tax_office"])


def invoice_row(invoice: EInvoice) -> Row:
    """Attributes of an e-invoice."""
    view = invoice.view
    return {
        "direction": invoice.direction.value,
        "digest": invoice.digest,
        "counterparty_ids": list(invoice.counterparty_ids),
        "uuid": view.uuid,
        "number": view.number,
        "issued_on": view.issued_on.isoformat(),
        "profile": view.profile,
        "type": view.kind,
        "supplier": _side_row(view.supplier),
        "customer": _side_row(view.customer),
        "currency": view.net.currency,
        "net": view.net.minor,
        "vat": view.vat.minor,
        "payable": view.payable.minor,
        "lines": [
            [line.number, line.name, line.quantity, line.unit, line.net.minor]
            for line in view.lines
        ],
        "line_count": view.line_count,
        "notes": list(view.notes),
    }


def invoice_from(row: Mapping[str, Any]) -> EInvoice:
    """The e-invoice behind a row."""
    currency = row["currency"]
    view = InvoiceView(
        uuid=row["uuid"],
        number=row["number"],
        issued_on=date.fromisoformat(row["issued_on"]),
        profile=row["profile"],
        kind=row["type"],
        supplier=_side_from(row["supplier"]),
        customer=_side_from(row["customer"]),
        net=Money(row["net"], currency),
        vat=Money(row["vat"], currency),
        payable=Money(row["payable"], currency),
        lines=tuple(
            InvoiceLine(number, name, quantity, unit, Money(net, currency))
            for number, name, quantity, unit, net in row["lines"]
        ),
        line_count=row["line_count"],
        notes=tuple(row["notes"]),
    )
    return EInvoice(
        row["id"],
        Direction(row["direction"]),
        view,
        row["digest"],
        tuple(row["counterparty_ids"]),
        stamp_of(row),
    )


# ---------------------------------------------------------------------------- parameters


def parameters_row(own: OwnRows) -> Row:
    """Attributes of a company's own parameters."""
    rows = [[row.key.value, str(row.since), row.value, row.legal_ref] for row in own.rows]
    return {"rows": rows}


def parameters_from(row: Mapping[str, Any] | None) -> OwnRows:
    """A company's own parameters; none when it never set any."""
    if row is None:
        return OwnRows()
    found = (
        ParameterRow(Key(key), Period.parse(since), value, legal_ref, own=True)
        for key, since, value, legal_ref in row["rows"]
    )
    return OwnRows(tuple(found), stamp_of(row))
