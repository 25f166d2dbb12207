"""Send people again whom the insurer refused, together with others that are ready (PEN-07)."""

from collections.abc import Sequence

from kernel.storing import CommandIdentity
from pensions.application.context import Scope
from pensions.application.employees import ChangeEmployee
from pensions.application.submissions import Started, SubmitEmployees
from pensions.domain.employee import Employee, EmployeeStatus, FieldParsers, ProblemActor


def may_be_sent(person: Employee) -> bool:
    """Whether somebody of the company may send this person now.

    Ready people, and refused ones whose reason is for the company itself to solve: a refusal that
    the operator or the insurer must solve waits for them.
    Source: DES pension portal, step 11: errors other than in the data are reported first.
    """
    if person.status is EmployeeStatus.READY:
        return True
    return person.status is EmployeeStatus.REJECTED and all(
        problem.actor is ProblemActor.USER for problem in person.problems
    )


class ResubmitEmployees:
    """Make refused people ready again, after a new check of their data, and submit the named ones.

    Raises: as ``SubmitEmployees``, and ValidationError when the data of a person is wrong.
    """

    def __init__(self, scope: Scope, parsers: FieldParsers) -> None:
        self._scope = scope
        self._change = ChangeEmployee(scope, parsers)
        self._submit = SubmitEmployees(scope)

    def __call__(
        self, contract_id: str, employee_ids: Sequence[str], command: CommandIdentity
    ) -> Started:
        store = self._scope.store
        if store.answered(command) is None:
            for person in store.employees_by_id(employee_ids).values():
                refused = person.status is EmployeeStatus.REJECTED
                if refused and person.contract_id == contract_id and may_be_sent(person):
                    self._change(person.id, person.stamp.version, {})
        return self._submit(contract_id, employee_ids, command)
