"""Every scenario pack plays through on one running stack, and a broken one says where it broke.

What a pack leaves behind is also worked on as a person does it: in a browser, by keys alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from bench.stack import StackProcess, local
from infra.local import cli
from infra.local.client import RunningStack
from infra.local.packs import pack as packs
from infra.local.packs.player import Player, StoryError
from infra.local.packs.world import PASSWORD
from tests.support.browser import find_chromium, launch

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

SOURCE: Final = "payment-codes-mail"
UNKNOWN: Final = "01JC3V9QJ8Z6T4M2N0P7R5S3XK"
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
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    process = StackProcess(tmp_path_factory.mktemp("scenarios") / "state", patience=120.0)
    process.start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def player(process: StackProcess) -> Player:
    running = RunningStack.find(process.folder)
    return Player(running.base_url, str(process.credentials()["operator_key"]), local(running))


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


def test_what_failed_five_times_is_looked_at_and_sent_back_by_command(
    process: StackProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message of a newer version waits for the code that knows it, and then for a person."""
    running = RunningStack.find(process.folder)
    client = local(running)
    (work,) = [each for each in client.get("queues")["items"] if each["name"].endswith(SOURCE)]
    sqs = boto3.client(
        "sqs",
        endpoint_url=running.aws_endpoint,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    body = {"v": 2, "tenant_id": UNKNOWN, "mail_id": UNKNOWN}
    sent = sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName=work["name"])["QueueUrl"], MessageBody=json.dumps(body)
    )

    def kopru(*arguments: str) -> tuple[int, Any]:
        code = cli.main([*arguments, "--json", "--dir", str(process.folder)])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    def groups() -> list[dict[str, Any]]:
        items = kopru("dlq", "list")[1]["items"]
        return [each for each in items if sent["MessageId"] in each["ids"]]

    for _ in range(8):
        if groups():
            break
        client.post("clock", {"advance": "PT4M"})
    (group,) = groups()
    assert group["count"] == 1
    queue = group["queue"]
    assert kopru("dlq", "show", sent["MessageId"])[1]["error"] == group["error"]
    assert kopru("dlq", "redrive", queue, "--yes")[0] == cli.USAGE  # nobody looked
    code, diff = kopru("dlq", "diff", queue)
    assert (code, [each["id"] for each in diff["items"]]) == (cli.OK, [sent["MessageId"]])
    filtered = ("dlq", "redrive", queue, "--filter", group["error"], "--to", "local")
    code, dry = kopru(*filtered, "--dry-run")
    assert (code, dry["would_redrive"], dry["redriven"]) == (cli.OK, 1, 0)
    code, kept = kopru(*filtered, "--keep", "--yes")
    assert (code, kept["redriven"], len(groups())) == (cli.OK, 1, 1)
    code, done = kopru(*filtered, "--yes")
    assert (code, done["redriven"], groups()) == (cli.OK, 1, [])


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
