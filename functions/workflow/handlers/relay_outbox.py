"""Schedule, every minute: deliver what a dead process left in the outbox, and sweep what is due."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workflow.bootstrap import application


@schedule_handler("workflow")
def handler() -> Mapping[str, int]:
    """Relay the outbox, then give due processes, runs, imports and tasks their message."""
    app = application()
    relayed = app.relay_outbox()
    swept = app.sweep_processes()()
    tasks = app.sweep_tasks()()
    return {
        "OutboxRelayed": relayed,
        "RowsSwept": swept.rows,
        "TasksSwept": tasks.rows,
        "OldestDueSeconds": max(swept.oldest_due, tasks.oldest_due),
    }
