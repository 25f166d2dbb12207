"""A headless Chromium for screenshots and tests: open, press keys, look, measure.

Uses Playwright with the machine's own Chromium; nothing is downloaded. Where there is none,
``find_chromium`` says so and the tests that need it are skipped aloud.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright

from webkit.render import LANGUAGE_COOKIE, THEME_COOKIE

Scheme = Literal["light", "dark"]

# The machine's network is closed: without these flags Chromium tries Google's hosts at every start.
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_LOCALES: Final = {"tr": "tr-TR", "el": "el-GR", "en": "en-GB"}
WIDE: Final = (1280, 800)
NARROW: Final = (390, 844)


def find_chromium() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser process with its own empty profile; a fresh context per opened page."""

    def __init__(self, start: Callable[..., BrowserContext]) -> None:
        self._start = start

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        language: str = "en",
        scheme: Scheme = "light",
        size: tuple[int, int] = WIDE,
        script: bool = True,
        theme: str | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Iterator[Page]:
        """Open ``url`` as a reader of that language whose system prefers that colour scheme.

        ``theme`` sets the preference cookie of the product; ``cookies`` adds others (a session).
        """
        context = self._start(
            locale=_LOCALES[language],
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        wanted = {f"__Host-{LANGUAGE_COOKIE}": language, **(cookies or {})}
        if theme is not None:
            wanted[f"__Host-{THEME_COOKIE}"] = theme
        # ``__Host-`` cookies need a secure address; loopback counts as one once the page is there.
        address = urlsplit(url)
        context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "domain": address.hostname or "127.0.0.1",
                    "path": "/",
                    "secure": True,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
                for name, value in wanted.items()
            ]
        )
        try:
            page = context.new_page()
            page.goto(url, wait_until="load")
            yield page
        finally:
            context.close()


@contextlib.contextmanager
def launch() -> Iterator[Browser]:
    """Start Chromium; it and its profile are gone afterwards.

    Raises: RuntimeError when there is no Chromium.
    """
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium on this machine: install the package chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        process = playwright.chromium.launch(
            executable_path=executable,
            args=list(_FLAGS),
            env={"HOME": home, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        )
        try:
            yield Browser(process.new_context)
        finally:
            process.close()
