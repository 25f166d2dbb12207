"""Counts of this context, as metrics of its service."""

from toolkit.observability import count


class ServiceMeter:
    """``Meter`` of the ports."""

    def count(self, name: str, number: int = 1) -> None:
        count("payment_codes", {name: number})
