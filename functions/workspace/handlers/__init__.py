"""Triggers of the workspace, one per file."""

from toolkit.entrypoints import cold_start

cold_start.prepare()
