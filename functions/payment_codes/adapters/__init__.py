"""Adapters of payment codes: the store, the providers, mail."""
