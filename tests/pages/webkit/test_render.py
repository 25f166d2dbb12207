"""Whole pages: headers, escaping, problem pages, redirects, preferences and the shell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from tests.support.page_checks import assert_sound, parse
from webkit.assets import Assets, AssetsMissingError
from webkit.components import Flash, NavGroup, NavItem, TenantChoice, Tone, View
from webkit.guide import guide_view, render_guide
from webkit.i18n import LANGUAGES
from webkit.render import (
    ERROR_TEXTS,
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    Renderer,
    csrf_field,
    preference_cookie,
    redirect,
    security_headers,
)

PAGE = """{% extends "base.html" %}{% import "macros/form.html" as form %}
{% block title %}Things{% endblock %}{% block main %}<h1>{{ name }}</h1>{% endblock %}"""
GUEST = View(url="/sign-in?return_to=%2Fx", language="tr")


@pytest.fixture
def renderer() -> Renderer:
    return Renderer.for_pages(assets=Assets.plain())


def pages(folder: Path, **templates: str) -> Renderer:
    """A context's renderer over templates written for one test."""
    (folder / "templates").mkdir()
    for name, text in templates.items():
        (folder / "templates" / f"{name}.html").write_text(text, encoding="utf-8")
    return Renderer.for_pages(folder, assets=Assets.plain())


