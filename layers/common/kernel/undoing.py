"""Taking an import back: which one can be, and the one job that does it (N11)."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from kernel.errors import ConflictError, NotFoundError
from kernel.ids import derived_id
from kernel.storing import WriteRefusedError

_RUNNING: Final = frozenset({"queued", "running"})


class ImportJob(Protocol):
    """What must be known of an import. Shapes: ``private`` holds ``dry_run`` if it was one."""

    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def private(self) -> Mapping[str, Any]: ...


class UndoUnit(Protocol):
    """The unit of work in which a job is created beside its message."""

    def create_job(
        self, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
    ) -> None: ...
    def enqueue(self, queue: str, message: Mapping[str, Any]) -> None: ...
    def commit(self) -> None: ...


JobT = TypeVar("JobT", bound=ImportJob)


def undo_id(tenant_id: str, job_id: str) -> str:
    """Id of the job that takes an import back: the same whoever asks and how often."""
    return derived_id(f"undo/{tenant_id}/{job_id}")


def undoable(job: JobT | None, kinds: Collection[str]) -> JobT:
    """An import that did something, of one of the kinds that can be taken back.

    Raises: NotFoundError; ConflictError("not_undoable" | "import_running").
    """
    if job is None:
        raise NotFoundError("not_found", "There is no such item.")
    if job.kind not in kinds or job.private.get("dry_run") or job.status == "failed":
        raise not_undoable()
    if job.status in _RUNNING:
        raise ConflictError("import_running", "The import is still running.")
    return job


def start_undo(
    unit: UndoUnit, queue: str, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
) -> None:
    """Create the job that takes an import back, with its message. Asked for twice is once."""
    unit.create_job(job_id, kind, subject=subject, private=private)
    unit.enqueue(queue, {"job_id": job_id})
    # Refused: somebody asked for it already.
    with suppress(WriteRefusedError):
        unit.commit()


def not_undoable() -> ConflictError:
    """The refusal for an import that left nothing behind."""
    return ConflictError("not_undoable", "There is nothing to take back.")


def undo_expired() -> ConflictError:
    """The refusal for an import of which nobody can say any more what it held."""
    return ConflictError(
        "undo_expired", "The file was deleted after seven days; take single items back instead."
    )
