"""Triggers of payment codes: one module per function."""
