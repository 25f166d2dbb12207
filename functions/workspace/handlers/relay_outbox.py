"""Schedule, every minute: deliver what a dead process left in the outbox, and push due mails."""

from collections.abc import Mapping

from toolkit.entrypoints.schedule import schedule_handler
from workspace.bootstrap import application


@schedule_handler("workspace")
def handler() -> Mapping[str, int]:
    """Relay the outbox first, then give what is in flight its work again."""
    relayed = application().relay_outbox()
    mails = application().sweep_messages()()
    webhooks = application().sweep_webhooks()()
    privacy = application().ask_again()()
    return {
        "OutboxRelayed": relayed,
        **{f"Mails_{what}": count for what, count in mails.items()},
        **{f"Webhooks_{what}": count for what, count in webhooks.items()},
        **{f"Privacy_{what}": count for what, count in privacy.items()},
    }
