"""Card contracts with their real handlers, for tests that read pages."""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.cards_world import CardsWorld, cards_world
from toolkit.platform import Platform


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[CardsWorld]:
    """The context of this test."""
    with cards_world(aws, platform, clock) as made:
        yield made
