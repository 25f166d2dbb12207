"""Workflow: rules as data, and what is decided by them."""
