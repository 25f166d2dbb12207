"""Minute work over all tenants: jobs and mails whose message was lost, companies whose day came."""

from collections.abc import Callable

from kernel.clock import Clock
from kernel.sweeping import LIMIT, Swept, give_work
from reconciliation.application.context import Scope
from reconciliation.application.mailings import DUE, KIND
from reconciliation.ports import Due, DueWork


class Sweep:
    """At most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        return give_work(self._due_work.due(now, LIMIT), self._one, now)

    def _one(self, item: Due) -> None:
        unit = self._scope_of(item.tenant_id).store.unit()
        if item.kind == "letter_mail":
            unit.enqueue("mail", {"mail_id": item.id})
        elif item.kind == "portal_mail":
            unit.enqueue("mail", {"portal_mail_id": item.id})
        elif item.kind == "mailing_settings":
            unit.enqueue("mailing", {"job_id": DUE})
        else:
            unit.enqueue("mailing" if item.kind == KIND else "import", {"job_id": item.id})
        unit.commit()
