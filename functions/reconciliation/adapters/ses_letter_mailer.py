"""What the mail with a reconciliation letter says, in the language of the counterparty (REC-02)."""

from typing import Any

from kernel.mail_reports import TENANT_TAG
from kernel.mailing import Attachment, Mail, MailOutcome
from kernel.text import shortened
from reconciliation.adapters.letter_pdf import (
    basis_text,
    form_text,
    legal_lines,
    period_name,
    places_of,
)
from reconciliation.domain.letter import LetterMail
from reconciliation.domain.letter_template import filled
from reconciliation.ports import LETTER_MAIL_TAG, LetterPaper
from toolkit.aws.mail import MailService
from webkit.mail import Action, Brand, Letter, render_mail

_SUBJECT = 150


class SesLetterMailer:
    """``LetterMailer``. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(self, service: MailService, renderer: Any) -> None:
        self._service = service
        self._renderer = renderer

    def send(
        self,
        tenant_id: str,
        mail: LetterMail,
        paper: LetterPaper,
        pdf: bytes,
        *,
        link: str,
        unsubscribe: str,
    ) -> MailOutcome:
        letter = paper.letter
        name = f"mutabakat-{letter.their_form.value}-{letter.period}.pdf"
        return self._service.hand_over(
            self.write(mail, paper, link),
            mail.to,
            {LETTER_MAIL_TAG: mail.id, TENANT_TAG: tenant_id},
            attachments=[Attachment(name, "application/pdf", pdf)],
            unsubscribe=unsubscribe,
        )

    def write(self, mail: LetterMail, paper: LetterPaper, link: str) -> Mail:
        """The finished mail; it says what the paper says."""
        words = self._renderer.language(mail.language)
        letter, edition = paper.letter, paper.letter.edition
        places = places_of(paper, words)
        subject = filled(paper.text.subject, places)
        if mail.kind.startswith("reminder-"):
            subject = words.text("Reminder: %(subject)s", subject=subject)
        elif mail.kind.startswith("correction-"):
            subject = words.text("Corrected: %(subject)s", subject=subject)
        written = Letter(
            subject=shortened(subject, _SUBJECT),
            paragraphs=(
                words.text("To %(title)s,", title=paper.receiver.fields.title),
                filled(paper.text.opening, places),
            ),
            facts=(
                (words.text("Period"), period_name(letter.period)),
                (words.text("Your form"), form_text(words, letter.their_form)),
                (words.text("What is reconciled"), basis_text(words, edition.basis)),
                (words.text("Documents"), words.formats.number(edition.figure.documents)),
                (words.text("Amount without VAT"), words.formats.money(edition.figure.total)),
            ),
            action=Action(words.text("See the letter and answer"), link) if link else None,
            closing=(
                filled(paper.text.request, places),
                *legal_lines(paper, words),
                *([filled(paper.text.closing, places)] if paper.text.closing else []),
            ),
            small=words.text(
                "The letter is attached as a PDF. If you do not know this company, delete this "
                "mail; nothing follows from it."
            ),
        )
        return render_mail(self._renderer, written, mail.language, Brand(paper.sender.title))
