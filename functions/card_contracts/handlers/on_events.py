"""SQS←bus: what workflow decided about changes of contracts, and the settings that say when."""

from card_contracts.bootstrap import application
from kernel.events import Event
from toolkit.entrypoints.queue import QueueMessage, queue_handler

APPROVAL_DECIDED = "workflow.ApprovalDecided.v1"
PARAMETER_RECORDED = "workflow.ParameterRecorded.v1"


@queue_handler("card_contracts")
def handler(message: QueueMessage) -> None:
    """Remember it; what is approved is published by a person."""
    event = Event.from_dict(message.body)
    gates = application().for_system(event.tenant_id, event.context).gates
    if event.type == APPROVAL_DECIDED:
        gates.hear_decision(event)
    elif event.type == PARAMETER_RECORDED:
        gates.hear_setting(event)
