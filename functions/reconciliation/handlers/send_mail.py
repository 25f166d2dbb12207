"""SQS: hand one mail over to the mail service, with a letter or of the portal."""

from reconciliation.application.context import TryAgainError
from reconciliation.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Send one mail once."""
    use = application().for_system(message.text("tenant_id"), "mail")
    try:
        if "portal_mail_id" in message.body:
            mail_id = message.text("portal_mail_id")
            use.send_portal_mail()(mail_id, remaining=message.remaining_seconds)
        else:
            letter_id = str(message.body.get("letter_id", ""))
            mail_id = message.text("mail_id")
            use.send_letter()(mail_id, letter_id, remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
