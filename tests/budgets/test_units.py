"""What a unit of work is charged for (performance.md P5), committed in ``units.json``.

Units: see ``tests.support.capacity``. A new row, a larger row, one more message change the file,
and are seen in review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew. The cost per thousand in
``make bench AREA=load`` is made of these numbers.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets import test_card_contracts, test_reconciliation, test_workflow
from tests.budgets.committed import check_committed
from tests.budgets.counts import MEASURES, WITHOUT_DRIVE, count
from tests.support.aws import START, aws_world, platform_of
from tests.support.capacity import charged
from tests.support.cards_world import BASE, cards_world
from tests.support.drive import driving
from tests.support.faults import switched_on
from tests.support.reconciliation_world import reconciliation_world
from tests.support.rules_world import rules_world

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("units.json")
Charges = dict[str, int]


def driven(name: str, lines: int) -> Callable[[], Charges]:
    """A use case of pensions."""

    def charge() -> Charges:
        with driving() as drive:
            act = MEASURES[name][0](drive, lines)
            with charged() as found:
                count(act)
        return dict(sorted(found.items()))

    return charge


def standing(name: str, lines: int) -> Callable[[], Charges]:
    """A use case of payment codes, which arranges itself; only what it counts is charged."""

    def charge() -> Charges:
        with charged() as found:
            WITHOUT_DRIVE[name][0](lines)
        return dict(sorted(found.items()))

    return charge


@contextmanager
def _world(make: Any) -> Iterator[Any]:
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        world = stack.enter_context(make(aws, platform, clock))
        stack.enter_context(switched_on(clock))
        yield world


def _charge(make: Any, arrange: Callable[[Any], Any]) -> Callable[[], Charges]:
    def charge() -> Charges:
        with _world(make) as world:
            act = arrange(world)
            with charged() as found:
                count(lambda: act(world))
        return dict(sorted(found.items()))

    return charge


def _sale(world: Any) -> Any:
    world.contract()
    world.call("GET", f"{BASE}/receivables", query="limit=1")
    return test_card_contracts.MEASURES["post a sale of 12 instalments"](world)


def _letter(name: str) -> Callable[[Any], Any]:
    def arrange(world: Any) -> Any:
        world.counterparty()
        world.work_portal()
        return test_reconciliation.MEASURES[name](world)

    return arrange


def _decision(world: Any) -> Any:
    value = {"key": "purchase.limit", "value": "900.00", "valid_from": "2026-01-01"}
    world.ok("POST", "/parameters", value)
    return test_workflow.MEASURES["decide"](world)


UNITS: Final[dict[str, Callable[[], Charges]]] = {
    "import people of 100": driven("import people", 100),
    "submit people of 100": driven("submit people", 100),
    "prepare people of 100": driven("prepare people", 100),
    "send people of 100": driven("send people", 100),
    "import month of 100": driven("import month", 100),
    "prepare contributions of 80": driven("prepare contributions", 80),
    "send contributions of 80": driven("send contributions", 80),
    "issue codes by queue of 100": standing("issue codes by queue", 100),
    "mail a code": standing("mail a code", 1),
    "pull payments of 10": standing("pull payments", 10),
    "post a sale of 12 instalments": _charge(cards_world, _sale),
    "make one letter": _charge(reconciliation_world, _letter("make one letter")),
    "send one letter": _charge(reconciliation_world, _letter("send one letter")),
    "one report of a mail": _charge(reconciliation_world, _letter("one report of a mail")),
    "decide": _charge(rules_world, _decision),
}


@pytest.mark.parametrize("name", list(UNITS))
def test_the_charges_are_the_committed_ones(name: str) -> None:
    check_committed(FILE, name, UNITS[name]())
