"""The workspace with its real handlers over moto."""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.builders import WorkspaceWorld, workspace_world
from toolkit.platform import Platform


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[WorkspaceWorld]:
    """The workspace of this test."""
    with workspace_world(aws, platform, clock) as made:
        yield made
