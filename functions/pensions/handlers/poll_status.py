"""Schedule: start status refreshes for contracts whose turn it is."""

from collections.abc import Mapping

from pensions.bootstrap import application
from toolkit.entrypoints.schedule import schedule_handler


@schedule_handler("pensions")
def handler() -> Mapping[str, int]:
    """Ask about everybody a few times a day, without a button."""
    return {"StatusRefreshesStarted": application().poll_status()()}
