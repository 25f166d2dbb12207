"""SQS: tasks whose execution must be started, woken or looked after."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workflow.bootstrap import application


@queue_handler("workflow")
def handler(message: QueueMessage) -> None:
    """Compare one task with its execution and do what is missing."""
    use = application().for_system(message.text("tenant_id"), "approvals")
    use.drive_task()(message.text("task"))
