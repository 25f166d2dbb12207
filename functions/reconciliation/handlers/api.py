"""HTTP: the API of reconciliation and its pages."""

from reconciliation.handlers.http import (
    book_events,
    counterparties,
    differences,
    figures,
    invoices,
    ledger,
    letters,
    mail_matters,
    replies,
    users,
)
from reconciliation.handlers.http.app import app

__all__ = [
    "book_events",
    "counterparties",
    "differences",
    "figures",
    "handler",
    "invoices",
    "ledger",
    "letters",
    "mail_matters",
    "replies",
    "users",
]

app.pages("reconciliation.pages.routes")

handler = app.handler
