"""The mail with a code, through SES v2 as simple content: no hand-made MIME (security.md S28).

The client makes one attempt: the mail service has no idempotency, so a repetition is a second mail.
What an error means is a closed table; everything not in it is unknown (reliability.md §4).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from kernel.text import clean_mail_header
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.ports import MailOutcome, MailResult
from webkit.mail import Action, Brand, Letter, Mail, render_mail

_NAME_IN_SUBJECT: Final = 60
_FAULTS: Final[Mapping[str, MailResult]] = {
    "AccessDeniedException": MailResult.NOT_SENT,
    "AccountSuspendedException": MailResult.NOT_SENT,
    "LimitExceededException": MailResult.NOT_SENT,
    "MailFromDomainNotVerifiedException": MailResult.NOT_SENT,
    "NotFoundException": MailResult.NOT_SENT,
    "SendingPausedException": MailResult.NOT_SENT,
    "ThrottlingException": MailResult.NOT_SENT,
    "TooManyRequestsException": MailResult.NOT_SENT,
    "BadRequestException": MailResult.REFUSED,
    "MessageRejected": MailResult.REFUSED,
}
_UNSENT: Final = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)


class SesCodeMailer:
    """``CodeMailer`` of the ports. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(
        self, client: Callable[[], Any], renderer: Any, *, sender: str, configuration_set: str
    ) -> None:
        self._client = client
        self._renderer = renderer
        self._sender = sender
        self._configuration_set = configuration_set

    def send(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> MailOutcome:
        written = self.write(mail, code, organisation, link)
        try:
            answer = self._client().send_email(**self._request(mail, written))
        except ClientError as error:
            return _outcome(error)
        except _UNSENT as error:
            return MailOutcome(MailResult.NOT_SENT, code=type(error).__name__)
        except BotoCoreError as error:
            return MailOutcome(MailResult.UNKNOWN, code=type(error).__name__)
        return MailOutcome(MailResult.TAKEN, provider_id=str(answer["MessageId"]))

    def write(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> Mail:
        """The finished mail, in the customer's language."""
        lang = self._renderer.language(mail.language)
        payee = organisation.payee
        short = payee if len(payee) <= _NAME_IN_SUBJECT else f"{payee[: _NAME_IN_SUBJECT - 1]}…"
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

    def _request(self, mail: CodeMail, written: Mail) -> dict[str, Any]:
        def part(text: str) -> dict[str, str]:
            return {"Data": text, "Charset": "UTF-8"}

        return {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [mail.to.reveal("address of a mail")]},
            "Content": {
                "Simple": {
                    "Subject": part(clean_mail_header(written.subject)),
                    "Body": {"Text": part(written.text), "Html": part(written.html)},
                }
            },
            "ConfigurationSetName": self._configuration_set,
            "EmailTags": [{"Name": "code_mail", "Value": mail.id}],
        }


def _outcome(error: ClientError) -> MailOutcome:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= 500:
        return MailOutcome(MailResult.UNKNOWN, code=code)
    return MailOutcome(_FAULTS.get(code, MailResult.UNKNOWN), code=code)
