"""How many lists a provider may be asked for by the clock: a token bucket per provider (PAY-04).

News that somebody asked for (a notification, a person) never waits for the bucket; only the pulls
that nobody asked for are rationed, so that a large book of old codes cannot crowd out the fresh
ones, nor all of them together the provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from payment_codes.domain.organisation import ProviderKind


@dataclass(frozen=True, slots=True)
class PullRate:
    """What a provider agreed to. Units: lists a minute, and the most at once after a rest."""

    per_minute: int
    burst: int

    @property
    def every(self) -> timedelta:
        """Time in which one token grows."""
        return timedelta(minutes=1) / self.per_minute


RATES: Final[Mapping[ProviderKind, PullRate]] = MappingProxyType(
    {ProviderKind.DIAS: PullRate(per_minute=300, burst=300)}
)
"""Rates by provider; one that is not asked over a network has none."""
FEEDS_SHARE: Final = (3, 4)
"""Lists of whole organisations come first, but leave a quarter to single codes."""


@dataclass(frozen=True, slots=True)
class PullBucket:
    """The tokens of one provider.

    Shapes: ``full_at`` is when the bucket is full again if nobody takes anything; one instant
    says everything, so that no fraction of a token is ever rounded away.
    """

    provider: ProviderKind
    rate: PullRate
    full_at: datetime

    def left(self, now: datetime) -> int:
        """Tokens that can be taken now."""
        missing = max(timedelta(0), self.full_at - now)
        return max(0, (self.rate.burst * self.rate.every - missing) // self.rate.every)

    def taken(self, tokens: int, now: datetime) -> "PullBucket":
        """The bucket after taking tokens that are there."""
        return replace(self, full_at=max(self.full_at, now) + tokens * self.rate.every)

    def returned(self, tokens: int) -> "PullBucket":
        """The bucket after tokens came back that nobody needed."""
        return replace(self, full_at=self.full_at - tokens * self.rate.every)


def split_for_feeds(tokens: int) -> int:
    """How many of some tokens may go to lists of whole organisations."""
    part, of = FEEDS_SHARE
    return -(-tokens * part // of)
