"""The control pages of the local stack below ``/_local``: for people as HTML, for tools as JSON."""

from infra.local.dashboard.controls import Controls, QueueView
from infra.local.dashboard.routes import Dashboard

__all__ = ["Controls", "Dashboard", "QueueView"]
