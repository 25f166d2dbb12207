"""HTTP: the workspace API, its pages, and every path that belongs to no other context."""

from workspace.handlers.http import companies, identity, second_factor, signups, spine, views
from workspace.handlers.http.app import app
from workspace.pages import routes

__all__ = ["companies", "handler", "identity", "second_factor", "signups", "spine", "views"]

routes.declare(app)

handler = app.handler
