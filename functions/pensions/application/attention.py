"""What Today shows about submissions and months: raised when a job ends with problems or a deadline
comes near, cleared when the last of it is solved, whichever way.
"""

from typing import Final

from kernel.periods import Period
from pensions.domain.employee import EmployeeStatus
from pensions.ports import EmployeeCounts, PensionsStore, PensionsUnit

ENROLMENT: Final = "enrolment_submission"
IN_TROUBLE: Final = (EmployeeStatus.REJECTED, EmployeeStatus.HELD)


def topic(kind: str, contract_id: str) -> str:
    """Key of the line of Today about one kind of submission of a contract."""
    return f"{kind}:{contract_id}"


def people_in_trouble(counts: EmployeeCounts) -> int:
    """People of a contract whom the insurer refused or who wait for somebody."""
    return sum(counts.by_status.get(status.value, 0) for status in IN_TROUBLE)


def raise_problems(unit: PensionsUnit, kind: str, contract_id: str, count: int) -> None:
    """Add the news that ``count`` lines of a submission need somebody."""
    unit.publish(
        "pensions.AttentionRaised.v1",
        f"contract:{contract_id}",
        {
            "key": topic(kind, contract_id),
            "subject": f"contract:{contract_id}",
            "code": f"{kind}_problems",
            "severity": "medium",
            "count": count,
            "contract_id": contract_id,
        },
    )


def clear_problems(unit: PensionsUnit, kind: str, contract_id: str) -> None:
    """Add the news that nothing of it is left."""
    clear(unit, contract_id, topic(kind, contract_id))


def deadline(contract_id: str, period: Period) -> str:
    """Key of the line of Today about the legal deadline of a month."""
    return f"deadline:{contract_id}:{period}"


def clear(unit: PensionsUnit, contract_id: str, key: str) -> None:
    """Add the news that what was raised under this key is over."""
    unit.publish("pensions.AttentionCleared.v1", f"contract:{contract_id}", {"key": key})


def clear_after_last(
    store: PensionsStore, unit: PensionsUnit, contract_id: str, before: EmployeeStatus
) -> None:
    """Clear the line when the person this unit takes out of trouble was the last one.

    Two people taken out in the same moment may each see the other; the line then goes with the next
    submission.
    """
    if before in IN_TROUBLE and people_in_trouble(store.employee_counts(contract_id)) <= 1:
        clear_problems(unit, ENROLMENT, contract_id)
