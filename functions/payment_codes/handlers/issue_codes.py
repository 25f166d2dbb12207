"""SQS: tell the provider about a code, or take it back there."""

from payment_codes.application.context import TryAgainError
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """Register or withdraw one code."""
    use = application().for_system(message.text("tenant_id"), "issue")
    try:
        use.register_code()(message.text("code_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
