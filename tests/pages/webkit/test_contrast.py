"""Colours of both themes meet WCAG 2.2 AA, measured from the tokens of hub.css."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webkit.components import Tone

HUB_CSS = Path(__file__).parents[3] / "layers" / "common" / "webkit" / "static" / "hub.css"
_TOKEN = re.compile(r"(--hub-[\w-]+):\s*(#[0-9a-f]{6})")
SURFACES = ("bg", "surface", "sunken", "selected")
TONES = [tone.value for tone in Tone]


def tokens(selector: str) -> dict[str, str]:
    """The tokens that the first block of ``selector`` sets."""
    css = HUB_CSS.read_text(encoding="utf-8")
    block = css[css.index(f"{selector} {{") :]
    found = _TOKEN.findall(block[: block.index("\n}")])
    return {name.removeprefix("--hub-"): value for name, value in found}


THEMES = {"light": tokens(":root"), "dark": tokens("[data-bs-theme=dark]")}


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXT_PAIRS = [
    *[(text, surface) for text in ("text", "muted", "link") for surface in SURFACES],
    ("on-primary", "primary"),
    ("on-primary", "primary-hover"),
    ("on-danger", "danger"),
    ("on-danger", "danger-hover"),
    *[(f"{tone}-text", f"{tone}-bg") for tone in TONES],
    # messages at a field and struck or new values in a diff stand on plain surfaces
    *[(f"{tone}-text", surface) for tone in ("error", "ok") for surface in ("surface", "sunken")],
]
PART_PAIRS = [
    *[("control-border", surface) for surface in ("bg", "surface")],
    *[("focus", surface) for surface in (*SURFACES, "error-bg")],
    *[(f"{tone}-text", "surface") for tone in TONES],
    ("bar", "sunken"),
    ("bar", "surface"),
    ("primary", "surface"),
    ("danger", "surface"),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS, ids=lambda name: str(name))
def test_text_reads_at_4_5_to_1(theme: str, text: str, ground: str) -> None:
    assert contrast(THEMES[theme][text], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("part", "ground"), PART_PAIRS, ids=lambda name: str(name))
def test_parts_and_focus_show_at_3_to_1(theme: str, part: str, ground: str) -> None:
    assert contrast(THEMES[theme][part], THEMES[theme][ground]) >= 3


def test_both_themes_set_the_same_tokens() -> None:
    assert THEMES["light"].keys() == THEMES["dark"].keys()
    assert len(THEMES["light"]) > 25


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
