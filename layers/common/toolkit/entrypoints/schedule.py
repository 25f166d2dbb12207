"""Schedule entry point: a scheduled run only enqueues or sweeps, and says how much it did."""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.observability import count, logger

Run = Callable[[], Mapping[str, int]]


def schedule_handler(
    service: str,
) -> Callable[[Run], Callable[[dict[str, Any], Any], dict[str, int]]]:
    """Turn a function without arguments into a Lambda handler; its counts become metrics."""

    def decorate(function: Run) -> Callable[[dict[str, Any], Any], dict[str, int]]:
        def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
            log = logger(service)
            log.clear_state()
            counts = dict(function())
            if any(counts.values()):
                log.info("scheduled run", extra={"counts": counts})
                count(service, counts)
            return counts

        handler.__doc__ = function.__doc__
        handler.__name__ = "handler"
        return handler

    return decorate
