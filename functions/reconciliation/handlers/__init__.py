"""Triggers of reconciliation: one module per function."""
