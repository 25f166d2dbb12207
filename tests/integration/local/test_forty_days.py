"""Forty days in one move of the clock: everything falls due in order, twice with the same result.

Every context has something that waits: a month to be collected, a person who opted out, a code that
expires, a letter with reminders, a purchase nobody decides. The clock stands still but for the
move, and a snapshot gives the second run the very same beginning, so that what the two runs did can
be compared instant by instant.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from bench.stack import StackProcess, local
from infra.local.client import LocalClient, path_of
from infra.local.commands.product import Product, Target
from infra.local.packs import pack as packs
from infra.local.packs.player import Player

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.deep]

STORY = packs.FOLDER / packs.SEEDS / "waiting.yaml"
FREQUENT = ("EveryMinute", "EveryFiveMinutes", "EveryQuarterHour")


class Effect(NamedTuple):
    """One thing that happened at an instant of the stack's clock."""

    at: str
    kind: str
    what: str
    about: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[list[Effect]]]:
    """What the same forty days brought, from the same beginning, twice."""
    process = StackProcess(tmp_path_factory.mktemp("forty") / "state", patience=120.0)
    running = process.start()
    try:
        control = local(running)
        control.post("clock", {"frozen": True})
        key = str(process.credentials()["operator_key"])
        played = Player(running.base_url, key, control).play(packs.read(STORY))
        company = Product(Target(running.base_url, played.key, "the play"))
        control.post(path_of("snapshots", "beginning"))
        found = []
        for _ in range(2):
            control.post(path_of("snapshots", "beginning", "load"))
            found.append(forty_days(control, company))
        yield found
    finally:
        process.stop()


def forty_days(control: LocalClient, company: Product) -> list[Effect]:
    """One move of the clock and everything it brought, by instant."""
    start = control.get("clock")["now"]
    moved = control.post("clock", {"advance": "P40D"})
    assert moved["settled"]
    assert [run for run in moved["runs"] if not run["ok"]] == []
    seldom = [
        run["scheduled_at"] for run in moved["runs"] if not run["schedule"].endswith(FREQUENT)
    ]
    assert seldom == sorted(seldom), "what runs once a day ran in the order of its instants"
    found = [Effect(run["scheduled_at"], "run", run["schedule"], "") for run in moved["runs"]]
    found += [
        Effect(mail["at"], "mail", mail["subject"], ",".join(mail["to"]))
        for mail in control.get("inbox")["items"]
    ]
    found += [
        Effect(event["time"], "event", event["type"], _about(event))
        for event in company.items("/v1/events", 1000)
    ]
    return sorted(effect for effect in found if effect.at > start)


def _about(event: dict[str, object]) -> str:
    data = event["data"]
    assert isinstance(data, dict)
    return f"{event['subject']} {data.get('key', '')} {data.get('outcome', '')}"


def test_everything_that_waits_falls_due_in_order(runs: list[list[Effect]]) -> None:
    first = runs[0]
    nights = [effect for effect in first if effect.what.startswith("WorkspaceStartSeals")]
    assert len(nights) == 40

    def at(what: str, about: str = "") -> str:
        found = [effect.at for effect in first if what in effect.what and about in effect.about]
        assert found, f"{what} {about} did not happen: {_happened(first)}"
        return found[0]

    code_ended = at("payment_codes.CodeClosed.v1")
    reminders = [
        effect.at for effect in first if effect.kind == "mail" and "mutabakat" in effect.what
    ]
    expired = at("workflow.ApprovalDecided.v1", "expired")
    deadline = at("pensions.AttentionRaised.v1", "deadline:")
    assert len(reminders) == 2
    assert code_ended < reminders[0] < reminders[1]
    assert code_ended < expired
    assert deadline > first[0].at


def test_the_same_forty_days_bring_the_same(runs: list[list[Effect]]) -> None:
    first, second = runs
    assert first == second, set(first) ^ set(second)


def _happened(effects: list[Effect]) -> list[tuple[str, str, str]]:
    return [(one.at, one.what, one.about) for one in effects if one.kind != "run"]
