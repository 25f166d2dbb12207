"""The HTTP edge of reconciliation: request models, and what entities look like outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.errors import ParseError, Problem, ValidationError
from kernel.identifiers import ledger_party
from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.masking import mask_tckn
from kernel.money import Money
from kernel.parsing import format_instant, parse_date_api
from kernel.periods import DayWindow, Period
from kernel.sensitive import Email
from kernel.signed_events import RefusedEvent
from kernel.stamp import Stamp
from kernel.text import clean_company_title, clean_free_text, clean_person_name
from kernel.why import Why
from reconciliation.domain.answer import (
    MAX_COUNT,
    MAX_NOTE,
    AnswerFields,
    Said,
)
from reconciliation.domain.book_event import MAX_CARDS, BookEvent, BookEventKind
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields
from reconciliation.domain.difference import MAX_NOTE as MAX_REMARK
from reconciliation.domain.e_invoice import EInvoice, InvoiceParty
from reconciliation.domain.figures import Figure, FormFigures, Part
from reconciliation.domain.ledger import MAX_TOGETHER, Direction, EntryFields, Form, LedgerEntry
from reconciliation.domain.letter import Basis, Edition, Letter, LetterState, Reply
from reconciliation.domain.letter_template import (
    LetterTemplate,
    LetterText,
    latest_by_language,
)
from reconciliation.domain.mail_matter import MAX_NOTE as MAX_MATTER_NOTE
from reconciliation.domain.mail_matter import Decision
from reconciliation.domain.mailing import MailingSettings, Sender
from reconciliation.domain.parameters import (
    HOME,
    EntryKind,
    Key,
    OwnRows,
    ParameterRow,
    in_order,
)
from reconciliation.domain.values import parse_code, parse_document_no, parse_line
from reconciliation.ports import MailLine
from toolkit.http.fields import DATE, MONEY, EdgeModel, choice, parsed

_MAX_EMAILS: Final = 10
_MAX_PARAMETERS: Final = 100
_SHOWN: Final = "shown to whoever may read counterparties"
Say = Callable[[Iterable[Why]], list[str]]


def _number(length: int) -> Callable[[object], LedgerParty]:
    def read(value: object) -> LedgerParty:
        party = ledger_party.parse(value)
        if len(party.number) != length:
            raise ParseError("SHAPE", f"the number has {length} digits")
        return party

    return read


def _amount(value: object) -> Money:
    return Money.from_api(value, allow_zero=True)


def _language(value: object) -> str:
    if value not in ("tr", "el", "en"):
        raise ParseError("CHOICE", "choose one of: tr, el, en")
    return str(value)


def _emails(value: object) -> Any:
    if not isinstance(value, list) or len(value) > _MAX_EMAILS:
        raise ParseError("SHAPE", f"a list of at most {_MAX_EMAILS} addresses")
    return tuple(dict.fromkeys(Email(str(item)) for item in value))


ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiAmount = Annotated[Money, parsed(_amount, MONEY)]
Code = Annotated[str, parsed(parse_code)]
DocumentNo = Annotated[str, parsed(parse_document_no)]
PERIOD: Final[Mapping[str, Any]] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
_EMAILS: Final[Mapping[str, Any]] = {
    "type": "array",
    "items": {"type": "string", "format": "email"},
    "maxItems": _MAX_EMAILS,
}


class CounterpartyIn(EdgeModel):
    """Body of an account card: a company names its tax number, a person its identity number."""

    code: Code
    title: Annotated[str, parsed(clean_company_title)]
    tax_no: Annotated[LedgerParty, parsed(_number(10))] | None = None
    national_id: Annotated[LedgerParty, parsed(_number(11))] | None = None
    tax_office: Annotated[str, parsed(lambda value: parse_line(value, 100))] = ""
    emails: Annotated[tuple[Email, ...], parsed(_emails, _EMAILS)] = ()
    language: Annotated[str, parsed(_language, {"type": "string", "enum": ["tr", "el", "en"]})] = (
        "tr"
    )

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
    language: Annotated[str, parsed(_language, {"type": "string", "enum": ["tr", "el", "en"]})] = (
        "tr"
    )


class AnswerIn(EdgeModel):
    """Body of an answer that staff writes down for a counterparty. ``edition`` is the number of the
    figures it speaks of, the present ones without it.
    """

    outcome: Annotated[Said, choice(Said)]
    name: Annotated[str, parsed(clean_person_name)]
    note: Annotated[str, parsed(lambda value: clean_free_text(value, MAX_NOTE))] = ""
    their_count: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    their_total: ApiAmount | None = None
    edition: int | None = Field(default=None, ge=1)

    def to_fields(self) -> AnswerFields:
        """What was said."""
        return AnswerFields(self.outcome, self.name, self.note, self.their_count, self.their_total)


Remark = Annotated[
    str, Field(min_length=3), parsed(lambda value: clean_free_text(value, MAX_MATTER_NOTE))
]


class DecideMailIn(EdgeModel):
    """Body of what a person found out about a mail; ``note`` says how it is known."""

    decision: Annotated[Decision, choice(Decision)]
    note: Remark


class ReleaseIn(EdgeModel):
    """Body that lets mails through to a silenced address; ``note`` says who told that it works."""

    email: str = Field(min_length=3, max_length=254)
    note: Remark


class DismissBookEventIn(EdgeModel):
    """Body of putting a refused event aside: why nothing is to be done."""

    note: Annotated[str, Field(min_length=1), parsed(lambda value: parse_line(value, 200))]


class StatementIn(EdgeModel):
    """Body of a statement that was uploaded."""

    upload_id: str = Field(min_length=1, max_length=64)


class TextIn(EdgeModel):
    """Body of a remark; ``line`` names the line it is about, the case as a whole without it."""

    text: str = Field(min_length=1, max_length=MAX_REMARK)
    line: str = Field(default="", max_length=40)


class BabsParameterIn(EdgeModel):
    """One value of the company's own, from a period on, with where it stands."""

    key: Annotated[Key, choice(Key)]
    since: Annotated[Period, parsed(Period.parse, PERIOD)]
    value: str = Field(max_length=200)
    legal_ref: Annotated[str, parsed(lambda value: parse_line(value, 200))]

    def to_domain(self) -> ParameterRow:
        """The row as it was stated."""
        return ParameterRow(self.key, self.since, self.value, self.legal_ref, own=True)


