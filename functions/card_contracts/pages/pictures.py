"""Pictures of this context as SVG: the bar of instalment ranges, and money by day.

Only presentation attributes and classes, as in ``webkit.charts``; every picture says the same in
words, and the numbers stand in a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from kernel.ranges import Range

SHOWN: Final = 12
"""Instalment counts the bar always shows."""
_CELL, _HEIGHT = 40, 34
_SVG: Final = Markup(
    '<svg class="hub-picture hub-chart-share" role="img" aria-label="{title}" '
    'viewBox="0 0 {width} {height}" width="{width}" height="{height}" focusable="false">'
    "<title>{title}</title><desc>{description}</desc>{body}</svg>"
)
_RECT: Final = Markup(
    '<rect class="hub-chart-bar hub-chart-{tone}" x="{x}" y="{y}" width="{width}" '
    'height="{height}"/>'
)
_TEXT: Final = Markup(
    '<text class="hub-chart-label" x="{x}" y="{y}" text-anchor="middle">{text}</text>'
)


def range_bar(ranges: Sequence[Range], title: str, description: str) -> Markup:
    """One cell per instalment count: green where it can be sold, red in a gap or an overlap.

    Shapes: 1 to 12, or to the last count of any range.
    """
    last = max([SHOWN, *(pair[1] for pair in ranges if 0 < pair[1] <= 99)])
    cell = _CELL if last <= SHOWN else max(8, _CELL * SHOWN // last)
    body = []
    for number in range(1, last + 1):
        covered = sum(first <= number <= until for first, until in ranges)
        tone = "ok" if covered == 1 else "error"
        left = (number - 1) * cell
        body.append(_RECT.format(tone=tone, x=left, y=0, width=cell - 2, height=16))
        if last <= SHOWN or number in (1, last) or number % 6 == 0:
            body.append(_TEXT.format(x=left + cell // 2, y=_HEIGHT - 4, text=number))
    return _SVG.format(
        title=title,
        description=description,
        width=last * cell,
        height=_HEIGHT,
        body=Markup().join(body),
    )


def uncovered(ranges: Sequence[Range]) -> tuple[str, str]:
    """Counts in no range and counts in more than one, as short texts such as ``2–4, 9``."""
    last = max([SHOWN, *(pair[1] for pair in ranges if 0 < pair[1] <= 99)])
    counts = {
        number: sum(first <= number <= until for first, until in ranges)
        for number in range(1, last + 1)
    }
    missing = [number for number, covered in counts.items() if not covered]
    twice = [number for number, covered in counts.items() if covered > 1]
    return _spans(missing), _spans(twice)


def _spans(numbers: Sequence[int]) -> str:
    """Neighbours drawn together: 2, 3, 4, 9 is ``2–4, 9``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][-1:] = [number] if len(spans[-1]) > 1 else [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("–".join(str(end) for end in span) for span in spans)
