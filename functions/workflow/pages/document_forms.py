"""Documents as forms: lists of records with typed controls, that work without script.

A control is named by its place in the document (``steps-0-inputs-1-label-tr``), which is also how
problems point at it. What cannot be read stays the text that was typed, for the reader of the
document to refuse. Records are added, removed and moved by buttons that post the whole form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kernel.errors import Problem
from webkit.components import Option

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_MOST: Final = 500
"""Records of one list that a form may bring."""


# ---------------------------------------------------------------------------- texts of values


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value stands in a control: both directions, exact where the text can be read."""

    show: Callable[[Any], str]
    read: Callable[[str], Any]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _whole(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _names(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return ", ".join(value) if fits else _shown(value)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


TEXT: Final = Codec(_shown, lambda text: text)
WHOLE: Final = Codec(_shown, _whole)
FLAG: Final = Codec(lambda value: "1" if value is True else "", lambda text: text == "1" or text)
NAMES: Final = Codec(_names, _split)


def mapping(one: Codec) -> Codec:
    """Values by name, one ``name = value`` a line."""

    def show(value: Any) -> str:
        if not isinstance(value, Mapping):
            return _shown(value)
        return "\n".join(f"{name} = {one.show(said)}" for name, said in value.items())

    def read(text: str) -> Any:
        found: dict[str, Any] = {}
        for line in text.splitlines():
            name, equals, said = line.partition("=")
            if line.strip() and not equals:
                return text
            if equals:
                found[name.strip()] = one.read(said.strip())
        return found

    return Codec(show, read)


def literal(text: str) -> Any:
    """A constant as JSON: a text in quotes, a number, true, false, null. Raises: ValueError."""
    return json.loads(text, parse_float=_no_fraction)


def _no_fraction(text: str) -> Any:
    raise ValueError(f"{text} is written as a text in quotes")


# ---------------------------------------------------------------------------- what a form has


@dataclass(frozen=True, slots=True)
class Place:
    """One control of a record. Shapes: ``name`` is its path in the record, joined by hyphens;
    ``kind`` is text, number, check, choice, lines or hidden.
    """

    name: str
    label: str
    kind: str = "text"
    codec: Codec = TEXT
    options: Sequence[Option] = ()
    hint: str = ""
    required: bool = False


def _same(record: dict[str, Any]) -> dict[str, Any]:
    return record


@dataclass(frozen=True, slots=True)
class Records:
    """A list of records. Shapes: without ``lists`` it is drawn as a table; ``tidy`` may turn what
    was read into what the document wants; ``titled`` is the control that names a record.
    """

    name: str
    title: str
    places: Sequence[Place]
    add: str
    lists: Sequence[Records] = ()
    hint: str = ""
    titled: str = ""
    tidy: Callable[[dict[str, Any]], dict[str, Any]] = _same

    def read(self, form: Mapping[str, str], at: str) -> list[dict[str, Any]]:
        """The records of a posted form, empty ones as well."""
        said = form.get(f"{at}-count", "")
        count = min(int(said), _MOST) if said.isdecimal() else 0
        return [self._read(form, f"{at}-{number}") for number in range(count)]

    def _read(self, form: Mapping[str, str], here: str) -> dict[str, Any]:
        record = read_places(self.places, form, f"{here}-")
        for inner in self.lists:
            found = inner.read(form, f"{here}-{inner.name}")
            if found:
                record[inner.name] = found
        return self.tidy(record) if record else record


def filled(said: Any) -> Any:
    """A document without the records at the end of its lists in which nothing is said."""
    if isinstance(said, Mapping):
        return {name: filled(value) for name, value in said.items()}
    if not isinstance(said, list):
        return said
    found = [filled(one) for one in said]
    while found and isinstance(found[-1], dict) and not any(found[-1].values()):
        found.pop()
    return found


def read_places(places: Iterable[Place], form: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """One record: an empty control is a member that is not there."""
    found: dict[str, Any] = {}
    for place in places:
        text = form.get(prefix + place.name, "").strip()
        if text:
            _put(found, place.name.split("-"), place.codec.read(text))
    return {name: _listed(value) for name, value in found.items()}


def _put(record: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        record = record.setdefault(name, {})
    record[path[-1]] = value


def _listed(value: Any) -> Any:
    """Members called 0, 1 … are those of a list; what is not said in between is null."""
    if isinstance(value, dict) and value and all(name.isdecimal() for name in value):
        return [value.get(str(number)) for number in range(max(map(int, value)) + 1)]
    return value


def _at(record: Any, path: Sequence[str]) -> Any:
    for name in path:
        if isinstance(record, Mapping):
            record = record.get(name)
        elif isinstance(record, list) and name.isdecimal() and int(name) < len(record):
            record = record[int(name)]
        else:
            return None
    return record


# ---------------------------------------------------------------------------- drawing


@dataclass(frozen=True, slots=True)
class Control:
    """One control as it is drawn."""

    id: str
    label: str
    kind: str
    value: str
    options: Sequence[Option]
    hint: str
    required: bool


@dataclass(frozen=True, slots=True)
class DrawnRecord:
    """One record: its place, its controls, its own lists."""

    id: str
    title: str
    controls: Sequence[Control]
    lists: Sequence[DrawnList]


@dataclass(frozen=True, slots=True)
class DrawnList:
    """A list of records as it is drawn."""

    id: str
    title: str
    hint: str
    add: str
    flat: bool
    columns: Sequence[str]
    records: Sequence[DrawnRecord]


def draw_places(places: Iterable[Place], record: Any, prefix: str) -> list[Control]:
    """The controls of one record."""
    return [
        Control(
            prefix + place.name,
            place.label,
            place.kind,
            place.codec.show(_at(record, place.name.split("-"))),
            place.options,
            place.hint,
            place.required,
        )
        for place in places
    ]


def draw(records: Records, found: Any, at: str) -> DrawnList:
    """A list with what a document says."""
    made = []
    for number, record in enumerate(found if isinstance(found, list) else []):
        here = f"{at}-{number}"
        controls = draw_places(records.places, record, f"{here}-")
        inner = [draw(one, _at(record, [one.name]), f"{here}-{one.name}") for one in records.lists]
        named = next((one.value for one in controls if one.id == f"{here}-{records.titled}"), "")
        made.append(DrawnRecord(here, named or str(number + 1), controls, inner))
    columns = [place.label for place in records.places if place.kind != "hidden"]
    flat = not records.lists
    return DrawnList(at, records.title, records.hint, records.add, flat, columns, made)


def controls_of(drawn: DrawnList) -> Iterator[str]:
    """Ids of all controls of a list."""
    for record in drawn.records:
        yield from (control.id for control in record.controls if control.kind != "hidden")
        for inner in record.lists:
            yield from controls_of(inner)


# ---------------------------------------------------------------------------- commands


def command(document: dict[str, Any], said: str) -> bool:
    """Add, remove or move a record of a document; False for a word that is none of these.

    Shapes: ``add:steps-0-inputs``, ``remove:steps-0-inputs-1``, ``up:steps-2``.
    """
    word, _, place = said.partition(":")
    path: list[str] = [part for part in place.split("-") if part]
    if word not in ("add", "remove", "up") or not path:
        return False
    if word == "add":
        holder = _holder(document, path[:-1])
        if holder is not None:
            found = holder.setdefault(path[-1], [])
            if isinstance(found, list):
                found.append({})
        return True
    listed, number = _at(document, path[:-1]), path[-1]
    if isinstance(listed, list) and number.isdecimal() and int(number) < len(listed):
        record = listed.pop(int(number))
        if word == "up":
            listed.insert(max(int(number) - 1, 0), record)
    return True


def _holder(document: dict[str, Any], path: Sequence[str]) -> dict[str, Any] | None:
    found = _at(document, path) if path else document
    return found if isinstance(found, dict) else None


# ---------------------------------------------------------------------------- problems


def nearest(problem: Problem, controls: Iterable[str], otherwise: str) -> Problem:
    """A problem at the control that can mend it: its own, the first below it, or the next one up.

    Shapes: ``controls`` are ids in their order.
    """
    known = list(controls)
    wanted = problem.pointer.strip("/").replace("/", "-")
    while wanted:
        for one in known:
            if one == wanted or one.startswith(f"{wanted}-"):
                return _moved(problem, one)
        wanted = wanted.rpartition("-")[0]
    return _moved(problem, otherwise)


def _moved(problem: Problem, control: str) -> Problem:
    return replace(problem, pointer=f"/{control}")
