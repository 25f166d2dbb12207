"""The service agreement: a folder per version, a text per language, never changed once shown."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from workspace.domain.signup import Agreement

CURRENT: Final = "2026-11"
FOLDER: Final = Path(__file__).parent.parent / "pages" / "agreements"


@cache
def agreement(language: str, version: str = CURRENT) -> Agreement:
    """The text of a version in one of our languages; paragraphs are parted by an empty line."""
    raw = (FOLDER / version / f"{language}.txt").read_bytes()
    text = raw.decode("utf-8")
    paragraphs = tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))
    return Agreement(version, language, paragraphs, hashlib.sha256(raw).hexdigest())
