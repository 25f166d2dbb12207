"""Schedule, every morning: look at all subjects with the time-driven rules (WFL-06)."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workflow.bootstrap import application


@schedule_handler("workflow")
def handler() -> Mapping[str, int]:
    """Start one run per company and day; a second start of the same day changes nothing."""
    return {"RunsStarted": application().start_triggers()}
