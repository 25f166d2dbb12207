"""Schedule, every month: let the retention clocks of every company look what is over."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workspace.bootstrap import application


@schedule_handler("workspace")
def handler() -> Mapping[str, int]:
    """Ask the contexts; their queues do the work."""
    counts = application().start_retention()()
    return {f"Retention_{what}": count for what, count in counts.items()}
