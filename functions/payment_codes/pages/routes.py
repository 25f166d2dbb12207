"""Pages of payment codes, declared on its HTTP application."""

from payment_codes.pages import (
    batches,
    codes,
    exchanges,
    organisation,
    payments,
    refused_events,
    statements,
    unmatched,
)
from payment_codes.pages.kit import Kit
from toolkit.entrypoints.http import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``, except the payer's, which has its own door."""
    kit = Kit(app)
    for part in (
        organisation,
        unmatched,
        statements,
        batches,
        refused_events,
        exchanges,
        payments,
        codes,
    ):
        part.declare(app, kit)
