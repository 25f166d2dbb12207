"""SQS: timers of processes, runs of the time-driven rules, and imports of subjects."""

from toolkit.entrypoints.queue import QueueMessage, queue_handler
from workflow.bootstrap import application


@queue_handler("workflow")
def handler(message: QueueMessage) -> None:
    """Do one piece of work.

    Shapes: ``{"v": 1, "tenant_id"}`` and one of ``process_id``, ``run_id``, ``job_id``.
    """
    app, tenant = application(), message.text("tenant_id")
    if "run_id" in message.body:
        propose = app.for_system(tenant, "triggers").propose_work()
        propose(message.text("run_id"), message.remaining_seconds)
    elif "job_id" in message.body:
        app.for_system(tenant, "import").run_subject_import()(message.text("job_id"))
    else:
        app.for_system(tenant, "timers").fire_timers()(message.text("process_id"))
