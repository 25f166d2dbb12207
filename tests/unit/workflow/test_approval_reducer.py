"""The pure reducer of approvals: modes, collapsing, policies, time, and a machine over all of it.

The machine (reliability.md §13, no. 2) submits, changes, decides with several actors, rejects,
delegates, withdraws and lets time pass; after every step I-10, I-11 and I-12 must hold.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel.approval import content_hash
from kernel.business_days import Calendar
from kernel.errors import ConflictError, KopruError
from tests.support.aws import START
from toolkit.calendars import calendar
from workflow.adapters.shipped_packs import shipped
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import MAX_ROUNDS, Approval, ApprovalStatus, TaskOutcome
from workflow.domain.approvals.chain import (
    Chain,
    Mode,
    OnExpiry,
    Person,
    RejectPolicy,
    Signature,
    SlaClock,
    Stage,
    WorkingTime,
)
from workflow.domain.approvals.reducer import Step, reduce, submitted

HOURS = WorkingTime(Calendar("every day", {}, weekend=frozenset()), "Europe/Istanbul")
PEOPLE = {name: Person(f"user:{name}", roles) for name, roles in (
    ("chief", ("chief",)),
    ("second", ("chief",)),
    ("manager", ("manager",)),
    ("both", ("chief", "manager")),
    ("asker", ("chief", "manager")),
)}  # fmt: skip
CONTENT = {"amount": {"amount": "10.00", "currency": "TRY"}}


def stage(level: str, **more: Any) -> Stage:
    return Stage(level, (f"role:{level.lower()}",), clock=SlaClock.WALL, **more)


CHAIN = Chain((stage("CHIEF"), stage("MANAGER")))


def approval(chain: Chain = CHAIN) -> Approval:
    made = Approval(
        "A", "api", "R", "purchase", "purchase:1", "user:asker", START, {}, CONTENT,
        content_hash(CONTENT), chain,
    )  # fmt: skip
    return submitted(made, START, HOURS).state


def decide(state: Approval, who: str, approve: bool = True) -> Step:
    assert state.task is not None
    return reduce(state, ev.Decide(state.task.id, PEOPLE[who], approve, "so"), START, HOURS)


def test_all_named_candidates_must_agree() -> None:
    one = replace(stage("CHIEF"), mode=Mode.ALL, candidates=("user:chief", "user:manager"))
    state = decide(approval(Chain((one,))), "chief").state
    assert state.status is ApprovalStatus.PENDING
    assert decide(state, "manager").state.status is ApprovalStatus.APPROVED


def test_two_of_a_role_must_agree_and_one_counts_once() -> None:
    state = decide(approval(Chain((stage("CHIEF", needed=2),))), "chief").state
    with pytest.raises(ConflictError):
        decide(state, "chief")
    assert decide(state, "second").state.status is ApprovalStatus.APPROVED


def test_stages_of_one_person_fall_together_only_where_the_chain_says_so() -> None:
    refused = decide(decide(approval(), "both").state, "both")
    assert isinstance(refused.effects[-1], ev.Refuse)
    state = decide(approval(replace(CHAIN, collapse_duplicates=True)), "both").state
    assert state.status is ApprovalStatus.APPROVED
    assert state.tasks[-1].outcome is TaskOutcome.COLLAPSED


@pytest.mark.parametrize(
    ("policy", "status", "level"),
    [
        (RejectPolicy.PREVIOUS_STEP, ApprovalStatus.PENDING, 0),
        (RejectPolicy.REQUESTER, ApprovalStatus.RETURNED, None),
        (RejectPolicy.TERMINATE, ApprovalStatus.REJECTED, None),
    ],
)
def test_a_rejection_leads_where_the_parameter_says(
    policy: RejectPolicy, status: ApprovalStatus, level: int | None
) -> None:
    state = decide(approval(replace(CHAIN, on_reject=policy)), "chief").state
    after = decide(state, "manager", approve=False).state
    assert after.status is status
    assert (after.task.stage if after.task else None) == level


def test_the_policies_are_those_of_the_rule() -> None:
    """R17 decides by the same words that the reducer understands."""
    document = shipped().versions["approval.reject_goes_back"][0].document
    policy = next(each for each in document["derived"] if each["name"] == "policy")
    assert set(policy["values"]) == set(RejectPolicy)


def test_rounds_end() -> None:
    state = approval()
    for _ in range(MAX_ROUNDS):
        state = decide(decide(state, "chief").state, "manager", approve=False).state
    assert state.status is ApprovalStatus.REJECTED
    assert state.round == MAX_ROUNDS


def test_silence_may_be_consent_only_where_it_is_said() -> None:
    chain = Chain((stage("CHIEF", on_expiry=OnExpiry.APPROVED),))
    later = START + timedelta(days=30)
    after = reduce(approval(chain), ev.Tick(), later, HOURS).state
    assert after.status is ApprovalStatus.APPROVED
    assert reduce(approval(), ev.Tick(), later, HOURS).state.status is ApprovalStatus.EXPIRED


def test_silence_and_another_stage_sign_nothing() -> None:
    """A stage that asks for a signature is approved by nobody else than who signs it."""
    signed = {"signature": Signature.QUALIFIED, "on_expiry": OnExpiry.APPROVED, "expiry_hours": 1}
    silent = approval(Chain((stage("CHIEF", **signed),)))
    assert silent.task is not None
    late = silent.task.expires_at
    assert reduce(silent, ev.Tick(), late, HOURS).state.status is ApprovalStatus.EXPIRED
    chain = Chain(
        (stage("CHIEF"), stage("MANAGER", signature=Signature.QUALIFIED)),
        collapse_duplicates=True,
    )
    after = decide(approval(chain), "both").state
    assert after.status is ApprovalStatus.PENDING
    assert after.task is not None
    assert after.task.stage == 1


def test_exactly_on_time_is_in_time() -> None:
    state = approval(Chain((stage("CHIEF", escalate_to=("role:manager",)),)))
    assert state.task is not None
    due = state.task.due_at
    assert not reduce(state, ev.Tick(), due, HOURS).changed
    assert not state.task.breached(due)
    after = reduce(state, ev.Tick(), due + timedelta(milliseconds=1), HOURS).state
    assert after.task is not None
    assert "role:manager" in after.task.candidates


def test_hours_of_work_skip_nights_weekends_and_half_days() -> None:
    hours = WorkingTime(calendar("TR"), "Europe/Istanbul")
    # Friday, 5 June 2026, 17:00 in Istanbul, and ten hours of work: Monday and an hour of Tuesday.
    friday = START.replace(day=5, hour=14)
    assert hours.after(friday, 10, SlaClock.BUSINESS) == START.replace(day=8, hour=15)
    assert hours.after(friday, 11, SlaClock.BUSINESS) == START.replace(day=9, hour=7)
    assert hours.after(friday, 10, SlaClock.WALL) == friday + timedelta(hours=10)


def test_a_task_keeps_the_stage_of_its_round_when_other_content_has_another_chain() -> None:
    first = decide(approval(), "chief").state
    shorter = Chain((stage("BOARD"),))
    again = ev.AskAgain(PEOPLE["asker"], {"amount": 1}, {}, shorter)
    after = reduce(first, again, START, HOURS).state
    assert [after.stage_of(task).level for task in after.tasks] == ["CHIEF", "MANAGER", "BOARD"]
    none = ev.AskAgain(PEOPLE["asker"], {"amount": 0}, {}, Chain(()))
    ended = reduce(after, none, START, HOURS).state
    assert ended.status is ApprovalStatus.NOT_REQUIRED
    assert [ended.stage_of(task).level for task in ended.tasks] == ["CHIEF", "MANAGER", "BOARD"]


class Machine(RuleBasedStateMachine):
    """Any order of what people and time may do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.state = approval(
            Chain(
                (
                    stage("CHIEF", escalate_to=("role:manager",)),
                    stage("MANAGER", needed=1),
                    stage("CHIEF", needed=2),
                )
            )
        )
        self.rounds = 1
        self.tasks = 1
        self.finished = 0

    def do(self, event: ev.Event) -> None:
        try:
            step = reduce(self.state, event, self.now, HOURS)
        except KopruError:
            return  # refused, and nothing has changed
        self.finished += sum(isinstance(each, ev.Finish) for each in step.effects)
        self.state = step.state

    @property
    def open(self) -> bool:
        return self.state.task is not None

    @precondition(lambda self: self.open)
    @rule(who=st.sampled_from(sorted(PEOPLE)), approve=st.booleans())
    def decide(self, who: str, approve: bool) -> None:
        assert self.state.task is not None
        self.do(ev.Decide(self.state.task.id, PEOPLE[who], approve, "so"))

    @precondition(lambda self: self.open)
    @rule(who=st.sampled_from(sorted(PEOPLE)), to=st.sampled_from(sorted(PEOPLE)))
    def delegate(self, who: str, to: str) -> None:
        assert self.state.task is not None
        self.do(ev.Delegate(self.state.task.id, PEOPLE[who], f"user:{to}"))

    @rule(who=st.sampled_from(sorted(PEOPLE)))
    def decide_an_old_task(self, who: str) -> None:
        self.do(ev.Decide(self.state.tasks[0].id, PEOPLE[who], True))

    @rule(amount=st.integers(1, 3))
    def ask_again(self, amount: int) -> None:
        content = {"amount": amount}
        self.do(ev.AskAgain(PEOPLE["asker"], content, {}, self.state.chain))

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.do(ev.Tick())

    @rule(who=st.sampled_from(["asker", "chief"]))
    def withdraw(self, who: str) -> None:
        if self.rounds > 3:
            self.do(ev.Withdraw(PEOPLE[who]))

    @invariant()
    def one_slot_per_stage_and_round(self) -> None:
        """I-10: tasks and rounds only grow, no visit occurs twice, none is open after the end."""
        names = [task.id for task in self.state.tasks]
        assert len(names) == len(set(names)) >= self.tasks
        assert self.state.round >= self.rounds
        self.tasks, self.rounds = len(names), self.state.round
        assert sum(task.open for task in self.state.tasks) == int(
            self.state.status is ApprovalStatus.PENDING
        )

    @invariant()
    def nobody_has_two_duties(self) -> None:
        """I-11: who asked decides nothing; counted approvals are of different persons."""
        votes = [vote for task in self.state.tasks for vote in task.votes]
        assert all("user:asker" not in (vote.by, vote.on_behalf_of) for vote in votes)
        counted = [name for names in self.state.standing.values() for name in names]
        assert len(counted) == len(set(counted))

    @invariant()
    def approved_means_the_whole_chain_over_this_content(self) -> None:
        """I-12: every stage has its decisions, all of the last round's content."""
        if self.state.status is not ApprovalStatus.APPROVED:
            return
        assert set(self.state.standing) == set(range(len(self.state.chain.stages)))
        for number, names in self.state.standing.items():
            task = [each for each in self.state.tasks if each.stage == number][-1]
            assert {vote.by for vote in task.votes if vote.outcome == "approve"} == set(names)
            assert {vote.content_hash for vote in task.votes} == {self.state.content_hash}

    @invariant()
    def the_end_is_told(self) -> None:
        if self.state.status.final:
            assert self.finished >= 1


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
