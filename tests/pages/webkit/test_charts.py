"""Pictures are integers, escaped words and no style."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import lxml.html

from webkit.charts import Bar, bars, share, sparkline


def test_bars_fill_the_width_by_the_largest_value() -> None:
    svg: Any = lxml.html.fromstring(
        bars(
            "T",
            "D",
            [Bar("a", 100, "100 TL"), Bar("b", 1, "1 TL", "error"), Bar("c", 0, "0")],
            width=480,
        )
    )
    widths = [int(rect.get("width")) for rect in svg.xpath("//rect")]
    assert widths[0] == 224
    assert widths[1] == 2, "something small is still something"
    assert widths[2] == 0
    assert [text.text for text in svg.xpath("//text[@class='hub-chart-value']")] == [
        "100 TL",
        "1 TL",
        "0",
    ]


def test_everything_written_is_escaped() -> None:
    svg = str(bars("<t>", "&", [Bar("<script>", 1, '"x"', "ok")]))
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    assert "&lt;t&gt;" in svg


def test_pictures_are_named_and_carry_no_style() -> None:
    for svg in (bars("T", "D", []), sparkline("T", "D", [1, 2]), share("T", "D", [])):
        root: Any = lxml.html.fromstring(str(svg))
        assert (root.get("role"), root.get("aria-label")) == ("img", "T")
        assert root.findtext("title") == "T"
        assert root.findtext("desc") == "D"
        assert "style" not in str(svg)


def test_a_sparkline_stays_inside_and_survives_flat_and_empty_series() -> None:
    for values in ([], [7], [5, 5, 5], [0, 100, 50]):
        points = re.search(
            r'points="([^"]*)"', str(sparkline("T", "D", values, width=160, height=40))
        )
        assert points is not None
        for point in points[1].split():
            x, y = (float(part) for part in point.split(","))
            assert 0 <= x <= 160
            assert 0 <= y <= 40


def test_shares_add_up_to_the_whole_width() -> None:
    svg: Any = lxml.html.fromstring(
        str(share("T", "D", [Bar("", n, "") for n in (312, 4, 17, 0)], width=480))
    )
    spans = [(int(rect.get("x")), int(rect.get("width"))) for rect in svg.xpath("//rect")]
    assert sum(width for _, width in spans) == 480
    assert all(a + w == b for (a, w), (b, _) in pairwise(spans))
