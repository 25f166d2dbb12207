"""Schedule, every morning: warn about contributions whose legal deadline is near or gone."""

from collections.abc import Mapping

from pensions.bootstrap import application
from toolkit.entrypoints.schedule import schedule_handler


@schedule_handler("pensions")
def handler() -> Mapping[str, int]:
    """Look at every contract that can send."""
    return {"DeadlineWarnings": application().watch_deadlines()()}
