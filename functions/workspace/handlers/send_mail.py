"""SQS: send one mail, or look whether somebody who wants a new password exists."""

from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler
from workspace.application.send_mail import SendResult
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Drive one mail one step further."""
    if "reset_id" in message.body:
        application().start_password_reset()(str(message.body["reset_id"]))
        return
    result = application().send_mail()(
        str(message.body["tenant_id"]),
        str(message.body["message_id"]),
        message.remaining_seconds,
    )
    if result is SendResult.LATER:
        raise RetryLaterError
