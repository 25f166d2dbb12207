"""The pensions context with its real handlers over moto, for the company T1."""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.pensions_desk import Desk, open_desk
from toolkit.platform import Platform


@pytest.fixture
def desk(aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: object) -> Iterator[Desk]:
    """The API without insurers: nothing is sent."""
    from pathlib import Path

    with open_desk(aws, platform, clock, Path(str(tmp_path))) as made:
        yield made
