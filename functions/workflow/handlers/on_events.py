"""SQS←bus: approvals that others ask for, and decisions that processes of ours wait for."""

from kernel.events import Event
from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workflow.bootstrap import application

DECIDED = "workflow.ApprovalDecided.v1"


@queue_handler("workflow")
def handler(message: QueueMessage) -> None:
    """Open, withdraw or hand on; each event counts once."""
    event = Event.from_dict(message.body)
    use = application().for_system(event.tenant_id, event.context)
    if event.type == DECIDED:
        if event.data["origin"] == "workflow":
            application().approval_decided(event.tenant_id, event.data)
    elif event.type.endswith(".ApprovalRequested.v1"):
        use.hear_request().request(event)
    elif event.type.endswith(".ApprovalWithdrawn.v1"):
        use.hear_request().withdraw(event)
