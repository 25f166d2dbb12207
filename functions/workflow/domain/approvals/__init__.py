"""Approvals: chains as data, and a pure reducer that decides what an event does to one.

Source: AYBS doc (approval flow: levels by criteria, reject returns to the previous step, pending
work and its durations are visible); domain/workflow.md §6.
"""
