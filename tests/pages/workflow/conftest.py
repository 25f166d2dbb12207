"""Workflow with its real handlers, for tests that read pages."""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.rules_world import RulesWorld, rules_world
from toolkit.platform import Platform


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[RulesWorld]:
    """The context of this test."""
    with rules_world(aws, platform, clock) as made:
        yield made