def test_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    policy = dict(
        part.split(" ", 1) for part in security_headers()["content-security-policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


def test_uploads_may_go_to_the_bucket_and_nothing_else_may() -> None:
    headers = security_headers(upload_origins=("https://files.example.com",))
    policy = headers["content-security-policy"]
    assert policy.count("https://files.example.com") == 2
    assert "connect-src 'self' https://files.example.com" in policy
    assert "form-action 'self' https://files.example.com" in policy


def test_every_page_is_private_and_typed(renderer: Renderer) -> None:
    headers = render_guide(renderer, guide_view("el")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["strict-transport-security"].startswith("max-age=31536000")


def test_values_are_escaped(tmp_path: Path) -> None:
    body = pages(tmp_path, things=PAGE).page("things.html", GUEST, name="<b>'&\"").body
    assert "<h1>&lt;b&gt;&#39;&amp;&#34;</h1>" in body


def test_a_missing_value_is_an_error_and_not_an_empty_place(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match="name"):
        pages(tmp_path, things=PAGE).page("things.html", GUEST)


def test_nothing_of_one_reader_stays_for_the_next(tmp_path: Path) -> None:
    renderer = pages(tmp_path, things=PAGE)
    first = replace(
        guide_view("tr"), tenant=TenantChoice("1", "CANARY"), flashes=(Flash("CANARY"),)
    )
    assert "CANARY" in renderer.page("things.html", first, name="CANARY").body
    assert "CANARY" not in renderer.page("things.html", guide_view("tr"), name="x").body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [*ERROR_TEXTS, 418])
@pytest.mark.parametrize("portal", [False, True], ids=["console", "portal"])
def test_problem_pages_say_it_in_words(
    renderer: Renderer, language: str, status: int, portal: bool
) -> None:
    view = GUEST if portal else guide_view(language)
    answer = renderer.error(replace(view, language=language), status, portal=portal, trace_id="01J")
    assert answer.status == status
    assert_sound(answer.body, language)
    page = parse(answer.body)
    heading = page.xpath("//h1")[0].text_content().strip()
    assert str(status) not in heading
    assert page.xpath("//main//code")[0].text_content() == "01J"


def test_problem_pages_never_link_out_of_the_site(renderer: Renderer) -> None:
    body = renderer.error(guide_view("en"), 404, back="https://evil.example/").body
    assert "evil.example" not in body


def test_an_unsigned_reader_is_led_to_the_sign_in_page_and_back(renderer: Renderer) -> None:
    body = renderer.error(replace(GUEST, url="/pensions/contracts?q=a b"), 401).body
    (link,) = parse(body).xpath("//main//a/@href")
    assert link == "/sign-in?return_to=%2Fpensions%2Fcontracts%3Fq%3Da+b"


def test_language_is_switched_by_form_with_a_session_and_by_link_without(
    renderer: Renderer,
) -> None:
    signed_in = parse(render_guide(renderer, guide_view("tr")).body)
    (pressed,) = signed_in.xpath("//button[@name='language'][@aria-pressed='true']")
    assert (pressed.get("value"), pressed.get("lang")) == ("tr", "tr")
    assert signed_in.xpath("//form[@action='/preferences']//input[@name='return_to']/@value")[
        0
    ] == ("/_local/ui")
    guest = parse(renderer.error(GUEST, 404).body)
    links = {a.get("lang"): a.get("href") for a in guest.xpath("//a[@hreflang]")}
    assert links["el"] == "/sign-in?return_to=%2Fx&lang=el"


@pytest.mark.parametrize(
    ("theme", "schemes"), [("auto", "light dark"), ("dark", "dark"), ("light", "light")]
)
def test_theme_is_drawn_by_the_server(renderer: Renderer, theme: str, schemes: str) -> None:
    page = parse(render_guide(renderer, guide_view("en", theme)).body)
    assert page.get("data-bs-theme") == theme
    assert page.xpath("//meta[@name='color-scheme']/@content") == [schemes]


def test_htmx_may_not_evaluate_store_or_reach_out(renderer: Renderer) -> None:
    page = parse(render_guide(renderer, guide_view("en")).body)
    config = json.loads(page.xpath("//meta[@name='htmx-config']/@content")[0])
    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["historyCacheSize"] == 0
    assert config["selfRequestsOnly"] is True
    swapped = {rule["code"]: rule["swap"] for rule in config["responseHandling"]}
    assert swapped["422"] is True
    assert swapped["[45].."] is False


def test_navigation_marks_the_section_and_hides_what_is_not_allowed(renderer: Renderer) -> None:
    menu = (
        NavGroup("", (NavItem("today", "Today", "/", "sun"),)),
        NavGroup("Operations", (NavItem("jobs", "Jobs", "/jobs", "list", "workspace:jobs:read"),)),
    )
    renderer = replace(renderer, navigation=menu)
    view = replace(guide_view("en"), section="today", permissions=frozenset())
    page = parse(renderer.error(view, 404).body)
    assert page.xpath("//nav//a/@href") == ["/"]
    assert page.xpath("//nav//a[@aria-current='page']/@href") == ["/"]
    allowed = replace(view, permissions=frozenset({"workspace:jobs:read"}))
    assert parse(renderer.error(allowed, 404).body).xpath("//nav//a/@href") == ["/", "/jobs"]


def test_one_company_is_named_and_several_can_be_switched(renderer: Renderer) -> None:
    view = guide_view("en")
    many = parse(renderer.error(view, 404).body)
    assert len(many.xpath("//form[@action='/preferences/tenant']//button")) == 2
    one = parse(renderer.error(replace(view, tenants=view.tenants[:1]), 404).body)
    assert one.xpath("//form[@action='/preferences/tenant']") == []
    assert "Deniz Tekstil" in one.xpath("//header")[0].text_content()


def test_flashes_are_shown_with_their_tone(renderer: Renderer) -> None:
    view = replace(guide_view("en"), flashes=(Flash("Gone wrong", Tone.ERROR),))
    (box,) = parse(renderer.error(view, 404).body).xpath("//*[@data-flashes]/*")
    assert "hub-tone-error" in box.get("class")
    assert box.text_content().strip() == "Gone wrong"


def test_a_redirect_stays_on_the_site() -> None:
    answer = redirect("/pensions/contracts", cookies=("a=b",))
    assert (answer.status, answer.headers["location"]) == (303, "/pensions/contracts")
    assert answer.cookies == ("a=b",)
    assert redirect("//evil.example/").headers["location"] == "/"
    moved = redirect("/jobs/1", htmx=True)
    assert (moved.status, moved.headers["hx-redirect"]) == (200, "/jobs/1")


def test_preferences_are_host_cookies_with_known_values() -> None:
    cookie = preference_cookie(THEME_COOKIE, "dark")
    assert cookie.startswith("__Host-kopru_theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert preference_cookie(LANGUAGE_COOKIE, "el").startswith("__Host-kopru_language=el;")
    for name, value in ((THEME_COOKIE, "tr"), (LANGUAGE_COOKIE, "de"), ("session", "x")):
        with pytest.raises(ValueError, match="preference"):
            preference_cookie(name, value)


def test_a_form_without_token_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="CSRF"):
        csrf_field(None)
    assert 'value="a&#34;b"' in csrf_field('a"b')


def test_pages_need_built_assets_unless_told_otherwise(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissingError, match="make assets"):
        Assets.packaged(tmp_path / "manifest.json")
    (tmp_path / "manifest.json").write_text('{"hub.css": "hub-1.css"}', encoding="utf-8")
    assets = Assets.packaged(tmp_path / "manifest.json")
    assert assets("hub.css") == "/static/hub-1.css"
    with pytest.raises(KeyError):
        assets("other.css")
