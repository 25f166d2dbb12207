"""Mails through SES v2 as simple content: no hand-made MIME, no headers of ours (security.md S28).

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

from kernel.sensitive import Email
from kernel.text import clean_mail_header
from webkit.mail import Action, Brand, Letter, Mail, render_mail
from workspace.domain.message import Message, MessageKind
from workspace.ports import MESSAGE_TAG, NO_TENANT, TENANT_TAG, MailOutcome, MailResult

_NAME_IN_SUBJECT: Final = 60

# Never left this house, or refused as a whole with the advice to come back.
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


class SesMailer:
    """``Mailer`` of the ports. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(
        self, client: Callable[[], Any], renderer: Any, *, sender: str, configuration_set: str
    ) -> None:
        self._client = client
        self._renderer = renderer
        self._sender = sender
        self._configuration_set = configuration_set

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str
    ) -> MailOutcome:
        mail = self.write(message, name=name, company=company, link=link)
        try:
            answer = self._client().send_email(**self._request(message, to, mail))
        except ClientError as error:
            return _outcome(error)
        except _UNSENT as error:
            return MailOutcome(MailResult.NOT_SENT, code=type(error).__name__)
        except BotoCoreError as error:
            return MailOutcome(MailResult.UNKNOWN, code=type(error).__name__)
        return MailOutcome(MailResult.TAKEN, provider_id=str(answer["MessageId"]))

    def write(self, message: Message, *, name: str, company: str, link: str) -> Mail:
        """The finished mail, in the message's language."""
        letter = _LETTERS[message.kind](
            self._renderer.language(message.language), message, name, company, link
        )
        brand = Brand(company or "Köprü", "Köprü" if company else "")
        return render_mail(self._renderer, letter, message.language, brand)

    def _request(self, message: Message, to: Email, mail: Mail) -> dict[str, Any]:
        def part(text: str) -> dict[str, str]:
            return {"Data": text, "Charset": "UTF-8"}

        return {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [to.reveal("address of a mail")]},
            "Content": {
                "Simple": {
                    "Subject": part(clean_mail_header(mail.subject)),
                    "Body": {"Text": part(mail.text), "Html": part(mail.html)},
                }
            },
            "ConfigurationSetName": self._configuration_set,
            "EmailTags": [
                {"Name": MESSAGE_TAG, "Value": message.id},
                {"Name": TENANT_TAG, "Value": message.tenant_id or NO_TENANT},
            ],
        }


def _outcome(error: ClientError) -> MailOutcome:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= 500:
        return MailOutcome(MailResult.UNKNOWN, code=code)
    return MailOutcome(_FAULTS.get(code, MailResult.UNKNOWN), code=code)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_IN_SUBJECT else f"{name[: _NAME_IN_SUBJECT - 1]}…"


def _invitation(lang: Any, _message: Message, name: str, company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text("Invitation to Köprü: %(company)s", company=_short(company)),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "%(company)s invites you to work with them in Köprü, the bridge between their "
                "books and the institutions around them.",
                company=company,
            ),
        ),
        action=Action(lang.text("Accept the invitation"), link),
        closing=(lang.text("The link works once and for 72 hours."),),
        small=lang.text("If you do not know this company, do nothing and delete this mail."),
    )


def _password_reset(lang: Any, _message: Message, name: str, _company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text("A new password for Köprü"),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text("Somebody, probably you, asked for a new password for this address."),
        ),
        action=Action(lang.text("Choose a new password"), link),
        closing=(
            lang.text("The link works once and for 30 minutes. It ends all your open sessions."),
        ),
        small=lang.text("If it was not you, do nothing: your password stays as it is."),
    )


def _credentials_refused(lang: Any, message: Message, name: str, company: str, link: str) -> Letter:
    provider = message.params.get("provider_code", "")
    return Letter(
        subject=lang.text("Web service password refused: %(provider)s", provider=provider),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "The pension company refused the web service user or password of %(company)s. "
                "After one refused attempt nothing more is sent, so that the account is not "
                "locked.",
                company=company,
            ),
            lang.text("Everything that waits goes on by itself once new credentials are stored."),
        ),
        facts=((lang.text("Pension company"), provider),),
        action=Action(lang.text("Enter new credentials"), link),
        small=lang.text("You get this mail as owner or accountant of this company in Köprü."),
    )


_LETTERS: Final[Mapping[MessageKind, Callable[[Any, Message, str, str, str], Letter]]] = {
    MessageKind.INVITATION: _invitation,
    MessageKind.PASSWORD_RESET: _password_reset,
    MessageKind.CREDENTIALS_REFUSED: _credentials_refused,
}
