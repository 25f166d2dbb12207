"""SQS←SES: what became of the mails with letters."""

from reconciliation.application.context import TryAgainError
from reconciliation.application.record_mail_report import mail_report
from reconciliation.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Join one report into its mail; what is not about a mail of ours is ignored."""
    report = mail_report(message.body)
    if report is None:
        return
    try:
        if not application().record_mail_report()(report):
            application().record_portal_mail_report()(report)
    except TryAgainError as error:
        raise RetryLaterError from error
