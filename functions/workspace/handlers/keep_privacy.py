"""SQS←bus: requests of people and time limits that have come, in the rows of this context."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Go on with one request until it is answered or handed on."""
    application().keep_privacy()(message)
