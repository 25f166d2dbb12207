"""HTTP: what the operator does to queues; the only door with rights on dead letters."""

from workspace.handlers.http import operate
from workspace.handlers.http.app import app

__all__ = ["handler", "operate"]

handler = app.handler
