"""What every page keeps, checked on its HTML: ``assert_sound(html, language)``.

The rules are those of ux.md section 6 that can be seen without a browser; each finding names the
element, so that a failing page test says what to repair.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import lxml.html

_CONTROLS = "//input[not(@type='hidden')] | //select | //textarea"
_NAMED = "//button | //a[@href] | //summary"
_REFERENCES = ("aria-labelledby", "aria-describedby", "for", "form", "aria-controls")
_ACTOR = re.compile(r"\b(?:user|key|system|counterparty):[0-9A-Za-z_-]+")
_EXTERNAL = re.compile(r"^(https?:)?//", re.IGNORECASE)


def parse(html: str) -> Any:
    """The page as a tree; Any, because lxml's stubs type the result of every XPath as anything."""
    return lxml.html.document_fromstring(html)


def form_fields(html: str, form_id: str) -> dict[str, str]:
    """What a browser would post of a form, without pressing a named button."""
    (form,) = parse(html).xpath(f'//form[@id="{form_id}"]')
    found: dict[str, str] = {}
    for control in form.xpath(".//input | .//select | .//textarea"):
        name, kind = control.get("name"), control.get("type", "text")
        if not name or (kind in ("checkbox", "radio") and control.get("checked") is None):
            continue
        if control.tag == "select":
            chosen = control.xpath(".//option[@selected]") or control.xpath(".//option")
            found[name] = chosen[0].get("value", "") if chosen else ""
        elif control.tag == "textarea":
            found[name] = control.text or ""
        else:
            found[name] = control.get("value", "on" if kind == "checkbox" else "")
    return found


def accessible_name(element: Any, page: Any) -> str:
    """The name a screen reader says, as far as static HTML tells it."""
    if (label := element.get("aria-label")) is not None:
        return str(label).strip()
    if (ids := element.get("aria-labelledby")) is not None:
        return " ".join(page.get_element_by_id(each).text_content() for each in ids.split()).strip()
    own = "".join(element.itertext()).strip() if element.tag not in ("select", "textarea") else ""
    if own and element.tag not in ("input",):
        return own
    identifier = element.get("id")
    for label_element in page.xpath("//label"):
        if label_element.get("for") == identifier and identifier:
            return str(label_element.text_content()).strip()
    for parent in element.iterancestors("label"):
        return str(parent.text_content()).strip()
    return " ".join(str(svg) for svg in element.xpath(".//svg/@aria-label")).strip()


def findings(html: str, language: str, *, layout: bool = True) -> Iterator[str]:
    """Everything that is wrong; ``layout`` also checks what only whole pages have."""
    page = parse(html)
    if layout:
        yield from _layout(page, html, language)
    yield from _no_inline_code(page)
    yield from _names(page)
    yield from _references(page)
    yield from _tables(page)
    yield from _forms(page)
    yield from _pictures(page)
    yield from _actors(page)


def assert_sound(html: str, language: str, *, layout: bool = True) -> None:
    """Fail with all findings at once."""
    found = list(findings(html, language, layout=layout))
    assert not found, "\n".join(found)


def _layout(page: Any, html: str, language: str) -> Iterator[str]:
    if not html.lstrip().lower().startswith("<!doctype html>"):
        yield "no doctype"
    if page.get("lang") != language:
        yield f"lang is {page.get('lang')!r}, not {language!r}"
    if not (page.findtext(".//title") or "").strip():
        yield "no title"
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    outside = [int(h.tag[1]) for h in page.xpath("//main//*[self::h1 or self::h2 or self::h3]")]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} h1 headings"
    # The error summary's h2 stands above the h1, where a screen reader meets it first.
    after = outside[outside.index(1) :] if 1 in outside else []
    for before, now in pairwise(after):
        if now > before + 1:
            yield f"heading level jumps from h{before} to h{now}"
    for role, politeness in (("status", "polite"), ("alert", "assertive")):
        regions = page.xpath(f"//*[@role='{role}']")
        if len(regions) != 1 or regions[0].get("aria-live") != politeness:
            yield f"there is not exactly one {politeness} live region"
    mains = page.xpath("//main[@id='main']")
    if len(mains) != 1:
        yield "there is not exactly one main#main"
    links = page.xpath("//body//a[@href]")
    if not links or links[0].get("href") != "#main":
        yield "the first link does not skip to the content"


