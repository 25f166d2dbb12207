"""Every scenario pack plays through on one running stack, and a broken one says where it broke."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.stack import StackProcess, local
from infra.local.packs import pack as packs
from infra.local.packs.player import Player, StoryError

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


@pytest.mark.parametrize("name", packs.seeds())
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
