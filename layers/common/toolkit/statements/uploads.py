"""Uploaded bank statements in S3, read as a stream by the readers beside."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kernel.bank_statement import StatementItem
from kernel.errors import NotFoundError, Problem, ValidationError
from toolkit.aws.objects import FileStore, PresignedUpload, upload_key
from toolkit.statements.csv_profile import PROFILES, CsvProfile, profile_from
from toolkit.statements.reader import read_statement
from toolkit.statements.values import MAX_BYTES

_NOT_FOUND: Final = "There is no such file."
Profile = str | Mapping[str, Any] | None


class StatementUploads:
    """Statement files of one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = files
        self._tenant_id = tenant_id

    def _key(self, upload_id: str) -> str:
        if not upload_id.isalnum():
            raise NotFoundError("file_not_found", _NOT_FOUND)
        return upload_key(self._tenant_id, upload_id)

    def presigned(self, upload_id: str, *, back_to: str) -> PresignedUpload:
        """Room for one file. What kind it is shows its content, not its name."""
        return self._files.presign_upload(
            self._tenant_id,
            upload_id,
            content_type="application/octet-stream",
            filename="statement",
            redirect=back_to,
            max_bytes=MAX_BYTES,
        )

    def put(self, upload_id: str, content: bytes, *, content_type: str, filename: str) -> None:
        """Store a file that came in the request body."""
        self._files.put(self._key(upload_id), content, content_type=content_type, filename=filename)

    def exists(self, upload_id: str) -> None:
        """Raises NotFoundError for an unknown upload."""
        if not self._files.exists(self._key(upload_id)):
            raise NotFoundError("file_not_found", _NOT_FOUND)

    def profiles(self) -> Sequence[str]:
        """Names of ready-made profiles of tables."""
        return tuple(PROFILES)

    def check_profile(self, profile: Profile) -> None:
        """Raises ValidationError for an unknown or wrong profile."""
        _profile(profile)

    @contextmanager
    def read(self, upload_id: str, profile: Profile) -> Iterator[Iterator[StatementItem]]:
        """The items of a file."""
        with self._files.open(self._key(upload_id), max_bytes=MAX_BYTES) as file:
            yield read_statement(file, profile=_profile(profile))


def _profile(profile: Profile) -> CsvProfile | None:
    if profile is None or profile == "":
        return None
    if not isinstance(profile, str):
        try:
            return profile_from(profile)
        except ValidationError as error:
            problems = [problem.under("/profile") for problem in error.problems]
            raise ValidationError(error.code, error.message, problems=problems) from None
    if profile not in PROFILES:
        problem = Problem("/profile", "choice", f"One of {', '.join(PROFILES)}.")
        raise ValidationError("invalid_input", "There is no such profile.", problems=[problem])
    return PROFILES[profile]
