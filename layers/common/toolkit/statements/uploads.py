"""Uploaded bank statements in S3, read as a stream by the readers beside."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from kernel.bank_statement import StatementItem
from kernel.errors import Problem, ValidationError
from kernel.statement_jobs import Profile
from toolkit.aws.objects import FileStore
from toolkit.aws.tenant_files import TenantFiles
from toolkit.statements.csv_profile import PROFILES, STYLES, CsvProfile, profile_from
from toolkit.statements.reader import read_statement
from toolkit.statements.values import MAX_BYTES


class StatementUploads(TenantFiles):
    """Statement files of one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        super().__init__(files, tenant_id, name="statement", max_bytes=MAX_BYTES)

    def profiles(self) -> Sequence[str]:
        """Names of ready-made profiles of tables."""
        return tuple(PROFILES)

    def table_styles(self) -> Mapping[str, Sequence[str]]:
        """What a profile of one's own may say of how a table is written."""
        return STYLES

    def check_profile(self, profile: Profile) -> None:
        """Raises ValidationError for an unknown or wrong profile."""
        _profile(profile)

    @contextmanager
    def read(self, upload_id: str, profile: Profile) -> Iterator[Iterator[StatementItem]]:
        """The items of a file."""
        with self._files.open(self._upload(upload_id), max_bytes=MAX_BYTES) as file:
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
