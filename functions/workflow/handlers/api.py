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

__all__ = [
    "approvals",
    "handler",
    "parameters",
    "processes",
    "proposals",
    "rules",
    "tables",
    "tasks",
    "trust",
]

app.pages("workflow.pages.routes")

handler = app.handler
