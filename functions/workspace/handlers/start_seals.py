"""Schedule, every night: begin the seal of the day for every company."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workspace.bootstrap import application


@schedule_handler("workspace")
def handler() -> Mapping[str, int]:
    """Order the seals; the queue does the work."""
    counts = application().start_seals()()
    return {f"Seals_{what}": count for what, count in counts.items()}
