"""Look at an uploaded payroll file before it is checked: which column means what (PEN-04)."""

from collections.abc import Mapping

from pensions.application.context import Scope
from pensions.ports import FileAccess, FileColumns, ImportFiles


class PreviewImport:
    """The columns of a file with the meaning we propose; what was chosen before wins.

    Raises: NotFoundError for an unknown upload, ValidationError for a file that is no table.
    """

    def __init__(self, scope: Scope, files: FileAccess, import_files: ImportFiles) -> None:
        self._scope = scope
        self._files = files
        self._import_files = import_files

    def __call__(
        self,
        kind: str,
        upload_id: str,
        *,
        language: str,
        chosen: Mapping[str, str] | None = None,
    ) -> FileColumns:
        remembered = {**self._scope.store.import_mapping(kind), **(chosen or {})}
        return self._import_files.columns(
            kind, self._files.upload(upload_id), remembered=remembered, language=language
        )
