"""Writing systems of letters, to refuse look-alikes such as a Cyrillic А inside a Latin word.

The standard library has no script property, but the Unicode name of a letter starts with its script
for every script we accept; a letter whose name starts otherwise counts as a script of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

LATIN: Final = "LATIN"
GREEK: Final = "GREEK"


@lru_cache(maxsize=4096)
def script_of(char: str) -> str | None:
    """Script of one letter (``LATIN``, ``GREEK``, ``CYRILLIC`` …), or None when it is no letter."""
    if not unicodedata.category(char).startswith("L"):
        return None
    return unicodedata.name(char, "UNNAMED").partition(" ")[0]


def scripts_of(text: Iterable[str]) -> frozenset[str]:
    """Scripts of all letters of a text; digits, marks and punctuation belong to none."""
    return frozenset(script for char in text if (script := script_of(char)) is not None)


def is_mark(char: str) -> bool:
    """Whether ``char`` is a combining mark."""
    return unicodedata.category(char).startswith("M")


def longest_mark_run(text: str) -> int:
    """Length of the longest run of combining marks."""
    longest = run = 0
    for char in text:
        run = run + 1 if is_mark(char) else 0
        longest = max(longest, run)
    return longest
