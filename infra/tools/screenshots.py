"""Pictures of a running stack: ``python -m infra.tools.screenshots --base URL --out DIR PAGE…``.

Each PAGE is ``name=/path``. Every page is shot in the chosen languages and themes, signed in when
a user is given, and saved as ``<name>-<language>-<theme>.png`` of at most 200 kB, small enough for
the README. The stack must be running; the machine's own Chromium is used.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from PIL import Image
from playwright.sync_api import Page

from infra.tools.browser import NARROW, WIDE, Browser, Scheme, launch

LIMIT: Final = 200_000
"""Bytes of one picture."""

Language = Literal["tr", "el", "en"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take."""

    name: str
    path: str
    language: str
    theme: Scheme

    @property
    def file(self) -> str:
        """The file name: what, in which language, in which theme."""
        return f"{self.name}-{self.language}-{self.theme}.png"


@dataclass(frozen=True, slots=True)
class User:
    """A demo user of the stack."""

    email: str
    password: str


def plan(pages: Sequence[str], languages: Sequence[str], themes: Sequence[Scheme]) -> list[Shot]:
    """Every page in every language and theme.

    Raises: ValueError for a page that is not ``name=/path``.
    """
    shots = []
    for page in pages:
        name, separator, path = page.partition("=")
        if not separator or not name or not path.startswith("/"):
            raise ValueError(f"a page is written name=/path, not {page!r}")
        shots += [Shot(name, path, code, theme) for code in languages for theme in themes]
    return shots


def shoot(
    browser: Browser,
    base: str,
    shots: Sequence[Shot],
    *,
    user: User | None = None,
    size: tuple[int, int] = WIDE,
    full: bool = False,
) -> Iterator[tuple[Shot, bytes]]:
    """Take the pictures, one fresh session per picture, so that no preference leaks into the next.

    Raises: RuntimeError when a page answers with an error or signing in fails.
    """
    for shot in shots:
        start = f"{base}/sign-in" if user else base + shot.path
        with browser.open(
            start, language=shot.language, scheme=shot.theme, theme=shot.theme, size=size
        ) as page:
            if user:
                _sign_in(page, user)
            answer = page.goto(base + shot.path, wait_until="load")
            if answer is None or not answer.ok:
                raise RuntimeError(f"{shot.path} could not be opened")
            yield shot, small(page.screenshot(full_page=full))


def small(png: bytes, limit: int = LIMIT) -> bytes:
    """The picture within the limit: as it is, else with fewer colours, else also smaller."""
    if len(png) <= limit:
        return png
    image = Image.open(io.BytesIO(png)).convert("RGB")
    while True:
        buffer = io.BytesIO()
        image.quantize(colors=128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= limit or image.width < 320:
            return buffer.getvalue()
        image = image.resize(
            (image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS
        )


def _sign_in(page: Page, user: User) -> None:
    page.locator("main input[type=email]").first.fill(user.email)
    page.locator("main input[type=password]").first.fill(user.password)
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    if page.locator("main input[type=password]").count():
        raise RuntimeError("signing in failed")


def _first_user(credentials: Path) -> User:
    """The first demo user of the stack's ``credentials.json``."""
    found = json.loads(credentials.read_text(encoding="utf-8"))["users"][0]
    return User(found["email"], found["password"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Shoot the named pages and print the files."""
    parser = argparse.ArgumentParser(description="Take pictures of a running stack.")
    parser.add_argument("pages", nargs="+", metavar="NAME=/PATH")
    parser.add_argument("--base", required=True, help="address of the stack")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", default=list(get_args(Language)))
    parser.add_argument("--themes", nargs="+", choices=get_args(Scheme), default=["light", "dark"])
    parser.add_argument("--credentials", type=Path, help="credentials.json of the local stack")
    parser.add_argument("--narrow", action="store_true", help="the width of a phone")
    parser.add_argument("--full", action="store_true", help="the whole page, not one screen")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    user = _first_user(options.credentials) if options.credentials else None
    shots = plan(options.pages, options.languages, options.themes)
    size = NARROW if options.narrow else WIDE
    with launch() as browser:
        for shot, picture in shoot(
            browser, options.base.rstrip("/"), shots, user=user, size=size, full=options.full
        ):
            (options.out / shot.file).write_bytes(picture)
            sys.stdout.write(f"{options.out / shot.file} {len(picture):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
