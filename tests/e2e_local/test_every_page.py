"""Every page of the product in a browser: axe-core, the Tab key, dialogs, words, narrow screens.

One running stack, filled by the seed ``tour``. Pages are those of the declared routes: a route that
nobody reaches there is a failure. Nightly, because every page is opened in three languages and
looked at in two themes; ``tests/pages/webkit/test_browser.py`` does the same to the page kit and to
one page of each kind in every run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest

from bench.stack import local
from tests.support import page_audit
from tests.support.browser import Browser, find_chromium, launch
from tests.support.page_tour import Tour, tour_of
from tests.support.page_walk import page_routes
from tests.support.running_stack import running_stack
from webkit.i18n import LANGUAGES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep,
    pytest.mark.loopback,
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]

NOT_REACHED: Final[Mapping[str, str]] = {
    "/incidents/{id}": "needs a failure of an insurer that only its operator can solve",
    "/operator/incidents/{id}": "needs the same, as the operator sees it",
    "/reconciliation/imports/{id}/corrected": "a file, not a page; needs a refused import",
    "/reconciliation/mail-matters/{id}": "needs a mail of unknown fate that stayed unknown",
    "/sign-in/hosted": "leads to an identity provider; here is none",
    "/sign-in/hosted/return": "needs the same",
    "/support-visit": "needs an operator's request and a second person's word",
    "/workflow/approvals/{id}/sign": "needs a rule that demands a qualified signature",
    "/workflow/approvals/{id}/signed/{upload_id}": "needs the same and a signed file",
    "/workflow/approvals/{id}/statement": "a file, not a page; needs the same",
}
"""What the tour does not bring about. Their pages are drawn and checked without a browser in
``tests/pages``; a route that is reached may not stay in this list."""


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Tour]]:
    folder = tmp_path_factory.mktemp("tour") / "state"
    with running_stack(folder) as running:
        credentials = json.loads((folder / "credentials.json").read_text(encoding="utf-8"))
        with tour_of(running.base_url, credentials, local(running)) as pages:
            yield running.base_url, pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as running:
        yield running


def looked_at(
    browser: Browser,
    tour: tuple[str, Tour],
    language: str,
    look: Callable[[Any], list[str]],
) -> list[str]:
    """What a look finds on every page, as its reader sees it in this language."""
    base, pages = tour
    found: list[str] = []
    for name, reader in pages.readers.items():
        if reader.csrf:
            reader.speak(language)
        # Without an account the language of a link wins, and is kept from then on.
        wish = "" if reader.csrf else f"lang={language}"
        with browser.open(f"{base}/health", cookies=reader.cookies, language=language) as page:
            for place in pages.places[name]:
                if place.kind == "page":
                    joint = "&" if "?" in place.path else "?"
                    page.goto(f"{base}{place.path}{joint}{wish}".rstrip("&?"), wait_until="load")
                    found += [f"{place.path} ({name}): {each}" for each in look(page)]
    return found


def test_every_declared_route_is_reached(tour: tuple[str, Tour]) -> None:
    assert set(page_routes()) - tour[1].reached == set(NOT_REACHED)
    assert len(list(tour[1].pages())) > 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_nothing_is_said_in_english(
    browser: Browser, tour: tuple[str, Tour], language: str
) -> None:
    def look(page: Any) -> list[str]:
        found = []
        if page.evaluate("document.documentElement.lang") != language:
            found.append("the page is in another language")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}: {each}" for each in page_audit.violations(page)]
        return found + page_audit.foreign_words(page, language)

    found = looked_at(browser, tour, language, look)
    assert not found, "\n".join(found)


def test_every_page_is_walked_by_keys(browser: Browser, tour: tuple[str, Tour]) -> None:
    def look(page: Any) -> list[str]:
        return page_audit.keyboard_problems(page) + page_audit.dialog_problems(page)

    found = looked_at(browser, tour, "tr", look)
    assert not found, "\n".join(found)


def test_every_page_fits_a_narrow_screen(browser: Browser, tour: tuple[str, Tour]) -> None:
    def look(page: Any) -> list[str]:
        page.set_viewport_size({"width": 320, "height": 640})
        return ["wider than the screen"] if page.evaluate(page_audit.OVERFLOWING) else []

    found = looked_at(browser, tour, "el", look)
    assert not found, "\n".join(found)
