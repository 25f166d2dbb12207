"""All pages of this context, declared on its HTTP application."""

from reconciliation.pages import board, counterparties, figures, imports, letters, mailing
from reconciliation.pages.kit import Kit
from toolkit.entrypoints import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of staff to ``app``; counterparties have a door of their own."""
    kit = Kit(app)
    for part in (board, letters, counterparties, figures, mailing, imports):
        part.declare(app, kit)
