"""Start a submission: a job and a message; nothing is sent in the request itself (PEN-05,
PEN-09).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import ConflictError, Problem, RuleViolationError, ValidationError
from kernel.periods import Period
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from pensions.application.context import Scope, provider_of
from pensions.application.prepare_submission import submission_slot
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import SENDABLE
from pensions.domain.outcome import TransmissionKind
from pensions.domain.provider import Capability
from pensions.ports import PensionsUnit

MAX_NAMED = 1_000
ENROLMENT_SUBMISSION: Final = "enrolment_submission"
CONTRIBUTION_SUBMISSION: Final = "contribution_submission"
STATUS_REFRESH: Final = "status_refresh"
SUBMISSIONS: Final = frozenset({ENROLMENT_SUBMISSION, CONTRIBUTION_SUBMISSION})
CANCELLABLE: Final = SUBMISSIONS | {STATUS_REFRESH}
"""Jobs that end early when somebody asks for it."""


@dataclass(frozen=True, slots=True)
class Started:
    """A job that was started, or the first answer to the same command."""

    job_id: str


def _answer(job_id: str) -> Remembered:
    return Remembered(202, {"job_id": job_id}, {})


class SubmitEmployees:
    """Ask that people are sent to the insurer: the named ones, or all that are ready.

    Raises: ConflictError when the contract cannot send; RuleViolationError("nothing_to_send").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, contract_id: str, employee_ids: Sequence[str] | None, command: CommandIdentity
    ) -> Started:
        store = self._scope.store
        repeated = store.answered(command)
        if repeated is not None:
            return Started(str(repeated.body["job_id"]))
        contract = self._scope.ready_contract(contract_id)
        _require(provider_of(contract).can(Capability.ENROL), "provider_cannot_enrol")
        if employee_ids is None:
            _require(store.employee_counts(contract_id).by_status.get("ready", 0) > 0)
        else:
            self._check_named(contract_id, employee_ids)
        return start_job(
            self._scope,
            command,
            kind=ENROLMENT_SUBMISSION,
            contract_id=contract_id,
            private={
                "purpose": TransmissionKind.ENROLMENT.value,
                "contract_id": contract_id,
                "ids": list(employee_ids) if employee_ids is not None else None,
            },
        )

    def _check_named(self, contract_id: str, employee_ids: Sequence[str]) -> None:
        found = self._scope.store.employees_by_id(employee_ids)
        problems = []
        for number, identity in enumerate(employee_ids):
            employee = found.get(identity)
            if employee is None or employee.contract_id != contract_id:
                problems.append(
                    Problem(f"/employee_ids/{number}", "not_found", "There is no such person here.")
                )
            elif employee.status not in SENDABLE:
                problems.append(
                    Problem(
                        f"/employee_ids/{number}",
                        f"employee_{employee.status}",
                        f"This person is {employee.status} and cannot be sent.",
                    )
                )
        if problems:
            raise ValidationError("invalid_input", "Some people cannot be sent.", problems=problems)


class SubmitContributions:
    """Ask that the calculated contributions of a month are sent to the insurer.

    Raises: ConflictError when the contract cannot send, or "submission_running" while another
    submission of the month is being prepared; RuleViolationError("nothing_to_send").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, period: Period, command: CommandIdentity) -> Started:
        store = self._scope.store
        repeated = store.answered(command)
        if repeated is not None:
            return Started(str(repeated.body["job_id"]))
        contract = self._scope.ready_contract(contract_id)
        _require(provider_of(contract).can(Capability.COLLECT), "provider_cannot_collect")
        _require(
            any(
                item.status is ContributionStatus.CALCULATED
                for item in store.contributions(contract_id, period)
            )
        )
        return start_job(
            self._scope,
            command,
            kind=CONTRIBUTION_SUBMISSION,
            contract_id=contract_id,
            private={
                "purpose": TransmissionKind.COLLECTION.value,
                "contract_id": contract_id,
                "period": str(period),
            },
            exclusive=True,
        )


def _require(condition: bool, code: str = "nothing_to_send") -> None:
    if not condition:
        raise RuleViolationError(code, "There is nothing that can be sent.")


def add_job(
    scope: Scope,
    unit: PensionsUnit,
    *,
    kind: str,
    contract_id: str,
    private: Mapping[str, Any],
    queue: str = "prepare",
) -> str:
    """Write a new job and its message with whatever else ``unit`` writes; returns its id."""
    job_id = scope.ids.new()
    unit.create_job(
        job_id,
        kind,
        subject=f"contract:{contract_id}",
        total=0,
        private=private,
        cancellable=kind in CANCELLABLE,
    )
    unit.enqueue(queue, {"job_id": job_id, "contract_id": contract_id})
    return job_id


def start_job(
    scope: Scope,
    command: CommandIdentity | None,
    *,
    kind: str,
    contract_id: str,
    private: Mapping[str, Any],
    queue: str = "prepare",
    exclusive: bool = False,
) -> Started:
    """A new job with its message, once per command; with ``exclusive`` also once at a time."""
    unit = scope.store.unit()
    job_id = add_job(scope, unit, kind=kind, contract_id=contract_id, private=private, queue=queue)
    if exclusive:
        unit.take_slot(submission_slot(private), job_id)
    if command is not None:
        unit.remember(command, _answer(job_id))
    try:
        unit.commit()
    except WriteRefusedError as error:
        # Somebody sent the same command at the same moment; theirs is the first answer.
        repeated = (
            scope.store.answered(command)
            if command is not None and error.refused("idempotency")
            else None
        )
        if repeated is not None:
            return Started(str(repeated.body["job_id"]))
        if error.refused("slot"):
            raise ConflictError(
                "submission_running", "This month is being submitted already."
            ) from error
        raise
    return Started(job_id)
