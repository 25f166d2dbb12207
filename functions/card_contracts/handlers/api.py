"""HTTP: the API of card contracts and its pages."""

from card_contracts.handlers.http import company, contracts, lookups, matches, sales
from card_contracts.handlers.http.app import app

__all__ = ["company", "contracts", "handler", "lookups", "matches", "sales"]

app.pages("card_contracts.pages.routes")

handler = app.handler
