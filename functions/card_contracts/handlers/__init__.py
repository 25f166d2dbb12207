"""Triggers of card contracts: one module per function."""
