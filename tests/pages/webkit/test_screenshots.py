"""The picture tool: what it plans, how small it gets, and that it signs in like a person."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from PIL import Image

from infra.tools.browser import find_chromium, launch
from infra.tools.screenshots import LIMIT, Shot, User, main, plan, shoot, small
from tests.support.browser import Answer, serve

SIGN_IN = """<!doctype html><title>Sign in</title><main><form method="post" action="/sign-in">
<input type="email" name="e"><input type="password" name="p"><button>Go</button></form></main>"""
HOME = "<!doctype html><title>Today</title><main><h1>Today</h1></main>"


def test_every_page_in_every_language_and_theme() -> None:
    shots = plan(
        ["today=/", "contracts=/pensions/contracts?q=a=b"], ["tr", "el"], ["light", "dark"]
    )
    assert len(shots) == 8
    assert shots[-1] == Shot("contracts", "/pensions/contracts?q=a=b", "el", "dark")
    assert shots[0].file == "today-tr-light.png"


@pytest.mark.parametrize("page", ["today", "=/", "today=https://example.com", "today="])
def test_a_page_has_a_name_and_a_path(page: str) -> None:
    with pytest.raises(ValueError, match="name=/path"):
        plan([page], ["tr"], ["light"])


def noise(width: int, height: int) -> bytes:
    """A picture that no compression makes small."""
    buffer = io.BytesIO()
    content = random.Random(1).randbytes(width * height * 3)
    Image.frombytes("RGB", (width, height), content).save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_become_small_enough_and_stay_pictures() -> None:
    result = small(noise(1000, 800))
    assert len(result) <= LIMIT
    assert Image.open(io.BytesIO(result)).width < 1000
    little = noise(20, 20)
    assert small(little) is little


@pytest.mark.browser
@pytest.mark.loopback
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
class TestWithBrowser:
    """Against a tiny site that asks for a password first."""

    def site(self, method: str, path: str) -> Answer:
        html = {"content-type": "text/html; charset=utf-8"}
        if method == "POST":
            return Answer(303, {"location": "/"}, b"")
        if path.startswith("/missing"):
            return Answer(404, html, b"no")
        return Answer(200, html, (SIGN_IN if path == "/sign-in" else HOME).encode())

    def test_signs_in_and_shoots(self, tmp_path: Path) -> None:
        credentials = tmp_path / "credentials.json"
        credentials.write_text('{"users": [{"email": "a@example.com", "password": "x"}]}')
        with serve(self.site) as base:
            arguments = ["today=/", "--base", base, "--out", str(tmp_path / "out")]
            arguments += ["--languages", "tr", "--credentials", str(credentials)]
            assert main(arguments) == 0
        files = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert files == ["today-tr-dark.png", "today-tr-light.png"]

    def test_a_missing_page_is_an_error_and_no_picture(self) -> None:
        shots = plan(["gone=/missing"], ["en"], ["light"])
        with serve(self.site) as base, launch() as browser:
            with pytest.raises(RuntimeError, match="could not be opened"):
                list(shoot(browser, base, shots, user=User("a@example.com", "x")))
            with pytest.raises(RuntimeError, match="could not be opened"):
                list(shoot(browser, base, shots))
