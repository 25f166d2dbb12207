"""The form that says how a bank's table is written, where no ready-made profile fits.

Each field is a column name or, in a file of fixed width, its first and last character. What was
typed last is proposed the next time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from card_contracts.pages.kit import whole_of
from kernel.errors import KopruError, Problem, ValidationError
from webkit.components import Option
from webkit.i18n import Language, mark

OWN: Final = "own"
"""The choice that says: as this form says."""
_FIELDS: Final[Mapping[str, str]] = {
    "value_date": mark("Value date"),
    "amount": mark("Amount"),
    "debit": mark("Debit"),
    "credit": mark("Credit"),
    "direction": mark("Mark of debit or credit"),
    "account": mark("IBAN"),
    "remittance": mark("Text"),
}
_DELIMITERS: Final[Mapping[str, str]] = {"\t": mark("tab")}
_STYLE: Final = ("encoding", "delimiter", "decimal", "date_format", "currency")
_START: Final[Mapping[str, str]] = {
    "encoding": "utf-8",
    "delimiter": ";",
    "decimal": ",",
    "date_format": "dd.mm.yyyy",
    "currency": "TRY",
    "skip_lines": "0",
}
_CHARACTERS: Final = re.compile(r"([0-9]{1,4}) ?[-–] ?([0-9]{1,4})")


def profile_of(form: Mapping[str, str]) -> str | dict[str, Any] | None:
    """The profile that a form states; None for XML and SWIFT.

    Shapes: with ranges of characters in every field it is a file of fixed width.
    """
    chosen = form.get("profile", "")
    if chosen != OWN:
        return chosen or None
    typed = {name: form.get(f"own-{name}", "").strip() for name in _FIELDS}
    given = {name: text for name, text in typed.items() if text}
    ranges = {name: _CHARACTERS.fullmatch(text) for name, text in given.items()}
    profile: dict[str, Any] = {name: form.get(f"own-{name}") or _START[name] for name in _STYLE}
    found = [one for one in ranges.values() if one is not None]
    if given and len(found) == len(given):
        profile["characters"] = {
            name: [int(one[1]), int(one[2])] for name, one in ranges.items() if one is not None
        }
    else:
        profile["columns"] = given
    profile["skip_lines"] = whole_of(form.get("own-skip_lines") or "0")
    profile["implied_decimals"] = form.get("own-implied_decimals") == "1"
    return profile


def form_of(profiles: Iterable[object]) -> dict[str, str]:
    """What the form proposes: the own table of the newest import that had one."""
    last = next((one for one in profiles if isinstance(one, Mapping)), None)
    form = {f"own-{name}": text for name, text in _START.items()}
    if last is None:
        return form
    for name in _STYLE:
        form[f"own-{name}"] = str(last.get(name, _START[name]))
    for name, pair in last.get("characters", {}).items():
        form[f"own-{name}"] = f"{pair[0]}-{pair[1]}"
    for name, headers in last.get("columns", {}).items():
        form[f"own-{name}"] = headers if isinstance(headers, str) else headers[0]
    form["own-skip_lines"] = str(last.get("skip_lines", 0))
    if last.get("implied_decimals"):
        form["own-implied_decimals"] = "1"
    return form


def placed(error: KopruError) -> KopruError:
    """The same problems at the fields of this form."""
    if not error.problems:
        return error
    problems = [Problem(_field(one.pointer), one.code, one.message) for one in error.problems]
    return ValidationError(error.code, error.message, problems=problems)


def _field(pointer: str) -> str:
    if not pointer.startswith("/profile/"):
        return pointer
    name = pointer.rpartition("/")[2]
    return f"/own-{'value_date' if name == 'booking_date' else name}"


def choices(words: Language, styles: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Fields and options of the form, in the reader's words; ``styles`` is what there is."""
    return {
        "own_fields": [Option(name, words.text(label)) for name, label in _FIELDS.items()],
        "styles": {
            name: [
                Option(value, words.text(_DELIMITERS[value]) if value in _DELIMITERS else value)
                for value in values
            ]
            for name, values in styles.items()
        },
    }
