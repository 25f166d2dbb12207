"""The HTTP edge of payment codes: request models, and what entities look like outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.errors import ParseError
from kernel.identifiers import banks
from kernel.identifiers import email as email_rule
from kernel.money import Money
from kernel.parsing import format_instant, parse_amount_api, parse_date_api
from kernel.sensitive import Email
from kernel.signed_events import RefusedEvent
from kernel.storing import HistoryLine
from kernel.text import (
    clean_company_title,
    clean_free_text,
    clean_header_key,
    clean_mail_header,
)
from kernel.why import Why
from payment_codes.domain import rf_reference
from payment_codes.domain.disclosure import RevealReason
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation, ProviderKind
from payment_codes.domain.payment import STATEMENT, Payment
from payment_codes.domain.payment_code import Customer, PaymentCode
from payment_codes.domain.source import DocumentEvent, Source, SourceKind
from payment_codes.domain.stated_document import StatedDocument
from payment_codes.domain.statement_line import StatementLine
from toolkit.http.fields import DATE, MONEY, EdgeModel, choice, parsed, sized

Say = Callable[[Iterable[Why]], Sequence[str]]
"""Turns reasons into sentences in the reader's language."""
_ZONES: Final = ("Europe/Athens", "Europe/Istanbul", "Asia/Nicosia", "UTC")


def _name(value: object) -> str:
    text = clean_free_text(value, 200).strip()
    if not text or "\n" in text or "\t" in text:
        raise ParseError("LENGTH", "the name is one line of 1 to 200 characters")
    return text


def _reference(value: object) -> str:
    text = clean_mail_header(value)
    if text != text.strip() or len(text) > 64:
        raise ParseError("LENGTH", "the identifier has 1 to 64 characters, no blanks around it")
    return text


def _description(value: object) -> str:
    return clean_free_text(value, 140)


def _tolerance(value: object) -> Money:
    return Money.from_api(value, "EUR", allow_zero=True)


ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiAmount = Annotated[Money, parsed(parse_amount_api, MONEY)]
ApiTolerance = Annotated[Money, parsed(_tolerance, MONEY)]
ApiEmail = Annotated[Email, parsed(lambda value: Email(email_rule.parse(value)))]
Name = Annotated[str, parsed(_name)]
Reference = Annotated[str, parsed(_reference)]
Description = Annotated[str, parsed(_description)]
Note = Annotated[str, parsed(clean_free_text)]
Kind = Annotated[SourceKind, choice(SourceKind)]
EventKind = Annotated[DocumentEvent, choice(DocumentEvent)]
Provider = Annotated[ProviderKind, choice(ProviderKind)]
OrgCode = Annotated[str, parsed(rf_reference.organisation)]


class SourceIn(EdgeModel):
    """The document a code is for."""

    kind: Kind
    id: Reference


class CustomerIn(EdgeModel):
    """Who is to pay."""

    id: Reference
    name: Name
    email: ApiEmail | None = None
    language: str | None = Field(default=None, pattern="^(tr|el|en)$")
    payment_code_enabled: bool | None = None

    def value(self) -> Customer:
        """The customer as the domain knows them."""
        return Customer(self.id, self.name, self.email, self.language or "")


class PaymentCodeIn(EdgeModel):
    """Body of issuing a code; an amount of null is open."""

    source: SourceIn
    customer: CustomerIn
    amount: ApiAmount | None
    valid_until: ApiDate | None = None
    description: Description = ""


class BatchDocumentIn(PaymentCodeIn):
    """One document of a list; null or no amount is open."""

    amount: ApiAmount | None = None


class BatchListIn(EdgeModel):
    """Body of issuing codes for a list of documents."""

    documents: list[BatchDocumentIn]


class BatchFileIn(EdgeModel):
    """Body of issuing codes for an uploaded file; ``kind`` counts for rows that name none."""

    upload_id: str = Field(min_length=1, max_length=40)
    kind: Kind = SourceKind.BILL_BATCH
    dry_run: bool = False
    language: str = Field(default="el", pattern="^(tr|el|en)$")
    mapping: dict[str, str] | None = None


class DocumentIn(EdgeModel):
    """A document as its event describes it."""

    id: Reference
    customer: CustomerIn
    amount: ApiAmount | None = None
    valid_until: ApiDate | None = None
    description: Description = ""


class DocumentEventIn(EdgeModel):
    """Body of an event of a document; ``issue_payment_code`` is the option on it."""

    kind: EventKind
    document: DocumentIn
    issue_payment_code: bool | None = None

    def stated(self) -> StatedDocument:
        """The event in the words of the domain."""
        document = self.document
        return StatedDocument(
            self.kind,
            Source(self.kind.source_kind, document.id),
            document.customer.value(),
            document.amount,
            document.description,
            document.valid_until,
            document.customer.payment_code_enabled,
            self.issue_payment_code,
        )


class SendCodeIn(EdgeModel):
    """Body of sending a code to the customer."""

    channel: str = Field(default="email", pattern="^email$")


