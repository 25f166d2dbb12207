"""SQS←SES: what became of the mails we sent."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workspace.application.record_mail_event import mail_report
from workspace.bootstrap import application


@queue_handler("workspace")
def handler(message: QueueMessage) -> None:
    """Join one report into the mail log; what is not about a mail of ours is ignored."""
    report = mail_report(message.body)
    if report is not None:
        application().record_mail_event()(report)
