"""HTML of the control pages: plain, without scripts, readable also before any asset was built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.local.web import Response

Stylesheets = Callable[[], list[str]]

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_MAIL_POLICY: Final = "; ".join(
    (
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'self'",
    )
)


class Pages:
    """Renders the templates of this package; ``stylesheets`` gives what was built, if anything."""

    def __init__(self, stylesheets: Stylesheets) -> None:
        self._stylesheets = stylesheets
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["pretty"] = lambda value: json.dumps(
            value, ensure_ascii=False, indent=2, default=str
        )

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """One page."""
        html = self._templates.get_template(template).render(
            stylesheets=self._stylesheets(), **values
        )
        return _html(status, html, _POLICY)

    @staticmethod
    def mail(html: str) -> Response:
        """The HTML part of a mail for the frame: no scripts, no requests, links in a new tab."""
        return _html(200, f'<base target="_blank">{html}', _MAIL_POLICY)


def built_stylesheets(assets: Path) -> Stylesheets:
    """Addresses of the built style sheets, looked up anew for every page."""

    def look() -> list[str]:
        try:
            names = json.loads((assets / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [f"/static/{names[name]}" for name in ("tabler.css", "hub.css") if name in names]

    return look


def _html(status: int, html: str, policy: str) -> Response:
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        # Not "no-referrer": browsers would then post our own forms with the origin "null".
        ("referrer-policy", "same-origin"),
    )
    return Response(status, headers, html.encode())
