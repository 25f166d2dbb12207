"""SQS: send one transmission to its insurer, or ask what became of it."""

from pensions.application.context import TryAgainError
from pensions.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("pensions")
def handler(message: QueueMessage) -> None:
    """Drive one transmission one step further."""
    use = application().for_system(message.text("tenant_id"), "send")
    try:
        use.send_to_insurer()(message.text("transmission_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
