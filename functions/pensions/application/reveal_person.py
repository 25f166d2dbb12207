"""Show the clear personal values of one person, as an act of its own that leaves a trace."""

from pensions.application.context import Scope
from pensions.domain.employee import Employee, RevealReason


class RevealPerson:
    """Note who looked and why, and give the person back; raises NotFoundError, ConflictError.

    The person stays as it was; history and audit get an entry before anything is shown, so that
    nothing can be seen without a trace.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, employee_id: str, reason: RevealReason) -> Employee:
        person = self._scope.store.employee(employee_id)
        unit = self._scope.store.unit()
        unit.save_employee(person, person, "employee.revealed", {"reason": reason.value})
        unit.commit()
        return person
