"""HTTP: the API of workflow and its pages."""

from workflow.handlers.http import (
    approvals,
    parameters,
    processes,
    proposals,
    rules,
    tables,
    tasks,
    trust,
)
from workflow.handlers.http.app import app
from workflow.pages import routes

__all__ = [
    "approvals",
    "handler",
    "parameters",
    "processes",
    "proposals",
    "routes",
    "rules",
    "tables",
    "tasks",
    "trust",
]

routes.declare(app)

handler = app.handler
