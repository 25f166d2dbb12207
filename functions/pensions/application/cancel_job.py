"""Stop a job on request: nothing more is prepared, and what was not sent yet is taken back.

A call that is on its way is not called off: nobody could say whether the insurer took it. The job
ends as ``cancelled`` once its lines have left the sending state.
"""

from typing import Final

from pensions.application.context import Scope
from pensions.application.jobs import close_if_complete, was_written
from pensions.application.submissions import STATUS_REFRESH, SUBMISSIONS
from pensions.domain.transmission import TransmissionState
from pensions.ports import JobView

_OPEN_JOB: Final = frozenset({"queued", "running"})


class CancelJob:
    """Does what ``workspace.JobCancelRequested.v1`` asks for; repeating it changes nothing."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, job_id: str) -> None:
        """A job of another context, of another kind or one that is over is left alone."""
        job = self._scope.store.job(job_id)
        if job is None or job.status not in _OPEN_JOB:
            return
        if job.kind in SUBMISSIONS:
            self._submission(job)
        elif job.kind == STATUS_REFRESH:
            unit = self._scope.store.unit()
            unit.finish_job(job_id, "cancelled", result={"outcomes": dict(job.outcomes)})
            was_written(unit)

    def _submission(self, job: JobView) -> None:
        store = self._scope.store
        if not job.cancelled:
            unit = store.unit()
            unit.cancel_job(job.id)
            if not was_written(unit):
                return  # it ended in between
        for transmission in store.open_transmissions(str(job.private["contract_id"])):
            if transmission.job_id != job.id or transmission.state is not TransmissionState.OPEN:
                continue
            # Its own worker gives the lines back, in the same way as after a refusal.
            after = transmission.moved(
                TransmissionState.RELEASING,
                reason="cancelled",
                release_as="cancelled",
                lease=None,
                due_at=self._scope.clock.now(),
            )
            unit = store.unit()
            detail = {"reason": after.reason, "as": after.release_as}
            unit.save_transmission(transmission, after, "transmission.releasing", detail)
            unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})
            # Refused when somebody has begun to send it: then it is too late for these lines.
            was_written(unit)
        close_if_complete(self._scope, job.id)
