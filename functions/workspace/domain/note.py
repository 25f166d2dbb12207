"""Free text a person leaves with a decision. It travels in events, so it names nobody."""

import re
from typing import Final

from kernel.errors import Problem, ValidationError
from kernel.identifiers import iban, tckn
from kernel.text import clean_free_text

MAX_LENGTH: Final = 500
_DIGITS: Final = re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")
_ACCOUNT: Final = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}")


def check_note(text: str, pointer: str = "/note") -> str:
    """The note in canonical form, one to 500 characters.

    Raises: ParseError for characters nobody can see or a note that is too long;
    ValidationError("invalid_input") for an empty one or one with an identity or account number.
    """
    note = clean_free_text(text, MAX_LENGTH).strip()
    problems = []
    if not note:
        problems.append(Problem(pointer, "required", "Say in a few words what was done."))
    if _names_somebody(note):
        problems.append(
            Problem(pointer, "personal_data", "Leave identity and account numbers out of notes.")
        )
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return note


def _names_somebody(note: str) -> bool:
    return any(tckn.is_valid(found) for found in _DIGITS.findall(note)) or any(
        iban.is_valid(found.replace(" ", "")) for found in _ACCOUNT.findall(note)
    )
