"""SQS: hand one mail with a letter over to the mail service."""

from reconciliation.application.context import TryAgainError
from reconciliation.bootstrap import application
from toolkit.entrypoints import QueueMessage, queue_handler
from toolkit.entrypoints.queue import RetryLaterError


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Send one mail once."""
    use = application().for_system(message.text("tenant_id"), "mail")
    try:
        use.send_letter()(message.text("mail_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
