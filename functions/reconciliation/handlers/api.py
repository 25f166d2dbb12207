"""HTTP: the API of reconciliation and its pages."""

from reconciliation.handlers.http import (
    counterparties,
    differences,
    figures,
    invoices,
    ledger,
    letters,
    replies,
    users,
)
from reconciliation.handlers.http.app import app
from reconciliation.pages import routes

__all__ = [
    "counterparties",
    "differences",
    "figures",
    "handler",
    "invoices",
    "ledger",
    "letters",
    "replies",
    "routes",
    "users",
]

routes.declare(app)

handler = app.handler
