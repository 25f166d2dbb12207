"""Exact AWS calls of the rules per use case, committed in ``workflow.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.budgets.day import Day
from tests.integration.workflow.test_personal_facts import FACTS, KEY, SOCIAL
from tests.integration.workflow.test_proposals import METER, tell
from tests.support.aws import START, aws_world, platform_of
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.processes import FEES, command, connection, started, work
from tests.support.rule_tables import PURCHASE_AS_WRITTEN
from tests.support.rules_world import SECOND, TENANT, RulesWorld, rules_world

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("workflow.json")
CHAIN: Final = "approval.purchase_chain"
VERSIONS: Final = f"/tables/{CHAIN}/versions"
DRAFT: Final[dict[str, Any]] = {
    **PURCHASE_AS_WRITTEN,
    "valid_from": "2026-01-01",
    "rows": [{"id": "all", "cells": ["-"], "outputs": {"chain": ["CHIEF"]}}],
}


@pytest.fixture
def world() -> Iterator[RulesWorld]:
    """A company with a draft of its own and a value of its own."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with rules_world(aws, platform, clock) as made, switched_on(clock):
            value = {"key": "purchase.limit", "value": "900.00", "valid_from": "2026-01-01"}
            made.ok("POST", "/parameters", value)
            yield made


def _decide(world: RulesWorld) -> Any:
    return world.decide(CHAIN, {"amount": "950.00"})


def _draft(world: RulesWorld) -> Any:
    return world.ok("POST", VERSIONS, DRAFT)


def _record(world: RulesWorld) -> Any:
    value = {"key": "purchase.limit", "value": "800.00", "valid_from": "2026-02-01"}
    return world.ok("POST", "/parameters", value)


