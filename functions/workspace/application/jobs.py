"""Long work of all contexts: see it, and wish for its end where its owner can stop it."""

from dataclasses import dataclass

from kernel.errors import ConflictError
from toolkit.auth import TenantContext
from workspace.domain.events import JOB_CANCEL_REQUESTED
from workspace.ports import JobView, Page, SystemStore


@dataclass(frozen=True, slots=True)
class ListJobs:
    """Jobs of a company over all contexts."""

    store: SystemStore

    def __call__(self, context: TenantContext, *, limit: int, before: str | None) -> Page[JobView]:
        """Newest first."""
        return self.store.shared(context).jobs(limit=limit, before=before)


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One job, whichever context owns it."""

    store: SystemStore

    def __call__(self, context: TenantContext, job_id: str) -> JobView:
        """Raises: NotFoundError."""
        return self.store.shared(context).job(job_id)


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Tells the owner of a job that somebody wants it to stop; the owner decides and reports."""

    store: SystemStore

    def __call__(self, context: TenantContext, job_id: str) -> JobView:
        """Raises: NotFoundError; ConflictError("job_finished" | "job_not_cancellable")."""
        job = self.store.shared(context).job(job_id)
        if job.is_final:
            raise ConflictError("job_finished", "This job is over already.")
        if not job.cancellable:
            raise ConflictError("job_not_cancellable", "This kind of job cannot be stopped.")
        unit = self.store.company(context).unit()
        unit.publish(
            JOB_CANCEL_REQUESTED,
            f"job:{job.id}",
            {"job_id": job.id, "kind": job.kind, "subject": job.subject},
        )
        unit.commit()
        return job
