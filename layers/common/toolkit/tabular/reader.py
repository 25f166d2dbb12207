"""One door for uploads: the content decides whether a file is read as a workbook or as text.

Names and declared types of uploads are wishes of a stranger; a CSV called .xlsx is read as what it
is only where the caller allows both.
"""

from __future__ import annotations

from toolkit.tabular.csv_reader import read_csv
from toolkit.tabular.table import Table
from toolkit.tabular.xlsx_reader import read_xlsx

_WORKBOOK_MARKS = (b"PK", b"\xd0\xcf\x11\xe0")


def read_table(
    data: bytes,
    *,
    language: str | None = None,
    known_headers: frozenset[str] = frozenset(),
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
) -> Table:
    """A checked table from the bytes of a CSV or XLSX file.

    Raises: TableRefusedError, see ``read_csv`` and ``read_xlsx``.
    """
    if data.startswith(_WORKBOOK_MARKS):
        return read_xlsx(data, known_headers=known_headers, sheet=sheet)
    return read_csv(
        data,
        language=language,
        known_headers=known_headers,
        encoding=encoding,
        separator=separator,
    )
