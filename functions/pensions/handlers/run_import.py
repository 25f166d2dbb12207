"""SQS: read and write one payroll file."""

from pensions.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, queue_handler


@queue_handler("pensions")
def handler(message: QueueMessage) -> None:
    """Run one import job."""
    use = application().for_system(message.text("tenant_id"), "import")
    use.run_import()(message.text("job_id"))
