"""Pages: Jinja2 templates in, status, headers and HTML out.

Each context makes one ``Renderer`` in its bootstrap from its ``pages`` folder. Rendering is pure:
the reader comes in as a ``View``, and nothing is kept between two calls but compiled templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from markupsafe import Markup

from webkit import charts, components, urls
from webkit.assets import Assets
from webkit.components import NavGroup, View
from webkit.csrf import FIELD
from webkit.i18n import LANGUAGE_NAMES, LANGUAGES, Catalogues, Language, json_text, mark
from webkit.navigation import CONSOLE

if TYPE_CHECKING:
    from jinja2 import Environment

THEMES: Final = ("auto", "light", "dark")
"""Values of the theme preference; ``auto`` follows the reader's system."""

LANGUAGE_COOKIE: Final = "kopru_language"
THEME_COOKIE: Final = "kopru_theme"

_TEMPLATES: Final = Path(__file__).parent / "templates"
_YEAR_SECONDS: Final = 365 * 86400


@dataclass(frozen=True, slots=True)
class PageResponse:
    """What the HTTP edge sends: status, headers, text body and whole ``Set-Cookie`` values."""

    status: int
    headers: Mapping[str, str]
    body: str
    cookies: tuple[str, ...] = ()


def security_headers(*, upload_origins: Sequence[str] = ()) -> dict[str, str]:
    """Headers of every page and fragment.

    ``upload_origins`` are the origins of presigned uploads (the bucket), without path.
    Source: ux.md section 6 (CSP), security.md S20, S25 and section 11.
    """
    uploads = "".join(f" {origin}" for origin in upload_origins)
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        f"connect-src 'self'{uploads}",
        f"form-action 'self'{uploads}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def redirect(location: str, *, htmx: bool = False, cookies: Sequence[str] = ()) -> PageResponse:
    """See-other to a path of this site; for an htmx request the instruction to go there.

    Anything that is not a local path leads to the start page, so no parameter can redirect away.
    """
    target = urls.local_path(location)
    headers = security_headers()
    if htmx:
        # An XHR would follow a 303 by itself and swap the new page into the old one.
        return PageResponse(200, headers | {"hx-redirect": target}, "", tuple(cookies))
    return PageResponse(303, headers | {"location": target}, "", tuple(cookies))


def preference_cookie(name: str, value: str) -> str:
    """The ``Set-Cookie`` value that keeps a language or theme for a year.

    Raises: ValueError for a name or value that is not a preference.
    """
    allowed = {LANGUAGE_COOKIE: LANGUAGES, THEME_COOKIE: THEMES}
    if value not in allowed.get(name, ()):
        raise ValueError("not a preference")
    return f"__Host-{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={_YEAR_SECONDS}"


def csrf_field(token: str | None) -> Markup:
    """The hidden field every form that posts carries.

    Raises: ValueError without a token: a form that cannot be accepted must not be drawn.
    """
    if not token:
        raise ValueError("a form that posts needs a CSRF token")
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token)


@dataclass(frozen=True, slots=True)
class ErrorText:
    """Words of a problem page."""

    title: str
    text: str


ERROR_TEXTS: Final[Mapping[int, ErrorText]] = {
    400: ErrorText(
        mark("We could not read this request"),
        mark("The address or the form was not complete. Go back and try again."),
    ),
    401: ErrorText(
        mark("Please sign in"),
        mark("Your session has ended or you are not signed in yet."),
    ),
    403: ErrorText(
        mark("You may not do this"),
        mark(
            "Your role does not allow this step, or the form was open too long. "
            "Reload the page, or ask an administrator of your company for the right."
        ),
    ),
    404: ErrorText(
        mark("This page does not exist"),
        mark("The address is wrong, or the item belongs to another company."),
    ),
    409: ErrorText(
        mark("Something else happened in between"),
        mark("Another person or a running job changed this item. Reload it and look again."),
    ),
    412: ErrorText(
        mark("Something else happened in between"),
        mark("Another person or a running job changed this item. Reload it and look again."),
    ),
    422: ErrorText(
        mark("Some entries need your attention"),
        mark("Nothing was saved. Go back, correct the entries and send the form again."),
    ),
    429: ErrorText(
        mark("Too many attempts"),
        mark("Please wait a few minutes before you try again."),
    ),
    500: ErrorText(
        mark("Something went wrong on our side"),
        mark("Nothing you entered is to blame. The operator has been told."),
    ),
    503: ErrorText(
        mark("We cannot answer right now"),
        mark("Please try again in a few minutes. Work already accepted goes on."),
    ),
}
"""Problem pages by status; any other status is told as 500."""