class CancelCodeIn(EdgeModel):
    """Body of cancelling a code."""

    reason: Annotated[str, parsed(lambda value: clean_free_text(value, 200))] = ""


class AssignPaymentIn(EdgeModel):
    """Body of giving an unmatched payment to a code."""

    code_id: str = Field(min_length=26, max_length=36)
    note: Note = ""


class PartIn(EdgeModel):
    """What one code gets of a payment."""

    code_id: str = Field(min_length=26, max_length=36)
    amount: ApiAmount


class SplitPaymentIn(EdgeModel):
    """Body of splitting an unmatched payment among codes; the parts add up to it."""

    parts: list[PartIn]
    note: Note = ""


class ReturnPaymentIn(EdgeModel):
    """Body of noting that an unmatched payment went back."""

    note: Annotated[str, parsed(_name)]


class CsvProfileIn(EdgeModel):
    """How a bank's CSV is written; ``columns`` maps our fields to headers of the file."""

    columns: dict[str, str | list[str]]
    encoding: str = "utf-8"
    delimiter: str = ";"
    decimal: str = ","
    date_format: str = "dd/mm/yyyy"
    currency: str = "EUR"
    credit_marks: list[str] | None = None
    debit_marks: list[str] | None = None


class StatementImportIn(EdgeModel):
    """Body of importing a bank statement; a table needs a ``profile``, by name or in full."""

    upload_id: str = Field(min_length=26, max_length=36)
    dry_run: bool = False
    profile: str | CsvProfileIn | None = None


class ResolveDifferenceIn(EdgeModel):
    """Body of deciding about a line: ``book`` it as new money, or it is the ``same`` payment."""

    decision: str = Field(pattern="^(book|same)$")
    note: Annotated[str, parsed(lambda value: clean_free_text(value, 200))] = ""


class DismissEventIn(EdgeModel):
    """Body of saying that a refused event needs nothing any more."""

    note: Annotated[str, parsed(_name)]


class CustomerSwitchIn(EdgeModel):
    """Body of the switch of one customer."""

    payment_code_enabled: bool


class AutomaticIn(EdgeModel):
    """Which documents get a code by themselves."""

    repair_order: bool | None = None
    counter_invoice: bool | None = None
    bill_batch: bool | None = None


class OrganisationIn(EdgeModel):
    """Body of entering or changing the organisation."""

    org_code: OrgCode
    provider: Provider
    payee: Annotated[str, parsed(clean_company_title)] | None = None
    language: str | None = Field(default=None, pattern="^(tr|el|en)$")
    zone: str | None = None
    branch: str | None = Field(default=None, pattern="^[0-9]{2}$")
    tolerance: ApiTolerance | None = None
    valid_days: int | None = Field(default=None, ge=0, le=3650)
    mail_on_issue: bool | None = None
    automatic: AutomaticIn | None = None
    api_key: (
        Annotated[str, Field(min_length=8, max_length=500), parsed(clean_header_key, sized(8, 500))]
        | None
    ) = Field(default=None, repr=False)

    def rules(self) -> Mapping[SourceKind, bool] | None:
        """The automatic rules that were stated."""
        if self.automatic is None:
            return None
        stated = {
            SourceKind(n): getattr(self.automatic, n) for n in self.automatic.model_fields_set
        }
        return {kind: wished for kind, wished in stated.items() if wished is not None}


ZONES: Final = _ZONES


def _money(value: Money | None) -> dict[str, str] | None:
    return value.to_api() if value is not None else None


def _instant(value: datetime | None) -> str | None:
    return format_instant(value) if value is not None else None


def code_out(code: PaymentCode, news_age: int, pay_url: str = "") -> dict[str, Any]:
    """A code as the API shows it; the customer's address is masked."""
    return {
        "id": code.id,
        "code": code.code,
        "code_grouped": code.grouped,
        "source": {"kind": code.source.kind.value, "id": code.source.id},
        "customer": {
            "id": code.customer.id,
            "name": code.customer.name,
            "email": str(code.customer.email) if code.customer.email is not None else None,
        },
        "description": code.description,
        "amount_mode": code.mode.value,
        "amount": _money(code.amount),
        "status": code.status.value,
        "paid_total": code.paid_total.to_api(),
        "remaining": _money(code.remaining),
        "surplus": code.surplus.to_api(),
        "late_total": Money(code.late, code.currency).to_api(),
        "payment_count": code.payments,
        "valid_until": code.valid_until.isoformat() if code.valid_until is not None else None,
        "registration": code.registration.value,
        "supersedes": code.supersedes or None,
        "superseded_by": code.superseded_by or None,
        "batch_id": code.batch or None,
        "news_age_seconds": news_age,
        "missing_payments": code.missing,
        "pay_url": pay_url or None,
        "qr": code.qr or None,
        "version": code.stamp.version,
        "created_at": code.stamp.created_at,
        "updated_at": code.stamp.updated_at,
    }


def bank_name(code: str, name: str) -> str:
    """Name of a bank: what the provider said, else what we know, else the code itself."""
    known = banks.by_bic(code) or banks.by_code("GR", code)
    return name or (known.name if known is not None else code)


