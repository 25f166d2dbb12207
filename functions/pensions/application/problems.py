"""People and contributions of a contract that somebody must look at, grouped by cause (PEN-07)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pensions.application.context import Scope
from pensions.domain.employee import Employee, EmployeeStatus, ProblemActor
from pensions.domain.error_dictionary import DICTIONARY, explain

SHOWN: Final = 200
PROCESSING: Final = "processing"
OPEN: Final = (
    EmployeeStatus.INVALID,
    EmployeeStatus.REJECTED,
    EmployeeStatus.HELD,
    EmployeeStatus.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause with the people it holds up.

    Shapes: ``code`` is a code of the error dictionary when ``at_insurer``, else of our own checks;
    ``field`` is the API name of what to correct, or empty.
    """

    status: EmployeeStatus
    code: str
    field: str
    actor: ProblemActor
    at_insurer: bool
    people: Sequence[Employee]


class ListProblems:
    """Causes of a contract, those the user can solve first, and how many people wait in all."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str) -> tuple[list[Cause], int]:
        """At most ``SHOWN`` people; reading stops as soon as all of them were found.

        Whom the insurer has taken and only not numbered yet is on the way, not held up.
        """
        store = self._scope.store
        counts = store.employee_counts(contract_id).by_status
        total = sum(counts.get(status.value, 0) for status in OPEN)
        found: list[Employee] = []
        if total:
            for person in store.employees(contract_id):
                if person.status in OPEN and person.reason != PROCESSING:
                    found.append(person)
                    if len(found) >= min(total, SHOWN):
                        break
        return group_by_cause(found), total if len(found) == SHOWN else len(found)


def group_by_cause(people: Iterable[Employee]) -> list[Cause]:
    """People by what holds them up; a person with several problems stands under the first."""
    groups: dict[tuple[EmployeeStatus, str, str], list[Employee]] = {}
    for person in people:
        first = person.problems[0] if person.problems else None
        code = first.code if first else person.reason
        field = first.field if first else ""
        groups.setdefault((person.status, code, field), []).append(person)
    causes = [_cause(*key, members) for key, members in groups.items()]
    order = list(ProblemActor)
    return sorted(causes, key=lambda c: (order.index(c.actor), OPEN.index(c.status), c.code))


def _cause(status: EmployeeStatus, code: str, field: str, people: Sequence[Employee]) -> Cause:
    ours = status is EmployeeStatus.INVALID
    if ours:
        actor = ProblemActor.USER
    elif status is EmployeeStatus.UNKNOWN:
        actor, code = ProblemActor.PROVIDER, code if code in DICTIONARY else "unknown_outcome"
    else:
        actor = ProblemActor(explain(code).actor.value)
    return Cause(status, code, field, actor, not ours, people)
