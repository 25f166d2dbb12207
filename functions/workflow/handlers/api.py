"""HTTP: the API of workflow and its pages."""

from workflow.handlers.http import parameters, processes, proposals, rules, tables
from workflow.handlers.http.app import app
from workflow.pages import routes

__all__ = ["handler", "parameters", "processes", "proposals", "routes", "rules", "tables"]

routes.declare(app)

handler = app.handler
