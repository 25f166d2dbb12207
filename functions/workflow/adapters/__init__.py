"""Doors of workflow to storage and to its own packs."""
