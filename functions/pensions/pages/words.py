"""Words of this context outside of templates: renderer, reader, explanations, problem pages."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kernel.errors import KopruError
from kernel.why import Why
from pensions.domain.provider import Language
from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.components import Person, TenantChoice, View
from webkit.i18n import choose_language
from webkit.render import PageResponse, Renderer


@cache
def renderer() -> Renderer:
    """The page renderer of this context, built at its first use."""
    return Renderer.for_pages(Path(__file__).parent)


def language_of(request: Request) -> str:
    """The language an answer is written in."""
    return choose_language(
        user=request.principal.language, accept_language=request.headers.get("accept-language")
    )


def reading_language(language: str) -> Language:
    """The same as one of the three languages our dictionaries know."""
    return "tr" if language == "tr" else "el" if language == "el" else "en"


def explain(reasons: Iterable[Why], language: str) -> list[str]:
    """The sentences behind a computed date or amount, in the reader's language."""
    words = renderer().language(language)
    return [words.why(reason) for reason in reasons]


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


def view_of(app: HttpApp, request: Request, section: str = "") -> View:
    """The reader of a page."""
    principal = request.principal
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    signed_in = principal.kind == "session"
    return View(
        url=request.path + (f"?{query}" if query else ""),
        language=language_of(request),
        theme=principal.theme or "auto",
        zone=principal.zone or "Europe/Istanbul",
        csrf_token=app.csrf_token(principal) if signed_in else None,
        person=Person(principal.name, principal.email) if signed_in else None,
        tenant=TenantChoice(principal.tenant_id, principal.tenant_name) if signed_in else None,
        tenants=tuple(TenantChoice(*choice) for choice in principal.tenants),
        section=section,
        permissions=principal.permissions() if signed_in else None,
    )


def reply(response: PageResponse) -> Reply:
    """A rendered page as the answer of a route."""
    return Reply(
        response.body,
        response.status,
        response.headers,
        "text/html; charset=utf-8",
        response.cookies,
    )


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words."""
    view = view_of(app, request)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    return reply(renderer().error(view, status, detail=detail or None, trace_id=trace_id))
