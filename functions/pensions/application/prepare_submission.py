"""Cut a submission into transmissions: bind lines, freeze what will be sent, hand over to the
insurer's queue.

Binding happens in three steps that each survive a crash: the header with the plan, the lines in
groups, then body, state OPEN and message in one transaction. A half-bound transmission is finished
by the sweep.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from kernel.errors import NotFoundError
from kernel.periods import Period
from kernel.storing import WriteRefusedError
from pensions.application.context import GROUP, Scope, provider_of
from pensions.application.jobs import close_if_complete
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.employee import SENDABLE, Employee, EmployeeStatus
from pensions.domain.outcome import TransmissionKind
from pensions.domain.provider import Provider
from pensions.domain.transmission import (
    FrozenLine,
    Transmission,
    TransmissionState,
    content_hash,
    distinct_batches,
)
from pensions.ports import PensionsUnit

_RESERVE_SECONDS: Final = 12.0
_HALF_BOUND: Final = timedelta(minutes=2)
_UNSENT: Final = timedelta(minutes=2)
_BINDABLE: Final = SENDABLE | {EmployeeStatus.HELD}
# The claim checks every person of a collection, and a transaction holds 100 writes.
MAX_COLLECTION_LINES: Final = 90
Line = TypeVar("Line", Employee, Contribution)
Item = TypeVar("Item")


class PrepareSubmission:
    """Bind everything a job asks for; goes on in a new message when time runs short."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._binder = Binder(scope)

    def __call__(self, job_id: str, *, remaining: Callable[[], float]) -> None:
        """Idempotent: what is bound already is not found again among the lines that can be sent.

        Raises: TryAgainError when there is no time left for even one transmission.
        """
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.status not in {"queued", "running"} or job.prepared:
            return
        if job.cancelled:
            self._prepared(job_id, job.private)
            return
        store.start_job(job_id)
        try:
            contract = store.contract(str(job.private["contract_id"]))
        except NotFoundError:
            self._prepared(job_id, job.private)  # removed meanwhile: there is nothing to send
            return
        purpose = TransmissionKind(job.private["purpose"])
        period = str(job.private.get("period") or "")
        wanted = self._wanted(purpose, contract, job.private)
        for number, chunk in enumerate(_batches(provider_of(contract), purpose, wanted)):
            # The first one always: a run that only hands itself on would never end.
            if number and remaining() < _RESERVE_SECONDS:
                unit = store.unit()
                unit.enqueue("prepare", {"job_id": job_id})
                unit.commit()
                return
            if number and self._cancelled(job_id):
                break
            self._binder.bind(contract, purpose, chunk, job_id=job_id, period=period)
        self._prepared(job_id, job.private)

    def _cancelled(self, job_id: str) -> bool:
        job = self._scope.store.job(job_id)
        return job is not None and job.cancelled

    def _prepared(self, job_id: str, private: Mapping[str, Any]) -> None:
        """Everything is bound: the job may end, and the next submission of the month may start."""
        unit = self._scope.store.unit()
        unit.job_prepared(job_id)
        if private.get("period"):
            unit.free_slot(submission_slot(private), job_id)
        # Refused when another worker came here first.
        with suppress(WriteRefusedError):
            unit.commit()
        close_if_complete(self._scope, job_id)

    def _wanted(
        self, purpose: TransmissionKind, contract: Contract, private: Any
    ) -> Iterator[Employee] | Iterator[Contribution]:
        store = self._scope.store
        if purpose is TransmissionKind.ENROLMENT:
            named = private.get("ids")
            people: Iterable[Employee]
            if named is None:
                people = store.employees(contract.id)
            else:
                found = store.employees_by_id(named)
                people = [found[identity] for identity in named if identity in found]
            held = bool(private.get("held"))
            return (
                person
                for person in people
                if person.contract_id == contract.id and _asked_for(person, held, private)
            )
        listed = store.contributions(contract.id, Period.parse(private["period"]))
        return (item for item in listed if item.status is ContributionStatus.CALCULATED)


def _asked_for(person: Employee, held: bool, private: Mapping[str, Any]) -> bool:
    if not held:
        return person.status in SENDABLE
    reasons = private.get("reasons")
    return person.status is EmployeeStatus.HELD and (reasons is None or person.reason in reasons)


