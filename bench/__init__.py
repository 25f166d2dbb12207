"""Measurements and proofs with many rows; nothing of the product imports it."""
