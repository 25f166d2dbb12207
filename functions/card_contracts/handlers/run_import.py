"""SQS: check and post one file of sales."""

from card_contracts.bootstrap import application
from toolkit.entrypoints import QueueMessage, queue_handler


@queue_handler("card_contracts")
def handler(message: QueueMessage) -> None:
    """Run one import job."""
    use = application().for_system(message.text("tenant_id"), "import")
    use.run_sales_import()(message.text("job_id"))
