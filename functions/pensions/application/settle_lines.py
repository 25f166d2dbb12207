"""Commit the verdicts of one transmission to its lines, in small groups, each exactly once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kernel.errors import ConflictError
from kernel.storing import WriteRefusedError
from pensions.application.context import GROUP, Scope
from pensions.domain.contribution import DECIDED, Contribution, ContributionStatus
from pensions.domain.contribution import IN_FLIGHT as MONEY_IN_FLIGHT
from pensions.domain.employee import IN_FLIGHT, Employee, EmployeeProblem, EmployeeStatus
from pensions.domain.employee import ProblemActor as Who
from pensions.domain.error_dictionary import explain
from pensions.domain.outcome import (
    Actor,
    Answered,
    Incident,
    IncidentNote,
    LineVerdict,
    TransmissionKind,
    VerdictKind,
)
from pensions.domain.transmission import FrozenLine, Transmission
from pensions.ports import PensionsUnit

_FAILED: Final = frozenset({"rejected", "held"})
_OPEN: Final = frozenset({"unknown", "processing"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How one line ended: accepted, rejected, held, unknown or processing, with our reason code;
    ``cancelled`` when it was taken back before it was sent.
    """

    kind: str
    reason: str = ""
    policy_no: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The lines of a transmission as they were read, by id."""

    people: Mapping[str, Employee] = field(default_factory=dict)
    money: Mapping[str, Contribution] = field(default_factory=dict)

    def in_flight(self, transmission_id: str) -> frozenset[str]:
        """Ids of the lines that were moving with this transmission."""
        people = (
            person.id
            for person in self.people.values()
            if person.transmission_id == transmission_id and person.status in IN_FLIGHT
        )
        money = (
            item.id
            for item in self.money.values()
            if item.transmission_id == transmission_id and item.status in MONEY_IN_FLIGHT
        )
        return frozenset((*people, *money))


def endings_for_all(lines: Sequence[FrozenLine], kind: str, reason: str) -> dict[str, Ending]:
    """The same ending for every line."""
    return {line.line_key: Ending(kind, reason) for line in lines}


def endings_of(
    kind: TransmissionKind, lines: Sequence[FrozenLine], answer: Answered
) -> dict[str, Ending]:
    """Ending of every line we sent, from the verdicts of the insurer; no verdict is UNKNOWN.

    A person refused for a reason that no user can fix is HELD until an operator solved it
    (domain/pensions.md §8, error class SYSTEM); a contribution stays REJECTED, so that the payable
    and its gap are final.
    """
    endings = {line.line_key: _ending(answer.lines.get(line.line_key)) for line in lines}
    if kind is TransmissionKind.ENROLMENT:
        for key, ending in endings.items():
            if ending.kind == "rejected" and explain(ending.reason).actor is not Actor.USER:
                endings[key] = Ending("held", ending.reason)
    return endings


def refused_by_the_system(endings: Mapping[str, Ending]) -> tuple[IncidentNote, ...]:
    """What an operator must look at among the endings of an answered transmission."""
    return tuple(
        IncidentNote(Incident.LINE_REFUSED, key, ending.reason)
        for key, ending in endings.items()
        if ending.kind in _FAILED and explain(ending.reason).actor is not Actor.USER
    )


def _ending(verdict: LineVerdict | None) -> Ending:
    if verdict is None:
        return Ending("unknown", "not_mentioned")
    if verdict.kind is VerdictKind.ACCEPTED:
        return Ending("accepted", "", verdict.policy_no or "", verdict.external)
    if verdict.kind is VerdictKind.REJECTED:
        return Ending("rejected", verdict.code or "rejected")
    if verdict.kind is VerdictKind.PROCESSING:
        return Ending("processing", "processing")
    return Ending("unknown", verdict.code or "not_understood")


class SettleLines:
    """Moves lines to their ending; a line that is final already stays as it is."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, transmission: Transmission, endings: Mapping[str, Ending]) -> list[Ending]:
        """Endings of the lines that are still not final afterwards.

        What an answer does not say again about a line that is final already changes nothing.
        Shapes: groups of at most ten lines per transaction; a refused group is tried line by line.
        """
        keys = list(endings)
        known = self._read(transmission, keys)
        for start in range(0, len(keys), GROUP):
            group = keys[start : start + GROUP]
            try:
                self._settle(transmission, {key: endings[key] for key in group}, known)
            except WriteRefusedError:
                for key in group:
                    self._settle_one(transmission, key, endings[key])
        moving = known.in_flight(transmission.id)
        return [endings[key] for key in keys if key in moving and endings[key].kind in _OPEN]

    def _read(self, transmission: Transmission, keys: Sequence[str]) -> Known:
        if transmission.kind is TransmissionKind.ENROLMENT:
            return Known(people=self._scope.store.employees_by_id(keys))
        return Known(money=self._scope.store.contributions_by_id(keys))

    def _settle_one(self, transmission: Transmission, key: str, ending: Ending) -> None:
        for _ in range(3):
            try:
                self._settle(transmission, {key: ending}, self._read(transmission, [key]))
            except WriteRefusedError:
                continue  # read again: another actor moved the line in between
            return
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def any_decided(self, transmission: Transmission, lines: Sequence[FrozenLine]) -> bool:
        """Whether the insurer already decided about a line of this transmission."""
        keys = [line.line_key for line in lines]
        if transmission.kind is TransmissionKind.ENROLMENT:
            people = self._scope.store.employees_by_id(keys)
            return any(
                person.transmission_id == transmission.id and person.status not in IN_FLIGHT
                for person in people.values()
            )
        found = self._scope.store.contributions_by_id(keys)
        return any(
            item.transmission_id == transmission.id and item.status in DECIDED
            for item in found.values()
        )

    def _settle(
        self, transmission: Transmission, endings: Mapping[str, Ending], known: Known
    ) -> None:
        unit = self._scope.store.unit()
        if transmission.kind is TransmissionKind.ENROLMENT:
            decided = self._people(unit, transmission, endings, known.people)
            event = "pensions.EnrolmentsDecided.v1"
        else:
            decided = self._contributions(unit, transmission, endings, known.money)
            event = "pensions.ContributionsDecided.v1"
        if decided:
            unit.publish(
                event,
                f"transmission:{transmission.id}",
                {
                    "contract_id": transmission.contract_id,
                    "transmission_id": transmission.id,
                    "lines": decided,
                },
            )
        if len(unit):
            unit.commit()

    def _advance(
        self, unit: PensionsUnit, transmission: Transmission, ending: Ending, *, first: bool
    ) -> None:
        """Count a line for its job when it leaves SENDING, whoever made it leave."""
        if first:
            failed = int(ending.kind in _FAILED)
            deltas = {"done": 1, f"n_{ending.kind}": 1, **({"failed": 1} if failed else {})}
            unit.advance_job(transmission.job_id, deltas)

    def _people(
        self,
        unit: PensionsUnit,
        transmission: Transmission,
        endings: Mapping[str, Ending],
        people: Mapping[str, Employee],
    ) -> list[dict[str, str]]:
        decided = []
        for key, ending in endings.items():
            person = people.get(key)
            if person is None or person.transmission_id != transmission.id:
                continue
            if person.status not in IN_FLIGHT:
                continue
            after = _person_after(person, ending)
            if after.status is person.status and after.reason == person.reason:
                continue
            detail = {"transmission_id": transmission.id, "reason": ending.reason}
            unit.save_employee(person, after, f"employee.{after.status.value}", detail)
            self._advance(unit, transmission, ending, first=person.status is EmployeeStatus.SENDING)
            if ending.kind != "cancelled":  # taken back by us: no insurer has decided anything
                decided.append({"employee_id": key, "status": after.status.value})
        return decided

    def _contributions(
        self,
        unit: PensionsUnit,
        transmission: Transmission,
        endings: Mapping[str, Ending],
        items: Mapping[str, Contribution],
    ) -> list[dict[str, str]]:
        decided = []
        for key, ending in endings.items():
            item = items.get(key)
            if item is None or item.transmission_id != transmission.id:
                continue
            if item.status not in MONEY_IN_FLIGHT:
                continue
            after = _contribution_after(item, ending)
            if after.status is item.status and after.reason == item.reason:
                continue
            detail = {
                "transmission_id": transmission.id,
                "reason": ending.reason,
                "amount": item.amount.minor,
            }
            word = "released" if ending.kind == "cancelled" else after.status.value
            unit.save_contribution(item, after, f"contribution.{word}", detail)
            if after.status is ContributionStatus.ACCEPTED:
                unit.post_collection(after)
            self._advance(
                unit, transmission, ending, first=item.status is ContributionStatus.SENDING
            )
            if ending.kind != "cancelled":
                decided.append({"contribution_id": key, "status": after.status.value})
        return decided


