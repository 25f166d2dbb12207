"""Words that a document carries in all three languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import Problem

LANGUAGES: Final = ("tr", "el", "en")
_MAX: Final = 300

Words = Mapping[str, str]
"""One text per language."""


def same(text: str) -> Words:
    """The same text in every language: for codes and names that nobody translates."""
    return dict.fromkeys(LANGUAGES, text)


def read_words(said: Any, pointer: str, problems: list[Problem]) -> Words:
    """Texts in all languages; what is wrong goes to ``problems``."""
    if not isinstance(said, Mapping) or not set(said) <= set(LANGUAGES) or not said:
        problems.append(Problem(pointer, "WORDS", "A text stands in tr, el and en."))
        return {}
    for language in LANGUAGES:
        text = said.get(language)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= _MAX:
            where = f"{pointer}/{language}"
            problems.append(Problem(where, "WORDS", f"A text has 1 to {_MAX} characters."))
    return {language: str(said.get(language, "")) for language in LANGUAGES}
