"""After tables were restored to a moment: what was open then may have been sent since (D14)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pensions.application.context import Scope
from pensions.application.jobs import was_written
from pensions.application.prepare_submission import Binder
from pensions.application.submissions import SUBMISSIONS
from pensions.domain.transmission import TransmissionState


@dataclass(frozen=True, slots=True)
class Doubted:
    """How many transmissions are asked about first, and how many submissions were stopped."""

    transmissions: int = 0
    submissions: int = 0


class DoubtRestored:
    """Nothing that was open at the moment of a restore is sent before its insurer was asked.

    A transmission becomes one whose sender died: the next message asks with its reference, which is
    the same in both worlds, and sends only what the insurer does not know. One that was being bound
    keeps the lines it has: those it had only planned may have left under another reference. For the
    same reason a submission that was not cut up to its end is stopped; its other lines are free
    again, and people look first.
    Run it before anything may cut, release or send again; ``waiting`` names tenant and id of all
    that is in flight and was not called about: what was, is asked about anyway.
    """

    def __init__(
        self, waiting: Callable[[], Iterable[tuple[str, str]]], scope_of: Callable[[str], Scope]
    ) -> None:
        self._waiting = waiting
        self._scope_of = scope_of

    def __call__(self) -> Doubted:
        """Over all tenants; a second run finds nothing left to doubt."""
        transmissions = submissions = 0
        for tenant_id, identity in [*self._waiting()]:
            scope = self._scope_of(tenant_id)
            transmissions += self._transmission(scope, identity)
            submissions += self._submission(scope, identity)
        return Doubted(transmissions, submissions)

    @staticmethod
    def _transmission(scope: Scope, identity: str) -> bool:
        Binder(scope).finish(identity, bind_more=False)
        found = scope.store.transmission(identity)
        if found is None or found.state is not TransmissionState.OPEN:
            return False
        now = scope.clock.now()
        after = found.moved(
            TransmissionState.SENDING,
            attempt=scope.ids.new(),
            lease=now,
            due_at=now,
            sent_at=found.sent_at or now,
            reason="restored",
        )
        unit = scope.store.unit()
        unit.save_transmission(found, after, "transmission.doubted", {"reason": after.reason})
        return was_written(unit)

    @staticmethod
    def _submission(scope: Scope, identity: str) -> bool:
        job = scope.store.job(identity)
        if job is None or job.kind not in SUBMISSIONS or job.prepared or job.cancelled:
            return False
        unit = scope.store.unit()
        unit.cancel_job(identity)
        return was_written(unit)
