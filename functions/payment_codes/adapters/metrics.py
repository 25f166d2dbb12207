"""Counts of this context, as metrics of its service."""

from collections.abc import Mapping

from payment_codes.domain.organisation import ProviderKind
from toolkit.observability import count


class ServiceMeter:
    """``Meter`` of the ports."""

    def count(self, name: str, number: int = 1) -> None:
        count("payment_codes", {name: number})

    def count_at(self, provider: ProviderKind, counts: Mapping[str, int]) -> None:
        count("payment_codes", counts, provider=provider.value)
