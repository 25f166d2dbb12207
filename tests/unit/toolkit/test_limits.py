"""Counters of acts per subject and window in the expiring table."""

from datetime import timedelta

import pytest

from kernel.clock import FixedClock
from kernel.errors import TooManyRequestsError
from tests.support.aws import AwsWorld
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.limits import RateLimiter
from toolkit.platform import Platform


@pytest.fixture
def limiter(platform: Platform, clock: FixedClock) -> RateLimiter:
    """A limiter over the edge table."""
    return RateLimiter(platform.database, Keyspace.of_system("wsp"), clock)


def _hit(limiter: RateLimiter, subject: str = "a@b.example") -> None:
    limiter.hit("sign-in", subject, limit=2, window_seconds=900)


def test_the_act_above_the_limit_is_refused_until_the_window_ends(
    limiter: RateLimiter, clock: FixedClock
) -> None:
    _hit(limiter)
    _hit(limiter)
    with pytest.raises(TooManyRequestsError) as refused:
        _hit(limiter)
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after == 900
    clock.advance(timedelta(seconds=899))
    with pytest.raises(TooManyRequestsError) as refused:
        _hit(limiter)
    assert refused.value.retry_after == 1
    clock.advance(timedelta(seconds=1))
    _hit(limiter)


def test_subjects_and_acts_are_counted_apart(limiter: RateLimiter) -> None:
    _hit(limiter)
    _hit(limiter)
    _hit(limiter, "other")
    limiter.hit("reset", "a@b.example", limit=1, window_seconds=900)


def test_a_forgiven_act_does_not_count_and_never_goes_below_zero(limiter: RateLimiter) -> None:
    for _ in range(9):
        _hit(limiter)
        limiter.forgive("sign-in", "a@b.example", window_seconds=900)
    limiter.forgive("sign-in", "a@b.example", window_seconds=900)
    limiter.forgive("sign-in", "never counted", window_seconds=900)
    _hit(limiter)
    _hit(limiter)
    with pytest.raises(TooManyRequestsError):
        _hit(limiter)


def test_counters_expire_and_name_nobody(limiter: RateLimiter, aws: AwsWorld) -> None:
    _hit(limiter)
    (row,) = aws.rows("edge")
    assert row["ttl"] > 0
    assert "a@b.example" not in str(row)