def _publish(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    one = f"{VERSIONS}/{_draft(world)['id']}"
    second = world.principal(SECOND)
    return lambda world: world.ok("POST", f"{one}/publish", principal=second)


def _back_test(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    one = f"{VERSIONS}/{_draft(world)['id']}"
    for _ in range(20):
        _decide(world)
    days = {"from": "2026-01-01", "to": "2026-12-31"}
    return lambda world: world.ok("POST", f"{one}/back-test", days)


def _replay(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    made = _decide(world)
    return lambda world: world.ok("POST", f"/decisions/{made['id']}/replay")


def _personal(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    world.published(KEY, SOCIAL)
    return lambda world: world.decide(KEY, FACTS)


def _archive(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    from workflow.handlers import archive_decisions

    for _ in range(5):
        _decide(world)
    return lambda _: archive_decisions.handler({}, LambdaContext(remaining_ms=120_000))


def _list_page(world: RulesWorld) -> Any:
    return world.page("/workflow/rules")


def _editor_page(world: RulesWorld) -> Any:
    return world.page(f"/workflow/rules/{CHAIN}/edit")


def _start(world: RulesWorld) -> Any:
    return connection(world)


def _complete(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    made = connection(world)
    return lambda world: command(world, made, "COLLECT_FEES", FEES)


def _decided(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    """A step with a guard: the rule's tables are read, its decision is kept with the step."""
    made = started(world, "tender", "tender:I-1", {"tender_no": "I-1"})
    report = {"result_report": "FINAL", "prepared_on": "2026-05-30"}
    made = command(world, made, "PREPARE_REPORT", report)
    return lambda world: command(world, made, "CLOSE", {"closed_on": "2026-06-01"})


def _propose(world: RulesWorld) -> Callable[[RulesWorld], Any]:
    """A run over twenty meters that all have to be read: one write for each of two proposals."""
    meters = [
        {"reference": f"S-{number:03d}", "facts": {"consecutive_unread": 2}} for number in range(20)
    ]
    world.ok("POST", "/subjects", {"kind": "meter", "subjects": meters})
    run = world.ok("POST", "/trigger-runs")
    use = world.app.for_system(TENANT, "triggers")
    return lambda _: use.propose_work()(run["id"], lambda: 300.0)


def _look(count: int) -> Callable[[RulesWorld], Callable[[RulesWorld], Any]]:
    """A run over meters with nothing to propose."""

    def prepare(world: RulesWorld) -> Callable[[RulesWorld], Any]:
        meters = [
            {"reference": f"S-{number:03d}", "facts": {"consecutive_unread": 0}}
            for number in range(count)
        ]
        world.ok("POST", "/subjects", {"kind": "meter", "subjects": meters})
        run = world.ok("POST", "/trigger-runs")
        use = world.app.for_system(TENANT, "triggers")
        return lambda _: use.propose_work()(run["id"], lambda: 300.0)

    return prepare


MEASURES: Final[dict[str, Callable[[RulesWorld], Any]]] = {
    "decide": lambda _: _decide,
    "draft a table": lambda _: _draft,
    "record a parameter": lambda _: _record,
    "publish a table": _publish,
    "back-test on 20 decisions": _back_test,
    "make a decision again": _replay,
    "start a process": lambda _: _start,
    "complete a step": _complete,
    "complete a step that a rule guards": _decided,
    "look at 10 meters": _look(10),
    "look at 100 meters": _look(100),
    "propose for 20 meters": _propose,
    "decide with personal facts": _personal,
    "archive 5 decisions": _archive,
    "show the list of rules": lambda _: _list_page,
    "show the editor": lambda _: _editor_page,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: RulesWorld, name: str) -> None:
    act = MEASURES[name](world)
    check_committed(FILE, name, count(lambda: act(world)))


# ---------------------------------------------------------------------------- one after the other

DAY: Final = Day(FILE)
LINES: Final = (20, 40, 80)


def test_the_counts_of_a_day_are_the_committed_ones(world: RulesWorld) -> None:
    processes(world)
    proposals(world)
    subjects(world)


def processes(world: RulesWorld) -> None:
    """A process is corrected, reminded when its time has come, and cancelled."""
    made = connection(world)
    paid = command(world, made, "COLLECT_FEES", FEES)
    path = f"/processes/{made['id']}"
    event = paid["timeline"][2]["id"]
    fix = {"event_id": event, "data": {"receipt_no": "M-78"}, "reason": "typed wrong"}
    DAY.counted("correct a process", lambda: world.ok("POST", f"{path}/corrections", fix))
    wish = {"reason": "given up"}
    DAY.counted("cancel a process", lambda: world.ok("POST", f"{path}/cancel", wish))
    DAY.counted("minute with nothing due", lambda: work(world))
    connection(world, application_no="B-1002", applied_on="2026-05-30")
    world.clock.advance(timedelta(days=40))
    DAY.counted("minute with two timers of one process", lambda: work(world))


def proposals(world: RulesWorld) -> None:
    """Two proposals of a run: one is accepted, one is dismissed."""
    tell(world, "meter", "P-1", **METER)
    world.ok("POST", "/trigger-runs")
    work(world)
    found = world.ok("GET", "/proposals", query={"state": "open"})["items"]
    path = {each["action"]: f"/proposals/{each['id']}" for each in found}
    accept, dismiss = f"{path['CUT_GAS']}/accept", f"{path['VERIFICATION_READING']}/dismiss"
    DAY.counted("accept a proposal", lambda: world.ok("POST", accept, {}))
    why = {"reason": "read yesterday"}
    DAY.counted("dismiss a proposal", lambda: world.ok("POST", dismiss, why))


def subjects(world: RulesWorld) -> None:
    """A system tells of 20 meters; files bring 20, 40 and 80."""
    told = [{"reference": f"T-{n}", "facts": {"stamp_year": 2017}} for n in range(20)]
    body = {"kind": "meter", "subjects": told}
    DAY.counted("tell of 20 meters", lambda: world.ok("POST", "/subjects", body))
    DAY.counted("tell the same again", lambda: world.ok("POST", "/subjects", body))
    headers, query = {"content-type": "text/csv"}, {"kind": "meter"}

    def imported(content: bytes) -> None:
        answer = world.call("POST", "/subjects/imports", content, headers=headers, query=query)
        assert answer.status == 202, answer.body
        assert work(world) == 1

    for size in LINES:
        rows = "".join(f"F{size}-{n};2017\r\n" for n in range(size))
        content = f"No;Damga yılı\r\n{rows}".encode()
        DAY.counted(f"import {size} meters", partial(imported, content))


def test_an_import_grows_with_its_rows_and_nothing_else() -> None:
    DAY.grows_by_the_line("import {} meters", LINES)


def test_a_decision_is_one_transaction() -> None:
    """reliability.md §14: the record is the only thing a decision writes."""
    assert json.loads(FILE.read_text(encoding="utf-8"))["decide"]["transactions"] == 1
