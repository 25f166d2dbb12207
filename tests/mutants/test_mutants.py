"""Tests of the tests: every seeded error must be seen, by the detector reliability.md §11 names.

Each hunt tries schedules until the error shows; the same schedule on the real code shows nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import ConflictError
from kernel.sensitive import Secret
from tests.crash.test_time_and_lag import EDITED
from tests.crash.use_cases import (
    BY_NAME,
    LINES,
    command,
    count_of,
    enrolled,
    prepared_people,
    sent_messages,
    small_groups,
    submit_people,
)
from tests.mutants import mutants
from tests.support.drive import (
    PROVIDER,
    TENANT,
    Drive,
    Explorer,
    Inspect,
    UnsettledError,
    UseCase,
    Work,
    driving,
)
from tests.support.faults import Faults
from tests.support.invariants import always, effects, everybody_told, settled
from tests.support.pensions_builders import fields_of

pytestmark = pytest.mark.slow
Patch = Callable[[], Any]


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    with small_groups():
        yield


# ---------------------------------------------------------------------------- own use cases


def _new_password(drive: Drive) -> Work:
    """Somebody enters new credentials while people wait in the queue."""
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"account": {"username": "ws", "password": "second"}})
    drive.use().store_credentials()(contract_id, "ws", Secret("second"))
    return work


def _all_at_once(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == LINES
    assert drive.use().store.contract(_contract(drive)).credentials.state.value != "invalid"


def _contract(drive: Drive) -> str:
    return next(iter(drive.use().store.contracts())).id


def _plain(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    return prepared_people(drive, contract_id)


def _other_order(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    drive.insurers.script(PROVIDER, {"kind": "other_order", "operation": "enrol"})
    return prepared_people(drive, contract_id)


def _everything_arrived(drive: Drive) -> list[str]:
    """What a submission that vanished looks like from the insurer."""
    taken = len(drive.insurers.accepted(PROVIDER))
    return [] if taken == LINES else [f"the insurer got {taken} of {LINES}"]


# ---------------------------------------------------------------------------- hunts


@dataclass(frozen=True)
class Hunt:
    """Where and how one error is looked for; only complaints that start with ``sign`` count."""

    mutant: Patch
    modes: Sequence[str]
    use_case: UseCase
    sign: str
    inspect: Inspect = settled
    sweeping: bool = True
    lag: int | None = None

    @property
    def name(self) -> str:
        """Number of the error."""
        return self.mutant.__name__.upper()

    def explorer(self, drive: Drive) -> Explorer:
        """The explorer of this hunt, arranged by the real code."""
        drive.sweeping = self.sweeping
        return Explorer(drive, self.use_case, self.inspect, forget=self.lag is None)

    def caught(self, explorer: Explorer, mode: str) -> Faults | None:
        """The first schedule in ``mode`` (clean without one) that shows the error."""
        points = len(explorer.trace())
        tries = (Faults(n, mode) for n in range(1, points + 1)) if mode else iter([Faults()])
        return next((faults for faults in tries if self.seen(explorer, faults)), None)

    def seen(self, explorer: Explorer, faults: Faults) -> list[str]:
        """Complaints that count."""
        run = explorer.run(Faults(faults.n, faults.mode))
        return [complaint for complaint in run.complaints if complaint.startswith(self.sign)]


SEND, COLLECT = BY_NAME["send enrolment"], BY_NAME["send collection"]
NEW_PASSWORD = UseCase("send with new credentials", _new_password, _all_at_once)
OTHER_ORDER = UseCase("read an answer in another order", _other_order)
PLAIN = UseCase("send people nobody objects to", _plain)

ANY = ("KB", "KA", "LR", "E5", "RK")
HUNTS = (
    Hunt(mutants.m1, ("RK",), PLAIN, "the insurer got", _everything_arrived, sweeping=False),
    Hunt(mutants.m2, ANY, SEND, "I-4"),
    Hunt(mutants.m3, ("LR", "E5"), COLLECT, "I-4"),
    Hunt(mutants.m5, ANY, COLLECT, "I-1"),
    Hunt(mutants.m6, ("KB", "KA", "RK"), SEND, "I-15: nobody", everybody_told),
    Hunt(mutants.m7, ("RC",), SEND, "I-4", effects),
    Hunt(mutants.m8, ("RC",), SEND, "I-4", effects),
    Hunt(mutants.m9, ("",), EDITED, "I-4", effects, lag=1),
    Hunt(mutants.m10, ("KB", "KA", "RK"), COLLECT, "I-13"),
    Hunt(mutants.m11, ("",), NEW_PASSWORD, NEW_PASSWORD.name),
    Hunt(mutants.m12, ("",), OTHER_ORDER, "I-5"),
    Hunt(mutants.m13, ("",), SEND, "I-5"),
)


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_the_error_is_seen_and_the_real_code_is_not_blamed(hunt: Hunt) -> None:
    with driving(lag=hunt.lag) as drive:
        explorer = hunt.explorer(drive)
        caught = []
        with hunt.mutant():
            if "" not in hunt.modes:
                # A plain test passes with the error in place: that is why the faults are needed.
                assert hunt.seen(explorer, Faults()) == []
            for mode in hunt.modes:
                found = hunt.caught(explorer, mode)
                assert found is not None, f"{hunt.name} survives {mode}"
                caught.append(found)
        explorer.forget()
        for faults in caught:
            assert hunt.seen(explorer, faults) == []


# ---------------------------------------------------------------------------- own detectors


def losing_deliveries(drive: Drive) -> list[str]:
    """Calls whose lost response costs a redelivery, of those that AWS answers."""
    explorer = Explorer(drive, SEND, lambda _drive: [])
    labels = explorer.trace()
    return [
        f"{n}:{label}"
        for n, label in enumerate(labels, 1)
        if not label.startswith("insurer.") and not explorer.delivered_at_once(Faults(n, "LR"))
    ]


def test_m4_an_own_response_taken_for_foreign_costs_a_lease() -> None:
    with driving() as drive:
        assert losing_deliveries(drive) == []
    with driving() as drive, mutants.m4():
        assert losing_deliveries(drive) != []


def twice_after_a_year(drive: Drive) -> list[str]:
    """Somebody registers a person again, 400 days after the enrolment."""
    contract_id, _ = enrolled(drive, 1)
    drive.clock.advance(timedelta(days=400))
    drive.expire()
    try:
        drive.use().add_employee()(contract_id, fields_of(1))
    except ConflictError:
        return effects(drive)
    drive.deliver(submit_people(drive, contract_id))
    drive.work()
    return effects(drive)


def test_m16_a_guard_that_expires_lets_the_second_effect_through() -> None:
    with driving() as drive:
        assert twice_after_a_year(drive) == []
    with driving() as drive, mutants.m16():
        assert any(complaint.startswith("I-4") for complaint in twice_after_a_year(drive))


def two_companies(drive: Drive) -> list[str]:
    """A warm process works for one company and then for the other."""
    other = "TENANT-B"
    drive.tenants = (TENANT, other)
    contracts = {}
    for tenant_id, first in ((TENANT, 1), (other, 50)):
        number = f"NO-{tenant_id}"
        contracts[tenant_id] = drive.contract(
            tenant_id=tenant_id, contract_no=number, payroll_contract_no=number
        )
        drive.people(contracts[tenant_id], 2, first=first, tenant_id=tenant_id)
    for tenant_id, contract_id in contracts.items():
        drive.use(tenant_id).submit_employees()(contract_id, None, command("one"))
    drive.collect()
    complaints = []
    try:
        drive.work()
    except UnsettledError as error:
        complaints.append(str(error))
    complaints += always(drive)
    unsent = [
        tenant_id
        for tenant_id in drive.tenants
        if set(drive.states("employee", tenant_id).values()) != {"enrolled"}
    ]
    return complaints + [f"nothing was sent for {tenant_id}" for tenant_id in unsent]


def test_m17_a_tenant_kept_from_an_earlier_message_is_seen() -> None:
    with driving() as drive:
        assert two_companies(drive) == []
    with driving() as drive, mutants.m17():
        complaints = two_companies(drive)
        assert any(complaint.startswith("I-16") for complaint in complaints), complaints


def test_a_message_that_names_one_company_and_the_work_of_another_does_nothing() -> None:
    """The tenant is part of every key: the ids of a stranger lead nowhere."""
    with driving() as drive:
        contract_id = drive.contract()
        drive.people(contract_id, 2)
        work = prepared_people(drive, contract_id)
        mixed = Work("send", {**work.body, "tenant_id": "TENANT-B"})
        before = drive.rows("core")
        assert drive.deliver(mixed)
        assert drive.rows("core") == before
        assert drive.insurers.effects == []
        assert sent_messages(drive, "send") == [work]
