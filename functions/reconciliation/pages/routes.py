"""All pages of this context, declared on its HTTP application."""

from reconciliation.pages import (
    board,
    book_events,
    counterparties,
    differences,
    figures,
    imports,
    letters,
    mail_matters,
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
        mail_matters,
        replies,
        differences,
        counterparties,
        users,
        figures,
        mailing,
        imports,
        book_events,
    )
    for part in parts:
        part.declare(app, kit)
