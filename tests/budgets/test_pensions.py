"""What the rarer acts of pensions cost, committed in ``pensions.json``.

Units: HTTP attempts to AWS and calls through the insurer port, when nothing goes wrong. A new call
must change the file, and be seen in review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from pensions.application.contracts import ContractFields
from pensions.application.remittance_approval import LIMIT
from pensions.domain.employee import RevealReason
from tests.budgets.day import Day
from tests.crash.use_cases import (
    BY_NAME,
    calculated,
    enrolled,
    submit_money,
    submit_people,
)
from tests.support.drive import TENANT, Drive, Work, driving
from tests.support.events import bus_event
from tests.support.pensions_builders import JUNE, contract

pytestmark = pytest.mark.slow
DAY: Final = Day(Path(__file__).with_name("pensions.json"))
NEWS: Final = {
    "release held people": "new credentials release 4 held people",
    "resume held people": "a resolved incident sends 2 held people again",
    "release refused contributions": "a resolved incident releases 3 refused contributions",
    "stop a submission": "stop a submission of 2",
}
"""Messages that are counted, by the use case of the crash tests that arranges them."""


@pytest.fixture
def drive() -> Iterator[Drive]:
    """An account without anything."""
    with driving() as made:
        yield made


def test_the_counts_of_a_day_are_the_committed_ones(drive: Drive) -> None:
    empty = drive.snapshot()
    contracts(drive)
    drive.restore(empty)
    month(drive)
    for use_case, name in NEWS.items():
        drive.restore(empty)
        delivered(drive, name, BY_NAME[use_case].arrange(drive))
    drive.restore(empty)
    submitted(drive)
    counted(drive, "doubt a submission and a transmission", drive.application.doubt_restored())


def counted(drive: Drive, name: str, act: Any) -> Any:
    """One act; its log goes where the drive keeps it."""
    return DAY.counted(name, act, drive.logs)


def delivered(drive: Drive, name: str, work: Work) -> None:
    """One message that must be taken."""

    def deliver() -> None:
        assert drive.deliver(work), drive.logs.getvalue()

    counted(drive, name, deliver)


def contracts(drive: Drive) -> None:
    """A contract is registered, changed and removed; somebody looks at clear values."""
    use = drive.use()
    made = contract(provider_code="avivasa")
    fields = ContractFields(**{name: getattr(made, name) for name in ContractFields.__slots__})
    first = counted(drive, "register a contract", lambda: use.register_contract()(fields))
    other = replace(fields, contract_no="2")
    second = counted(drive, "change a contract", lambda: use.change_contract()(first.id, 1, other))
    version = second.stamp.version
    counted(drive, "remove a contract", lambda: use.remove_contract()(first.id, version))
    (person,) = drive.people(drive.contract(), 1)
    reason = next(iter(RevealReason))
    counted(drive, "show clear values", lambda: use.reveal_person()(person, reason))


def submitted(drive: Drive) -> None:
    """One submission is cut into a call that nobody has made, another is not cut yet."""
    contract_id = drive.contract()
    first, second = drive.people(contract_id, 2)
    drive.deliver(submit_people(drive, contract_id, [first]))
    submit_people(drive, contract_id, [second])


def month(drive: Drive) -> None:
    """A month whose deadline is watched, and whose bank order needs an approval."""
    contract_id, ids = enrolled(drive, 3)
    drive.clock.advance(timedelta(days=45))
    counted(drive, "watch the deadlines of one contract", drive.application.watch_deadlines())
    calculated(drive, contract_id, ids)
    drive.deliver(submit_money(drive, contract_id))
    drive.work()
    value = {"value": "0.00", "valid_from": "2026-01-01", "valid_to": None}
    recorded = {
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9E",
        "type": "workflow.ParameterRecorded.v1",
        "source": "kopru.workflow",
        "time": "2026-06-01T09:00:00Z",
        "tenant_id": TENANT,
        "subject": "parameter:01JXQ60A1B2C3D4E5F6G7H8J9P",
        "data": {"key": LIMIT, "scope": "company", **value},
    }
    delivered(drive, "hear of a limit", Work("news", bus_event(recorded)))
    use = drive.use()
    order = use.show_remittance()(contract_id, JUNE)
    counted(drive, "ask for the approval of a bank order", lambda: use.ask_sanction()(*order))
