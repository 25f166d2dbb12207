"""The token bucket of a provider: a rate, a burst, and no fraction of a token is lost (PAY-04)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payment_codes.domain.organisation import ProviderKind
from payment_codes.domain.pull_budget import RATES, PullBucket, PullRate, split_for_feeds

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
RATE = PullRate(per_minute=6, burst=10)


def _full(rate: PullRate = RATE) -> PullBucket:
    return PullBucket(ProviderKind.DIAS, rate, START)


def test_a_rested_bucket_gives_its_burst_and_no_more() -> None:
    assert _full().left(START + timedelta(days=3)) == RATE.burst
    empty = _full().taken(RATE.burst, START)
    assert empty.left(START) == 0
    assert empty.left(START + timedelta(seconds=59)) == 5
    assert empty.left(START + timedelta(seconds=60)) == 6
    assert empty.left(START + timedelta(minutes=10)) == RATE.burst


def test_what_nobody_needed_comes_back() -> None:
    assert _full().taken(10, START).returned(4).left(START) == 4


@given(
    steps=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 12)), min_size=1, max_size=60),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 600),
)
def test_never_more_than_the_burst_and_what_grew(
    steps: list[tuple[int, int]], per_minute: int, burst: int
) -> None:
    """Over any stretch of time, whatever is asked in whatever pieces."""
    rate = PullRate(per_minute, burst)
    bucket, now, given_out = _full(rate), START, 0
    for wait, wish in steps:
        now += timedelta(seconds=wait)
        tokens = min(wish, bucket.left(now))
        assert 0 <= tokens <= burst
        bucket, given_out = bucket.taken(tokens, now), given_out + tokens
        assert given_out * rate.every <= burst * rate.every + (now - START)


def test_lists_of_organisations_leave_a_quarter_to_single_codes() -> None:
    assert [split_for_feeds(n) for n in (0, 1, 4, 100, 300)] == [0, 1, 3, 75, 225]


def test_every_provider_that_is_asked_has_a_rate() -> None:
    assert set(RATES) == set(ProviderKind) - {ProviderKind.OFFLINE}
