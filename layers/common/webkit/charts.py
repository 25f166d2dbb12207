"""Small pictures of numbers as SVG that also work in mail, PDF and a screen reader.

Only presentation attributes and classes are used, never a style attribute, so the content security
policy holds. Every picture has a title and a description; the ``charts.html`` macros put the same
numbers into a table beside it. Coordinates are integers: one unit is a tenth of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from kernel.text import shortened

_LABEL_LIMIT: Final = 24
_SCALE: Final = 10
# No ids inside, so that a picture can stand on a page twice; format() escapes every value.
_SVG: Final = Markup(
    '<svg class="hub-picture {kind}" role="img" aria-label="{title}" '
    'viewBox="0 0 {width} {height}" width="{width}" height="{height}" focusable="false">'
    "<title>{title}</title>"
    "<desc>{description}</desc>{body}</svg>"
)
_LABEL: Final = Markup('<text class="hub-chart-label" x="0" y="{y}">{text}</text>')
_VALUE: Final = Markup(
    '<text class="hub-chart-value" x="{x}" y="{y}" text-anchor="end">{text}</text>'
)
_BAR: Final = Markup(
    '<rect class="hub-chart-bar hub-chart-{}" x="{x}" y="{y}" width="{width}" height="{height}"/>'
)
_LINE: Final = Markup('<polyline class="hub-chart-line" fill="none" points="{}"/>')
_DOT: Final = Markup('<circle class="hub-chart-dot" cx="{}" cy="{}" r="3"/>')


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, an integer size, the words for the size, and a tone for its colour."""

    label: str
    value: int
    text: str
    tone: str = "info"


def bars(title: str, description: str, rows: Sequence[Bar], *, width: int = 480) -> Markup:
    """Horizontal bars with their labels and values, longest value filling the width."""
    row_height, gap, label_width, value_width = 22, 6, width * 3 // 10, width * 2 // 10
    room = width - label_width - value_width - 16
    largest = max((row.value for row in rows), default=0) or 1
    height = max(1, len(rows)) * (row_height + gap)
    parts = []
    for index, row in enumerate(rows):
        top = index * (row_height + gap)
        length = max(2 if row.value > 0 else 0, room * max(0, row.value) // largest)
        middle = top + row_height // 2 + 5
        parts.append(_LABEL.format(y=middle, text=shortened(row.label, _LABEL_LIMIT)))
        parts.append(_BAR.format(row.tone, x=label_width, y=top, width=length, height=row_height))
        parts.append(_VALUE.format(x=width, y=middle, text=row.text))
    return _picture("hub-chart-bars", title, description, width, height, parts)


def sparkline(
    title: str, description: str, values: Sequence[int], *, width: int = 160, height: int = 40
) -> Markup:
    """A line without axes: the course of a number, oldest first."""
    low, high = (min(values), max(values)) if values else (0, 0)
    span = (high - low) or 1
    inner_width, inner_height = (width - 8) * _SCALE, (height - 8) * _SCALE
    last = max(1, len(values) - 1)
    points = []
    for index, value in enumerate(values):
        across = 4 * _SCALE + inner_width * index // last
        down = 4 * _SCALE + inner_height - inner_height * (value - low) // span
        points.append((_tenths(across), _tenths(down)))
    line = " ".join(f"{x},{y}" for x, y in points)
    body = [_LINE.format(line)]
    if points:
        body.append(_DOT.format(*points[-1]))
    return _picture("hub-chart-sparkline", title, description, width, height, body)


def share(
    title: str, description: str, parts: Sequence[Bar], *, width: int = 480, height: int = 16
) -> Markup:
    """One bar cut into parts that add up to the whole: sent, refused, still open."""
    total = sum(max(0, part.value) for part in parts) or 1
    drawn, done = [], 0
    for part in parts:
        start = width * done // total
        done += max(0, part.value)
        end = width * done // total
        if end > start:
            drawn.append(_BAR.format(part.tone, x=start, y=0, width=end - start, height=height))
    return _picture("hub-chart-share", title, description, width, height, drawn)


def _picture(
    kind: str, title: str, description: str, width: int, height: int, body: Sequence[Markup]
) -> Markup:
    return _SVG.format(
        kind=kind,
        title=title,
        description=description,
        width=width,
        height=height,
        body=Markup().join(body),
    )


def _tenths(value: int) -> str:
    whole, tenth = divmod(value, _SCALE)
    return f"{whole}.{tenth}" if tenth else str(whole)
