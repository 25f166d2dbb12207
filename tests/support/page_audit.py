"""What is wrong with an opened page, as lines a person can act on.

axe-core looks at the page as it is drawn; the Tab key walks through it; its words are compared with
the catalogues. Every function leaves the page as it found it, except for the focus.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.messages.pofile import read_po

from infra.assets.build import HERE
from infra.local.settings import ROOT

# Rules of WCAG 2.0–2.2 A and AA and what axe calls best practice: landmarks, headings, regions.
# What Swagger UI draws inside the page of the API is its own.
_AXE: Final = """async () => {
  const found = await axe.run({exclude: ['.swagger-ui']}, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${rule.help}: ${node.html.slice(0, 160)} (${node.target.join(' ')})`));
}"""

# What a keyboard must reach: everything that acts, is drawn and is not switched off. Of a group of
# radio buttons only one is a stop: the chosen one, else the first.
_STOPS: Final = """() => {
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, ' +
    '[tabindex], [contenteditable]';
  window.stops = [...document.querySelectorAll(wanted)].filter((e) =>
    e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}) &&
    !e.closest('[inert], dialog:not([open]), fieldset:disabled, .swagger-ui')
    && !(e.type === 'radio' && e.name && [...document.getElementsByName(e.name)].some((other) =>
      other !== e && other.form === e.form && (other.checked || (!e.checked &&
      !document.querySelector(`input[name="${CSS.escape(e.name)}"]:checked`) &&
      other.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)))));
  return window.stops.length;
}"""

# Where the focus is: its place among the stops, what it is, whether an outline marks it, whether it
# is drawn at all, and whether something that stays in its place while scrolling covers it.
_FOCUS: Final = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {at: window.stops.indexOf(e), what: e.outerHTML.slice(0, 120),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    drawn: box.width > 0 && box.height > 0,
    covered: (() => {
      const x = Math.min(Math.max(box.left + Math.min(box.width / 2, 20), 0), innerWidth - 1);
      const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 10), 0), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      return !!top && top !== e && !e.contains(top) && !top.contains(e) &&
        !top.closest('label') && ['fixed', 'sticky'].includes(getComputedStyle(top).position);
    })()};
}"""

_OPENERS: Final = """() => [...document.querySelectorAll('[data-dialog-open]')]
  .map((e, i) => [e, i]).filter(([e]) => !e.disabled &&
    e.checkVisibility({visibilityProperty: true})).map(([e, i]) => i)"""

_TEXTS: Final = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('[lang], code, pre, script') === document.documentElement)
      found.add(node.textContent.trim().replace(/\\s+/g, ' '));
  }
  for (const name of ['aria-label', 'placeholder', 'title'])
    for (const e of document.querySelectorAll(`[${name}]`)) found.add(e.getAttribute(name).trim());
  return [...found];
}"""

OVERFLOWING: Final = "document.documentElement.scrollWidth > window.innerWidth"


@cache
def _axe() -> str:
    return (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any) -> list[str]:
    """What axe-core finds on the page as it is drawn now: rule, element, place."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_axe())
    return list(page.evaluate(_AXE))


def keyboard_problems(page: Any) -> list[str]:
    """Walks once through the page by Tab.

    Everything that acts is a stop, in the order of the document, with a mark that can be seen and
    that nothing covers; the first stop skips to the content; the walk comes to its end.
    """
    page.evaluate("document.activeElement?.blur(); window.getSelection().removeAllRanges()")
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    page.evaluate("document.body.removeAttribute('tabindex')")
    count = int(page.evaluate(_STOPS))
    found: list[str] = []
    reached: list[int] = []
    # A field of a date has a stop for each of its parts.
    for _ in range(2 * count + 40):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None:
            break
        if not reached and "hub-skip" not in focus["what"]:
            found.append(f"the first stop does not skip to the content: {focus['what']}")
        if focus["at"] < 0:
            continue
        if not focus["drawn"] or not focus["marked"]:
            found.append(f"the focus cannot be seen: {focus['what']}")
        if focus["covered"]:
            found.append(f"something covers the focus: {focus['what']}")
        if focus["at"] not in reached:
            reached.append(focus["at"])
    else:
        found.append("the walk by Tab does not come to an end")
    if reached != sorted(reached):
        found.append("the stops are not in the order of the document")
    for missed in sorted(set(range(count)) - set(reached)):
        found.append(f"Tab does not reach {page.evaluate(f'stops[{missed}].outerHTML')[:120]}")
    return found


def dialog_problems(page: Any) -> list[str]:
    """Opens every dialog by Enter: it takes the focus, keeps it, and gives it back on Escape."""
    found: list[str] = []
    for index in page.evaluate(_OPENERS):
        opener = page.locator("[data-dialog-open]").nth(index)
        name = opener.get_attribute("data-dialog-open")
        opener.focus()
        page.keyboard.press("Enter")
        dialog = page.locator(f"dialog#{name}")
        if not dialog.evaluate("e => e.open && e.contains(document.activeElement)"):
            found.append(f"dialog {name} does not take the focus")
            continue
        for _ in range(12):
            page.keyboard.press("Tab")
            # Between the last and the first stop the browser's own controls have their turn.
            if not dialog.evaluate(
                "e => e.contains(document.activeElement) || document.activeElement === "
                "document.body"
            ):
                found.append(f"dialog {name} lets the focus out")
                break
        page.keyboard.press("Escape")
        if dialog.evaluate("e => e.open"):
            found.append(f"dialog {name} does not close on Escape")
        elif not opener.evaluate("e => e === document.activeElement"):
            found.append(f"dialog {name} does not give the focus back")
    return found


def _catalogues(language: str) -> list[Path]:
    """The catalogues of all contexts and of the page kit."""
    homes = [*(ROOT / "functions").glob("*/pages/locale"), ROOT / "layers/common/webkit/locale"]
    return sorted(home / language / "messages.po" for home in homes)


@cache
def _untranslated(language: str) -> frozenset[str]:
    """English words of the catalogues that this language says in another way."""
    found: dict[str, str] = {}
    for path in _catalogues(language):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                # Single words are also codes and names, which are the same in every language.
                if isinstance(message.id, str) and " " in message.id and "%(" not in message.id:
                    found.setdefault(message.id, str(message.string))
    return frozenset(text for text, words in found.items() if words != text)


def foreign_words(page: Any, language: str) -> list[str]:
    """English sentences of the catalogues on a page in another language."""
    if language == "en":
        return []
    shown = {str(text) for text in page.evaluate(_TEXTS)}
    return sorted(shown & _untranslated(language))
