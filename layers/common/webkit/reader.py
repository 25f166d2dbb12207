"""Who reads a page, what a page answers, and how a list goes on: between HTTP and the renderer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.storing import Position
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.cursor import Cursors
from webkit.components import Flash, Paging, Person, TenantChoice, View
from webkit.i18n import choose_language
from webkit.navigation import visible_entries
from webkit.render import PageResponse
from webkit.urls import link, relink

ZONE = "Europe/Istanbul"
"""Where a reader lives who never said so."""


def language_of(request: Request, counterparty: str = "") -> str:
    """The language an answer is written in: the person's, the customer's, then the browser's."""
    return choose_language(
        user=request.principal.language or request.query.get("lang"),
        counterparty=counterparty or None,
        accept_language=request.headers.get("accept-language"),
    )


def view_of(
    app: HttpApp,
    request: Request,
    section: str = "",
    flashes: tuple[Flash, ...] = (),
    *,
    language: str = "",
    zone: str = ZONE,
) -> View:
    """The reader of a page; ``language`` and ``zone`` where the context knows better."""
    principal = request.principal
    signed_in = principal.kind == "session"
    query = {name: value for name, value in request.query.items() if name != "done"}
    tenant = TenantChoice(principal.tenant_id, principal.tenant_name)
    return View(
        url=link(request.path, **query),
        language=language or language_of(request),
        theme=principal.theme or "auto",
        zone=principal.zone or zone,
        csrf_token=app.csrf_token(principal) if signed_in else None,
        person=Person(principal.name, principal.email) if signed_in else None,
        tenant=tenant if principal.tenant_id else None,
        tenants=tuple(TenantChoice(*choice) for choice in principal.tenants),
        section=section,
        flashes=flashes,
        permissions=visible_entries(principal.may, in_company=bool(principal.tenant_id))
        if signed_in
        else None,
    )


def reply(response: PageResponse, cookies: tuple[str, ...] = ()) -> Reply:
    """A rendered page as the answer of a route."""
    return Reply(
        response.body,
        response.status,
        response.headers,
        "text/html; charset=utf-8",
        (*response.cookies, *cookies),
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """Where lists of one context go on; a cursor is good for one company, list and filter."""

    cursors: Callable[[], Cursors]
    now: Callable[[], datetime]

    def position(self, request: Request, **filters: str) -> Position | None:
        """From ``?cursor=``. Raises: MalformedError for the cursor of another list."""
        cursor = request.query.get("cursor")
        if cursor is None:
            return None
        return self.cursors().open(cursor, **self._scope(request, filters))

    def paging(
        self, request: Request, shown: int, following: Position | None, **filters: str
    ) -> Paging:
        """Links of a list that goes on at ``following``."""
        here = link(request.path, **{k: v for k, v in request.query.items() if k != "done"})
        first = relink(here, cursor=None) if "cursor" in request.query else None
        if following is None:
            return Paging(shown, first_href=first)
        cursor = self.cursors().seal(following, **self._scope(request, filters))
        return Paging(shown, next_href=relink(here, cursor=cursor), first_href=first)

    def _scope(self, request: Request, filters: Mapping[str, str]) -> dict[str, Any]:
        return {
            "tenant_id": request.principal.tenant_id,
            "route": request.path,
            "filters": dict(filters),
            "now": self.now(),
        }
