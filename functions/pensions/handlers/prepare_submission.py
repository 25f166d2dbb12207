"""SQS: cut submissions into transmissions, and release what was held."""

from pensions.application.context import TryAgainError
from pensions.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("pensions")
def handler(message: QueueMessage) -> None:
    """Bind the lines of one job, or release the held people of one contract."""
    use = application().for_system(message.text("tenant_id"), "prepare")
    if "release_contract_id" in message.body:
        use.release_held()(message.text("release_contract_id"))
        return
    try:
        use.prepare_submission()(message.text("job_id"), remaining=message.remaining_seconds)
    except TryAgainError as error:
        raise RetryLaterError from error
