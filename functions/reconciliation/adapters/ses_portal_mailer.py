"""What mails of the portal say, in the language of the counterparty."""

from typing import Any

from kernel.mail_reports import TENANT_TAG
from kernel.mailing import Attachment, Mail, MailOutcome
from kernel.text import shortened
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from reconciliation.ports import LETTER_MAIL_TAG, PortalMailText
from toolkit.aws.mail import MailService
from webkit.mail import Action, Brand, Letter, render_mail

_SUBJECT = 150


class SesPortalMailer:
    """``PortalMailer``. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(self, service: MailService, renderer: Any) -> None:
        self._service = service
        self._renderer = renderer

    def send(self, tenant_id: str, mail: PortalMail, text: PortalMailText) -> MailOutcome:
        files = []
        if text.file is not None:
            file = text.file
            files.append(Attachment(file.filename, file.content_type, file.content))
        tags = {LETTER_MAIL_TAG: mail.id, TENANT_TAG: tenant_id}
        return self._service.hand_over(self.write(mail, text), mail.to, tags, attachments=files)

    def write(self, mail: PortalMail, text: PortalMailText) -> Mail:
        """The finished mail; no password ever stands in one."""
        words = self._renderer.language(mail.language)
        title, sender = text.counterparty.fields.title, text.sender
        greeting = words.text("To %(title)s,", title=title)
        if mail.kind is PortalMailKind.INVITATION:
            until = "" if text.until is None else words.formats.instant(text.until, _ZONE)
            written = Letter(
                subject=words.text("Your access to the account at %(sender)s", sender=sender),
                paragraphs=(
                    greeting,
                    words.text(
                        "%(sender)s opened a page for you on which you see your account, its "
                        "invoices and the months to reconcile. Choose a password of your own.",
                        sender=sender,
                    ),
                ),
                facts=((words.text("The link works once, until"), until),),
                action=Action(words.text("Choose a password"), text.link),
                small=words.text("If you do not know this company, delete this mail."),
            )
        elif mail.kind is PortalMailKind.CONFIRM:
            written = Letter(
                subject=words.text("Confirm this address for letters of %(sender)s", sender=sender),
                paragraphs=(
                    words.text(
                        "%(title)s asked %(sender)s to mail its reconciliation letters to this "
                        "address. Nothing is mailed before you agree.",
                        title=title,
                        sender=sender,
                    ),
                ),
                action=Action(words.text("See and confirm"), text.link),
                small=words.text("If this says nothing to you, delete this mail."),
            )
        else:
            assert text.letter is not None  # noqa: S101  (the kind says so)
            month = words.formats.month(text.letter.period)
            written = Letter(
                subject=words.text(
                    "Our statement of %(month)s, because you did not agree", month=month
                ),
                paragraphs=(
                    greeting,
                    words.text(
                        "You did not agree to the figures of %(month)s. Our statement is attached. "
                        "Send yours, and both are compared line by line.",
                        month=month,
                    ),
                ),
                action=Action(words.text("Open the month"), text.link) if text.link else None,
                small=words.text("Errors and omissions excepted."),
            )
        named = Letter(
            shortened(written.subject, _SUBJECT),
            written.paragraphs,
            written.facts,
            written.action,
            written.closing,
            written.small,
        )
        return render_mail(self._renderer, named, mail.language, Brand(sender))


_ZONE = "Europe/Istanbul"
