"""Exports as CSV or XLSX; texts can never become formulas, amounts and dates stay typed."""

import io
from collections.abc import Iterable, Sequence

from kernel.errors import Problem, ValidationError
from kernel.files import XLSX, ExportCell, UploadedFile


class TabularExportFiles:
    """``TableWriter`` over the shared writers, which are imported only when a file is written.

    Shapes: ``formats`` says in words what the caller offers, its own formats included.
    """

    def __init__(self, formats: str = "csv or xlsx") -> None:
        self._formats = formats

    def write(
        self,
        file_format: str,
        name: str,
        header: Sequence[str],
        rows: Iterable[tuple[ExportCell, ...]],
    ) -> UploadedFile:
        """The table as a file. Raises: ValidationError for a format we do not write."""
        if file_format == "csv":
            from toolkit.tabular.csv_writer import people_csv

            content = b"".join(people_csv(header, rows))
            return UploadedFile(content, "text/csv; charset=utf-8", f"{name}.csv")
        if file_format == "xlsx":
            from toolkit.tabular.xlsx_writer import write_table

            output = io.BytesIO()
            write_table(output, header, rows)
            return UploadedFile(output.getvalue(), XLSX, f"{name}.xlsx")
        raise ValidationError(
            "invalid_input",
            "There is no such format.",
            problems=[Problem("/format", "choice", f"Use {self._formats}.")],
        )
