"""Exact AWS calls of events out per use case, committed in ``webhooks.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.parsing import format_instant
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Company
from tests.support.events import schedule_event
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.webhook_world import DOWN, TAKEN, WebhookWorld, webhook_world

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("webhooks.json")

World = tuple[WebhookWorld, Company]
Act = Callable[[], Any]


@pytest.fixture
def world() -> Iterator[World]:
    """A company that nobody listens to yet."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with webhook_world(aws, platform, clock) as made, switched_on(clock):
            yield made, made.workspace.company()


def _unheard(world: World) -> Act:
    made, company = world
    event = made.event(company, "payment_code:A")
    return lambda: made.arrive(event)


def _heard(world: World) -> Act:
    made, company = world
    made.endpoint(company.owner)
    return _unheard(world)


def _sent(count_of: int) -> Callable[[World], Act]:
    def arrange(world: World) -> Act:
        made, company = world
        made.endpoint(company.owner)
        made.happen(company, *["payment_code:A"] * count_of)
        (order,) = made.aws.messages("workspace-deliver-webhooks")
        return lambda: made.deliver(order)

    return arrange


def _back(world: World) -> Act:
    """Two lanes wait for a target that was down; it is back."""
    made, company = world
    made.endpoint(company.owner)
    made.receivers.behaviour = lambda _call: DOWN
    made.happen(company, "payment_code:A", "payment_code:B")
    made.pass_time(timedelta(hours=3))
    made.receivers.behaviour = lambda _call: TAKEN
    made.happen(company, "payment_code:C")
    (order,) = made.aws.messages("workspace-deliver-webhooks")
    made.deliver(order)
    (waking,) = made.aws.messages("workspace-deliver-webhooks")
    assert "endpoint_id" in waking
    return lambda: made.deliver(waking)


def _recovered(world: World) -> Act:
    """A target asks for the two events from before it was there."""
    made, company = world
    since = made.clock.now()
    made.happen(company, "payment_code:A", "payment_code:B")
    target = made.endpoint(company.owner)
    path = f"/v1/webhook-endpoints/{target['id']}/recover"
    body = {"since": format_instant(since)}

    def recover() -> None:
        assert made.workspace.call("POST", path, company.owner, body=body).status == 202
        (order,) = made.aws.messages("workspace-deliver-webhooks")
        assert made.deliver(order)

    return recover


def _quiet_minute(_world: World) -> Act:
    from workspace.handlers import relay_outbox

    return lambda: relay_outbox.handler(schedule_event(), LambdaContext())


MEASURES: Final[dict[str, Callable[[World], Act]]] = {
    "an event nobody wants": _unheard,
    "an event for one target": _heard,
    "send one notification": _sent(1),
    "send three of one subject": _sent(3),
    "wake two lanes": _back,
    "send two events again since an instant": _recovered,
    "minute with nothing due": _quiet_minute,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: World, name: str) -> None:
    check_committed(FILE, name, count(MEASURES[name](world)))


def test_a_notification_is_two_transactions() -> None:
    """reliability.md §14: one claim, one close; each further one of the lane costs the same."""
    known = json.loads(FILE.read_text(encoding="utf-8"))
    assert known["send one notification"]["transactions"] == 2
    assert known["send three of one subject"]["transactions"] == 6
