"""Single values as the books write them: codes of account cards, numbers of documents."""

from __future__ import annotations

from typing import Final

from kernel.errors import ParseError
from kernel.text import clean_free_text, clean_mail_header

MAX_CODE: Final = 40
MAX_DOCUMENT: Final = 64


def parse_code(value: object) -> str:
    """Code of an account card: 1 to 40 characters of one line, no blanks around it.

    Raises: ParseError("TYPE" | "LENGTH" | …).
    """
    return _short(value, MAX_CODE)


def parse_document_no(value: object) -> str:
    """Number of a document in the books: 1 to 64 characters of one line, no blanks around it.

    Raises: ParseError("TYPE" | "LENGTH" | …).
    """
    return _short(value, MAX_DOCUMENT)


def parse_line(value: object, limit: int) -> str:
    """One line of text, possibly none, blanks around it dropped.

    Raises: ParseError("TYPE" | "LENGTH" | …).
    """
    text = clean_free_text(value, limit).strip()
    if "\n" in text or "\t" in text:
        raise ParseError("LENGTH", f"one line of at most {limit} characters")
    return text


def _short(value: object, limit: int) -> str:
    text = clean_mail_header(value)
    if text != text.strip() or len(text) > limit:
        raise ParseError("LENGTH", f"1 to {limit} characters, no blanks around them")
    return text
