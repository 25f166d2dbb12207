"""Finds every page of a running stack: by the declared routes, and by the links of its pages.

A walk begins where a reader lands after signing in, follows every link, gives a file to every form
that asks for one, and remembers for each declared route the first address that answered. What no
link leads to is given by the caller: links of mails, pages of jobs.
"""

from __future__ import annotations

import importlib
import re
import secrets
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import httpx

from infra.local.settings import ROOT
from tests.support.page_checks import parse
from toolkit.entrypoints.http import HttpApp, RouteSpec

Kind = Literal["page", "part", "file", "redirect"]
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""Visits of machines are labelled; a person's are not."""
LOOKS: Final = 4
"""Addresses of one route that are read for their links."""
_PLACE: Final = re.compile(r"\{[a-z_]+\}")


@cache
def _pages() -> Mapping[str, RouteSpec]:
    """Every declared route that answers GET with a page, by its path.

    Applications are found, not listed: those below ``functions/*/handlers/http``.
    """
    found: dict[str, RouteSpec] = {}
    for home in sorted((ROOT / "functions").glob("*/handlers/http")):
        context = home.parents[1].name
        for path in sorted(home.parent.glob("*.py")):
            importlib.import_module(f"{context}.handlers.{path.stem}")
        for path in sorted(home.glob("*.py")):
            app = getattr(
                importlib.import_module(f"{context}.handlers.http.{path.stem}"), "app", None
            )
            if isinstance(app, HttpApp):
                for route in app.routes:
                    if route.kind == "page" and route.method == "GET":
                        found[route.path] = route
    return found


@cache
def page_routes() -> Mapping[str, re.Pattern[str]]:
    """Every declared page with the pattern of its addresses."""
    return {path: _pattern(path) for path in _pages()}


def page_permissions() -> Mapping[str, str | None]:
    """Every declared page with the right that it asks for; None for none."""
    return {path: route.permission for path, route in _pages().items()}


def _pattern(route: str) -> re.Pattern[str]:
    names = _PLACE.split(route)
    return re.compile("[^/]+".join(re.escape(name) for name in names) + "/?")


def route_of(path: str) -> str | None:
    """The declared route of an address; a route without places wins over one with a place."""
    fitting = [name for name, pattern in page_routes().items() if pattern.fullmatch(path)]
    return min(fitting, key=lambda name: name.count("{"), default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a declared route that answered, and with what."""

    route: str
    path: str
    kind: Kind


@dataclass(slots=True)
class Reader:
    """Somebody at a browser: a session of the product or of the portal, or nobody with none."""

    base_url: str
    client: httpx.Client = field(init=False)
    csrf: str = ""

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.base_url,
            timeout=60,
            trust_env=False,
            headers={"accept": "text/html", "user-agent": BROWSER},
        )

    def sign_in(self, email: str, password: str) -> Reader:
        """Open a session. Raises: AssertionError when the stack refuses."""
        answer = self.client.post("/v1/sessions", json={"email": email, "password": password})
        assert answer.status_code == 201, answer.text
        self.csrf = str(answer.json()["csrf_token"])
        return self

    @property
    def cookies(self) -> Mapping[str, str]:
        """What a browser needs to be this reader."""
        return {each.name: each.value or "" for each in self.client.cookies.jar}

    def open_company(self, company: str) -> None:
        """Work for this company from now on."""
        answer = self.client.post(
            "/preferences/tenant", data={"csrf_token": self.csrf, "tenant_id": company}
        )
        assert answer.status_code == 303, answer.text

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the API with this session, bytes as XML; what it answers.

        Raises: AssertionError when the API refuses.
        """
        headers = {"x-csrf-token": self.csrf, "idempotency-key": secrets.token_hex(8)}
        if isinstance(body, bytes):
            headers["content-type"] = "application/xml"
            answer = self.client.request(method, path, content=body, headers=headers)
        else:
            answer = self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 400, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else {}

    def speak(self, language: str) -> None:
        """Read the product in this language."""
        self.api("PATCH", "/v1/me", {"language": language})

    def post_form(self, path: str, **values: str) -> httpx.Response:
        """Fill in the form of a page that has these fields, and send it."""
        page = parse(self.client.get(path).text)
        (form,) = (
            form
            for form in page.xpath("//form[@method='post']")
            if set(values) <= set(form.xpath(".//input/@name"))
        )
        return self.client.post(
            urljoin(urljoin(self.base_url, path), form.get("action") or ""),
            data={**hidden_fields(form), **values},
        )

    def walk(self, starts: Iterable[str]) -> Iterator[Place]:
        """Every route that links, upload forms and parts of pages lead to, once each.

        A few more addresses of a route are only read for their links: not every month has rows.
        """
        waiting = deque(starts)
        asked: set[str] = set()
        looks: Counter[str] = Counter()
        while waiting:
            path = waiting.popleft()
            route = route_of(urlsplit(path).path)
            if route is None or path in asked or looks[route] == LOOKS:
                continue
            asked.add(path)
            answer = self.client.get(path)
            kind = kind_of(answer)
            if kind is None:
                continue
            looks[route] += 1
            if looks[route] == 1:
                yield Place(route, path, kind)
            if kind == "page":
                base = urljoin(self.base_url, path)
                waiting.extend(links(answer.text, base))
                waiting.extend(self._uploaded(answer.text, base))

    def _uploaded(self, html: str, base: str) -> Iterator[str]:
        """Where the upload forms of a page lead when a file is given."""
        page = parse(html)
        for form in page.xpath("//form[@enctype='multipart/form-data'][.//input[@type='file']]"):
            name = form.xpath(".//input[@type='file']/@name")[0]
            sent = self.client.post(
                urljoin(base, form.get("action")),
                data=hidden_fields(form),
                files={name: ("file.csv", b"a;b\n1;2\n")},
            )
            if sent.is_redirect:
                yield local(urljoin(base, sent.headers["location"]))


def hidden_fields(form: Any) -> dict[str, str]:
    """What a form sends without being filled in."""
    return {
        each.get("name"): each.get("value", "") for each in form.xpath(".//input[@type='hidden']")
    }


def kind_of(answer: httpx.Response) -> Kind | None:
    """What an answer is; None for a refusal and for the way to the sign-in page."""
    if answer.is_redirect:
        target = urlsplit(answer.headers["location"]).path
        return None if target in ("/sign-in", "/portal/sign-in", "/confirm") else "redirect"
    if answer.status_code != 200:
        return None
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return "file"
    return "page" if "<html" in answer.text[:500] else "part"


def local(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def links(html: str, base: str) -> Iterator[str]:
    """What a page of this site leads to on the same site; a part it asks for is a link as well."""
    page = parse(html)
    home = urlsplit(base)
    for target in page.xpath("//a/@href | //@hx-get | //link[@rel='alternate']/@href"):
        url = urljoin(base, target)
        if urlsplit(url).netloc == home.netloc:
            yield local(url)
    if f"{route_of(home.path)}/progress" in page_routes():
        yield f"{home.path}/progress"
