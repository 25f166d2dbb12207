"""Exact AWS calls of requests of people per use case, committed in ``privacy.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import bus_event, queue_event
from tests.support.faults import switched_on
from tests.support.pensions_desk import person_body
from tests.support.privacy_world import REQUESTED, PrivacyWorld, keep, privacy_world

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("privacy.json")
NUMBER: Final = "12345678950"

Act = Callable[[], Any]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PrivacyWorld]:
    """A company with one person in pensions."""
    with aws_world() as aws:
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        with privacy_world(aws, platform, clock, tmp_path) as made:
            base = made.pensions.registered("garanti")
            person = made.pensions.call("POST", f"{base}/employees", person_body(NUMBER))
            path = f"/v1/pensions/employees/{person['id']}/mark-done-elsewhere"
            made.pensions.call("POST", path, {"note": "elle"})
            aws.published()
            with switched_on(clock):
                yield made


def _asked(world: PrivacyWorld) -> Act:
    return lambda: world.ask("erasures", NUMBER)


def _kept(what: str, context: str) -> Callable[[PrivacyWorld], Act]:
    def arrange(world: PrivacyWorld) -> Act:
        world.ask(what, NUMBER)
        (event,) = world.aws.published(REQUESTED)
        return lambda: keep(context, queue_event(bus_event(event)))

    return arrange


def _heard(world: PrivacyWorld) -> Act:
    from tests.support.lambda_context import LambdaContext
    from workspace.handlers import on_events

    _kept("exports", "pensions")(world)()
    (answer,) = [one for one in world.aws.published() if ".PrivacyAnswered." in one["type"]]
    return lambda: on_events.handler(queue_event(bus_event(answer)), LambdaContext())


USE_CASES: Final[dict[str, Callable[[PrivacyWorld], Act]]] = {
    "ask": _asked,
    "copy of one person in pensions": _kept("exports", "pensions"),
    "erasure of one person in pensions": _kept("erasures", "pensions"),
    "a context that holds nothing": _kept("exports", "card_contracts"),
    "an answer comes home": _heard,
}


@pytest.mark.parametrize("name", list(USE_CASES))
def test_the_counts_are_the_committed_ones(world: PrivacyWorld, name: str) -> None:
    check_committed(FILE, name, count(USE_CASES[name](world)))
