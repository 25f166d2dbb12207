"""Mails through SES v2 as simple content: no hand-made MIME (security.md S28).

The client makes one attempt: the mail service has no idempotency, so a repetition is a second mail.
What an error means is a closed table; everything not in it is unknown (reliability.md §4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from kernel.mailing import Attachment, Mail, MailOutcome, MailResult
from kernel.sensitive import Email
from kernel.text import clean_mail_header

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


@dataclass(frozen=True, slots=True)
class MailService:
    """Hands finished mails over, always from the same sender."""

    client: Callable[[], Any]
    sender: str
    configuration_set: str

    def hand_over(
        self,
        mail: Mail,
        to: Email,
        tags: Mapping[str, str],
        *,
        attachments: Sequence[Attachment] = (),
        unsubscribe: str = "",
    ) -> MailOutcome:
        """One attempt; never raises for what the service or the network did.

        Shapes: ``tags`` come back with every report of the service, so they name items and never
        people; ``unsubscribe`` is an https address that ends a subscription by one POST (RFC 8058).
        """
        simple: dict[str, Any] = {
            "Subject": _part(clean_mail_header(mail.subject)),
            "Body": {"Text": _part(mail.text), "Html": _part(mail.html)},
        }
        if attachments:
            simple["Attachments"] = [
                {
                    "FileName": file.name,
                    "ContentType": file.content_type,
                    "RawContent": file.content,
                    "ContentDisposition": "ATTACHMENT",
                    "ContentTransferEncoding": "BASE64",
                }
                for file in attachments
            ]
        if unsubscribe:
            simple["Headers"] = [
                {"Name": "List-Unsubscribe", "Value": f"<{clean_mail_header(unsubscribe)}>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ]
        request = {
            "FromEmailAddress": self.sender,
            "Destination": {"ToAddresses": [to.reveal("address of a mail")]},
            "Content": {"Simple": simple},
            "ConfigurationSetName": self.configuration_set,
            "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
        }
        try:
            answer = self.client().send_email(**request)
        except ClientError as error:
            return _outcome(error)
        except _UNSENT as error:
            return MailOutcome(MailResult.NOT_SENT, code=type(error).__name__)
        except BotoCoreError as error:
            return MailOutcome(MailResult.UNKNOWN, code=type(error).__name__)
        return MailOutcome(MailResult.TAKEN, provider_id=str(answer["MessageId"]))


def _part(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _outcome(error: ClientError) -> MailOutcome:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= 500:
        return MailOutcome(MailResult.UNKNOWN, code=code)
    return MailOutcome(_FAULTS.get(code, MailResult.UNKNOWN), code=code)