@dataclass(slots=True)
class Renderer:
    """Renders the templates of one context over those of webkit, in every language."""

    assets: Assets
    templates: tuple[Path, ...] = ()
    catalogues: Catalogues = field(default_factory=Catalogues)
    navigation: tuple[NavGroup, ...] = CONSOLE
    upload_origins: tuple[str, ...] = ()
    _environments: dict[str, Environment] = field(default_factory=dict)

    @classmethod
    def for_pages(
        cls,
        pages: Path | None = None,
        *,
        assets: Assets | None = None,
        upload_origins: tuple[str, ...] = (),
        navigation: tuple[NavGroup, ...] = CONSOLE,
    ) -> Self:
        """The renderer of a context: ``pages`` holds ``templates/`` and ``locale/``.

        Raises: AssetsMissingError when no ``assets`` are given and none were built.
        """
        return cls(
            assets=assets or Assets.packaged(),
            templates=(pages / "templates",) if pages else (),
            catalogues=Catalogues((pages / "locale",) if pages else ()),
            navigation=navigation,
            upload_origins=upload_origins,
        )

    def posting_to(self, url: str) -> Self:
        """The renderer of a page whose form may post to a bucket; without one, of any page."""
        if not url:
            return self
        parts = urlsplit(url)
        return replace(self, upload_origins=(f"{parts.scheme}://{parts.netloc}",))

    def language(self, code: str) -> Language:
        """Messages and formats of one language, for texts a page builds in Python."""
        return Language(code, self.catalogues)

    def page(self, template: str, view: View, *, status: int = 200, **values: Any) -> PageResponse:
        """A whole page, or a fragment of one when the template extends no layout."""
        body = self.fill(template, view.language, view=view, **values)
        headers = security_headers(upload_origins=self.upload_origins) | {
            "content-type": "text/html; charset=utf-8",
            "content-language": view.language,
            "vary": "Accept-Language, Cookie, HX-Request",
        }
        return PageResponse(status, headers, body)

    def fill(self, template: str, language: str, **values: Any) -> str:
        """A template as text: pages, mails and fragments all come from here."""
        return self._environment(language).get_template(template).render(**values)

    def error(
        self,
        view: View,
        status: int,
        *,
        detail: str | None = None,
        trace_id: str | None = None,
        back: str | None = None,
        portal: bool = False,
    ) -> PageResponse:
        """A problem in words. ``detail`` is a finished sentence, ``trace_id`` helps support."""
        words = ERROR_TEXTS.get(status, ERROR_TEXTS[500])
        return self.page(
            "error.html",
            view,
            status=status,
            code=status,
            words=words,
            detail=detail,
            trace_id=trace_id,
            back=urls.local_path(back),
            layout="portal.html" if portal else "base.html",
        )

    def _environment(self, code: str) -> Environment:
        if code not in self._environments:
            self._environments[code] = self._build(code)
        return self._environments[code]

    def _build(self, code: str) -> Environment:
        """One environment per language, so that macros know the language without being told."""
        language = self.language(code)
        # A function that answers only JSON never pays for templates.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

        environment = Environment(
            loader=FileSystemLoader([*self.templates, _TEMPLATES]),
            # Plain text parts of mails are the only templates that are not HTML.
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
            auto_reload=False,
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            language.texts.gettext,
            language.texts.ngettext,
            newstyle=True,
            pgettext=language.texts.pgettext,
            npgettext=language.texts.npgettext,
        )
        formats = language.formats
        environment.globals |= {
            "asset": self.assets,
            "lang": code,
            "languages": LANGUAGE_NAMES,
            "themes": THEMES,
            "navigation": self.navigation,
            "csrf_field": csrf_field,
            "link": urls.link,
            "relink": urls.relink,
            "query_pairs": urls.query_pairs,
            "segment": urls.segment,
            "why": language.why,
            "problem": language.problem,
            "json_text": json_text,
            "fmt": formats,
            "charts": charts,
            "ui": components,
        }
        return environment
