"""Schedule, every minute: ask for news of every organisation, and of codes by their age."""

from collections.abc import Mapping

from payment_codes.bootstrap import application
from toolkit.entrypoints.schedule import schedule_handler


@schedule_handler("payment_codes")
def handler() -> Mapping[str, int]:
    """Only enqueues; the pulls themselves are the workers' business."""
    asked = application().ask_for_news()()
    return {
        "OrganisationsAsked": asked.organisations,
        "CodesAsked": asked.codes,
        "OldestNewsSeconds": asked.oldest_news,
    }
