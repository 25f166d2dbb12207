"""SQS: read the file of a batch, issue the codes of one of its slices, or take them back."""

from payment_codes.application.context import TryAgainError
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """A message with a slice works on it; one without reads the file, or looks what is missing."""
    use = application().for_system(message.text("tenant_id"), "batch")
    job_id = message.text("job_id")
    if "slice" not in message.body:
        use.prepare_batch()(job_id)
        return
    try:
        use.work_on_slice()(job_id, int(message.body["slice"]), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
