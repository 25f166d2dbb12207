"""Schedule, every minute: deliver what a dead process left in the outbox, and push due mails."""

from collections.abc import Mapping

from toolkit.entrypoints import schedule_handler
from workspace.bootstrap import application


@schedule_handler("workspace")
def handler() -> Mapping[str, int]:
    """Relay the outbox first, then give mails in flight their work again."""
    relayed = application().relay_outbox()
    swept = application().sweep_messages()()
    return {"OutboxRelayed": relayed, **{f"Mails_{what}": n for what, n in swept.items()}}
