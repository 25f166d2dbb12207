"""Minute work over all tenants: what is due gets its message again, and lists are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from payment_codes.application.context import Scope
from payment_codes.application.import_statement import KIND as STATEMENT_IMPORT
from payment_codes.application.pull_payments import ExpireCode
from payment_codes.domain.payment_code import WAITING
from payment_codes.ports import Due, DueWork

LIMIT: Final = 200
POLL_BUDGET: Final = 100
"""Codes whose own list is asked for in one minute, over all tenants (PAY-04)."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found; ``oldest_due`` is how many seconds a row waited past its time."""

    rows: int
    oldest_due: int = 0


class Sweep:
    """Codes to register or expire, mails to send: at most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        due = self._due_work.due(now, LIMIT)
        failures: list[Exception] = []
        for item in due:
            try:
                self._one(item)
            except Exception as error:
                # One bad row must not starve the others: it is told after them.
                failures.append(error)
        if failures:
            raise ExceptionGroup("some due rows could not be given work", failures)
        oldest = max((int((now - item.due_at).total_seconds()) for item in due), default=0)
        return Swept(len(due), oldest)

    def _one(self, item: Due) -> None:
        scope = self._scope_of(item.tenant_id)
        if item.kind == "job":
            job = scope.store.job(item.id)
            if job is not None:
                queue = "statement" if job.kind == STATEMENT_IMPORT else "batch"
                _enqueue(scope, queue, {"job_id": job.id, "request_id": scope.ids.new()})
        elif item.kind == "code_mail":
            mail = scope.store.mail(item.id)
            if mail is not None:
                _enqueue(scope, "mail", {"mail_id": mail.id, "code_id": mail.code_id})
        elif item.kind == "payment_code":
            if scope.store.code(item.id).registration in WAITING:
                _enqueue(scope, "issue", {"code_id": item.id})
            else:
                ExpireCode(scope)(item.id)


@dataclass(frozen=True, slots=True)
class Asked:
    """How many lists were asked for."""

    organisations: int
    codes: int


class AskForNews:
    """The pull that comes without anybody telling: organisations every minute, codes by their age.

    At most POLL_BUDGET codes a run; what is left over comes first in the next one.
    """

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Asked:
        now = self._clock.now()
        organisations = self._due_work.organisations(now, LIMIT)
        for item in organisations:
            scope = self._scope_of(item.tenant_id)
            work = {"organisation_id": item.id, "request_id": scope.ids.new()}
            _enqueue(scope, "pull", work)
        codes = self._due_work.polls(now, POLL_BUDGET)
        for item in codes:
            scope = self._scope_of(item.tenant_id)
            _enqueue(scope, "pull", {"code_id": item.id, "request_id": scope.ids.new()})
        return Asked(len(organisations), len(codes))


def _enqueue(scope: Scope, queue: str, message: dict[str, str]) -> None:
    unit = scope.store.unit()
    unit.enqueue(queue, message)
    unit.commit()
