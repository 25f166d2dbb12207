"""SQS←bus: what other contexts told that pensions must act on or remember."""

from kernel.events import Event
from pensions.application.context import TryAgainError
from pensions.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler

INCIDENT_RESOLVED = "workspace.IncidentResolved.v1"
JOB_CANCEL_REQUESTED = "workspace.JobCancelRequested.v1"
APPROVAL_DECIDED = "workflow.ApprovalDecided.v1"
PARAMETER_RECORDED = "workflow.ParameterRecorded.v1"


@queue_handler("pensions")
def handler(message: QueueMessage) -> None:
    """Go on after a resolved incident or an approval, stop a job, keep a setting."""
    event = Event.from_dict(message.body)
    use = application().for_system(event.tenant_id, event.context)
    try:
        if event.type == INCIDENT_RESOLVED:
            use.resume_after_incident()(
                event.source, event.id, event.data["subject"], event.data["code"]
            )
        elif event.type == JOB_CANCEL_REQUESTED:
            use.cancel_job()(event.data["job_id"])
        elif event.type == APPROVAL_DECIDED:
            use.gates.hear_decision(event)
        elif event.type == PARAMETER_RECORDED:
            use.gates.hear_setting(event)
    except TryAgainError as error:
        raise RetryLaterError from error
