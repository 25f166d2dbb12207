"""Subjects from tables (CSV, XLSX): one row per subject, one column per fact of its kind."""

import io
import re
from collections.abc import Iterator
from typing import Any, Final

from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.files import XLSX, UploadedFile
from kernel.text import clean_free_text, fold
from toolkit.tabular.cells import read_amount, read_date
from toolkit.tabular.columns import Column, ColumnSet, MappedRow
from toolkit.tabular.table import Cell, CellKind, Table
from workflow.domain.processes.subjects import SubjectKind
from workflow.domain.rules.facts import Fact, FactType
from workflow.ports import SubjectRow

_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_YES: Final = frozenset(map(fold, ("evet", "e", "1", "true", "yes", "ναι", "doğru")))
_NO: Final = frozenset(map(fold, ("hayır", "h", "0", "false", "no", "όχι", "yanlış")))


class TabularSubjectFiles:
    """``SubjectFiles`` over CSV and XLSX."""

    def rows(
        self, file: UploadedFile, kind: SubjectKind, *, language: str
    ) -> Iterator[tuple[int, SubjectRow | ValidationError]]:
        columns = columns_of(kind)
        table = _table(file, language, columns)
        mapping = columns.map(table.header)
        if not mapping.complete:
            missing = [
                Problem(f"/header/{name}", "column_missing", "This column is missing.")
                for name in mapping.missing
            ]
            raise ValidationError(
                "columns_missing", "Some columns could not be recognised.", problems=missing
            )
        for row in columns.rows(table, mapping):
            try:
                yield row.number, _read(row, kind)
            except ValidationError as error:
                yield row.number, error

    def template(self, kind: SubjectKind, *, language: str) -> UploadedFile:
        """An empty workbook with the columns of a kind."""
        from toolkit.tabular.xlsx_writer import write_template

        content = io.BytesIO()
        write_template(content, columns_of(kind), language=language)
        return UploadedFile(content.getvalue(), XLSX, f"{kind.key}.xlsx")


def columns_of(kind: SubjectKind) -> ColumnSet:
    """The columns of a kind: its reference, a label, the day, and its facts by label or name."""
    facts = tuple(
        Column(name, dict(field.label), (name,), choices=field.fact.values)
        for name, field in kind.facts.items()
    )
    return ColumnSet(
        key=f"workflow.{kind.key}",
        columns=(
            Column(
                "reference",
                {"tr": "No", "el": "Αριθμός", "en": "Reference"},
                ("Numara", "reference"),
                required=True,
                example="S-1001",
            ),
            Column(
                "label",
                {"tr": "Açıklama", "el": "Περιγραφή", "en": "Label"},
                ("label",),
                example="S-1001-A",
            ),
            Column(
                "since",
                {"tr": "Geçerli", "el": "Ισχύει από", "en": "Since"},
                ("valid_from",),
                example="2026-01-31",
            ),
            *facts,
        ),
    )


def _table(file: UploadedFile, language: str, columns: ColumnSet) -> Table:
    # By content, not by name: a workbook is a zip archive.
    known = columns.header_keys({})
    if file.content[:2] == b"PK":
        from toolkit.tabular.xlsx_reader import read_xlsx

        return read_xlsx(file.content, known_headers=known)
    from toolkit.tabular.csv_reader import read_csv

    return read_csv(file.content, language=language, known_headers=known)


def _read(row: MappedRow, kind: SubjectKind) -> SubjectRow:
    problems: list[Problem] = []
    reference = _text(row, "reference")
    if _REFERENCE.fullmatch(reference) is None:
        text = "A reference has letters, digits, dots, dashes and _."
        problems.append(Problem("/reference", "shape", text))
    label, since, facts = "", None, {}
    for name, cell in row.cells.items():
        if not cell.text.strip():
            continue
        try:
            if name == "label":
                label = clean_free_text(cell.text, 100)
            elif name == "since":
                since = read_date(cell)
            elif name in kind.facts:
                facts[name] = _fact(kind.facts[name].fact, cell)
        except KopruError as error:
            problems.append(Problem(f"/{name}", error.code.lower(), error.message))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return SubjectRow(reference, label, since, facts)


def _text(row: MappedRow, name: str) -> str:
    cell = row.cells.get(name, Cell(""))
    text = cell.text.strip(" ")
    return text.partition(".")[0] if cell.kind is CellKind.NUMBER else text


def _fact(fact: Fact, cell: Cell) -> Any:
    """A cell as the JSON that the fact takes. Raises: ParseError."""
    text = cell.text.strip(" ")
    match fact.type:
        case FactType.MONEY:
            return read_amount(cell).amount_text
        case FactType.DATE:
            return read_date(cell).isoformat()
        case FactType.INT:
            whole = text.removesuffix(".0") if cell.kind is CellKind.NUMBER else text
            if not re.fullmatch(r"-?[0-9]{1,12}", whole):
                raise ParseError("TYPE", "a whole number is expected")
            return int(whole)
        case FactType.DECIMAL:
            return text if cell.kind is CellKind.NUMBER else text.replace(",", ".")
        case FactType.BOOL:
            said = fold(text)
            if said not in _YES | _NO:
                raise ParseError("CHOICE", "yes or no is expected")
            return said in _YES
        case _:
            return text
