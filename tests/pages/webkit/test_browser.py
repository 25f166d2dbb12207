"""The guide in a real Chromium: policy kept, keys, focus, htmx, themes, widths, colours.

Skipped aloud where there is no Chromium; ``.ci/run`` installs one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.assets import build
from tests.pages.webkit.test_guide import PseudoCatalogues
from tests.support import page_audit
from tests.support.browser import (
    NARROW,
    WIDE,
    Answer,
    Browser,
    find_chromium,
    launch,
    serve,
    static_answer,
)
from webkit.components import View
from webkit.guide import guide_view, render_guide
from webkit.i18n import LANGUAGES
from webkit.render import Renderer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.loopback,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]

# Every text element with the colours it is really drawn in; ignores what is hidden or disabled.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (text) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const c = [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const ground = (element) => { for (let e = element; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor); if (colour[3] > 250) return colour; }
    return [255, 255, 255, 255]; };
  const bad = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest('[disabled], .visually-hidden, dialog:not([open]), svg')) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} <${element.tagName.toLowerCase()} ` +
      `class="${element.className}"> ${element.textContent.trim().slice(0, 40)}`);
  }
  return bad;
}"""

SMALL_TARGETS = """() => [...document.querySelectorAll(
    'button, summary, select, input:not([type=hidden]), .hub-nav-link, .hub-option, .hub-chip')]
  .filter((e) => e.checkVisibility({visibilityProperty: true}))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.height < 24 && box.width > 0 &&
    !(e.closest('label')?.getBoundingClientRect().height >= 24))
  .filter(([e, box]) => !(e.matches('.form-check-input') && box.height >= 20))
  .map(([e, box]) => `${e.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""

NEXT_FRAME = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""

OVERFLOWING = """() => document.documentElement.scrollWidth > window.innerWidth"""


@dataclass
class Site:
    """The little server behind the pages, and what it was asked."""

    base: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    renderers: dict[str, Renderer] = field(default_factory=dict)

    def answer(self, method: str, target: str) -> Answer:
        """Static files as built, the guide, a refused form and a page that says no."""
        parts = urlsplit(target)
        self.asked.append((method, target))
        if parts.path.startswith("/static/"):
            return static_answer(build.ROOT / "build" / "assets", target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        view = guide_view(query.get("l", "en"), query.get("t", "auto"), url=target)
        renderer = self.renderers[query.get("r", "real")]
        if parts.path == "/guest":
            view = View(url=target, language=view.language)
            page = renderer.error(view, 401, portal="portal" in query)
        else:
            page = render_guide(renderer, replace(view, flashes=()))
        if method == "POST":
            page = replace(page, status=422)
        return Answer(page.status, page.headers, page.body.encode())


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    build.build(build.ROOT / "build" / "assets")
    real = Renderer.for_pages()
    pseudo = replace(real, catalogues=PseudoCatalogues(), _environments={})
    found = Site(renderers={"real": real, "pseudo": pseudo})
    with serve(found.answer) as base:
        found.base = base
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Any]:
    """The guide in English, wide and light."""
    with browser.open(f"{site.base}/guide") as opened:
        yield opened


def until(page: Any, expression: str) -> None:
    """Wait for a condition; asked from outside, because the page's policy forbids eval inside."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def focused(page: Any) -> str:
    """What has the focus, by id, else by text."""
    return str(
        page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_reads_well_in_every_language_theme_and_width(
    browser: Browser, site: Site, language: str
) -> None:
    with browser.open(f"{site.base}/guide?l={language}", language=language) as page:
        for width, height in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(SMALL_TARGETS) == []
            assert page.evaluate(OVERFLOWING) is False
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.evaluate(NEXT_FRAME)
                assert page.evaluate(CONTRASTS) == [], (width, scheme)
                page.locator("[data-dialog-open=guide-drawer]").first.click()
                assert page.evaluate(CONTRASTS) == [], (width, scheme)
                page.keyboard.press("Escape")
                page.locator(".hub-menu-end > summary").click()
                assert page.evaluate(CONTRASTS) == [], (width, scheme)
                page.locator(".hub-menu-end > summary").click()


@pytest.mark.parametrize("target", ["/guide?l=el", "/guest?l=tr", "/guest?portal=1&l=en"])
def test_axe_and_the_tab_key_find_nothing_wrong(browser: Browser, site: Site, target: str) -> None:
    """One page of each kind; the nightly `tests/e2e_local/test_every_page.py` takes them all."""
    with browser.open(f"{site.base}{target}") as page:
        assert page_audit.keyboard_problems(page) == []
        assert page_audit.dialog_problems(page) == []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page_audit.violations(page) == [], scheme


def test_the_audit_sees_what_it_looks_for(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guest?l=el") as page:
        page.evaluate(
            """() => { const wrong = document.createElement('div');
              wrong.innerHTML = '<button class="bare"></button><p>Skip to content</p>' +
                '<a href="#" tabindex="7">later</a>';
              document.querySelector('main').append(wrong);
              wrong.querySelector('.bare').style.outline = 'none'; }"""
        )
        assert any(each.startswith("button-name") for each in page_audit.violations(page))
        assert page_audit.foreign_words(page, "el") == ["Skip to content"]
        found = page_audit.keyboard_problems(page)
        assert any(each.startswith("the focus cannot be seen: <button") for each in found)
        assert any(each.startswith('Tab does not reach <a href="#" tabindex="7"') for each in found)


def test_long_words_and_a_320_pixel_screen_do_not_break_the_layout(
    browser: Browser, site: Site
) -> None:
    with browser.open(f"{site.base}/guide?r=pseudo") as page:
        for width in (320, 390, 800, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(OVERFLOWING) is False, width


def test_nothing_breaks_the_policy_or_fails_to_load(browser: Browser, site: Site) -> None:
    said: list[str] = []

    def heard(message: Any) -> None:
        # Who types before the page is there keeps the focus; the browser mentions it.
        if not message.text.startswith("Autofocus processing was blocked"):
            said.append(message.text)

    def failed(request: Any) -> None:
        # An icon still on its way when the page is left is no failure.
        if request.failure != "net::ERR_ABORTED":
            said.append(request.url)

    with browser.open(f"{site.base}/guide") as page:
        page.on("console", heard)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", failed)
        page.goto(f"{site.base}/guide?again=1")
        page.locator("#people-q").fill("a")
        page.wait_for_url("**q=a**")
    assert said == []


@pytest.mark.parametrize(
    ("theme", "scheme", "ground"),
    [
        ("auto", "light", "rgb(245, 246, 248)"),
        ("auto", "dark", "rgb(18, 23, 29)"),
        ("light", "dark", "rgb(245, 246, 248)"),
        ("dark", "light", "rgb(18, 23, 29)"),
    ],
)
def test_theme_follows_the_choice_and_else_the_system(
    browser: Browser, site: Site, theme: str, scheme: Any, ground: str
) -> None:
    with browser.open(f"{site.base}/guide?t={theme}", scheme=scheme, script=False) as page:
        assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == ground


def test_the_first_key_offers_to_skip_to_the_content(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guest") as page:
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to content"
        assert page.locator(".hub-skip").evaluate("e => e.getBoundingClientRect().top") >= 0
        page.keyboard.press("Enter")
        assert focused(page) == "main"


def _problems_are_called_by_their_fields(page: Any) -> bool:
    """Each line of the summary begins with the label of its field, once."""
    lines = page.locator("#error-summary a")
    for number in range(lines.count()):
        line = lines.nth(number)
        field = page.locator(f"label[for='{line.get_attribute('href')[1:]}']")
        label = field.evaluate("e => e.firstChild.textContent.trim()")
        if line.inner_text().count(f"{label}: ") != 1:
            return False
    return bool(lines.count() > 1)


def test_errors_take_the_focus_and_lead_to_their_fields(page: Any) -> None:
    until(page, "document.activeElement.id === 'error-summary'")
    assert _problems_are_called_by_their_fields(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "contract_no"
    assert page.locator("#contract_no").evaluate(
        "e => { const b = e.getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight }"
    )


def test_rows_are_walked_selected_and_opened_by_key(page: Any) -> None:
    page.locator("#people").locator("xpath=..").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Çağrı Şener" in focused(page)
    page.keyboard.press("x")
    assert page.locator("[data-selected-count]").inner_text() == "1"
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("[data-selected-count]").inner_text() == "2"
    assert page.locator("[data-select-all]").evaluate("e => e.indeterminate") is True
    page.keyboard.press("Enter")
    assert page.url.endswith("#01J00000000000000000000011")


def test_keys_do_nothing_while_typing(page: Any) -> None:
    page.locator("#people-q").focus()
    page.keyboard.type("jkx")
    assert page.locator("#people-q").input_value() == "jkx"
    assert page.locator("[data-selected-count]").inner_text() == "0"


def test_bulk_buttons_wait_for_a_selection(page: Any) -> None:
    button = page.locator("[data-bulk=people] button").first
    assert button.is_disabled()
    page.locator("[data-select-all]").check()
    assert page.locator("[data-selected-count]").inner_text() == "4"
    assert button.is_enabled()
    page.locator("[data-select-all]").uncheck()
    page.locator("[data-select-matching]").check()
    assert button.is_enabled()


def test_searching_swaps_only_the_region_keeps_the_focus_and_is_announced(
    page: Any, site: Site
) -> None:
    site.asked.clear()
    page.locator("#people-q").evaluate("e => { e.dataset.same = 'yes' }")
    page.locator("#people-region").evaluate("e => { e.dataset.same = 'yes' }")
    page.locator("#people-q").press_sequentially("ışıl")
    until(page, "!document.querySelector('#people-region').dataset.same")
    assert focused(page) == "people-q"
    assert page.locator("#people-q").get_attribute("data-same") == "yes"
    assert page.locator("#people-q").input_value() == "ışıl"
    until(page, "document.querySelector('#live').textContent === '4 rows'")
    assert "q=%C4%B1%C5%9F%C4%B1l" in page.url
    asked = [target for method, target in site.asked if "q=" in target]
    assert len(asked) == 1, "one question for one word, not one per letter"


def test_sorting_is_a_plain_question_that_works_without_script(
    browser: Browser, site: Site
) -> None:
    with browser.open(f"{site.base}/guide?q=a", script=False) as page:
        page.locator("#people-sort-amount").click()
        assert "q=a&sort=amount" in page.url
        assert page.url.endswith("#people")


def test_a_refused_form_comes_back_with_its_summary_focused(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guide") as page:
        page.locator("#guide-form button[type=submit]").click()
        page.wait_for_load_state("load")
        until(page, "document.activeElement.id === 'error-summary'")
        assert page.locator("#min_rate").input_value() == "2,00"


def test_htmx_swaps_a_422_and_focuses_the_summary(page: Any) -> None:
    page.evaluate(
        """() => { document.activeElement.blur();
          htmx.ajax('POST', '/_local/ui',
            {target: '#main', select: '#main', swap: 'outerHTML'}); }"""
    )
    until(page, "document.activeElement.id === 'error-summary'")
    assert _problems_are_called_by_their_fields(page)


def test_htmx_requests_carry_the_token(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guide") as page:
        with page.expect_request(lambda request: request.method == "POST") as sent:
            page.evaluate("htmx.ajax('POST', '/_local/ui', {target: '#main', swap: 'none'})")
        assert sent.value.headers["x-csrf-token"] == "example"


def test_htmx_evaluates_nothing_and_keeps_no_page_in_the_browser(page: Any) -> None:
    config = page.evaluate("htmx.config")
    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["historyCacheSize"] == 0
    page.locator("#people-q").fill("a")
    page.wait_for_url("**q=a**")
    until(page, "document.querySelector('#live').textContent")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_dialogs_return_the_focus_to_their_opener(page: Any) -> None:
    opener = page.locator("[data-dialog-open=guide-drawer]").nth(1)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#guide-drawer")
    assert dialog.is_visible()
    assert dialog.evaluate("e => e.contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert opener.evaluate("e => e === document.activeElement")
    page.locator("[data-dialog-open=guide-confirm]").click()
    assert page.locator("#guide-confirm").is_visible()
    page.locator("#guide-confirm [data-dialog-close]").first.click()
    assert not page.locator("#guide-confirm").is_visible()


def test_menus_open_without_script_and_close_by_escape(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guide", script=False) as page:
        page.locator(".hub-menu-end > summary").click()
        assert page.locator("button[value=dark]").is_visible()
    with browser.open(f"{site.base}/guide") as page:
        page.locator(".hub-menu-end > summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        assert not page.locator("button[value=dark]").is_visible()
        assert page.locator(".hub-menu-end > summary").evaluate("e => e === document.activeElement")


def test_copying_puts_the_code_on_the_clipboard_and_says_so(page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").first.click()
    until(page, "document.querySelector('#live').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "RF18 5390 0754 7034"


def test_focus_is_visible_on_everything_that_takes_it(page: Any) -> None:
    page.locator("body").click(position={"x": 1, "y": 1})
    seen = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return [document.activeElement.outerHTML.slice(0, 80), s.outlineStyle,"
            " parseFloat(s.outlineWidth)]; }"
        )
        if style[0].startswith("<body"):
            continue
        seen += 1
        assert style[1] != "none", style
        assert style[2] >= 2, style
    assert seen > 40


def test_the_portal_needs_no_script(browser: Browser, site: Site) -> None:
    with browser.open(f"{site.base}/guest?portal=1&l=el", script=False, size=NARROW) as page:
        assert page.locator("h1").inner_text() == "Παρακαλούμε συνδεθείτε"
        page.locator("a[hreflang=tr]").click()
        assert "lang=tr" in page.url
        assert page.evaluate(CONTRASTS) == []
