"""Triggers of reconciliation: one module per function."""

from toolkit.entrypoints import cold_start

cold_start.prepare()
