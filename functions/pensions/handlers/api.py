"""HTTP: the pensions API and its pages."""

from pensions.handlers.http import contracts, contributions, employees, transmissions, uploads
from pensions.handlers.http.app import app
from pensions.pages import routes

__all__ = [
    "contracts",
    "contributions",
    "employees",
    "handler",
    "routes",
    "transmissions",
    "uploads",
]

routes.declare(app)

handler = app.handler
