"""All pages of this context, declared on its HTTP application."""

from reconciliation.pages import (
    board,
    counterparties,
    differences,
    figures,
    imports,
    letters,
    mailing,
    replies,
    users,
)
from reconciliation.pages.kit import Kit
from toolkit.entrypoints.http import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of staff to ``app``; counterparties have a door of their own."""
    kit = Kit(app)
    parts = (
        board,
        letters,
        replies,
        differences,
        counterparties,
        users,
        figures,
        mailing,
        imports,
    )
    for part in parts:
        part.declare(app, kit)
