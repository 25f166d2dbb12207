"""What surrounds every trigger: HTTP requests, queue records, schedules and steps of state
machines, once and tested once.
"""

from toolkit.entrypoints.authorizer import Proof, authorizer_handler
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.queue import QueueMessage, queue_handler
from toolkit.entrypoints.schedule import schedule_handler
from toolkit.entrypoints.task import task_handler

__all__ = [
    "HttpApp",
    "Proof",
    "QueueMessage",
    "Reply",
    "Request",
    "authorizer_handler",
    "queue_handler",
    "schedule_handler",
    "task_handler",
]
