"""SQS: long work of card contracts, as far as the time of one run goes."""

from card_contracts.application.imports import KIND as SALES
from card_contracts.application.imports import UNDO_KIND
from card_contracts.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, queue_handler


@queue_handler("card_contracts")
def handler(message: QueueMessage) -> None:
    """Run a job of sales, of taking them back or of a statement, finish a large match, or look at a
    month's drift.

    Shapes: ``{"v": 1, "tenant_id"}`` and one of ``job_id``, ``match_id``, ``drift_month``.
    """
    use = application().for_system(message.text("tenant_id"), "import")
    if "match_id" in message.body:
        use.settle().finish(message.text("match_id"))
    elif "drift_month" in message.body:
        month = message.text("drift_month")
        use.watch_drift()(month, month)
    else:
        job_id = message.text("job_id")
        job = use.store.job(job_id)
        if job is not None and job.kind == SALES:
            use.run_sales_import()(job_id)
        elif job is not None and job.kind == UNDO_KIND:
            use.undo_sales()(job_id)
        else:
            use.import_statement()(job_id, remaining=message.remaining_seconds)
