"""Free text a person leaves with a decision. It travels in events, so it names nobody."""

import re
from typing import Final

from kernel.errors import Problem
from kernel.identifiers import iban, tckn
from kernel.text import clean_free_text
from workspace.domain.problems import invalid, parsed_at

MAX_LENGTH: Final = 500
_DIGITS: Final = re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")
_ACCOUNT: Final = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}")


def check_note(text: str, pointer: str = "/note") -> str:
    """The note in canonical form, one to 500 characters.

    Raises: ValidationError("invalid_input") for characters nobody can see, an empty or too long
    note, and one with an identity or account number.
    """
    note = parsed_at(pointer, lambda: clean_free_text(text, MAX_LENGTH)).strip()
    problems = []
    if not note:
        problems.append(Problem(pointer, "required", "Say in a few words what was done."))
    if _names_somebody(note):
        problems.append(
            Problem(pointer, "personal_data", "Leave identity and account numbers out of notes.")
        )
    if problems:
        raise invalid(*problems)
    return note


def _names_somebody(note: str) -> bool:
    return any(tckn.is_valid(found) for found in _DIGITS.findall(note)) or any(
        iban.is_valid(found.replace(" ", "")) for found in _ACCOUNT.findall(note)
    )
