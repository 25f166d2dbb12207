"""Jobs that import a bank statement: how they begin, are refused, go on and end.

What becomes of the lines is the context's own; that a file is read whole before anything of it is
used, and that everything wrong with it is told at once, is the same everywhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kernel.bank_statement import FileCheck, StatementItem, StatementSummary, check_statement
from kernel.errors import KopruError, NotFoundError, TooLargeError, ValidationError
from kernel.files import UploadedFile, UploadForm
from kernel.ids import IdSource
from kernel.masking import mask_iban
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError

RESERVE: Final = 30
"""Seconds that must be left to begin another step; with less, the next message goes on."""
UNREADABLE: Final = (ValidationError, NotFoundError, TooLargeError)
"""What reading a file raises when it cannot be used at all."""
MAX_SHOWN_PROBLEMS: Final = 300
_MAX_SHOWN_STATEMENTS: Final = 100
Facts = Mapping[str, Any]
Profile = str | Facts | None
"""How a table is read: the name of a ready-made profile, or one's own; None for XML and SWIFT."""


class StatementFiles(Protocol):
    """Bank statements that were uploaded."""

    def room(self, upload_id: str, *, back_to: str) -> UploadForm: ...
    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def exists(self, upload_id: str) -> None:
        """Raises NotFoundError for an unknown upload."""
        ...

    def profiles(self) -> Sequence[str]:
        """Names of ready-made profiles of tables."""
        ...

    def table_styles(self) -> Mapping[str, Sequence[str]]:
        """What a profile of one's own may say of encoding, delimiter, decimal, date_format."""
        ...

    def check_profile(self, profile: Profile) -> None:
        """Raises ValidationError for an unknown or wrong profile."""
        ...

    def read(
        self, upload_id: str, profile: Profile
    ) -> AbstractContextManager[Iterator[StatementItem]]:
        """The items of a file, one after another; the file is kept aside while it is read.

        Raises: NotFoundError; ValidationError, on the way, for a file that is no statement.
        """
        ...


class StatementJobUnit(Protocol):
    """What such a job writes."""

    def create_job(self, job_id: str, kind: str, *, subject: str, private: Facts) -> None: ...
    def enqueue(self, queue: str, message: Facts) -> None: ...
    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def finish_job(
        self, job_id: str, status: str, *, result: Facts, problems: Sequence[Facts] = ()
    ) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class StatementJobStore(Protocol):
    """What such a job reads."""

    def unit(self) -> StatementJobUnit: ...
    def answered(self, command: CommandIdentity) -> Remembered | None: ...


@dataclass(frozen=True, slots=True)
class StatementJobs:
    """The jobs of one kind of one tenant; ``subject`` is the kind of item they are shown as."""

    store: StatementJobStore
    ids: IdSource
    kind: str
    subject: str
    queue: str

    def answered(self, command: CommandIdentity | None) -> str | None:
        """The job that a repeated command began."""
        if command is None or (answered := self.store.answered(command)) is None:
            return None
        return str(answered.body["id"])

    def begin(self, private: Facts, command: CommandIdentity | None) -> str:
        """Id of a new job, which is on its way to its worker."""
        job_id = self.ids.new()
        unit = self.store.unit()
        unit.create_job(job_id, self.kind, subject=f"{self.subject}:{job_id}", private=private)
        unit.enqueue(self.queue, {"job_id": job_id})
        if command is not None:
            unit.remember(command, Remembered(202, {"id": job_id}, {}))
        unit.commit()
        return job_id

    def go_on(self, job_id: str) -> None:
        """Time is up: another message does the rest."""
        unit = self.store.unit()
        unit.enqueue(self.queue, {"job_id": job_id, "request_id": self.ids.new()})
        unit.commit()

    def refuse(self, job_id: str, check: FileCheck) -> None:
        """End a job with everything that is wrong inside its file."""
        result = {
            "code": "statement_wrong",
            "problem_count": check.problem_count,
            "lines": check.entries,
        }
        self.end(job_id, "failed", result, [each.to_dict() for each in check.problems])

    def refuse_file(self, job_id: str, error: KopruError) -> None:
        """End a job whose file cannot be read at all, with the line where that shows."""
        line = int(getattr(error, "line", 0))
        pointer = f"/lines/{line}" if line else ""
        told = {"pointer": pointer, "line": line, "code": error.code, "message": error.message}
        self.end(job_id, "failed", {"code": error.code}, [told])

    def end(self, job_id: str, status: str, result: Facts, problems: Sequence[Facts] = ()) -> None:
        """End a job, unless another worker did."""
        unit = self.store.unit()
        unit.finish_job(job_id, status, result=result, problems=problems)
        with suppress(WriteRefusedError):
            unit.commit()


def keep_statement(
    files: StatementFiles,
    ids: IdSource,
    upload_id: str | None,
    file: UploadedFile | None,
    profile: Profile,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Id of the upload that is to be read; ``check`` is what the context asks of the rest.

    Raises: NotFoundError for an unknown upload; ValidationError for a wrong profile.
    """
    files.check_profile(profile)
    check()
    if file is not None:
        upload_id = ids.new()
        files.keep_upload(upload_id, file)
    if upload_id is None:
        raise NotFoundError("file_not_found", "There is no such file.")
    files.exists(upload_id)
    return upload_id


def checked(items: Iterable[StatementItem]) -> FileCheck:
    """Read a whole file, with as many problems as a job shows."""
    return check_statement(items, most=MAX_SHOWN_PROBLEMS)


def statements_out(summaries: Sequence[StatementSummary]) -> dict[str, Any]:
    """What a job shows of the statements in its file; account numbers are masked."""
    return {
        "pending": sum(each.pending for each in summaries),
        "statements": [
            {
                "account": mask_iban(each.account),
                "number": each.number,
                "opening": each.opening.to_api() if each.opening is not None else None,
                "closing": each.closing.to_api() if each.closing is not None else None,
                "lines": each.entries,
            }
            for each in summaries[:_MAX_SHOWN_STATEMENTS]
        ],
    }
