"""Column names of files become canonical fields: aliases, remembered choices, and what is missing.

Every payroll product names its columns differently ("T.C. Kimlik No", "TCKN", "KIMLIK NO"). A
context declares its fields once with the names it has seen; a person corrects the proposal once;
the corrected mapping is plain data, stored per customer and file kind, and proposed the next time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from typing import Final

from kernel.text import fold
from toolkit.tabular.table import EMPTY_CELL, MACHINE_PREFIX, Cell, Row, Table

IGNORED: Final = ""
"""In a remembered mapping: this column is left out on purpose."""

_MIN_EXAMPLE_CELLS: Final = 2


@lru_cache(maxsize=4096)
def header_key(name: str) -> str:
    """Form in which names of columns are compared: no case, accents, blanks or punctuation.

    ``T.C. Kimlik No`` and ``TC KİMLİK NO`` are the same name; Turkish letters lose their marks here
    (``Doğum`` = ``DOGUM``) because exports often write headers in ASCII.
    """
    plain = fold(unicodedata.normalize("NFKC", name))
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(char for char in decomposed if char.isalnum())


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical field of a file.

    Shapes: ``titles`` has the name shown in templates by language; all titles, the field itself and
    the machine name are aliases too. ``choices`` is the closed list of values, if there is one;
    ``example`` is what the example row of a template shows.
    """

    field: str
    titles: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    required: bool = False
    example: str = ""
    choices: tuple[str, ...] = ()
    note: Mapping[str, str] = dataclass_field(default_factory=dict)

    @property
    def machine_name(self) -> str:
        """Its name in the hidden machine row of our templates."""
        return MACHINE_PREFIX + self.field

    def alias_keys(self) -> frozenset[str]:
        """All normalised names it is found under."""
        names = (self.field, self.machine_name, *self.titles.values(), *self.aliases)
        return frozenset(header_key(name) for name in names)

    def title(self, language: str) -> str:
        """Its name in a language, else in Turkish, else the field."""
        return self.titles.get(language) or self.titles.get("tr") or self.field


@dataclass(frozen=True, slots=True)
class MappedRow:
    """One row by canonical field; a field the file does not have reads as an empty cell.

    Shapes: ``texts`` is the row as the file has it, an entry per header name.
    """

    number: int
    cells: Mapping[str, Cell]
    texts: tuple[str, ...]

    def __getitem__(self, name: str) -> Cell:
        return self.cells.get(name, EMPTY_CELL)

    def text(self, name: str) -> str:
        """The text of a field, "" when the file does not have it."""
        return self[name].text


@dataclass(frozen=True, slots=True)
class Conflict:
    """Several columns of the file claim one field; a person has to choose."""

    field: str
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column supplies which field.

    Shapes: ``fields`` has one entry per header name, None where the column is not used; ``missing``
    are required fields nobody supplies; ``unknown`` are names nothing was said about.
    """

    header: tuple[str, ...]
    fields: tuple[str | None, ...]
    missing: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every required field has exactly one column."""
        return not self.missing and not self.conflicts

    def remember(self) -> dict[str, str]:
        """The mapping as plain data: normalised name → field, or "" for a column left out."""
        pairs = zip(self.header, self.fields, strict=True)
        return {header_key(name): target or IGNORED for name, target in pairs}

    def apply(self, row: Row) -> MappedRow:
        """The row by canonical field."""
        return MappedRow(
            row.number,
            {
                target: row.cell(position)
                for position, target in enumerate(self.fields)
                if target is not None
            },
            row.texts,
        )


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """All fields of one kind of file, such as ``pensions.employees``, in template order."""

    key: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for column in self.columns:
            for key in column.alias_keys():
                if owners.setdefault(key, column.field) != column.field:
                    raise ValueError(f"{self.key}: {key} names {owners[key]} and {column.field}")

    def header_keys(self, remembered: Mapping[str, str] | None = None) -> frozenset[str]:
        """Every normalised name that marks a header row: aliases and remembered names."""
        keys = {key for column in self.columns for key in column.alias_keys()}
        return frozenset(keys | {header_key(name) for name in (remembered or {})})

    def map(
        self, header: Sequence[str], remembered: Mapping[str, str] | None = None
    ) -> ColumnMapping:
        """Propose a field for every column; what a person chose before wins over aliases.

        Shapes: ``remembered`` is the data of :meth:`ColumnMapping.remember`, or raw names typed by
        a person; an entry that names a field of long ago is ignored.
        """
        known = {column.field for column in self.columns}
        chosen = {
            header_key(name): target
            for name, target in (remembered or {}).items()
            if target == IGNORED or target in known
        }
        by_alias = {key: column.field for column in self.columns for key in column.alias_keys()}
        keys = [header_key(name) for name in header]
        claimed = {chosen[key] for key in keys if key in chosen}
        fields: list[str | None] = []
        unknown: list[str] = []
        for name, key in zip(header, keys, strict=True):
            target = chosen.get(key)
            if target is None:
                target = by_alias.get(key, IGNORED)
                if not target:
                    unknown.append(name)
                elif target in claimed:
                    target = IGNORED
            fields.append(target or None)
        return ColumnMapping(
            header=tuple(header),
            fields=tuple(fields),
            missing=tuple(
                column.field
                for column in self.columns
                if column.required and column.field not in fields
            ),
            conflicts=_conflicts(header, fields),
            unknown=tuple(unknown),
        )

    def rows(self, table: Table, mapping: ColumnMapping) -> Iterator[MappedRow]:
        """The rows by canonical field, without the example row of our own template."""
        examples = {
            column.field: column.example
            for column in self.columns
            if column.example and column.field in mapping.fields
        }
        for row in table.rows():
            mapped = mapping.apply(row)
            if len(examples) < _MIN_EXAMPLE_CELLS or any(
                mapped.text(name) != example for name, example in examples.items()
            ):
                yield mapped


def _conflicts(header: Sequence[str], fields: Sequence[str | None]) -> tuple[Conflict, ...]:
    names: dict[str, list[str]] = {}
    for name, target in zip(header, fields, strict=True):
        if target is not None:
            names.setdefault(target, []).append(name)
    return tuple(
        Conflict(target, tuple(claiming)) for target, claiming in names.items() if len(claiming) > 1
    )
