"""HTTP: the API of payment codes and its pages."""

from payment_codes.handlers.http import (
    batches,
    codes,
    organisation,
    refused_events,
    statements,
)
from payment_codes.handlers.http.app import app
from payment_codes.pages import routes

__all__ = [
    "batches",
    "codes",
    "handler",
    "organisation",
    "refused_events",
    "routes",
    "statements",
]

routes.declare(app)

handler = app.handler
