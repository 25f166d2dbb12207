"""Reconciliation with its real handlers over moto."""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.reconciliation_world import ReconciliationWorld, reconciliation_world
from toolkit.platform import Platform


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[ReconciliationWorld]:
    """The context of this test."""
    with reconciliation_world(aws, platform, clock) as made:
        yield made
