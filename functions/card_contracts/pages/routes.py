"""All pages of this context, declared on its HTTP application."""

from card_contracts.pages import (
    company,
    contracts,
    files,
    lists,
    money,
    sale_events,
    sales,
    settlement,
)
from card_contracts.pages.kit import Kit
from toolkit.entrypoints.http import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``, except the secret feed, which has its own door."""
    kit = Kit(app)
    for part in (contracts, lists, company, money, settlement, files, sales, sale_events):
        part.declare(app, kit)
