"""What stands between ``${`` and ``}`` in a pack, where a path leads, and what an answer must be.

``${contract}`` is a value kept by an earlier step, ``${answer.items[0].id}`` a part of one,
``${today + 3d | tr}`` a date of the stack's clock in a form. A text that is nothing but one such
expression becomes the value itself, with its type.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

_PLACE: Final = re.compile(r"\$\{([^{}]+)\}")
_TERM: Final = re.compile(
    r"\s*(?P<path>[a-z_][\w.\[\]=*@\- ]*?)"
    r"(?:\s+(?P<sign>[+-])\s*(?P<number>\d+)(?P<unit>mo|d|h))?"
    r"(?:\s*\|\s*(?P<form>\w+))?\s*"
)
_STEP: Final = re.compile(r"\.?([\w@$-]+)|\[(\d+)\]|\[(\*)\]|\[([\w.]+)=([^\]]+)\]")

FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "year": lambda day: day.year,
    "month": lambda day: day.month,
    "period": lambda day: f"{day:%Y-%m}",
    "compact": lambda day: f"{day:%Y%m%d}",
    "tr": lambda day: f"{day:%d.%m.%Y}",
    "el": lambda day: f"{day:%d/%m/%Y}",
    "instant": lambda when: f"{when:%Y-%m-%dT%H:%M:%SZ}",
    "number": str,
}
"""How a date can be written: after the bar of an expression."""


class Missing:
    """Nothing is at the end of a path."""

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = Missing()


class ExpressionError(ValueError):
    """An expression that cannot be understood, or that names nothing."""


def at(document: Any, path: str) -> Any:
    """What a path leads to: ``a.b``, ``[0]``, ``[field=value]`` or ``[*]`` for a list of all.

    Gives MISSING when there is nothing. Raises: ExpressionError for a path that is none.
    """
    place, found = 0, document
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise ExpressionError(f"{path!r} is not a path")
        place = step.end()
        name, index, every, key, wanted = step.groups()
        if every:
            rest = path[place:]
            return [at(one, rest) for one in found] if isinstance(found, list) else MISSING
        if index is not None:
            found = _element(found, int(index))
        elif key is not None:
            items = found if isinstance(found, list) else []
            found = next((one for one in items if str(at(one, key)) == wanted), MISSING)
        else:
            found = found.get(name, MISSING) if isinstance(found, Mapping) else MISSING
        if found is MISSING:
            return MISSING
    return found


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """A value with every expression replaced. Raises: ExpressionError."""
    if isinstance(value, str):
        whole = _PLACE.fullmatch(value)
        if whole is not None:
            return _plain(_evaluated(whole[1], known))
        return _PLACE.sub(lambda found: str(_plain(_evaluated(found[1], known))), value)
    if isinstance(value, Mapping):
        return {filled(key, known): filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    # YAML reads 2026-04-28 as a date.
    return _plain(value)


def _evaluated(text: str, known: Mapping[str, Any]) -> Any:
    term = _TERM.fullmatch(text)
    if term is None:
        raise ExpressionError(f"${{{text}}} is not understood")
    found = at(known, term["path"].strip())
    if found is MISSING:
        raise ExpressionError(f"${{{text}}}: nothing is known as {term['path'].strip()!r}")
    if term["sign"]:
        if not isinstance(found, date):
            raise ExpressionError(f"${{{text}}}: only dates can be moved")
        number = int(term["number"]) * (-1 if term["sign"] == "-" else 1)
        found = _moved(found, number, term["unit"])
    if term["form"]:
        if term["form"] not in FORMS:
            raise ExpressionError(f"${{{text}}}: there are the forms {', '.join(FORMS)}")
        found = FORMS[term["form"]](found)
    return found


def _moved(day: date, number: int, unit: str) -> date:
    if unit == "h":
        return day + timedelta(hours=number)
    if unit == "d":
        return day + timedelta(days=number)
    months = day.year * 12 + day.month - 1 + number
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, date) else value


def _element(found: Any, index: int) -> Any:
    return found[index] if isinstance(found, list) and index < len(found) else MISSING


# -- what an answer must be


def _has(found: Any, wanted: Any) -> bool:
    if isinstance(found, str):
        return str(wanted) in found
    if not isinstance(found, list):
        return False
    return any(differences(one, wanted) == [] for one in found)


def _number(found: Any) -> float:
    return float(found) if isinstance(found, int | float | str) else float("nan")


MATCHERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "has": _has,
    "has_not": lambda found, wanted: not _has(found, wanted),
    "like": lambda found, wanted: isinstance(found, str) and re.search(wanted, found) is not None,
    "not": lambda found, wanted: differences(found, wanted) != [],
    "one_of": lambda found, wanted: found in wanted,
    "at_least": lambda found, wanted: _number(found) >= _number(wanted),
    "at_most": lambda found, wanted: _number(found) <= _number(wanted),
    "size": lambda found, wanted: isinstance(found, list | str | dict) and len(found) == wanted,
    "exists": lambda found, wanted: (found is not MISSING and found is not None) is wanted,
}
"""What may be said of a value besides what it is; each is the only key of a mapping."""


def differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """How a value differs from what is wanted, in words; nothing when it does not.

    A mapping asks only for the members it names; a list is compared whole and in order.
    """
    where = path or "the answer"
    if isinstance(wanted, Mapping) and wanted and set(wanted) <= set(MATCHERS):
        return [
            f"{where} is {_shown(found)}, which is not: {name} {_shown(value)}"
            for name, value in wanted.items()
            if not MATCHERS[name](found, value)
        ]
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return [
            each
            for name, value in wanted.items()
            for each in differences(at(found, str(name)), value, f"{path}.{name}".lstrip("."))
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            each
            for index, value in enumerate(wanted)
            for each in differences(found[index], value, f"{path}[{index}]")
        ]
    same = found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
    return [] if same else [f"{where} is {_shown(found)}, not {_shown(wanted)}"]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
