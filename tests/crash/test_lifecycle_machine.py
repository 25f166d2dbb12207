"""Anything in any order: people, months, credentials, faults and time (reliability.md §13, 1).

Hypothesis chooses what happens next; after every step everything of ``always`` must hold, and when
it is over and the insurer behaves again, everything must come to an end (``settled``).
"""

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kernel.errors import KopruError
from kernel.money import Money
from kernel.sensitive import Secret
from pensions.application.contributions import ContributionChanges, ContributionFields
from tests.crash.use_cases import (
    calculated,
    command,
    enrolled,
    incidents,
    news,
    resolved,
    small_groups,
)
from tests.support.drive import PASSWORD, PROVIDER, Drive, Snapshot, driving
from tests.support.faults import MODES, SWITCHBOARD, Faults
from tests.support.invariants import always, settled
from tests.support.pensions_builders import JUNE, fields_of, tckn

pytestmark = pytest.mark.slow
PEOPLE = 5
MISCHIEF = (
    {"kind": "lost_answer"},
    {"kind": "slow"},
    {"kind": "html_error"},
    {"kind": "drop_request"},
    {"kind": "empty"},
    {"kind": "garbage"},
    {"kind": "partial", "omit": 1},
    {"kind": "duplicate"},
    {"kind": "contradict"},
    {"kind": "unknown_person"},
    {"kind": "other_order"},
    {"kind": "wrong_amount", "by": 1},
    {"kind": "wrong_reference"},
    {"kind": "unknown_status"},
    {"kind": "fault", "reason": "busy"},
    {"kind": "fault", "reason": "maintenance"},
    {"kind": "fault", "reason": "strange"},
)
numbers = st.integers(1, PEOPLE)