def _no_inline_code(page: Any) -> Iterator[str]:
    for element in page.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.attrib.items():
            if name == "style":
                yield f"style attribute on <{element.tag}>"
            if name.startswith("on") or name.startswith(("hx-on", "hx-vars")):
                yield f"{name} on <{element.tag}>"
            if value.strip().lower().startswith("javascript:") or value.startswith("js:"):
                yield f"script in {name} of <{element.tag}>"
            if name == "hx-trigger" and "[" in value.split("from:")[0]:
                yield f"a trigger filter needs eval: {value}"
        if element.tag == "style":
            yield "a <style> element"
        if element.tag == "script" and (not element.get("src") or (element.text or "").strip()):
            yield "an inline script"
        loaded = element.get("src") or (element.get("href") if element.tag == "link" else None)
        if loaded and _EXTERNAL.match(loaded):
            yield f"loaded from elsewhere: {loaded}"


def _names(page: Any) -> Iterator[str]:
    for element in page.xpath(f"{_CONTROLS} | {_NAMED}"):
        if not accessible_name(element, page):
            yield f"no name: {_show(element)}"
    for dialog in page.xpath("//dialog"):
        if not accessible_name(dialog, page):
            yield f"dialog without name: {_show(dialog)}"


def _references(page: Any) -> Iterator[str]:
    ids = Counter(page.xpath("//@id"))
    for identifier, count in ids.items():
        if count > 1:
            yield f"id {identifier!r} stands {count} times"
    for attribute in _REFERENCES:
        for value in page.xpath(f"//@{attribute}"):
            for each in str(value).split():
                if each not in ids:
                    yield f"{attribute} names {each!r}, which is not on the page"
    for opener in page.xpath("//@data-dialog-open"):
        if opener not in ids:
            yield f"a button opens {opener!r}, which is not on the page"
    for link in page.xpath("//*[@id='error-summary']//a/@href"):
        if not link.startswith("#") or link[1:] not in ids:
            yield f"the error summary links to {link!r}, which is no field"


def _tables(page: Any) -> Iterator[str]:
    for table in page.xpath("//table[not(@role='presentation')]"):
        if not table.xpath("./caption[normalize-space()]"):
            yield f"table without caption: {_show(table)}"
        for heading in table.xpath(".//th[not(@scope)]"):
            yield f"th without scope: {_show(heading)}"
        if len(table.xpath(".//th[@aria-sort]")) > 1:
            yield "two columns claim to be the sort order"
        for sort in table.xpath(".//th[@aria-sort][not(.//button)]"):
            yield f"sorted column without a button: {_show(sort)}"


def _forms(page: Any) -> Iterator[str]:
    for form in page.xpath("//form"):
        posts = (form.get("method") or "get").lower() == "post"
        tokens = form.xpath(".//input[@type='hidden'][@name='csrf_token'][@value!='']")
        if posts and len(tokens) != 1:
            yield f"form that posts without token: {_show(form)}"
        if not posts and tokens:
            yield f"token in a form that only asks: {_show(form)}"
    for control in page.xpath("//*[@aria-invalid='true'][not(@aria-describedby)]"):
        yield f"invalid control without its message: {_show(control)}"
    for group in page.xpath("//fieldset[not(./legend[normalize-space()])]"):
        yield f"fieldset without legend: {_show(group)}"


def _actors(page: Any) -> Iterator[str]:
    """People and programs are not called by their ids, except in what is unfolded as data."""
    for text in page.xpath("//body//text()[not(ancestor::details or ancestor::code)]"):
        if found := _ACTOR.search(text):
            yield f"an actor is called by its id: {found[0]}"


def _pictures(page: Any) -> Iterator[str]:
    for svg in page.xpath("//*[local-name()='svg']"):
        if svg.get("aria-hidden") != "true" and not (
            svg.get("role") == "img" and svg.get("aria-label")
        ):
            yield f"picture neither named nor hidden: {_show(svg)}"
    for image in page.xpath("//img[not(@alt)]"):
        yield f"img without alt: {_show(image)}"


def _show(element: Any) -> str:
    text = str(lxml.html.tostring(element, encoding="unicode"))
    return text.strip().replace("\n", " ")[:160]
