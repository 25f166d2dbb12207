"""Take back the codes that a batch issued, as far as nobody used them since (PAY-02, N11).

A job of its own, cut like the batch was: every slice looks at the documents it had. A code is
cancelled like a single one, in one transaction with the mails that still wait for it, so a mail
that somebody claims meanwhile keeps its code. What was paid or mailed stays and is named.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kernel.errors import NotFoundError
from kernel.mail_delivery import MailState, withdrawn
from kernel.storing import WriteRefusedError
from kernel.undoing import not_undoable, start_undo, undo_expired, undo_id, undoable
from payment_codes.application.context import TRIES, Scope, TryAgainError
from payment_codes.application.issue_batch import QUEUE, RESERVE_SECONDS
from payment_codes.application.issue_code import DEAD, close_code
from payment_codes.domain.batch import (
    JOB_KIND,
    UNDO_KIND,
    RowOutcome,
    RowProblem,
    SliceResult,
)
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.ports import BatchSlices, JobView

UNDONE: Final = "batch_undone"
"""Reason of a code that was cancelled because its batch was taken back."""
_NEVER_LEFT: Final = frozenset(
    {MailState.QUEUED, MailState.WITHDRAWN, MailState.REFUSED, MailState.SUPPRESSED}
)
_STAYS: Final = {
    "code_has_payments": "Money was paid under this code; it stays.",
    "code_was_mailed": "The customer has this code, or perhaps has it; it stays.",
}


class StartUndo:
    """Take a batch back in a job of its own; twice is one. A dry run only counts.

    Raises: NotFoundError; ConflictError("not_undoable" | "import_running" | "undo_expired").
    """

    def __init__(self, scope: Scope, slices: BatchSlices) -> None:
        self._scope = scope
        self._slices = slices

    def __call__(self, batch_id: str, *, dry_run: bool = False) -> str:
        """Id of the job."""
        scope = self._scope
        batch = undoable(scope.store.job(batch_id), (JOB_KIND,))
        issued = batch.outcomes.get(RowOutcome.ISSUED.value, 0)
        if not issued:
            raise not_undoable()
        job_id = scope.ids.new() if dry_run else undo_id(scope.tenant_id, batch_id)
        if scope.store.job(job_id) is not None:
            return job_id
        try:
            self._slices.documents(batch_id, 0)
        except NotFoundError:
            raise undo_expired() from None
        unit = scope.store.unit()
        private = {
            "batch_id": batch_id,
            "dry_run": dry_run,
            "list": bool(batch.private.get("list")),
            "total": issued,
            "slices": batch.slices,
        }
        subject = f"organisation:{scope.tenant_id}"
        start_undo(unit, QUEUE, job_id, UNDO_KIND, subject=subject, private=private)
        return job_id


@dataclass(frozen=True, slots=True)
class UndoSlice:
    """Take back the codes of one slice, or only count them.

    Raises: TryAgainError; ConflictError("undo_expired").
    """

    scope: Scope
    slices: BatchSlices

    def __call__(self, job: JobView, number: int, remaining: Callable[[], float]) -> SliceResult:
        store, batch_id = self.scope.store, str(job.private["batch_id"])
        try:
            documents = self.slices.documents(batch_id, number)
        except NotFoundError:
            raise undo_expired() from None
        done = store.slice_done(batch_id, number)
        issued = done.outcomes.get(RowOutcome.ISSUED.value, 0) if done is not None else 0
        known = store.codes_of_sources([document.source for document in documents])
        organisation = self.scope.organisation()
        outcomes: Counter[str] = Counter()
        problems: list[RowProblem] = []
        for document in documents:
            code = known.get(document.source)
            if code is None or code.batch != batch_id:
                continue
            if remaining() < RESERVE_SECONDS:
                raise TryAgainError
            outcome, reason = self._one(code, organisation, job)
            outcomes[outcome.value] += 1
            if reason:
                subject = f"payment_code:{code.id}"
                problems.append(RowProblem(document.row, "", reason, _STAYS[reason], subject))
        # Their documents have another code by now: what this batch issued was replaced.
        outcomes[RowOutcome.GONE.value] += issued - sum(outcomes.values())
        counts = {name: count for name, count in outcomes.items() if count}
        return SliceResult(number, counts, tuple(problems))

    def _one(
        self, code: PaymentCode, organisation: Organisation, job: JobView
    ) -> tuple[RowOutcome, str]:
        """What became of one code, and why it stays if it does."""
        store = self.scope.store
        for _ in range(TRIES):
            if code.status in DEAD:
                ours = code.cancel_reason == UNDONE
                return (RowOutcome.UNDONE if ours else RowOutcome.GONE), ""
            mails = store.mails(code.id) if code.customer.email is not None else []
            if reason := _stays(code, mails):
                return RowOutcome.KEPT, reason
            if job.private["dry_run"]:
                return RowOutcome.UNDOABLE, ""
            after = self.scope.with_due(code.cancelled(UNDONE), organisation)
            unit = store.unit()
            close_code(unit, code, after, "code.batch_undone", {"batch_id": code.batch})
            for mail in mails:
                if mail.state is MailState.QUEUED:
                    unit.save_mail(mail, withdrawn(mail, UNDONE), "mail.withdrawn")
            try:
                unit.commit()
            except WriteRefusedError:
                code = store.code(code.id)  # somebody was quicker; perhaps it stays now
            else:
                return RowOutcome.UNDONE, ""
        raise TryAgainError


def _stays(code: PaymentCode, mails: list[CodeMail]) -> str:
    """Why a code was used since it was issued; "" for one that nobody has seen.

    Shapes: a payment that was reversed counts, and so does a mail of which nobody knows.
    """
    if code.payments or code.paid:
        return "code_has_payments"
    if code.was_sent or any(mail.state not in _NEVER_LEFT for mail in mails):
        return "code_was_mailed"
    return ""
