"""Find people of a contract (PEN-04): by identity number, name or policy number, and by status."""

from collections.abc import Iterator
from typing import Final

from kernel.identifiers import tckn
from kernel.sensitive import Tckn
from kernel.storing import Position
from kernel.text import fold
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.ports import PensionsStore

MAX_SCANNED: Final = 2_000
_SCAN: Final = 200
STATUSES: Final = frozenset(status.value for status in EmployeeStatus)


def find_employees(
    store: PensionsStore,
    contract_id: str,
    *,
    limit: int,
    after: Position | None,
    status: str = "",
    query: str = "",
) -> tuple[list[Employee], Position | None]:
    """One page of people; a whole identity number finds exactly, other text by name or policy.

    Shapes: text is compared without regard to case and accents, in Turkish too. A page may hold
    fewer people than asked for, even none, and still have a next one: a rare match among many
    people must not keep a request waiting.
    """
    if tckn.is_valid(query.strip()):
        return _by_number(store, contract_id, query.strip()), None
    wanted = fold(query.strip())
    # Filtered people are looked for in big steps: one by one would be a round trip each.
    step = max(limit, _SCAN) if status or wanted else limit
    matches: list[Employee] = []
    scanned = 0
    while True:
        start = after
        page, after = store.employee_page(contract_id, limit=step, after=start)
        scanned += len(page)
        for number, person in enumerate(page, 1):
            if not _matches(person, status, wanted):
                continue
            matches.append(person)
            if len(matches) == limit and number < len(page):
                _, position = store.employee_page(contract_id, limit=number, after=start)
                return matches, position
        if after is None or len(matches) >= limit or scanned >= MAX_SCANNED:
            return matches, after


def find_all(
    store: PensionsStore, contract_id: str, *, status: str = "", query: str = ""
) -> Iterator[Employee]:
    """Everybody whom the list shows under the same filters, page after page."""
    if tckn.is_valid(query.strip()):
        yield from _by_number(store, contract_id, query.strip())
        return
    wanted = fold(query.strip())
    people = store.employees(contract_id)
    yield from (person for person in people if _matches(person, status, wanted))


def _by_number(store: PensionsStore, contract_id: str, number: str) -> list[Employee]:
    found = store.employees_by_national_id(contract_id, [Tckn(number)])
    people = store.employees_by_id(list(found.values()))
    return [p for p in people.values() if p.status is not EmployeeStatus.CANCELLED]


def _matches(person: Employee, status: str, wanted: str) -> bool:
    if status and person.status.value != status:
        return False
    if not wanted:
        return person.status is not EmployeeStatus.CANCELLED
    return wanted in fold(person.full_name) or wanted in fold(person.policy_no)
