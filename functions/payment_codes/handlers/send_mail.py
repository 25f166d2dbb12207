"""SQS: hand one mail with a code over to the mail service."""

from payment_codes.application.context import TryAgainError
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """Send one mail once."""
    use = application().for_system(message.text("tenant_id"), "mail")
    try:
        use.send_mail()(message.text("mail_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
