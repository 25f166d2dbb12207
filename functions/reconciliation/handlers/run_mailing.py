"""SQS: make the letters of one run and ask for their mails."""

from reconciliation.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, queue_handler


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Run one job of letters."""
    use = application().for_system(message.text("tenant_id"), "mailing")
    use.run_mailing()(message.text("job_id"), remaining=message.remaining_seconds)
