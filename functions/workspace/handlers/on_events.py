"""SQS←bus: the news of other contexts, each once."""

from kernel.events import Event
from toolkit.entrypoints import QueueMessage, queue_handler
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Take one published event into the event log, Today, incidents and mails."""
    application().project_event()(Event.from_dict(message.body))
