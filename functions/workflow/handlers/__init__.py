"""Triggers of workflow."""

from toolkit.entrypoints import cold_start

cold_start.prepare()
