"""HTTP: the API of reconciliation and its pages."""

from reconciliation.handlers.http import counterparties, figures, invoices, ledger, letters
from reconciliation.handlers.http.app import app
from reconciliation.pages import routes

__all__ = ["counterparties", "figures", "handler", "invoices", "ledger", "letters", "routes"]

routes.declare(app)

handler = app.handler
