"""Adapters of card contracts: the store, files."""
