"""HTTP: the workspace API, its pages, and every path that belongs to no other context."""

from workspace.handlers.http import (
    companies,
    costs,
    evidence,
    identity,
    privacy,
    second_factor,
    signups,
    spine,
    support,
    views,
    webhooks,
)
from workspace.handlers.http.app import app

__all__ = [
    "companies",
    "costs",
    "evidence",
    "handler",
    "identity",
    "privacy",
    "second_factor",
    "signups",
    "spine",
    "support",
    "views",
    "webhooks",
]

app.pages("workspace.pages.routes")

handler = app.handler
