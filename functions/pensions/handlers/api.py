"""HTTP: the pensions API and its pages."""

from pensions.handlers.http import contracts, contributions, employees, transmissions, uploads
from pensions.handlers.http.app import app

__all__ = ["contracts", "contributions", "employees", "handler", "transmissions", "uploads"]

app.pages("pensions.pages.routes")

handler = app.handler