def submission_slot(private: Mapping[str, Any]) -> tuple[str, ...]:
    """Business slot of a submission of money: one is prepared at a time per contract and month."""
    return ("SUBMISSION", str(private["contract_id"]), str(private["period"]))


def _batches(
    provider: Provider, purpose: TransmissionKind, wanted: Iterator[Any]
) -> Iterable[list[Any]]:
    """The lines of one call each: never more than the insurer takes or could not tell apart."""
    if purpose is TransmissionKind.ENROLMENT:
        return _chunks(wanted, provider.batch_size)  # one person is one line
    size = min(provider.batch_size, MAX_COLLECTION_LINES)
    if provider.echoes_line_keys:
        return _chunks(wanted, size)
    return distinct_batches(wanted, size, lambda item: (item.employee_id, item.paid_on))


def _chunks(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(items, size)):
        yield chunk


class Binder:
    """Binds lines to transmissions."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def bind(
        self,
        contract: Contract,
        purpose: TransmissionKind,
        chunk: Sequence[Employee] | Sequence[Contribution],
        *,
        job_id: str,
        period: str,
    ) -> None:
        """Plan, bind and open one transmission over ``chunk``."""
        now = self._scope.clock.now()
        planned = Transmission(
            id=self._scope.ids.new(),
            contract_id=contract.id,
            provider_code=contract.provider_code,
            kind=purpose,
            state=TransmissionState.BINDING,
            job_id=job_id,
            planned=tuple(item.id for item in chunk),
            due_at=now + _HALF_BOUND,
            period=period,
        )
        unit = self._scope.store.unit()
        unit.add_transmission(planned, "transmission.planned")
        unit.commit()
        self.finish(planned.id)

    def finish(self, transmission_id: str, *, bind_more: bool = True) -> None:
        """Bind what is planned and still can be bound, then open the transmission.

        Without ``bind_more`` it opens with what is bound already: after a restore, a planned line
        that is free here may have left with another transmission since.
        """
        store = self._scope.store
        transmission = store.transmission(transmission_id)
        if transmission is None or transmission.state is not TransmissionState.BINDING:
            return
        enrolment = transmission.kind is TransmissionKind.ENROLMENT
        if bind_more and enrolment:
            people = list(store.employees_by_id(transmission.planned).values())
            self._bind_groups(transmission, people, self._bind_people)
        elif bind_more:
            items = list(store.contributions_by_id(transmission.planned).values())
            people_of = store.employees_by_id([item.employee_id for item in items])
            self._bind_groups(transmission, items, partial(self._bind_contributions, people_of))
        lines = self._people_lines if enrolment else self._collection_lines
        self._open(transmission, lines(transmission))

    def _bind_groups(
        self,
        transmission: Transmission,
        items: Sequence[Line],
        bind: Callable[[Transmission, Sequence[Line]], None],
    ) -> None:
        for start in range(0, len(items), GROUP):
            group = items[start : start + GROUP]
            try:
                bind(transmission, group)
            except WriteRefusedError:
                for item in group:
                    try:
                        bind(transmission, [item])
                    except WriteRefusedError:
                        # Somebody else changed or bound it, or it may not be sent: it stays out.
                        continue

    def _bind_people(self, transmission: Transmission, group: Sequence[Employee]) -> None:
        unit = self._scope.store.unit()
        bound = 0
        for person in group:
            if person.status in _BINDABLE:
                after = person.moved(
                    EmployeeStatus.SENDING, transmission_id=transmission.id, reason=""
                )
                detail = {"transmission_id": transmission.id}
                unit.save_employee(person, after, "employee.sending", detail)
                bound += 1
        self._commit_bound(unit, transmission, bound)

    def _commit_bound(self, unit: PensionsUnit, transmission: Transmission, bound: int) -> None:
        """Bind only while the transmission is still being bound, and count what was bound.

        Counted here and not when it opens: a job whose worker dies in between must not end early.
        """
        if bound:
            unit.require_transmission(transmission)
            unit.advance_job(transmission.job_id, {"total": bound})
        if len(unit):
            unit.commit()

    def _bind_contributions(
        self,
        known: Mapping[str, Employee],
        transmission: Transmission,
        group: Sequence[Contribution],
    ) -> None:
        store = self._scope.store
        people = known
        if len(group) == 1:
            # A line that is tried by itself may have been refused because its person left.
            people = store.employees_by_id([group[0].employee_id])
        unit = store.unit()
        bound = 0
        for item in group:
            if item.status is not ContributionStatus.CALCULATED:
                continue
            person = people[item.employee_id]
            if person.status is not EmployeeStatus.ENROLLED:
                # The person left between calculation and sending (P20): it is not sent, and says
                # why.
                after = item.moved(
                    ContributionStatus.EXCLUDED, reason=exclusion_reason(person) or "no_policy"
                )
                detail = {"reason": after.reason}
                unit.save_contribution(item, after, "contribution.excluded", detail)
                continue
            # One check per person: several contributions of one person may be in one group.
            unit.require_enrolled(person.id, person.policy_no)
            after = item.moved(
                ContributionStatus.SENDING, transmission_id=transmission.id, reason=""
            )
            unit.save_contribution(
                item, after, "contribution.sending", {"transmission_id": transmission.id}
            )
            bound += 1
        self._commit_bound(unit, transmission, bound)

    def _people_lines(self, transmission: Transmission) -> list[FrozenLine]:
        return [
            FrozenLine(person.id, person.stamp.version, enrolment_content(person))
            for person in self._scope.store.employees_by_id(transmission.planned).values()
            if _is_bound(person, transmission, EmployeeStatus.SENDING)
        ]

    def _collection_lines(self, transmission: Transmission) -> list[FrozenLine]:
        store = self._scope.store
        bound = [
            item
            for item in store.contributions_by_id(transmission.planned).values()
            if item.transmission_id == transmission.id and item.status is ContributionStatus.SENDING
        ]
        people = store.employees_by_id([item.employee_id for item in bound])
        return [
            FrozenLine(
                item.id, item.stamp.version, collection_content(item, people[item.employee_id])
            )
            for item in bound
        ]

    def _open(self, transmission: Transmission, lines: Sequence[FrozenLine]) -> None:
        unit = self._scope.store.unit()
        now = self._scope.clock.now()
        if not lines:
            after = transmission.moved(TransmissionState.DONE, due_at=None, reason="nothing_bound")
            unit.save_transmission(transmission, after, "transmission.empty", {})
            unit.commit()
            return
        ordered = sorted(lines, key=lambda line: transmission.planned.index(line.line_key))
        after = transmission.moved(
            TransmissionState.OPEN,
            line_count=len(ordered),
            content_hash=content_hash(ordered),
            due_at=now + _UNSENT,
        )
        unit.freeze_lines(transmission.id, ordered)
        unit.save_transmission(transmission, after, "transmission.opened", {"lines": len(ordered)})
        unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})
        try:
            unit.commit()
        except WriteRefusedError:
            # A second actor (sweep or redelivery) opened it with the same content.
            return


def _is_bound(person: Employee, transmission: Transmission, status: EmployeeStatus) -> bool:
    return person.transmission_id == transmission.id and person.status is status


def exclusion_reason(person: Employee) -> str:
    """Why no contribution of this person may be sent; empty when it may."""
    if person.status is EmployeeStatus.ENROLLED:
        return ""
    if person.status in {EmployeeStatus.OPTED_OUT, EmployeeStatus.LEFT}:
        return person.status.value
    return "no_policy"


def enrolment_content(person: Employee) -> dict[str, Any]:
    """What one enrolment line says, as plain texts."""
    rate = person.contribution_rate
    return {
        "national_id": person.national_id.reveal("freeze") if person.national_id else "",
        "first_name": person.first_name,
        "last_name": person.last_name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else "",
        "hired_on": person.hired_on.isoformat() if person.hired_on else "",
        "mobile": person.mobile.reveal("freeze") if person.mobile else "",
        "gender": person.gender,
        "email": person.email.reveal("freeze") if person.email else None,
        "iban": person.iban.reveal("freeze") if person.iban else None,
        "fund_preference": person.fund_preference.value if person.fund_preference else None,
        "contribution_rate": rate.to_api() if rate else None,
    }


def collection_content(item: Contribution, person: Employee) -> dict[str, Any]:
    """What one collection line says, as plain texts and minor units."""
    return {
        "employee_id": person.id,
        "national_id": person.national_id.reveal("freeze") if person.national_id else "",
        "policy_no": person.policy_no,
        "period": str(item.period),
        "paid_on": item.paid_on.isoformat(),
        "amount": item.amount.minor,
        "currency": item.amount.currency,
        "rate": item.rate.to_api(),
    }
