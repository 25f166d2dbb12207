"""Macros in the states the guide does not show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.page_checks import assert_sound, parse
from webkit.assets import Assets
from webkit.components import Column, Paging, Sort
from webkit.guide import guide_view
from webkit.render import Renderer

_IMPORTS = "".join(
    f'{{% import "macros/{name}.html" as {name} %}}'
    for name in ("page", "status", "table", "form", "timeline", "diff", "dialog")
)


@pytest.fixture
def draw(tmp_path: Path) -> Any:
    """Render one line of template with the macros at hand; sound on its own."""
    folder = tmp_path / "templates"
    folder.mkdir()
    renderer = Renderer(assets=Assets.plain(), templates=(folder,))
    count = 0

    def drawing(
        source: str, language: str = "en", url: str = "/list?q=a&sort=-due", **values: Any
    ) -> Any:
        nonlocal count
        count += 1
        (folder / f"part{count}.html").write_text(_IMPORTS + source, encoding="utf-8")
        view = guide_view(language, url=url)
        html = renderer.page(f"part{count}.html", view, **values).body
        assert_sound(html, language, layout=False)
        return parse(html)

    return drawing


def test_polling_carries_its_own_next_pause(draw: Any) -> None:
    page = draw(
        "{{ page.progress(1, 0, 'Sending', poll_url='/jobs/1', poll_seconds=4, id='job') }}"
    )
    (part,) = page.xpath("//*[@id='job']")
    assert part.get("hx-trigger") == "load delay:4s"
    assert part.get("hx-swap") == "outerHTML"
    assert page.xpath("//progress/@max") == ["1"], "an empty job must not divide by nothing"


def test_a_toolbar_swaps_its_sibling_and_never_itself(draw: Any) -> None:
    page = draw(
        "{{ table.toolbar('list', '/list', view, keep=('sort',)) }}"
        "{% call table.region('list', announce='2 rows') %}x{% endcall %}"
    )
    (form,) = page.xpath("//form")
    (region,) = page.xpath("//*[@id='list-region']")
    assert form.get("hx-target") == form.get("hx-select") == "#list-region"
    assert form not in region.iterancestors()
    assert region not in form.iterdescendants()
    assert region.get("data-announce") == "2 rows"
    assert page.xpath("//input[@type='search']/@value") == ["a"]
    assert page.xpath("//input[@type='hidden'][@name='sort']/@value") == ["-due"]


def test_sorting_keeps_the_filters_and_drops_the_cursor(draw: Any) -> None:
    columns = (Column("n", "Name", "name"), Column("x", "Other"))
    page = draw(
        "{% call(row) table.data_table('t', 'People', columns, view, sort=sort, rows=[]) %}"
        "{% endcall %}",
        url="/list?q=a&status=open&sort=-name&cursor=zzz",
        columns=columns,
        sort=Sort.parse("-name"),
    )
    hidden = {i.get("name"): i.get("value") for i in page.xpath("//form[@id='t-sort']//input")}
    assert hidden == {"q": "a", "status": "open"}
    assert page.xpath("//th[@aria-sort]/@aria-sort") == ["descending"]
    assert len(page.xpath("//th//button")) == 1


@pytest.mark.parametrize(
    ("paging", "words"),
    [
        (Paging(3), "3 rows"),
        (Paging(1), "1 row"),
        (Paging(50, 1204), "50 of 1,204 rows"),
        (Paging(50, 1204, exact=False), "50 of about 1,204 rows"),
    ],
)
def test_paging_says_how_much_it_knows(draw: Any, paging: Paging, words: str) -> None:
    page = draw("{{ table.pagination(paging) }}", paging=paging)
    assert page.xpath("//nav//p")[0].text_content().strip() == words
    assert page.xpath("//nav//a") == []


def test_news_turn_into_a_warning_past_the_promise(draw: Any) -> None:
    page = draw(
        "{{ status.news_age(120, 120) }}{{ status.news_age(121, 120) }}{{ status.news_age(999) }}"
    )
    tones = [
        re.findall(r"hub-tone-(\w+)", found)[0]
        for found in page.xpath("//span/@class")
        if "tone" in found
    ]
    assert tones == ["neutral", "warning", "neutral"]


def test_hints_and_errors_are_tied_to_their_field(draw: Any) -> None:
    page = draw(
        "{{ form.text_field('iban', 'IBAN', 'TR', hint='26 signs', autocomplete='off',"
        " problems={'iban': 'Too short'}) }}"
        "{{ form.select_field('s', 'Pick', [], problems={'s': 'Choose one'}, empty='-') }}"
        "{{ form.check_field('c', 'Yes', problems={'c': 'Tick'}) }}"
        "{{ form.radio_group('r', 'Which', [], problems={'r': 'Choose'}) }}"
        "{{ form.file_field('f', 'File', problems={'f': 'Missing'}) }}"
        "{{ form.text_area('t', 'Text', problems={'t': 'Long'}) }}"
    )
    iban = page.get_element_by_id("iban")
    assert iban.get("aria-describedby") == "iban-hint iban-error"
    for control in ("iban", "s", "c", "r", "f", "t"):
        element = page.get_element_by_id(control)
        assert element.get("aria-invalid") == "true"
        assert f"{control}-error" in element.get("aria-describedby")


def test_passwords_are_never_drawn_back_and_managers_are_told(draw: Any) -> None:
    page = draw(
        "{{ form.password_field('p', 'Password', new=True) }}"
        "{{ form.password_field('q', 'Password') }}"
    )
    assert page.xpath("//input/@value") == ["", ""]
    assert page.xpath("//input/@autocomplete") == ["new-password", "current-password"]


def test_numbers_in_plural_texts_are_grouped(draw: Any) -> None:
    page = draw(
        "{% call table.bulk_bar('l', '/x', view.csrf_token, total=12040) %}"
        "<button>Go</button>{% endcall %}"
        "{% call(row) table.data_table('l', 'L', [], view, select=True,"
        " rows=[{'id': 'a', 'label': 'Ay'}]) %}<th scope='row'>x</th>{% endcall %}",
        language="tr",
    )
    assert "12.040" in page.text_content()
    (box,) = page.xpath("//input[@name='ids']")
    assert (box.get("value"), box.get("form")) == ("a", "l-bulk")


def test_masked_values_are_text_that_does_not_break(draw: Any) -> None:
    page = draw("{{ status.masked('123******50') }}{{ status.code('RF18', copy=True) }}")
    assert page.xpath("//button/@data-copy") == ["RF18"]