class Lifecycle(RuleBasedStateMachine):
    """One company with one contract."""

    drive: Drive
    start: Snapshot

    def __init__(self) -> None:
        super().__init__()
        self.drive.restore(self.start)
        self.password = PASSWORD
        self.commands = 0
        self.bonuses = 0

    @property
    def contract_id(self) -> str:
        """The contract."""
        return next(iter(self.drive.states("contract")))

    def _do(self, act: Any) -> None:
        """What a user asks may be refused; that is an answer too."""
        with contextlib.suppress(KopruError):
            act()
        self.drive.collect()

    def _command(self) -> Any:
        self.commands += 1
        return command(f"machine-{self.commands}")

    def _person(self, number: int) -> Any:
        store = self.drive.use().store
        for person in store.employees(self.contract_id):
            if person.national_id and person.national_id.reveal("test") == tckn(number):
                return person
        return None

    # ------------------------------------------------------------------ what users do

    @initialize()
    def some_people(self) -> None:
        """Something to work with, beside the two who are enrolled already."""
        for number in (3, 4):
            self.add_person(number)

    @rule(number=numbers)
    def add_person(self, number: int) -> None:
        """Somebody is hired."""
        add = self.drive.use().add_employee()
        self._do(lambda: add(self.contract_id, fields_of(number)))

    @rule(number=numbers)
    def edit_person(self, number: int) -> None:
        """Somebody has a new number."""
        person = self._person(number)
        if person is not None:
            change = self.drive.use().change_employee()
            mobile = {"mobile": f"+90533{1_000_000 + person.stamp.version:07d}"}
            self._do(lambda: change(person.id, person.stamp.version, mobile))

    @rule(number=numbers)
    def withdraw_person(self, number: int) -> None:
        """Somebody was entered by mistake."""
        person = self._person(number)
        if person is not None:
            withdraw = self.drive.use().withdraw_employee()
            self._do(lambda: withdraw(person.id, person.stamp.version))

    @rule()
    def submit_people(self) -> None:
        """Everybody who is ready is sent."""
        submit = self.drive.use().submit_employees()
        self._do(lambda: submit(self.contract_id, None, self._command()))

    @rule(lira=st.sampled_from([990, 1_000, 0]))
    def calculate(self, lira: int) -> None:
        """Payroll is run, again and again."""
        ids = [person.id for person in self.drive.use().store.employees(self.contract_id)]
        if lira == 990:
            self._do(lambda: calculated(self.drive, self.contract_id, ids))
        else:
            rows = [ContributionFields(one, amount=Money(lira * 100, "TRY")) for one in ids]
            compute = self.drive.use().calculate_contributions()
            self._do(lambda: compute(self.contract_id, JUNE, rows))

    @rule(number=numbers)
    def add_bonus(self, number: int) -> None:
        """A second row for somebody."""
        person = self._person(number)
        if person is not None:
            add = self.drive.use().add_contribution()
            self.bonuses += 1
            day = date(2026, 7, 6) + timedelta(days=self.bonuses % 3)
            fields = ContributionFields(person.id, amount=Money(5_000, "TRY"), paid_on=day)
            self._do(lambda: add(self.contract_id, JUNE, fields))

    @precondition(lambda self: self.drive.states("contribution"))
    @rule(pick=st.integers(0, 20), withdraw=st.booleans())
    def change_row(self, pick: int, withdraw: bool) -> None:
        """A row is corrected or withdrawn."""
        ids = sorted(self.drive.states("contribution"))
        item = self.drive.use().store.contribution(ids[pick % len(ids)])
        use = self.drive.use()
        if withdraw:
            self._do(lambda: use.remove_contribution()(item.id, item.stamp.version))
        else:
            changes = ContributionChanges(amount=Money(12_000 + pick * 100, "TRY"))
            self._do(lambda: use.change_contribution()(item.id, item.stamp.version, changes))

    @rule()
    def run_payroll(self) -> None:
        """The month is computed and sent in one go."""
        self.calculate(990)
        self.submit_month()

    @rule()
    def submit_month(self) -> None:
        """The month is sent."""
        submit = self.drive.use().submit_contributions()
        self._do(lambda: submit(self.contract_id, JUNE, self._command()))

    @rule()
    def ask_status(self) -> None:
        """The button."""
        self._do(lambda: self.drive.use().start_status_refresh()(self.contract_id))

    @rule()
    def mark_paid(self) -> None:
        """The bank order was given."""
        self._do(lambda: self.drive.use().mark_remittance_paid()(self.contract_id, JUNE))

    @rule(right=st.booleans())
    def enter_credentials(self, right: bool) -> None:
        """New credentials, not always the right ones."""
        secret = Secret(self.password if right else "wrong")
        self._do(lambda: self.drive.use().store_credentials()(self.contract_id, "ws", secret))

    @precondition(lambda self: bool(incidents(self.drive)))
    @rule(pick=st.integers(0, 10))
    def resolve_incident(self, pick: int) -> None:
        """An operator put something right; the news comes by the bus."""
        known = incidents(self.drive)
        self.commands += 1
        self.drive.mailbox.append(resolved(known[pick % len(known)], self.commands))

    @precondition(lambda self: self.jobs())
    @rule(pick=st.integers(0, 10))
    def stop_job(self, pick: int) -> None:
        """Somebody thinks better of it."""
        known = self.jobs()
        self.commands += 1
        job = {"job_id": known[pick % len(known)]}
        self.drive.mailbox.append(news("JobCancelRequested", job, self.commands))

    def jobs(self) -> list[str]:
        """Ids of all jobs, in order."""
        rows = self.drive.rows("core")
        return sorted(row["id"] for row in rows if "#JOB#" in row["pk"])

    # ------------------------------------------------------------------ what happens

    @rule(behaviour=st.sampled_from(MISCHIEF))
    def misbehave(self, behaviour: dict[str, Any]) -> None:
        """The insurer's next answer is strange."""
        self.drive.insurers.script(PROVIDER, behaviour)

    @rule(number=numbers, what=st.sampled_from(["reject", "accept", "opt_out", "leave"]))
    def decide(self, number: int, what: str) -> None:
        """The insurer knows something about somebody."""
        fact = {"national_id": tckn(number), "on": "2026-05-20", "reason": "mobile"}
        self.drive.insurers.script(PROVIDER, {what: fact})

    @rule()
    def change_password(self) -> None:
        """The insurer gave out a new password."""
        self.password = f"{PASSWORD}-{self.commands}"
        account = {"username": "ws", "password": self.password}
        self.drive.insurers.script(PROVIDER, {"account": account})

    @rule(minutes=st.sampled_from([1, 4, 30, 400]))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.drive.clock.advance(timedelta(minutes=minutes))

    @rule()
    def work(self) -> None:
        """An undisturbed hour of the workers."""
        for work in list(self.drive.mailbox):
            self.drive.deliver(work)

    @rule()
    def sweep(self) -> None:
        """The minute run."""
        self.drive.sweep()

    @precondition(lambda self: self.drive.mailbox)
    @rule(pick=st.integers(0, 10), mode=st.sampled_from(["", *MODES]), n=st.integers(1, 24))
    def deliver(self, pick: int, mode: str, n: int) -> None:
        """A worker gets a message, and perhaps dies."""
        work = self.drive.mailbox[pick % len(self.drive.mailbox)]
        faults = Faults(n, mode) if mode else None
        if faults is not None:
            faults.race = lambda: self.drive.deliver(work)
        SWITCHBOARD.faults = faults
        try:
            self.drive.deliver(work)
        finally:
            SWITCHBOARD.faults = None

    @precondition(lambda self: self.drive.received)
    @rule(pick=st.integers(0, 60))
    def redrive(self, pick: int) -> None:
        """An operator redrives an old message."""
        self.drive.deliver(self.drive.received[pick % len(self.drive.received)])

    @precondition(lambda self: self.drive.mailbox)
    @rule(pick=st.integers(0, 10))
    def lose(self, pick: int) -> None:
        """A message expires."""
        del self.drive.mailbox[pick % len(self.drive.mailbox)]

    # ------------------------------------------------------------------ what holds

    @invariant()
    def everything_holds(self) -> None:
        """See ``always``."""
        assert always(self.drive) == []

    def teardown(self) -> None:
        """The insurer behaves, the right password is entered: everything comes to an end."""
        self.drive.insurers.script(PROVIDER, {"clear": True})
        account = {"username": "ws", "password": self.password}
        self.drive.insurers.script(PROVIDER, {"account": account})
        self.enter_credentials(True)
        lost = self.drive.mailbox
        lost.clear()  # even if no message survives
        self.drive.settle(60)
        complaints = settled(self.drive)
        assert complaints == [], complaints


@pytest.fixture
def machine() -> Iterator[type[Lifecycle]]:
    """The machine over a world that is put back for each example."""
    with small_groups(), driving() as drive:
        enrolled(drive, 2)
        Lifecycle.drive = drive
        Lifecycle.start = drive.snapshot()
        yield Lifecycle


def test_nothing_is_lost_or_doubled_whatever_happens(machine: type[Lifecycle]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=14,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.deep
def test_nothing_is_lost_or_doubled_in_long_random_runs(machine: type[Lifecycle]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=150,
            stateful_step_count=80,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
