"""What surrounds every trigger: HTTP requests, queues, schedules and steps of state machines, once
and tested once.

A function imports the module of its own trigger only: what answers HTTP is half of a cold start.
"""
