"""Release what was held for a reason that is gone, and send it again (new credentials, solved
incident).
"""

from collections.abc import Collection

from pensions.application.context import GROUP, Scope
from pensions.domain.contract import ContractState
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.domain.outcome import TransmissionKind


class ReleaseHeld:
    """HELD people of a contract become READY and one submission is started for them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, reasons: Collection[str] | None = None) -> int:
        """Number of released people. ``reasons`` restricts to some hold reasons; None means all."""
        store = self._scope.store
        contract = store.contract(contract_id)
        if contract.state(self._scope.today()) is not ContractState.READY:
            return 0
        held = [
            person
            for person in store.employees(contract_id)
            if person.status is EmployeeStatus.HELD
            and (reasons is None or person.reason in reasons)
        ]
        for start in range(0, len(held), GROUP):
            self._release(held[start : start + GROUP])
        if held:
            job_id = self._scope.ids.new()
            unit = store.unit()
            unit.create_job(
                job_id,
                "enrolment_submission",
                subject=f"contract:{contract_id}",
                total=0,
                private={
                    "purpose": TransmissionKind.ENROLMENT.value,
                    "contract_id": contract_id,
                    "ids": [person.id for person in held][:1_000],
                },
            )
            unit.enqueue("prepare", {"job_id": job_id})
            unit.commit()
        return len(held)

    def _release(self, group: list[Employee]) -> None:
        unit = self._scope.store.unit()
        for person in group:
            unit.save_employee(
                person,
                person.moved(EmployeeStatus.READY, reason=""),
                "employee.released",
                {"reason": person.reason},
            )
        unit.commit()
