"""Adapters of reconciliation: the store, files."""
