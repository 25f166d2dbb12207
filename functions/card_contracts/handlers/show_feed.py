"""HTTP: the secret feed of the cash calendar, without an account."""

from card_contracts.handlers.http.app import app
from card_contracts.pages import feed

feed.declare(app)

handler = app.handler
