"""How long a decision took."""

import time


def microseconds() -> int:
    """Microseconds of a monotonic stopwatch."""
    return time.perf_counter_ns() // 1000
