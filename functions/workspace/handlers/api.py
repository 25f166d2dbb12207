"""HTTP: the workspace API, its pages, and every path that belongs to no other context."""

from workspace.handlers.http import (
    companies,
    evidence,
    identity,
    privacy,
    second_factor,
    signups,
    spine,
    views,
    webhooks,
)
from workspace.handlers.http.app import app

__all__ = [
    "companies",
    "evidence",
    "handler",
    "identity",
    "privacy",
    "second_factor",
    "signups",
    "spine",
    "views",
    "webhooks",
]

app.pages("workspace.pages.routes")

handler = app.handler