def _person_after(person: Employee, ending: Ending) -> Employee:
    if ending.kind == "accepted":
        return person.moved(
            EmployeeStatus.ENROLLED,
            policy_no=ending.policy_no,
            problems=(),
            reason="exists_at_insurer" if ending.external else "",
        )
    if ending.kind == "rejected":
        return person.moved(
            EmployeeStatus.REJECTED, reason=ending.reason, problems=(_problem(ending.reason),)
        )
    if ending.kind == "held":
        return person.moved(EmployeeStatus.HELD, reason=ending.reason)
    if ending.kind == "cancelled":
        return person.moved(EmployeeStatus.READY, reason="")
    return person.moved(EmployeeStatus.UNKNOWN, reason=ending.reason)


def _problem(code: str) -> EmployeeProblem:
    entry = explain(code)
    return EmployeeProblem(entry.field or "", code, entry.meaning.en, Who(entry.actor.value))


def _contribution_after(item: Contribution, ending: Ending) -> Contribution:
    if ending.kind == "accepted":
        return item.moved(ContributionStatus.ACCEPTED, reason="")
    if ending.kind == "rejected":
        return item.moved(ContributionStatus.REJECTED, reason=ending.reason)
    if ending.kind == "held":
        return item.moved(ContributionStatus.CALCULATED, reason=ending.reason)
    if ending.kind == "cancelled":
        return item.moved(ContributionStatus.CALCULATED, reason="")
    return item.moved(ContributionStatus.UNKNOWN, reason=ending.reason)
