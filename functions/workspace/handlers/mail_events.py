"""SQS←SES: what became of the mails we sent."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workspace.bootstrap import application
from workspace.schemas import mail_report


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Join one report into the mail log; what is not about a mail of ours is ignored."""
    report = mail_report(message.body)
    if report is not None:
        application().record_mail_event()(report)
