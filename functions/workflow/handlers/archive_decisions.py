"""Schedule, every five minutes: put decisions into the archive that nobody can change."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workflow.bootstrap import application


@schedule_handler("workflow")
def handler() -> Mapping[str, int]:
    """Archive what waits; what fails comes again."""
    swept = application().archive_decisions()()
    return {"DecisionsArchived": swept.rows, "OldestDueSeconds": swept.oldest_due}
