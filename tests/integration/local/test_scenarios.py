"""Every scenario pack plays through on one running stack, and a broken one says where it broke.

What a pack leaves behind is also worked on as a person does it: in a browser, by keys alone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.stack import StackProcess, local
from infra.local.packs import pack as packs
from infra.local.packs.player import Player, StoryError
from infra.local.packs.world import PASSWORD
from tests.support.browser import find_chromium, launch

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

PROMISED = {
    "pensions": "ok bad-iban optout-later password-expired slow-10m lost-answer partial-accept",
    "payment_codes": "open-amount-3-payments late-after-expiry overpaid unknown-rf missing-day "
    "duplicate-file",
    "reconciliation": "hard-bounce scanner-click disagree-upload lost-dotted-i",
    "card_contracts": "commission-drift holiday-shift points",
    "workflow": "timeout-escalate delegate-absent rule-change-mid-month",
    "workspace": "webhook-down-6h import-undo",
}
"""The packs of ux.md, section 9."""
BENCH = "bench"
CHROMIUM = find_chromium()


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    process = StackProcess(tmp_path_factory.mktemp("scenarios") / "state", patience=120.0)
    running = process.start()
    try:
        key = str(process.credentials()["operator_key"])
        yield Player(running.base_url, key, local(running))
    finally:
        process.stop()


def test_every_promised_pack_is_there() -> None:
    promised = {
        f"{context}/{name}" for context, those in PROMISED.items() for name in those.split()
    }
    assert promised == set(packs.names())


@pytest.mark.parametrize("name", packs.names())
def test_the_story_plays_through(player: Player, name: str) -> None:
    story = packs.find(name)
    played = player.play(story)
    assert played.pack == name
    assert len(played.steps) >= len(story.steps)
    assert all(told.say for told in played.steps)


# The one of the match bench is played below, where there is a browser.
@pytest.mark.parametrize("name", [one for one in packs.seeds() if one != BENCH or not CHROMIUM])
def test_a_seed_fills_a_company(player: Player, name: str) -> None:
    played = player.play(packs.read(packs.FOLDER / packs.SEEDS / f"{name}.yaml"))
    assert played.company["id"]


def test_a_story_that_goes_another_way_names_its_step(player: Player, tmp_path: Path) -> None:
    folder = tmp_path / "pensions"
    folder.mkdir()
    path = folder / "wrong.yaml"
    path.write_text(
        """
title: A story that does not come true
story: Somebody believes that there are no pension companies at all.
steps:
  - say: The clock is looked at by moving it a little
    clock: PT1S
  - say: There are no companies
    call: GET /v1/pensions/providers
    expect: {items: {size: 0}}
""",
        encoding="utf-8",
    )
    with pytest.raises(StoryError, match=r"pensions/wrong, step 2 \(There are no companies\)") as e:
        player.play(packs.read(path))
    assert "items is" in str(e.value)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Any, selector: str) -> None:
    """Walk there from the top of the page's own content, as somebody without a mouse does."""
    press(page, "Tab", "Enter")
    for _ in range(12):
        if page.evaluate("s => Boolean(document.activeElement.closest(s))", selector):
            return
        press(page, "Tab")
    raise AssertionError(f"{selector} is too far away for the tab key")


def rows(page: Any, table: str) -> int:
    return int(page.locator(f"#{table} tbody tr").count())


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_match_bench_is_worked_by_keys_alone(player: Player) -> None:
    played = player.play(packs.read(packs.FOLDER / packs.SEEDS / f"{BENCH}.yaml"))
    bench = f"{player.base_url}/card-contracts/matches"
    with launch() as browser, browser.open(f"{player.base_url}/sign-in") as page:
        page.locator("main input[type=email]").first.fill(played.people["clerk"])
        page.locator("main input[type=password]").first.fill(PASSWORD)
        with page.expect_navigation():
            press(page, "Enter")

        page.goto(bench)
        tab_to(page, "[data-keys]:has(#matches)")
        press(page, "c")  # nothing is chosen: nothing is confirmed
        press(page, "j", "x", "j", "x", "k", "x")
        assert page.locator("[data-selected-count]").inner_text() == "1"
        with page.expect_navigation():
            press(page, "c")
        assert rows(page, "matches") == 2
        with page.expect_navigation():
            press(page, "j", "Enter")  # the focus is back in the table
        assert "/card-contracts/matches/" in page.url
        page.goto(bench)
        tab_to(page, "[data-keys]:has(#matches)")
        with page.expect_navigation():
            press(page, "j", "x", "u")
        assert rows(page, "matches") == 1

        page.goto(f"{bench}?status=confirmed")
        tab_to(page, "[data-keys]:has(#matches)")
        with page.expect_navigation():
            press(page, "j", "x", "u")
        assert rows(page, "matches") == 0

        page.goto(f"{bench}?status=unmatched")
        waiting = rows(page, "lines")
        tab_to(page, "[data-keys]:has(#lines)")
        with page.expect_navigation():
            press(page, "j", "Enter")
        tab_to(page, "[data-keys]:has(#payments-table)")
        with page.expect_navigation():
            press(page, "j", "x", "Enter")
        assert page.locator(".hub-page-header .badge, .hub-page-header .status").count()
        page.goto(f"{bench}?status=confirmed")
        assert rows(page, "matches") == 1
        page.goto(f"{bench}?status=unmatched")
        assert rows(page, "lines") == waiting - 1
