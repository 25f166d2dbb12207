"""HTTP: the public page of a payer, without an account."""

from payment_codes.handlers.http.app import app
from payment_codes.pages import pay

pay.declare(app)

handler = app.handler
