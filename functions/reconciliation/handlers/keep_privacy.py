"""SQS←bus: requests of people and time limits that have come, in the rows of this context."""

from reconciliation.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, queue_handler


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Go on with one request until it is answered or handed on."""
    application().keep_privacy()(message)
