"""HTTP: the pensions API and its pages."""

from pensions.handlers.http import contracts, contributions, employees, uploads
from pensions.handlers.http.app import app

__all__ = ["contracts", "contributions", "employees", "handler", "uploads"]

app.pages("pensions.pages.routes")

handler = app.handler
