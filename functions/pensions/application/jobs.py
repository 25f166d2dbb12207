"""Close a submission job once all of its lines have left the sending state."""

from kernel.storing import WriteRefusedError
from pensions.application.attention import (
    ENROLMENT,
    clear_problems,
    people_in_trouble,
    raise_problems,
)
from pensions.application.context import Scope
from pensions.ports import PensionsUnit


def close_if_complete(scope: Scope, job_id: str) -> None:
    """End the job when nothing of it is being sent any more; safe to call any number of times.

    A line that ended UNKNOWN counts as done for the job (the call is over) and goes on by itself;
    the job then ends as partially succeeded and says how many lines await confirmation. A job that
    somebody stopped ends as cancelled, whatever became of the lines that were on their way.
    """
    job = scope.store.job(job_id)
    if job is None or job.status not in {"queued", "running"}:
        return
    if not job.prepared or job.done < job.total:
        return
    outcomes = dict(job.outcomes)
    good = outcomes.get("accepted", 0) + outcomes.get("processing", 0)
    if job.cancelled:
        status = "cancelled"
    elif good == job.total:
        status = "succeeded"
    elif good or outcomes.get("unknown", 0):
        status = "partially_succeeded"
    else:
        status = "failed"
    problems = [
        {"code": f"lines_{name}", "count": number}
        for name, number in sorted(outcomes.items())
        if name in {"rejected", "unknown", "held"}
    ]
    unit = scope.store.unit()
    unit.finish_job(job_id, status, result={"outcomes": outcomes}, problems=problems)
    unit.publish(
        "pensions.SubmissionFinished.v1",
        job.subject,
        {"job_id": job_id, "kind": job.kind, "status": status, "outcomes": outcomes},
    )
    attention = outcomes.get("rejected", 0) + outcomes.get("held", 0)
    contract_id = job.subject.partition(":")[2]
    if attention:
        raise_problems(unit, job.kind, contract_id, attention)
    elif good and _nothing_left(scope, job.kind, contract_id):
        clear_problems(unit, job.kind, contract_id)
    try:
        unit.commit()
    except WriteRefusedError:
        return  # another worker closed it


def was_written(unit: PensionsUnit) -> bool:
    """Commit, and whether it was written; not when what it depends on has changed."""
    try:
        unit.commit()
    except WriteRefusedError:
        return False
    return True


def _nothing_left(scope: Scope, kind: str, contract_id: str) -> bool:
    """Whether a submission that went well leaves nothing of earlier ones behind.

    People stay refused until somebody acts; refused contributions go out again with the next
    submission of their month, so the newest one speaks for all of them.
    """
    if kind != ENROLMENT:
        return True
    return not people_in_trouble(scope.store.employee_counts(contract_id))
