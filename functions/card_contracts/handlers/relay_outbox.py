"""Schedule, every minute: deliver what a dead process left in the outbox, and sweep what is due."""

from collections.abc import Mapping

from card_contracts.bootstrap import application
from toolkit.entrypoints.schedule import schedule_handler


@schedule_handler("card_contracts")
def handler() -> Mapping[str, int]:
    """Relay the outbox first, then give due jobs their message again."""
    relayed = application().relay_outbox()
    swept = application().sweep()()
    return {
        "OutboxRelayed": relayed,
        "RowsSwept": swept.rows,
        "OldestDueSeconds": swept.oldest_due,
    }
