"""Letters, their mails, texts and settings as stored rows and back."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from kernel.mail_delivery import MailState
from kernel.money import Money
from kernel.periods import DayWindow, Period
from kernel.sensitive import Email
from kernel.why import Why
from reconciliation.domain.figures import Part
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import (
    Basis,
    Edition,
    Letter,
    LetterMail,
    LetterState,
    Outcome,
    Reply,
    SentMail,
)
from reconciliation.domain.letter_template import LetterTemplate, LetterText, TemplateState
from reconciliation.domain.mailing import MailingSettings, Sender
from reconciliation.domain.parameters import HOME
from toolkit.aws.rows import day, day_of, instant_of, moment, stamp_of

Row = dict[str, Any]
_STORED = "store"  # reason given when a masked value is opened to be stored in its own row


def _lira(minor: int) -> Money:
    return Money(minor, HOME)


def edition_row(edition: Edition) -> Row:
    """Attributes of an edition."""
    return {
        "number": edition.number,
        "basis": edition.basis.value,
        "form": [edition.form.documents, edition.form.total.minor],
        "all": [edition.all_documents.documents, edition.all_documents.total.minor],
        "listed": edition.listed,
        "threshold": edition.threshold.minor,
        "template": edition.template,
        "made_at": edition.made_at,
        "why": [[why.key, dict(why.params)] for why in edition.why],
        "digest": edition.digest,
    }


def edition_from(row: Mapping[str, Any]) -> Edition:
    """The edition behind a row."""
    return Edition(
        number=row["number"],
        basis=Basis(row["basis"]),
        form=Part(row["form"][0], _lira(row["form"][1])),
        all_documents=Part(row["all"][0], _lira(row["all"][1])),
        listed=row["listed"],
        threshold=_lira(row["threshold"]),
        template=row["template"],
        made_at=row["made_at"],
        why=tuple(Why(key, params) for key, params in row["why"]),
        digest=row["digest"],
    )


def _reply_row(reply: Reply) -> Row:
    return {
        "outcome": reply.outcome.value,
        "edition": reply.edition,
        "at": reply.at,
        "channel": reply.channel,
        "name": reply.name,
        "note": reply.note,
        "their_count": reply.their_count,
        "their_total": None if reply.their_total is None else reply.their_total.minor,
        "evidence": reply.evidence,
    }


def _reply_from(row: Mapping[str, Any]) -> Reply:
    total = row["their_total"]
    return Reply(
        Outcome(row["outcome"]),
        row["edition"],
        row["at"],
        row["channel"],
        row["name"],
        row["note"],
        row["their_count"],
        None if total is None else _lira(total),
        row["evidence"],
    )


def letter_row(letter: Letter) -> Row:
    """Attributes of a letter."""
    return {
        "period": str(letter.period),
        "form": letter.form.value,
        "counterparty_id": letter.counterparty_id,
        "cards": list(letter.cards),
        "language": letter.language,
        "edition": edition_row(letter.edition),
        "mails": {
            mail_id: [mail.kind, mail.to, mail.state.value, mail.sent_at]
            for mail_id, mail in letter.mails.items()
        },
        "replies": [_reply_row(reply) for reply in letter.replies],
        "closed": letter.closed.value if letter.closed else None,
        "reminders": letter.reminders,
        "remind_on": day(letter.remind_on),
        "put_off_days": letter.put_off_days,
        "disowned_at": letter.disowned_at,
    }


def letter_from(row: Mapping[str, Any]) -> Letter:
    """The letter behind a row."""
    return Letter(
        id=row["id"],
        period=Period.parse(row["period"]),
        form=Form(row["form"]),
        counterparty_id=row["counterparty_id"],
        cards=tuple(row["cards"]),
        language=row["language"],
        edition=edition_from(row["edition"]),
        mails={
            mail_id: SentMail(kind, to, MailState(state), sent_at)
            for mail_id, (kind, to, state, sent_at) in row["mails"].items()
        },
        replies=tuple(_reply_from(reply) for reply in row["replies"]),
        closed=LetterState(row["closed"]) if row["closed"] else None,
        reminders=row["reminders"],
        remind_on=day_of(row["remind_on"]),
        # Letters of before know neither.
        put_off_days=row.get("put_off_days", 0),
        disowned_at=row.get("disowned_at", ""),
        stamp=stamp_of(row),
    )


def mail_row(mail: LetterMail) -> Row:
    """Attributes of a mail."""
    return {
        "letter_id": mail.letter_id,
        "counterparty_id": mail.counterparty_id,
        "period": str(mail.period),
        "mail_kind": mail.kind,
        "to": mail.to.reveal(_STORED),
        "language": mail.language,
        "edition": mail.edition,
        "automatic": mail.automatic,
        "until": mail.until.isoformat(),
        "asked_at": mail.asked_at,
        "sent_at": mail.sent_at,
        "resends": mail.resends,
        "note": mail.note,
        "attempt_id": mail.attempt_id,
        "attempts": mail.attempts,
        "lease_until": moment(mail.lease_until),
        "next_at": moment(mail.next_at),
        "provider_id": mail.provider_id,
        "reason": mail.reason,
    }


def mail_from(row: Mapping[str, Any]) -> LetterMail:
    """The mail behind a row."""
    return LetterMail(
        id=row["id"],
        letter_id=row["letter_id"],
        counterparty_id=row["counterparty_id"],
        period=Period.parse(row["period"]),
        kind=row["mail_kind"],
        to=Email(row["to"]),
        language=row["language"],
        edition=row["edition"],
        automatic=row["automatic"],
        until=date.fromisoformat(row["until"]),
        asked_at=row["asked_at"],
        sent_at=row["sent_at"],
        resends=row["resends"],
        note=row.get("note", ""),
        state=MailState(row["state"]),
        attempt_id=row["attempt_id"],
        attempts=row["attempts"],
        lease_until=instant_of(row["lease_until"]),
        next_at=instant_of(row["next_at"]),
        provider_id=row["provider_id"],
        reason=row["reason"],
        stamp=stamp_of(row),
    )


def template_row(template: LetterTemplate) -> Row:
    """Attributes of a letter text."""
    text = template.text
    return {
        "language": template.language,
        "template_version": template.version,
        "subject": text.subject,
        "opening": text.opening,
        "request": text.request,
        "closing": text.closing,
        "approved_by": template.approved_by,
        "approved_at": template.approved_at,
    }


def template_from(row: Mapping[str, Any]) -> LetterTemplate:
    """The letter text behind a row."""
    return LetterTemplate(
        row["language"],
        row["template_version"],
        LetterText(row["subject"], row["opening"], row["request"], row["closing"]),
        TemplateState(row["state"]),
        row["approved_by"],
        row["approved_at"],
        stamp_of(row),
    )


def settings_row(settings: MailingSettings) -> Row:
    """Attributes of a company's mailing settings."""
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
        "sender": {
            "title": sender.title,
            "tax_no": sender.tax_no,
            "tax_office": sender.tax_office,
            "phone": sender.phone,
            "email": sender.email,
            "address": sender.address,
        },
    }


def settings_from(row: Mapping[str, Any] | None) -> MailingSettings:
    """A company's mailing settings; the defaults when it never set any."""
    if row is None:
        return MailingSettings()
    return MailingSettings(
        window=DayWindow(row["starts_day"], row["ends_day"]),
        business_days_only=row["business_days_only"],
        automatic=row["automatic"],
        forms=tuple(Form(form) for form in row["forms"]),
        basis=Basis(row["basis"]),
        reminder_days=tuple(row["reminder_days"]),
        answer_days=row["answer_days"],
        sender=Sender(**row["sender"]),
        stamp=stamp_of(row),
    )