class BabsParametersIn(EdgeModel):
    """Body of replacing the company's own parameters."""

    items: list[BabsParameterIn] = Field(max_length=_MAX_PARAMETERS)


def _window_day(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 31:
        raise ParseError("DAY", "a day of the month, 1 to 31")
    return value


Language = Annotated[str, parsed(_language, {"type": "string", "enum": ["tr", "el", "en"]})]
WindowDay = Annotated[int, parsed(_window_day, {"type": "integer", "minimum": 1, "maximum": 31})]
Line = Annotated[str, parsed(lambda value: parse_line(value, 200))]


class LetterPartsIn(EdgeModel):
    """A letter text, plain text with places such as ``{period}``."""

    subject: str = Field(max_length=400)
    opening: str = Field(max_length=4000)
    request: str = Field(max_length=4000)
    closing: str = Field(default="", max_length=4000)

    def to_domain(self) -> LetterText:
        """The text as it was stated."""
        return LetterText(self.subject, self.opening, self.request, self.closing)


class LetterTextIn(LetterPartsIn):
    """Body of a letter text of one language."""

    language: Language


class LetterTextsIn(EdgeModel):
    """Letter texts by language; a language that is left out stays as it is."""

    tr: LetterPartsIn | None = None
    el: LetterPartsIn | None = None
    en: LetterPartsIn | None = None


class MailingSettingsIn(EdgeModel):
    """Body of the mailing settings. ``basis`` says which figure letters reconcile; a first day
    after the last one is a window over the end of the month.
    """

    starts_day: WindowDay
    ends_day: WindowDay
    business_days_only: bool = True
    automatic: bool = False
    forms: list[Annotated[Form, choice(Form)]] = Field(default=[Form.BA, Form.BS], max_length=2)
    basis: Annotated[Basis, choice(Basis)] = Basis.FORM
    reminder_days: list[int] = Field(default=[7, 14], max_length=5)
    answer_days: int = 60
    sender_name: Annotated[str, parsed(clean_company_title)]
    sender_tax_no: Annotated[str, parsed(lambda value: parse_line(value, 20))] = ""
    sender_tax_office: Line = ""
    sender_phone: Annotated[str, parsed(lambda value: parse_line(value, 40))] = ""
    sender_email: Line = ""
    sender_address: Line = ""
    letter_templates: LetterTextsIn | None = None

    def texts(self) -> dict[str, LetterText]:
        """The letter texts that came along, by language."""
        stated = dict(self.letter_templates or ())
        return {language: text.to_domain() for language, text in stated.items() if text}

    def to_domain(self) -> MailingSettings:
        """The settings as they were stated."""
        return MailingSettings(
            window=DayWindow(self.starts_day, self.ends_day),
            business_days_only=self.business_days_only,
            automatic=self.automatic,
            forms=tuple(dict.fromkeys(self.forms)),
            basis=self.basis,
            reminder_days=tuple(self.reminder_days),
            answer_days=self.answer_days,
            sender=Sender(
                self.sender_name,
                self.sender_tax_no,
                self.sender_tax_office,
                self.sender_phone,
                self.sender_email,
                self.sender_address,
            ),
        )


class MailingIn(EdgeModel):
    """Body of a mailing: chosen counterparties, or all of them."""

    counterparty_ids: list[str] | None = None
    all: bool = False
    forms: list[Annotated[Form, choice(Form)]] = Field(default=[Form.BA, Form.BS], max_length=2)

    def problems(self) -> list[Problem]:
        """What is wrong beyond single fields."""
        if self.all == (self.counterparty_ids is not None):
            text = "Name counterparties, or say all."
            return [Problem("/counterparty_ids", "required", text)]
        return []


# ---------------------------------------------------------------------------- answers


def _party_out(party: LedgerParty) -> dict[str, Any]:
    """A company's number is public; a person's is shown masked."""
    if len(party.number) == 10:
        return {"tax_no": party.number, "national_id": None, "special": party.special}
    shown = party.number if party.kind is PartyKind.SPECIAL else mask_tckn(party.number)
    return {"tax_no": None, "national_id": shown, "special": party.special}


def counterparty_out(counterparty: Counterparty) -> dict[str, Any]:
    """An account card as the API shows it."""
    fields, stamp = counterparty.fields, counterparty.stamp
    return {
        "id": counterparty.id,
        "code": fields.code,
        "title": fields.title,
        **_party_out(fields.party),
        "tax_office": fields.tax_office,
        "emails": [email.reveal(_SHOWN) for email in fields.emails],
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
    return {"name": side.name, **_party_out(side.party), "tax_office": side.tax_office}


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


def _part_out(part: Part) -> dict[str, Any]:
    return {"document_count": part.documents, "total": part.total.to_api()}


def figure_out(row: Figure, cards: Mapping[str, Counterparty], say: Say) -> dict[str, Any]:
    """One row of a month: listed as on the form, then the exact figures of both readings."""
    known = [cards[card] for card in row.cards if card in cards]
    return {
        "counterparties": [
            {"id": card.id, "code": card.fields.code, "title": card.fields.title} for card in known
        ],
        **(_party_out(known[0].fields.party) if known else {}),
        "document_count": row.listed_documents,
        "total": row.listed_total.to_api(),
        "form": _part_out(row.form),
        "all": _part_out(row.all_documents),
        "listed": row.listed,
        "why": say(row.why),
    }


def figures_out(shown: FormFigures, rows: Sequence[Figure], say: Say) -> dict[str, Any]:
    """A form of a month without its paging: rules, deadline, totals of what is listed, rows."""
    figures, rules = shown.figures, shown.rules
    listed = [row for row in figures.rows if row.listed]
    total = sum((row.listed_total.minor for row in listed), 0)
    return {
        "period": str(rules.period),
        "form": shown.form.value,
        "file_form": figures.file_form,
        "file_form_why": say((figures.why,)),
        "due_on": shown.due.due_on.isoformat() if shown.due else None,
        "due_why": say(shown.due.why) if shown.due else [],
        "rules": {
            "threshold": rules.threshold.to_api(),
            "e_documents_listed": rules.e_documents_listed,
            "document_kinds": sorted(kind.value for kind in rules.kinds),
        },
        "listed": {
            "counterparties": len(listed),
            "document_count": sum(row.listed_documents for row in listed),
            "total": Money(total, "TRY").to_api(),
        },
        "items": [figure_out(row, shown.cards, say) for row in rows],
        "total": len(figures.rows),
    }


def parameters_out(own: OwnRows) -> dict[str, Any]:
    """Everything that counts: what the product knows, and what the company set itself."""
    return {
        "items": [
            {
                "key": row.key.value,
                "since": str(row.since),
                "value": row.value,
                "legal_ref": row.legal_ref,
                "confirmed": row.confirmed,
                "own": row.own,
            }
            for row in in_order(own)
        ],
        "version": own.stamp.version,
        "updated_at": own.stamp.updated_at,
        "next_cursor": None,
    }


# ---------------------------------------------------------------------------- letters


def _stamped(stamp: Stamp) -> dict[str, Any]:
    return {
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }


def mailing_settings_out(
    settings: MailingSettings, templates: Iterable[LetterTemplate]
) -> dict[str, Any]:
    """Mailing settings as the API shows them, with the newest letter text of every language."""
    sender = settings.sender
    return {
        "starts_day": settings.window.starts_day,
        "ends_day": settings.window.ends_day,
        "business_days_only": settings.business_days_only,
        "automatic": settings.automatic,
        "forms": [form.value for form in settings.forms],
        "basis": settings.basis.value,
        "reminder_days": list(settings.reminder_days),
        "answer_days": settings.answer_days,
        "sender_name": sender.title,
        "sender_tax_no": sender.tax_no,
        "sender_tax_office": sender.tax_office,
        "sender_phone": sender.phone,
        "sender_email": sender.email,
        "sender_address": sender.address,
        "letter_templates": {
            language: _parts_out(template.text)
            for language, template in latest_by_language(templates).items()
        },
        **_stamped(settings.stamp),
    }


def template_out(template: LetterTemplate) -> dict[str, Any]:
    """A letter text with who released it."""
    return {
        "id": template.id,
        "language": template.language,
        "template_version": template.version,
        "status": template.state.value,
        **_parts_out(template.text),
        "approved_by": template.approved_by or None,
        "approved_at": template.approved_at or None,
        **_stamped(template.stamp),
    }


def _parts_out(text: LetterText) -> dict[str, str]:
    return {
        "subject": text.subject,
        "opening": text.opening,
        "request": text.request,
        "closing": text.closing,
    }


def edition_out(edition: Edition, say: Say) -> dict[str, Any]:
    """The figures of a letter at one moment."""
    return {
        "number": edition.number,
        "basis": edition.basis.value,
        "form": _part_out(edition.form),
        "all": _part_out(edition.all_documents),
        "listed": edition.listed,
        "threshold": edition.threshold.to_api(),
        "template": edition.template,
        "made_at": edition.made_at,
        "sha256": edition.digest or None,
        "why": say(edition.why),
    }


def reply_out(reply: Reply) -> dict[str, Any]:
    """What the other side answered."""
    return {
        "outcome": reply.outcome.value,
        "edition": reply.edition,
        "at": reply.at,
        "channel": reply.channel,
        "name": reply.name,
        "note": reply.note or None,
        "their_count": reply.their_count,
        "their_total": None if reply.their_total is None else reply.their_total.to_api(),
    }


def letter_out(letter: Letter, card: Counterparty | None, say: Say) -> dict[str, Any]:
    """A letter: what it reconciles, what became of its mails, what was answered."""
    edition = letter.edition
    return {
        "id": letter.id,
        "period": str(letter.period),
        "form": letter.form.value,
        "their_form": letter.their_form.value,
        "counterparty_id": letter.counterparty_id,
        "counterparty": None
        if card is None
        else {"code": card.fields.code, "title": card.fields.title},
        "language": letter.language,
        "status": letter.state.value,
        "delivery": letter.delivery.value,
        "document_count": edition.figure.documents,
        "total": edition.figure.total.to_api(),
        "edition": edition_out(edition, say),
        "sent_to": list(letter.sent_to),
        "sent_at": letter.sent_at or None,
        "mails": [
            {
                "id": mail_id,
                "kind": mail.kind,
                "to": mail.to,
                "status": mail.state.value,
                "sent_at": mail.sent_at or None,
            }
            for mail_id, mail in letter.mails.items()
        ],
        "reminders": letter.reminders,
        "remind_on": letter.remind_on.isoformat() if letter.remind_on else None,
        "disowned_at": letter.disowned_at or None,
        "replies": [reply_out(reply) for reply in letter.replies],
        **_stamped(letter.stamp),
    }


def mail_line_out(line: MailLine) -> dict[str, Any]:
    """One mail of the report (REC-07); the address is masked."""
    mail, letter, card = line.mail, line.letter, line.card
    figure = letter.edition.figure if letter is not None else None
    return {
        "id": mail.id,
        "letter_id": mail.letter_id,
        "counterparty": None
        if card is None
        else {"id": card.id, "code": card.fields.code, "title": card.fields.title},
        "form": letter.form.value if letter is not None else None,
        "kind": mail.kind,
        "to": str(mail.to),
        "status": mail.state.value,
        "reason": mail.reason or None,
        "automatic": mail.automatic,
        "asked_at": mail.asked_at,
        "sent_at": mail.sent_at or None,
        "document_count": figure.documents if figure else None,
        "total": figure.total.to_api() if figure else None,
        "letter_status": letter.state.value if letter is not None else None,
    }


def board_out(board: Mapping[tuple[Form, LetterState], tuple[int, int]]) -> list[dict[str, Any]]:
    """Letters of a month by form and state."""
    return [
        {
            "form": form.value,
            "status": state.value,
            "letters": number,
            "total": Money(total, HOME).to_api(),
        }
        for (form, state), (number, total) in board.items()
        if number
    ]


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
        **_stamped(event.stamp),
    }
