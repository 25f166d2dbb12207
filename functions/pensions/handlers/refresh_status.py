"""SQS: ask an insurer where the people of one contract stand."""

from pensions.application.context import TryAgainError
from pensions.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("pensions")
def handler(message: QueueMessage) -> None:
    """Run (a part of) one status refresh."""
    use = application().for_system(message.text("tenant_id"), "refresh")
    try:
        use.refresh_status()(
            message.text("contract_id"),
            message.text("job_id"),
            remaining=message.remaining_seconds,
            after=str(message.body.get("after", "")),
            asked=[str(item) for item in message.body.get("asked", [])],
        )
    except TryAgainError as error:
        raise RetryLaterError from error
