"""HTTP: the API of reconciliation."""

from reconciliation.handlers.http import counterparties, figures, invoices, ledger
from reconciliation.handlers.http.app import app

__all__ = ["counterparties", "figures", "handler", "invoices", "ledger"]

handler = app.handler
