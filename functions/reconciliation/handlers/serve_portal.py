"""HTTP: the pages of counterparties, with sessions of their own and few rights."""

from reconciliation.handlers.http.portal import app

handler = app.handler
