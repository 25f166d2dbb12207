"""Schedule, every minute: deliver what a dead process left in the outbox, and sweep what is due."""

from collections.abc import Mapping

from toolkit.entrypoints import schedule_handler
from workflow.bootstrap import application


@schedule_handler("workflow")
def handler() -> Mapping[str, int]:
    """Relay the outbox first, then give due processes, runs and imports their message."""
    relayed = application().relay_outbox()
    swept = application().sweep_processes()()
    return {
        "OutboxRelayed": relayed,
        "RowsSwept": swept.rows,
        "OldestDueSeconds": swept.oldest_due,
    }
