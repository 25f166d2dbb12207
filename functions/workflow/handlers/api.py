"""HTTP: the API of workflow."""

from workflow.handlers.http import parameters, rules, tables
from workflow.handlers.http.app import app

__all__ = ["handler", "parameters", "rules", "tables"]

handler = app.handler
