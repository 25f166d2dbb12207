"""The pictures of the README, made anew: ``make pictures``.

Starts a stack of its own (or uses the one of ``KOPRU_LOCAL_DIR`` that runs), plays the seed
``tour``, signs in as one of its people and shoots the pages that the README shows. A test compares
the list with the README, so that no picture is left behind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from infra.local.client import LocalClient
from infra.local.demo_run import own_or_running
from infra.local.packs import pack as packs
from infra.local.packs.player import Player
from infra.local.packs.world import PASSWORD
from infra.local.seeding import CREDENTIALS_FILE
from infra.local.settings import ROOT, LocalSettings, default_folder
from infra.tools.browser import launch
from infra.tools.screenshots import Shot, User, shoot

FOLDER: Final = ROOT / "infra" / "assets" / "pictures"
PAGES: Final[Mapping[str, str]] = {
    "today": "/",
    "contracts": "/pensions/contracts",
    "employees": "/pensions/contracts/{contract}/employees",
    "month": "/pensions/contracts/{contract}/months/{month}",
    "remittance": "/pensions/contracts/{contract}/remittances/{month}",
}
"""File and page of every picture; the month is the one that is paid."""


def shots(contract: str, month: str) -> list[Shot]:
    """What is shot, in English and light."""
    return [
        Shot(name, path.format(contract=contract, month=month), "en", "light")
        for name, path in PAGES.items()
    ]


def main(folder: Path = FOLDER) -> int:
    """Write all pictures and say their sizes."""
    with own_or_running(_settings()) as (running, state):
        credentials = json.loads((state / CREDENTIALS_FILE).read_text(encoding="utf-8"))
        stack = LocalClient(running)
        player = Player(running.base_url, credentials["operator_key"], stack)
        played = player.play(packs.read(packs.FOLDER / packs.SEEDS / "tour.yaml"))
        now = datetime.fromisoformat(stack.get("clock")["now"])
        last_month = f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
        contract = _contract(running.base_url, played.key)
        chief = User(played.people["chief"], PASSWORD)
        _speak_english(running.base_url, chief)
        with launch() as browser:
            taken = shoot(browser, running.base_url, shots(contract, last_month), user=chief)
            for shot, picture in taken:
                (folder / f"{shot.name}.png").write_bytes(picture)
                sys.stdout.write(f"{shot.name}.png {len(picture):,} bytes\n")
    return 0


def _settings() -> LocalSettings:
    return LocalSettings(port=0, folder=default_folder())


def _contract(base_url: str, key: str) -> str:
    headers = {"authorization": f"Bearer {key}"}
    answer = httpx.get(f"{base_url}/v1/pensions/contracts", headers=headers, timeout=30)
    return str(answer.raise_for_status().json()["items"][0]["id"])


def _speak_english(base_url: str, user: User) -> None:
    """Their stored language would win over that of the picture."""
    with httpx.Client(base_url=base_url, timeout=30) as client:
        proof = {"email": user.email, "password": user.password}
        token = client.post("/v1/sessions", json=proof).raise_for_status().json()["csrf_token"]
        wish = {"language": "en"}
        client.patch("/v1/me", json=wish, headers={"x-csrf-token": token}).raise_for_status()


if __name__ == "__main__":
    sys.exit(main())
