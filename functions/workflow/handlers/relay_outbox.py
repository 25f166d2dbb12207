"""Schedule, every minute: deliver what a dead process left in the outbox."""

from collections.abc import Mapping

from toolkit.entrypoints import schedule_handler
from workflow.bootstrap import application


@schedule_handler("workflow")
def handler() -> Mapping[str, int]:
    """Relay the outbox."""
    return {"OutboxRelayed": application().relay_outbox()}
