"""Processes: definitions as data, instances that are the sum of their events (WFL-03, WFL-04)."""
