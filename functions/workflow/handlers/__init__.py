"""Triggers of workflow."""
