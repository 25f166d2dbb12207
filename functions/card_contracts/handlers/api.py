"""HTTP: the API of card contracts and its pages."""

from card_contracts.handlers.http import company, contracts, lookups, matches, sales
from card_contracts.handlers.http.app import app
from card_contracts.pages import routes

__all__ = ["company", "contracts", "handler", "lookups", "matches", "routes", "sales"]

routes.declare(app)

handler = app.handler