def payment_out(payment: Payment, say: Say) -> dict[str, Any]:
    """A payment as the API shows it; ``why`` explains its outcome in the reader's language."""
    source = payment.source
    return {
        "id": payment.id,
        "code_id": payment.code_id or None,
        "code": source.rf,
        "date": source.value_date.isoformat(),
        "bank": {"code": source.bank_code, "name": bank_name(source.bank_code, source.bank_name)},
        "amount": {"amount": source.amount.amount_text, "currency": source.amount.currency},
        "outcome": payment.outcome.value,
        "against": payment.against or None,
        "late": payment.late,
        "state": payment.state.value,
        "reason": payment.reason or None,
        "reverses": payment.reverses or None,
        "payer_name": source.payer_name or None,
        "provider_payment_id": source.provider_payment_id or None,
        "received_at": _instant(payment.received_at),
        "booked_at": _instant(source.booked_at),
        "part_of": payment.part_of or None,
        "note": payment.note or None,
        "told_by": "statement" if payment.provider == STATEMENT else "provider",
        "in_provider_list": payment.provider != STATEMENT or bool(payment.listed_key),
        "on_statement": bool(payment.line_id),
        "why": say(payment.why),
        "version": payment.stamp.version,
    }


def mail_out(mail: CodeMail) -> dict[str, Any]:
    """A mail with a code as the API shows it; the address is masked."""
    return {
        "id": mail.id,
        "to": str(mail.to),
        "language": mail.language,
        "status": mail.state.value,
        "reason": mail.reason or None,
        "created_at": mail.stamp.created_at,
        "updated_at": mail.stamp.updated_at,
    }


def line_out(line: StatementLine) -> dict[str, Any]:
    """A line of a statement that concerns a code, as the API shows it."""
    return {
        "id": line.id,
        "import_id": line.import_id,
        "line": line.place.line,
        "path": line.place.path,
        "code": line.rf or None,
        "booking_date": line.booking_date.isoformat(),
        "value_date": line.value_date.isoformat(),
        "direction": line.direction.value,
        "reversal": line.reversal,
        "amount": line.amount.to_api(),
        "outcome": line.outcome.value,
        "reason": line.reason or None,
        "payment_id": line.payment_id or None,
        "code_id": line.code_id or None,
        "bank_reference": line.bank_reference or None,
        "end_to_end_id": line.end_to_end_id or None,
        "note": line.note or None,
        "version": line.stamp.version,
    }


def chunk_line_out(line: Mapping[str, Any]) -> dict[str, Any]:
    """What became of one line of an import."""
    amount = Money(line["amount"], line["currency"]).to_api()
    kept = {name: line.get(name) or None for name in ("line_id", "payment_id", "code_id")}
    return {
        **{name: line[name] for name in ("line", "path", "booking_date", "value_date")},
        **{name: line[name] for name in ("direction", "reversal", "transactions", "outcome")},
        "amount": amount,
        "code": line["code"] or None,
        "reason": line["reason"] or None,
        **kept,
    }


class RevealExchangeIn(EdgeModel):
    """Body of looking at clear values of an exchange: why."""

    reason: Annotated[RevealReason, choice(RevealReason)]


def organisation_out(item: Organisation, news_age: int | None) -> dict[str, Any]:
    """The organisation as the API shows it; keys and secrets never."""
    return {
        "id": item.id,
        "org_code": item.org_code,
        "provider": item.provider.value,
        "payee": item.payee,
        "language": item.language,
        "zone": item.zone,
        "branch": item.branch,
        "tolerance": Money(item.tolerance, "EUR").to_api(),
        "valid_days": item.valid_days,
        "mail_on_issue": item.mail_on_issue,
        "automatic": {
            kind.value: item.issues_for(kind)
            for kind in (SourceKind.REPAIR_ORDER, SourceKind.COUNTER_INVOICE, SourceKind.BILL_BATCH)
        },
        "api_key_configured": item.credentials_version > 0,
        "notification_secret_version": item.secret_version,
        "document_event_secret_version": item.events_version,
        "connection": item.connection.value,
        "news_age_seconds": news_age,
        "version": item.stamp.version,
        "created_at": item.stamp.created_at,
        "updated_at": item.stamp.updated_at,
    }


def refused_event_out(event: RefusedEvent) -> dict[str, Any]:
    """A refused document event: why, never what it says of its customer."""
    return {
        "id": event.id,
        "event_id": event.event_id,
        "document": event.document or None,
        "reason": event.reason,
        "errors": [{"pointer": pointer, "code": code} for pointer, code in event.problems],
        "status": event.state.value,
        "stated_at": _instant(event.stated_at),
        "received_at": _instant(event.received_at),
        "note": event.note or None,
    }


def history_out(line: HistoryLine) -> dict[str, Any]:
    """One line of history."""
    return {
        "at": line.at,
        "actor": line.actor,
        "action": line.action,
        "from": line.from_state,
        "to": line.to_state,
        "detail": dict(line.detail),
    }
