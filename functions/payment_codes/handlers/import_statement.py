"""SQS: read a bank statement, as far as the time of one run goes."""

from payment_codes.application.context import TryAgainError
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """Work on one import."""
    use = application().for_system(message.text("tenant_id"), "statement")
    try:
        use.import_statement()(message.text("job_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
