"""SQS: write one part of the daily seal of a company, or its root."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Drive one seal one part further."""
    application().seal_audit()(message.text("tenant_id"), message.text("seal_id"))
