"""Rows of tables as XLSX (or CSV) and back.

The header is the same in every language, because a workbook travels: ``id``, one ``IF …`` per
column, one ``THEN …`` per output, then what a row may say beside them. Order does not matter when
it is read; a column that is missing or that nobody knows is a problem, never ignored.
"""

from collections.abc import Iterator
from typing import Final

from kernel.errors import Problem, ValidationError
from kernel.files import UploadedFile, UploadForm
from toolkit.aws.objects import FileStore
from toolkit.aws.tenant_files import TenantFiles
from toolkit.tabular.columns import header_key
from toolkit.tabular.export_files import TabularExportFiles
from toolkit.tabular.table import CellKind, Row
from workflow.domain.rules.sheet import EXTRAS, Line, lines_of
from workflow.domain.rules.table import Table
from workflow.ports import Sheet

_MAX_BYTES: Final = 5_000_000
"""A table of 5,000 rows and 32 columns is smaller."""


class TabularSheetFiles:
    """``SheetFiles`` of one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = TenantFiles(files, tenant_id, name="rules.xlsx", max_bytes=_MAX_BYTES)
        self._writer = TabularExportFiles("xlsx")

    def write(self, name: str, table: Table) -> UploadedFile:
        """The rows of a table as a workbook."""
        rows = (
            (line.id, *line.cells, *line.outputs.values(), *line.extras.values())
            for line in lines_of(table)
        )
        return self._writer.write("xlsx", name, list(_headers(table).values()), rows)

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser sends one workbook."""
        return self._files.room(upload_id, back_to=back_to)

    def read(self, upload_id: str, table: Table) -> Sheet:
        """The rows of an uploaded file."""
        from toolkit.tabular.reader import read_table
        from toolkit.tabular.sheet_scan import column_letters

        wanted = {header: field for field, header in _headers(table).items()}
        content = self._files.upload(upload_id).content
        file = read_table(content, known_headers=frozenset(map(header_key, wanted)))
        places = {}
        problems = []
        for number, name in enumerate(file.header):
            field = wanted.get(name.strip())
            if field is None:
                text = f"Nobody knows the column {name}."
                problems.append(Problem(f"/header/{number}", "column_unknown", text))
            else:
                places[field] = number
        problems += [
            Problem(f"/header/{header}", "column_missing", f"The column {header} is missing.")
            for field, header in _headers(table).items()
            if field not in places and field not in EXTRAS
        ]
        if problems:
            raise ValidationError(
                "columns_missing", "These are not the columns of the table.", problems=problems
            )
        lines = tuple(_lines(file.rows(), places, table))
        return Sheet(lines, {f: column_letters(n + 1) for f, n in places.items()})


def _headers(table: Table) -> dict[str, str]:
    """Headers by field."""
    cells = {f"? {column.name}": f"IF {column.name}" for column in table.columns}
    outputs = {f"→ {name}": f"THEN {name}" for name in table.outputs}
    return {"id": "id", **cells, **outputs, **{name: name for name in EXTRAS}}


def _lines(rows: Iterator[Row], places: dict[str, int], table: Table) -> Iterator[Line]:
    for row in rows:
        said = {field: _text(row, place) for field, place in places.items()}
        yield Line(
            said["id"],
            tuple(said[f"? {column.name}"] for column in table.columns),
            {name: said[f"→ {name}"] for name in table.outputs},
            {name: said.get(name, "") for name in EXTRAS},
            row.number,
        )


def _text(row: Row, place: int) -> str:
    """A cell as it would be typed: a spreadsheet writes its own booleans in capitals."""
    cell = row.cell(place)
    return cell.text.lower() if cell.kind is CellKind.BOOLEAN else cell.text.strip()
