"""What the mail with a payment code says, in the language of the customer (PAY-05)."""

from typing import Any, Final

from kernel.mail_reports import TENANT_TAG
from kernel.mailing import Mail, MailOutcome
from kernel.text import shortened
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.ports import CODE_MAIL_TAG
from toolkit.aws.mail import MailService
from webkit.mail import Action, Brand, Letter, render_mail

_NAME_IN_SUBJECT: Final = 60


class SesCodeMailer:
    """``CodeMailer`` of the ports. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(self, service: MailService, renderer: Any) -> None:
        self._service = service
        self._renderer = renderer

    def send(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> MailOutcome:
        written = self.write(mail, code, organisation, link)
        # An organisation has the id of its company.
        tags = {CODE_MAIL_TAG: mail.id, TENANT_TAG: organisation.id}
        return self._service.hand_over(written, mail.to, tags)

    def write(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> Mail:
        """The finished mail, in the customer's language."""
        lang = self._renderer.language(mail.language)
        payee = organisation.payee
        short = shortened(payee, _NAME_IN_SUBJECT)
        facts = [(lang.text("Payment code"), code.grouped)]
        if code.remaining is not None:
            facts.append((lang.text("Amount"), lang.formats.money(code.remaining)))
        if code.valid_until is not None:
            facts.append((lang.text("Valid until"), lang.formats.date(code.valid_until)))
        if code.qr:
            # As the provider gave it: a QR text of our own making would be a guess.
            facts.append((lang.text("Text of the QR code"), code.qr))
        letter = Letter(
            subject=lang.text("Payment code of %(payee)s", payee=short),
            paragraphs=(
                lang.text("Hello %(name)s,", name=code.customer.name),
                lang.text(
                    "%(payee)s sends you this payment code. Enter it in the web or mobile banking "
                    "of your bank under payments with an RF code; nothing else is needed.",
                    payee=payee,
                ),
            ),
            facts=tuple(facts),
            action=Action(lang.text("Show and copy the code"), link),
            small=lang.text("If you do not know this company, pay nothing and delete this mail."),
        )
        return render_mail(self._renderer, letter, mail.language, Brand(payee, "Köprü"))
