"""``kopru trigger``: play scenario packs on the running stack."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from infra.local.client import LocalClient, RunningStack
from infra.local.commands.talk import (
    NOT_FOUND,
    OK,
    PARTIAL,
    AddCommand,
    columns,
    complain,
    folder_of,
    show,
    talk,
)
from infra.local.packs import pack as packs
from infra.local.packs.player import Player, StoryError, Told
from infra.local.seeding import CREDENTIALS_FILE
from infra.local.settings import SettingsError


def add(command: AddCommand) -> None:
    """The commands about scenario packs."""
    trigger = command(
        "trigger",
        _trigger,
        "play a scenario pack, or list them all",
        example="trigger pensions/partial-accept",
    )
    trigger.add_argument(
        "scenario", nargs="?", default="", help="such as bad-iban; none lists them"
    )

    seed = command(
        "seed",
        _seed,
        "fill a company of its own with synthetic data, or list what there is",
        example="seed letters",
    )
    seed.add_argument("scenario", nargs="?", default="", metavar="PACK")


def player_of(stack: RunningStack, credentials: dict[str, Any]) -> Player:
    """A player whose companies the demo accountant sees. Raises: SettingsError."""
    if not credentials.get("operator_key"):
        raise SettingsError("the stack has no operator key; was it seeded?")
    users = credentials.get("users") or [{}]
    owner = next((each["email"] for each in users if each.get("role") == "accountant"), "")
    player = Player(stack.base_url, credentials["operator_key"], LocalClient(stack))
    if owner:
        player.owner_email = owner
    return player


def _trigger(options: argparse.Namespace) -> int:
    if not options.scenario:
        known = [packs.find(name) for name in packs.names()]
        items = [{"name": f"{p.context}/{p.name}", "title": p.title} for p in known]
        show(options, {"items": items}, lambda: columns(items, "name", "title"))
        return OK
    try:
        pack = packs.find(options.scenario)
    except packs.PackError as error:
        return complain(str(error), NOT_FOUND)
    return _play(options, pack)


def _seed(options: argparse.Namespace) -> int:
    path = packs.FOLDER / packs.SEEDS
    known = {name: packs.read(path / f"{name}.yaml") for name in packs.seeds()}
    if not options.scenario:
        items = [{"name": name, "title": pack.title} for name, pack in known.items()]
        show(options, {"items": items}, lambda: columns(items, "name", "title"))
        return OK
    if options.scenario not in known:
        return complain(
            f"there is no seed {options.scenario}; there are {', '.join(known)}", NOT_FOUND
        )
    return _play(options, known[options.scenario])


def _play(options: argparse.Namespace, pack: packs.Pack) -> int:
    folder = folder_of(options)
    stack = RunningStack.find(folder)
    credentials = json.loads((folder / CREDENTIALS_FILE).read_text(encoding="utf-8"))
    player = player_of(stack, credentials)
    player.listener = _tell
    talk(f"{pack.title}\n{pack.story.strip()}")
    try:
        played = player.play(pack)
    except StoryError as error:
        return complain(str(error), PARTIAL)
    document = asdict(played)
    document.pop("key")  # keys stand in files, not in the output of commands
    show(
        options,
        document,
        lambda: [
            ["played", played.pack],
            ["company", str(played.company["name"])],
            ["seconds", f"{played.seconds:.1f}"],
        ],
    )
    return OK


def _tell(told: Told) -> None:
    talk(f"  {told.number:>4}  {told.say}")
