"""HTTP: the API of payment codes and its pages."""

from payment_codes.handlers.http import (
    batches,
    codes,
    exchanges,
    organisation,
    refused_events,
    statements,
)
from payment_codes.handlers.http.app import app

__all__ = [
    "batches",
    "codes",
    "exchanges",
    "handler",
    "organisation",
    "refused_events",
    "statements",
]

app.pages("payment_codes.pages.routes")

handler = app.handler
