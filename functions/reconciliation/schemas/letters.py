"""Letters, mailing, answers to letters, and differences."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from kernel.errors import ParseError, Problem
from kernel.money import Money
from kernel.periods import DayWindow
from kernel.text import clean_company_title, clean_free_text, clean_person_name
from reconciliation.domain.answer import (
    MAX_COUNT,
    MAX_NOTE,
    AnswerFields,
    Said,
)
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.difference import MAX_NOTE as MAX_REMARK
from reconciliation.domain.ledger import Form
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
)
from reconciliation.domain.values import parse_line
from reconciliation.ports import MailLine
from reconciliation.schemas.fields import ApiAmount, Language, Say, part_out, stamped
from toolkit.http.fields import EdgeModel, choice, parsed


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


class StatementIn(EdgeModel):
    """Body of a statement that was uploaded."""

    upload_id: str = Field(min_length=1, max_length=64)


class TextIn(EdgeModel):
    """Body of a remark; ``line`` names the line it is about, the case as a whole without it."""

    text: str = Field(min_length=1, max_length=MAX_REMARK)
    line: str = Field(default="", max_length=40)


def _window_day(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 31:
        raise ParseError("DAY", "a day of the month, 1 to 31")
    return value


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
        **stamped(settings.stamp),
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
        **stamped(template.stamp),
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
        "form": part_out(edition.form),
        "all": part_out(edition.all_documents),
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
        **stamped(letter.stamp),
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
