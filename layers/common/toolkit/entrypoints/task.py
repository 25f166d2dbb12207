"""Task entry point: one step of a state machine, called with its input and answering its output.

Errors keep the names of our own classes, so that the machine can catch them by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.observability import logger

Step = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def task_handler(service: str) -> Callable[[Step], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Turn a function over the input of a step into a Lambda handler."""

    def decorate(function: Step) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
            log = logger(service)
            log.clear_state()
            log.append_keys(tenant_id=str(event.get("tenant_id", ""))[:26])
            return dict(function(event))

        handler.__doc__ = function.__doc__
        handler.__name__ = "handler"
        return handler

    return decorate
