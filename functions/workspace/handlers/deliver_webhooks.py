"""SQS: send what waits in one lane, wake the lanes of a target, or go on with a recovery."""

from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler
from workspace.application.send_mail import SendResult
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Drive webhooks one step further."""
    tenant_id = message.text("tenant_id")
    if "job_id" in message.body:
        application().continue_recovery()(tenant_id, message.text("job_id"))
        return
    if "endpoint_id" in message.body:
        after = str(message.body.get("after_lane_id", ""))
        application().wake_lanes()(tenant_id, message.text("endpoint_id"), after)
        return
    deliver = application().deliver_webhooks()
    result = deliver(tenant_id, message.text("lane_id"), message.remaining_seconds)
    if result is SendResult.LATER:
        raise RetryLaterError
