"""A process as a picture: its steps in order, the ways between them, and where it stands.

Only presentation attributes and classes, as in ``webkit.charts``; the same stands in a table beside
it. A way to the next step is a straight line; every other way has a lane of its own at the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from kernel.text import shortened
from webkit.components import Tone
from workflow.domain.processes.definition import END, Definition

_ROW, _LEFT, _LANE, _TEXT_LIMIT = 38, 14, 12, 44
_SVG: Final = Markup(
    '<svg class="hub-picture hub-chart-bars" role="img" aria-label="{title}" '
    'viewBox="0 0 {width} {height}" width="{width}" height="{height}" focusable="false">'
    "<title>{title}</title><desc>{description}</desc>{body}</svg>"
)
_LINE: Final = Markup('<polyline class="hub-chart-line" fill="none" points="{points}"/>')
_STEP: Final = Markup(
    '<rect class="hub-chart-bar hub-chart-{tone}" x="{x}" y="{y}" width="16" height="16" rx="{r}"/>'
)
_TEXT: Final = Markup('<text class="hub-chart-label" x="{x}" y="{y}">{text}</text>')


def picture(
    definition: Definition,
    labels: Mapping[str, str],
    tones: Mapping[str, Tone],
    title: str,
    description: str,
) -> Markup:
    """The picture. Shapes: ``labels`` and ``tones`` by step key and ``end``."""
    keys = [*definition.steps, END]
    rows = {key: number for number, key in enumerate(keys)}
    lanes = 0
    body: list[Markup] = []
    for step in definition.steps.values():
        for branch in step.next:
            if branch.to not in rows:  # a draft may name a step that is not there yet
                continue
            start, end = _middle(rows[step.key]), _middle(rows[branch.to])
            if rows[branch.to] == rows[step.key] + 1:
                points = f"{_LEFT},{start} {_LEFT},{end}"
            else:
                lanes += 1
                lane = _LEFT + 12 + lanes * _LANE
                points = f"{_LEFT},{start} {lane},{start} {lane},{end} {_LEFT},{end}"
            body.append(_LINE.format(points=points))
    words_at = _LEFT + 20 + (lanes + 1) * _LANE
    for key in keys:
        # The end is round, so that it differs from a step not only by its colour.
        top = _middle(rows[key]) - 8
        tone = tones.get(key, Tone.NEUTRAL).value
        body.append(_STEP.format(tone=tone, x=_LEFT - 8, y=top, r=8 if key == END else 2))
        text = shortened(labels[key], _TEXT_LIMIT)
        body.append(_TEXT.format(x=words_at, y=_middle(rows[key]) + 5, text=text))
    widest = max(len(shortened(labels[key], _TEXT_LIMIT)) for key in keys)
    return _SVG.format(
        title=title,
        description=description,
        width=words_at + widest * 8,
        height=len(keys) * _ROW,
        body=Markup().join(body),
    )


def _middle(row: int) -> int:
    return row * _ROW + _ROW // 2
