"""Go on where an incident stopped the work, once an operator resolved it (PEN-07).

Refused people are sent again, refused contributions can be sent again from the same list, and what
waits for an answer is asked about now. Money is released and not sent: when it goes is the
company's decision (domain/pensions.md section 8, class COLLECTION).
"""

from collections.abc import Sequence
from typing import Final

from kernel.storing import WriteRefusedError
from pensions.application.attention import topic
from pensions.application.context import GROUP, Scope, TryAgainError
from pensions.application.release_held import CREDENTIAL_REASONS
from pensions.application.submissions import (
    CONTRIBUTION_SUBMISSION,
    ENROLMENT_SUBMISSION,
    add_job,
)
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.domain.error_dictionary import explain
from pensions.domain.outcome import Actor, Incident, TransmissionKind
from pensions.domain.transmission import UNRESOLVED, Transmission, TransmissionState
from pensions.ports import PensionsUnit

_LINE_REFUSED: Final = Incident.LINE_REFUSED.value.lower()
_MOVABLE: Final = UNRESOLVED | {TransmissionState.OPEN}


class ResumeAfterIncident:
    """Does what ``workspace.IncidentResolved.v1`` allows, once per event."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._store = scope.store

    def __call__(self, source: str, event_id: str, subject: str, code: str) -> None:
        """``subject`` is the item the incident was about, ``code`` what was wrong with it.

        An incident about anything but a transmission of ours is not our business.
        Raises: TryAgainError while the transmission or one of its lines is being changed.
        """
        kind, _, identity = subject.partition(":")
        transmission = self._store.transmission(identity) if kind == "transmission" else None
        if transmission is None:
            return
        if transmission.state is TransmissionState.RELEASING:
            raise TryAgainError  # its lines are not held yet
        unit = self._store.unit()
        unit.received(source, event_id)
        if code == _LINE_REFUSED or transmission.release_as == "held":
            if transmission.kind is TransmissionKind.ENROLMENT:
                self._people(unit, transmission)
            else:
                self._money(unit, transmission)
        elif transmission.state in _MOVABLE:
            self._retry(unit, transmission)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("inbox"):
                raise TryAgainError from error

    def _people(self, unit: PensionsUnit, transmission: Transmission) -> None:
        """Send those again who are held since this transmission, for the same reasons as then.

        Who waits for credentials goes on waiting for those.
        """
        found = self._store.employees_by_id(transmission.planned).values()
        held = [person for person in found if _held(person, transmission)]
        if not held:
            return
        add_job(
            self._scope,
            unit,
            kind=ENROLMENT_SUBMISSION,
            contract_id=transmission.contract_id,
            private={
                "purpose": TransmissionKind.ENROLMENT.value,
                "contract_id": transmission.contract_id,
                "held": True,
                "reasons": sorted({person.reason for person in held}),
                "ids": [person.id for person in held],
            },
        )
        self._tell(unit, transmission, ENROLMENT_SUBMISSION, "enrolment_released", len(held))

    def _money(self, unit: PensionsUnit, transmission: Transmission) -> None:
        """Make the contributions of this transmission sendable again, then tell how many."""
        found = list(self._store.contributions_by_id(transmission.planned).values())
        stopped = [item for item in found if _stopped(item, transmission)]
        for start in range(0, len(stopped), GROUP):
            self._release(transmission, stopped[start : start + GROUP])
        before = sum(_released(item, transmission) for item in found)
        count = before + len(stopped)
        if count:
            self._tell(unit, transmission, CONTRIBUTION_SUBMISSION, "contributions_released", count)

    def _release(self, transmission: Transmission, group: Sequence[Contribution]) -> None:
        unit = self._store.unit()
        for item in group:
            after = item.moved(ContributionStatus.CALCULATED, reason="")
            detail = {"transmission_id": transmission.id, "reason": item.reason}
            unit.save_contribution(item, after, "contribution.released", detail)
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise TryAgainError from error

    def _retry(self, unit: PensionsUnit, transmission: Transmission) -> None:
        """Ask, or send what never left, now and not at its time."""
        with_person = transmission.state is TransmissionState.WITH_PERSON
        is_open = transmission.state is TransmissionState.OPEN
        now = self._scope.clock.now()
        after = transmission.moved(
            TransmissionState.PARTIAL if with_person else transmission.state,
            due_at=max(now, transmission.lease or now),
            # The same trouble again is a new incident.
            reason="" if is_open else transmission.reason,
        )
        unit.save_transmission(transmission, after, "transmission.retried", {})
        unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})

    def _tell(
        self, unit: PensionsUnit, transmission: Transmission, kind: str, code: str, count: int
    ) -> None:
        """The same item of Today that told of the trouble tells that it is over."""
        unit.publish(
            "pensions.AttentionRaised.v1",
            f"contract:{transmission.contract_id}",
            {
                "key": topic(kind, transmission.contract_id),
                "subject": f"contract:{transmission.contract_id}",
                "code": code,
                "severity": "low",
                "count": count,
                "contract_id": transmission.contract_id,
            },
        )


def _held(person: Employee, transmission: Transmission) -> bool:
    return (
        person.status is EmployeeStatus.HELD
        and person.transmission_id == transmission.id
        and person.reason not in CREDENTIAL_REASONS
    )


def _stopped(item: Contribution, transmission: Transmission) -> bool:
    if item.transmission_id != transmission.id or not item.reason:
        return False
    if item.status is ContributionStatus.CALCULATED:
        return item.reason not in CREDENTIAL_REASONS
    refused = item.status is ContributionStatus.REJECTED
    return refused and explain(item.reason).actor is not Actor.USER


def _released(item: Contribution, transmission: Transmission) -> bool:
    """Whether an earlier delivery of the same event has released it already."""
    return (
        item.transmission_id == transmission.id
        and item.status is ContributionStatus.CALCULATED
        and not item.reason
    )
