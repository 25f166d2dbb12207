"""Triggers of the workspace, one per file."""
