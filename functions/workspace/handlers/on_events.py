"""SQS←bus: what was published, each once: the news of other contexts, and what leaves for
webhooks.
"""

from typing import Final

from kernel.events import Event
from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workspace.bootstrap import application

_OWN: Final = "workspace"


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Take one published event into the event log, Today, incidents and mails, then to targets.

    A record that fails in between comes again, and what was done is not done twice. Our own events
    are in the log since they were published.
    """
    event = Event.from_dict(message.body)
    application().hear_privacy_answer()(event)
    if event.context != _OWN:
        application().project_event()(event)
    application().fan_out_event()(event)
