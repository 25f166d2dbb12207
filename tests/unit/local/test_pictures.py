"""The pictures of the README are those that one command takes."""

import re

from infra.local.settings import ROOT
from infra.tools.pictures import FOLDER, PAGES, shots
from tests.support.page_walk import route_of


def test_the_readme_shows_what_the_command_takes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"infra/assets/pictures/([a-z]+)\.png", text))
    taken = {path.stem for path in FOLDER.glob("*.png")}
    assert shown == taken == set(PAGES)


def test_every_picture_is_of_a_page_that_is_declared() -> None:
    for shot in shots("01JC3V9QJ8Z6T4M2N0P7R5S3XK", "2026-05"):
        assert route_of(shot.path) is not None, shot.path
