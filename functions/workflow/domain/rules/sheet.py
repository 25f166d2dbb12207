"""The rows of a table as plain texts, the way people write them in a grid or a workbook.

One line is one row; every value is one text. What a line cannot say (facts, derived facts, hit
policy, cases) stays in the document it belongs to. Both directions are exact: the lines of a
document, put back, give the same document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Problem
from workflow.domain.rules.facts import Fact, FactType
from workflow.domain.rules.table import Gather, Output, Table, member_of

LANGUAGES: Final = ("tr", "el", "en")
EXTRAS: Final = (
    "valid_from",
    "valid_to",
    "priority",
    "legal_ref",
    "reason_code",
    "reason_tr",
    "reason_el",
    "reason_en",
    "error",
)
"""What a row may say beside cells and outputs, in the order of the columns of a sheet."""

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_SOURCE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LANGUAGE_OF: Final = {f"reason_{language}": language for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Line:
    """One row as texts.

    Shapes: ``cells`` in the order of the columns; ``outputs`` and ``extras`` by name, an empty text
    where the row says nothing; ``number`` is where the line stands for whoever wrote it.
    """

    id: str
    cells: Sequence[str]
    outputs: Mapping[str, str]
    extras: Mapping[str, str]
    number: int = 0


def lines_of(table: Table) -> list[Line]:
    """The rows of a table, in their order."""
    return [_line(row.to_dict(), table, number) for number, row in enumerate(table.rows)]


def _line(row: Mapping[str, Any], table: Table, number: int) -> Line:
    outputs = {
        name: output_text(row["outputs"][name], output) if name in row["outputs"] else ""
        for name, output in table.outputs.items()
    }
    reason = row.get("reason", {})
    extras = {
        name: reason.get(_LANGUAGE_OF[name], "") if name in _LANGUAGE_OF else str(row.get(name, ""))
        for name in EXTRAS
    }
    return Line(row["id"], tuple(row["cells"]), outputs, extras, number)


def rows_of(lines: Sequence[Line], outputs: Mapping[str, Output]) -> list[dict[str, Any]]:
    """The rows behind lines, as ``read_table`` takes them; what is wrong is found there."""
    return [_row(line, outputs) for line in lines]


def _row(line: Line, outputs: Mapping[str, Output]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": line.id.strip(),
        "cells": [text.strip() or "-" for text in line.cells],
        "outputs": {
            name: output_value(line.outputs[name], output)
            for name, output in outputs.items()
            if line.outputs.get(name, "").strip()
        },
    }
    reason = {
        language: said
        for name, language in _LANGUAGE_OF.items()
        if (said := line.extras.get(name, "").strip())
    }
    if reason:
        row["reason"] = reason
    for name in EXTRAS:
        said = line.extras.get(name, "").strip()
        if name in _LANGUAGE_OF or not said:
            continue
        row[name] = int(said) if name == "priority" and _WHOLE.fullmatch(said) else said
    return row


# ---------------------------------------------------------------------------- outputs


def output_text(said: Any, output: Output) -> str:
    """What a row puts out, as text: ``{fact}``, ``@parameter``, ``null``, or the value itself.

    A list of plain words stands with commas, anything deeper as JSON; a text that would read as
    something else stands in quotes.
    """
    if isinstance(said, Mapping) and set(said) == {"fact"}:
        return f"{{{said['fact']}}}"
    if isinstance(said, Mapping) and set(said) == {"param"}:
        return f"@{said['param']}"
    if isinstance(said, list) and said and all(map(_is_word, said)):
        text = ", ".join(said)
    elif isinstance(said, str):
        text = said
    else:
        return json.dumps(said, ensure_ascii=False)
    return text if output_value(text, output) == said else json.dumps(said, ensure_ascii=False)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value == value.strip() and "," not in value and value != ""


def output_value(text: str, output: Output) -> Any:
    """The value behind a text; one that fits nothing stays a text, for the reader to refuse."""
    said = text.strip()
    if named := _SOURCE.fullmatch(said):
        return {"fact": named[1]}
    if said.startswith("@"):
        return {"param": said[1:]}
    if said == "null":
        return None
    if said[:1] in ('"', "[", "{"):
        try:
            return json.loads(said)
        except ValueError:
            return said
    return _typed(said, _place(output), many=output.gather is Gather.UNION)


def _place(output: Output) -> Fact:
    """What one row says for an output; a counted one says anything."""
    if output.gather is Gather.COUNT:
        return Fact(output.place.name, FactType.ANY)
    gathered = output.gather in (Gather.LIST, Gather.UNION)
    return member_of(output) if gathered else output.place


def _typed(said: str, place: Fact, *, many: bool = False) -> Any:
    if many and "," in said:
        return [_typed(part.strip(), place) for part in said.split(",")]
    if place.type is FactType.LIST:
        member = place.items[0] if len(place.items) == 1 else Fact(place.name, FactType.ANY)
        return [_typed(part.strip(), member) for part in said.split(",")]
    if place.type in (FactType.BOOL, FactType.ANY) and said.lower() in ("true", "false"):
        return said.lower() == "true"
    if place.type in (FactType.INT, FactType.NUMBER, FactType.ANY) and _WHOLE.fullmatch(said):
        return int(said)
    return said


# ---------------------------------------------------------------------------- differences


@dataclass(frozen=True, slots=True)
class Changed:
    """One place of a table that another version says otherwise.

    Shapes: ``row`` is the row's id, empty for the table itself; ``place`` is the column, output or
    member; None on one side where the row or place does not exist there.
    """

    row: str
    place: str
    before: str | None
    after: str | None


_HEAD: Final = (
    "facts", "derived", "columns", "outputs", "hit_policy", "complete", "default",
)  # fmt: skip


def changes(before: Table | None, after: Table) -> list[Changed]:
    """Everything that differs: first the table itself, then row by row in the new order."""
    found: list[Changed] = []
    old, new = before.to_dict() if before else {}, after.to_dict()
    for name in _HEAD:
        was, now = old.get(name), new[name]
        if before is not None and was != now:
            found.append(Changed("", name, _shown(was), _shown(now)))
    mine = {line.id: _flat(line, before) for line in lines_of(before)} if before else {}
    theirs = {line.id: _flat(line, after) for line in lines_of(after)}
    for identity in [*theirs, *(name for name in mine if name not in theirs)]:
        was, now = mine.get(identity, {}), theirs.get(identity, {})
        for place in dict.fromkeys([*now, *was]):
            left, right = was.get(place), now.get(place)
            if (left or None) != (right or None):
                found.append(Changed(identity, place, left, right))
    return found


def _flat(line: Line, table: Table | None) -> dict[str, str]:
    names = [column.name for column in table.columns] if table else []
    cells = {f"? {name}": text for name, text in zip(names, line.cells, strict=True)}
    outputs = {f"→ {name}": text for name, text in line.outputs.items()}
    return {**cells, **outputs, **line.extras}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# ---------------------------------------------------------------------------- problems


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a sheet a problem lies: the line and the field, both None for the whole table."""

    line: int | None
    field: str | None


def spot_of(problem: Problem, columns: Sequence[str]) -> Spot:
    """The place of a problem of ``read_table``.

    Shapes: ``field`` is ``id``, ``? column``, ``→ output`` or one of ``EXTRAS``.
    """
    parts = problem.pointer.strip("/").split("/")
    if parts[0] != "rows" or len(parts) < 2 or not parts[1].isdigit():
        return Spot(None, None)
    line = int(parts[1])
    match parts[2:]:
        case ["cells", number] if number.isdigit() and int(number) < len(columns):
            return Spot(line, f"? {columns[int(number)]}")
        case ["outputs", name, *_]:
            return Spot(line, f"→ {name}")
        case [name, *_] if name in EXTRAS or name == "id":
            return Spot(line, name)
    return Spot(line, None)
