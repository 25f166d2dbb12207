"""The living guide is a sound page in every language, and says nothing that is not translated."""

from __future__ import annotations

import gettext
import re

import pytest

from tests.support.page_checks import assert_sound, findings, parse
from webkit.assets import Assets
from webkit.components import Tone
from webkit.guide import guide_view, render_guide
from webkit.i18n import LANGUAGES, Catalogues
from webkit.render import PageResponse, Renderer

_SPACE = re.compile(r"\s+")
# Names, numbers and codes of the examples, and what is the same in every language.
_DATA = re.compile(
    r"^[\W\d_]*$|Köprü|Tekstil|Gıda|Zeynep|Işıl|ışıl|Çağrı|Ömer|Gülşah|Anadolu|AgeSA|^NN$|TRY|TL$|EA-|"
    r"KM13870|RF18|SND-|12\d{1,2}:00|^1[2-5]:00$|Türkçe|Ελληνικά|English|\d{1,2}[ ./]\w+[ ./]\d{4}|"
    r"June 2026|\+90|^MB$|@example"
)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.for_pages(assets=Assets.plain())


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def answer(renderer: Renderer, language: str) -> PageResponse:
    return render_guide(renderer, guide_view(language))


def test_is_a_sound_page(answer: PageResponse, language: str) -> None:
    assert answer.status == 200
    assert answer.headers["content-language"] == language
    assert_sound(answer.body, language)


def test_every_tone_has_an_icon_and_a_word(answer: PageResponse) -> None:
    badges = parse(answer.body).xpath("//span[contains(@class, 'hub-badge')]")
    for tone in Tone:
        shown = [badge for badge in badges if f"hub-tone-{tone.value}" in badge.get("class")]
        assert shown, tone
        assert all(badge.xpath(".//*[local-name()='svg']") for badge in shown)
        assert all(badge.text_content().strip() for badge in shown)


def test_the_sorted_column_says_so_and_offers_the_other_direction(answer: PageResponse) -> None:
    page = parse(answer.body)
    (heading,) = page.xpath("//table[@id='people']//th[@aria-sort]")
    assert heading.get("aria-sort") == "descending"
    button = heading.find(".//button")
    assert (button.get("name"), button.get("value")) == ("sort", "hired_on")


def test_errors_are_said_twice_at_the_top_and_at_the_field(answer: PageResponse) -> None:
    page = parse(answer.body)
    summary = page.get_element_by_id("error-summary")
    field = page.get_element_by_id("contract_no")
    message = page.get_element_by_id("contract_no-error").text_content().strip()
    assert message in summary.text_content()
    assert "contract_no-error" in field.get("aria-describedby")
    assert field.get("aria-invalid") == "true"


def test_a_form_that_was_refused_keeps_what_was_typed(answer: PageResponse) -> None:
    assert parse(answer.body).get_element_by_id("min_rate").get("value") == "2,00"


def test_progress_stops_asking_when_no_address_is_given(answer: PageResponse) -> None:
    assert parse(answer.body).get_element_by_id("progress").get("hx-get") is None


def test_says_the_same_in_three_languages_with_different_words(renderer: Renderer) -> None:
    texts = {
        code: parse(render_guide(renderer, guide_view(code)).body).xpath("//main")[0].text_content()
        for code in LANGUAGES
    }
    assert "Poliçe no" in texts["tr"]
    assert "968,00\N{NO-BREAK SPACE}TL" in texts["tr"]
    assert "Αρ. ασφαλιστηρίου" in texts["el"]
    assert "4/5/2026" in texts["el"]
    assert "Policy no" in texts["en"]
    assert "4 May 2026" in texts["en"]


class Pseudo(gettext.NullTranslations):
    """Every message longer and bracketed, so that a forgotten one stands out."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}{'·' * (len(message) * 2 // 5)}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


class PseudoCatalogues(Catalogues):
    """Catalogues that answer in the pseudo language."""

    def for_language(self, language: str) -> gettext.NullTranslations:
        return Pseudo()


def test_no_text_bypasses_the_catalogues() -> None:
    renderer = Renderer(assets=Assets.plain(), catalogues=PseudoCatalogues())
    page = parse(render_guide(renderer, guide_view("en")).body)
    for element in page.xpath("//script | //pre | //head"):
        element.drop_tree()
    spoken = [
        str(text) for text in page.xpath("//text() | //@aria-label | //@placeholder | //@title")
    ]
    plain = {_SPACE.sub(" ", text).strip() for text in spoken if "⟦" not in text}
    assert {text for text in plain if text and not _DATA.search(text)} == set()


def test_the_checks_find_what_they_look_for() -> None:
    broken = """<!doctype html><html lang="en"><head><title>x</title></head><body>
      <a href="#main">skip</a><main id="main"><h1>a</h1><h3>b</h3>
      <p style="color:red" onclick="x()">c</p><script>1</script><button></button>
      <table><tr><th>q</th></tr></table><form method="post"></form><input id="i"><i id="i"></i>
      <a href="#y" aria-describedby="nowhere">z</a><svg></svg></main></body></html>"""
    found = "\n".join(findings(broken, "tr"))
    for wanted in (
        "lang is 'en'",
        "jumps from h1 to h3",
        "style attribute",
        "onclick",
        "inline script",
        "no name: <button>",
        "without caption",
        "th without scope",
        "without token",
        "stands 2 times",
        "'nowhere'",
        "neither named nor hidden",
        "live region",
    ):
        assert wanted in found
