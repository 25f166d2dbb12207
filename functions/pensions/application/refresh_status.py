"""Ask an insurer where everybody stands (PEN-06): the button and the schedule run the same code."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from kernel.clock import Clock
from kernel.errors import ConflictError, NotFoundError
from kernel.storing import CommandIdentity, WriteRefusedError
from pensions.application.context import GROUP, Scope, TryAgainError, provider_of
from pensions.application.credentials import connection, refuse_credentials
from pensions.application.send_to_insurer import (
    COMMIT_RESERVE_SECONDS,
    EFFECT_SECONDS,
    SendToInsurer,
)
from pensions.application.submissions import STATUS_REFRESH, Started, start_job
from pensions.domain.contract import Contract, ContractState
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.domain.member_status import MemberState, MemberStatus
from pensions.domain.outcome import Ambiguous, Fault, FaultMeaning, NotSent
from pensions.domain.provider import Capability
from pensions.ports import CredentialsUnavailableError, DueWork, InsurerGateway, MemberRef

POLL_LIMIT: Final = 200
_MEMBERS: Final = frozenset({EmployeeStatus.ENROLLED, EmployeeStatus.DONE_ELSEWHERE})
_MARGIN: Final = EFFECT_SECONDS + COMMIT_RESERVE_SECONDS
_STATES: Final = {
    MemberState.ENROLLED: EmployeeStatus.ENROLLED,
    MemberState.OPTED_OUT: EmployeeStatus.OPTED_OUT,
    MemberState.LEFT: EmployeeStatus.LEFT,
}


class StartStatusRefresh:
    """Start a refresh of one contract; a job says how far it is."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, command: CommandIdentity | None = None) -> Started:
        """Raises: ConflictError when the contract cannot reach its insurer."""
        store = self._scope.store
        repeated = store.answered(command) if command is not None else None
        if repeated is not None:
            return Started(str(repeated.body["job_id"]))
        contract = store.contract(contract_id)
        state = contract.state(self._scope.today())
        if state not in {ContractState.READY, ContractState.EXPIRED}:
            raise ConflictError(
                f"contract_{state}", f"The contract is {state}; nobody can be asked."
            )
        return start_job(
            self._scope,
            command,
            kind=STATUS_REFRESH,
            contract_id=contract_id,
            private={"contract_id": contract_id},
            queue="refresh",
        )


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a refresh is: transmissions asked about, and the last person asked about."""

    asked: tuple[str, ...] = ()
    after: str = ""


class RefreshStatus:
    """Resolve what is not answered yet, then ask where the enrolled people stand."""

    def __init__(self, scope: Scope, gateway: InsurerGateway) -> None:
        self._scope = scope
        self._gateway = gateway
        self._send = SendToInsurer(scope, gateway)

    def __call__(
        self,
        contract_id: str,
        job_id: str,
        *,
        remaining: Callable[[], float],
        after: str = "",
        asked: Sequence[str] = (),
    ) -> None:
        """Goes on in a new message when time runs short; ``after`` is the last person asked about.

        Raises: TryAgainError when there is no time left for even one call.
        """
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        store.start_job(job_id)
        contract = store.contract(contract_id)
        if contract.state(self._scope.today()) is ContractState.CREDENTIALS_INVALID:
            self._end(job_id, "failed", [{"code": "contract_credentials_invalid"}])
            return
        if remaining() < _MARGIN:
            # Not even one call fits: a message to ourselves would only run in circles.
            raise TryAgainError
        start = progress = _Progress(tuple(asked), after)
        if not after:
            for transmission in store.open_transmissions(contract_id):
                if transmission.id in progress.asked:
                    continue
                if remaining() < _MARGIN:
                    self._go_on(contract_id, job_id, start, progress)
                    return
                # Somebody may be sending it right now; then its own message reports.
                with suppress(TryAgainError):
                    self._send(transmission.id, remaining=remaining, ask_now=True)
                progress = replace(progress, asked=(*progress.asked, transmission.id))
        self._ask_members(contract, job_id, remaining, start, progress)

    def _ask_members(
        self,
        contract: Contract,
        job_id: str,
        remaining: Callable[[], float],
        start: _Progress,
        progress: _Progress,
    ) -> None:
        store = self._scope.store
        provider = provider_of(contract)
        if not provider.can(Capability.STATUS):
            self._end(job_id, "succeeded", [])
            return
        people = (
            person
            for person in store.employees(contract.id)
            if person.status in _MEMBERS and person.id > progress.after
        )
        changed = 0
        for chunk in _chunks(people, provider.member_batch):
            if remaining() < _MARGIN:
                self._go_on(contract.id, job_id, start, progress)
                return
            members = [
                MemberRef(person.id, person.national_id, person.policy_no or None)
                for person in chunk
                if person.national_id is not None
            ]
            try:
                via = connection(self._scope, contract)
            except CredentialsUnavailableError as error:
                self._end(job_id, "failed", [{"code": error.code}])
                return
            answer = self._gateway.member_statuses(via, members, deadline_seconds=EFFECT_SECONDS)
            if isinstance(answer, (Ambiguous, NotSent, Fault)):
                self._failed(contract, job_id, answer)
                return
            changed += self._apply(contract, chunk, answer)
            progress = _Progress(after=chunk[-1].id)
            unit = store.unit()
            unit.advance_job(
                job_id, {"total": len(chunk), "done": len(chunk), "n_changed": changed}
            )
            unit.commit()
            changed = 0
        self._end(job_id, "succeeded", [])

    def _failed(self, contract: Contract, job_id: str, answer: Ambiguous | NotSent | Fault) -> None:
        if isinstance(answer, Fault):
            if answer.meaning in {FaultMeaning.AUTH_FAILED, FaultMeaning.CREDENTIALS_LOCKED}:
                refuse_credentials(self._scope, contract, answer.code)
            code = answer.code
        else:
            code = answer.reason.value
        self._end(job_id, "failed", [{"code": code}])

    def _apply(
        self, contract: Contract, chunk: Sequence[Employee], answer: Sequence[MemberStatus]
    ) -> int:
        by_key = {status.line_key: status for status in answer}
        moves = []
        for person in chunk:
            status = by_key.get(person.id)
            after = _after(person, status) if status is not None else None
            if after is not None:
                moves.append((person, after))
        for start in range(0, len(moves), GROUP):
            group = moves[start : start + GROUP]
            try:
                self._save(contract, group)
            except WriteRefusedError:
                for move in group:
                    try:
                        self._save(contract, [move])
                    except WriteRefusedError:
                        continue  # changed in between; the next refresh sees it
        return len(moves)

    def _save(self, contract: Contract, moves: Sequence[tuple[Employee, Employee]]) -> None:
        unit = self._scope.store.unit()
        for before, after in moves:
            detail = {"reason": after.reason}
            unit.save_employee(before, after, f"employee.{after.status.value}", detail)
        unit.publish(
            "pensions.EnrolmentsDecided.v1",
            f"contract:{contract.id}",
            {
                "contract_id": contract.id,
                "transmission_id": "",
                "lines": [{"employee_id": a.id, "status": a.status.value} for _, a in moves],
            },
        )
        unit.commit()

    def _go_on(self, contract_id: str, job_id: str, start: _Progress, progress: _Progress) -> None:
        """Hand the rest to a new message; without progress that would only go round in circles."""
        if progress == start:
            raise TryAgainError
        unit = self._scope.store.unit()
        unit.enqueue(
            "refresh",
            {
                "contract_id": contract_id,
                "job_id": job_id,
                "after": progress.after,
                "asked": list(progress.asked),
            },
        )
        unit.commit()

    def _end(self, job_id: str, status: str, problems: Sequence[dict[str, Any]]) -> None:
        job = self._scope.store.job(job_id)
        unit = self._scope.store.unit()
        result = {"outcomes": dict(job.outcomes)} if job is not None else {}
        unit.finish_job(job_id, status, result=result, problems=problems)
        try:
            unit.commit()
        except WriteRefusedError:
            return


def _chunks(people: Iterator[Employee], size: int) -> Iterator[list[Employee]]:
    while chunk := list(islice(people, size)):
        yield chunk


def _after(person: Employee, status: MemberStatus) -> Employee | None:
    """The person as the insurer sees them; None when nothing changed or nothing is known."""
    target = _STATES.get(status.state)
    if target is None:
        return None
    if target is EmployeeStatus.ENROLLED:
        if person.status is EmployeeStatus.ENROLLED or not status.policy_no:
            return None
        return person.moved(target, policy_no=status.policy_no, reason="")
    return person.moved(target, effective_on=status.effective_on, reason=target.value)


class PollStatus:
    """Schedule: ask about the enrolled people of every contract a few times a day, without a
    button.
    """

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> int:
        """Number of refreshes started."""
        started = 0
        for item in self._due_work.polls(self._clock.now(), POLL_LIMIT):
            scope = self._scope_of(item.tenant_id)
            if not scope.store.employee_counts(item.id).policies:
                continue
            # A contract that was removed or waits for credentials is simply not asked about.
            with suppress(ConflictError, NotFoundError):
                StartStatusRefresh(scope)(item.id)
                started += 1
        return started
