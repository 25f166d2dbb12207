"""Schedule, every minute: deliver what a dead process left in the outbox, and sweep what is due."""

from collections.abc import Mapping

from payment_codes.bootstrap import application
from toolkit.entrypoints.schedule import schedule_handler


@schedule_handler("payment_codes")
def handler() -> Mapping[str, int]:
    """Relay the outbox first, then give due rows their work again."""
    relayed = application().relay_outbox()
    swept = application().sweep()()
    return {
        "OutboxRelayed": relayed,
        "RowsSwept": swept.rows,
        "OldestDueSeconds": swept.oldest_due,
    }
