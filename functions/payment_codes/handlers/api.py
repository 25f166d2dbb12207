"""HTTP: the API of payment codes and its pages."""

from payment_codes.handlers.http import codes, organisation, statements
from payment_codes.handlers.http.app import app
from payment_codes.pages import routes

__all__ = ["codes", "handler", "organisation", "routes", "statements"]

routes.declare(app)

handler = app.handler
