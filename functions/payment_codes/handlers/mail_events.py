"""SQS←SES: what became of the mails with codes."""

from payment_codes.application.context import TryAgainError
from payment_codes.application.record_mail_report import mail_report
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """Join one report into its mail; what is not about a mail of ours is ignored."""
    report = mail_report(message.body)
    if report is None:
        return
    try:
        application().record_mail_report()(report)
    except TryAgainError as error:
        raise RetryLaterError from error
