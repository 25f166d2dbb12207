"""Machine 2 of reliability.md §13 over the real handlers: people, time, lost tokens and faults.

The same rules alone stand in ``tests/unit/workflow/test_approval_reducer.py``. Here every step goes
through the API, the queue or the schedule, a fault may meet it at any call, and what was not
acknowledged comes again. I-10, I-11, I-12 and I-22 hold after every step; when it is over and the
faults stop, everything comes to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.support.approvals_world import (
    CHIEF,
    CHIEF_2,
    MANAGER,
    MANAGER_2,
    REQUESTER,
    approvals_world,
)
from tests.support.events import queue_event
from tests.support.fault_bench import ROUND
from tests.support.faults import MODES, SWITCHBOARD, Faults, Killed, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.machine_runs import MachineInAWorld
from workflow.domain.approvals.waiting import CHECK_AGAIN

PEOPLE: Final = (REQUESTER, CHIEF, CHIEF_2, MANAGER, MANAGER_2)
REQUESTS: Final = ("R-1", "R-2")
AMOUNTS: Final = ("900.00", "1500.00")
MINUTES: Final = 6
"""After the last step: more than any repetition needs."""


class ApprovalMachine(MachineInAWorld):
    """Steps of people, of the schedule, of the queue, and of what may go wrong."""

    def __init__(self) -> None:
        super().__init__()
        made = approvals_world(self.aws, self.platform, self.clock)
        self.world = self.stack.enter_context(made)
        self.stack.enter_context(switched_on(self.clock))
        self.mailbox: list[dict[str, Any]] = []
        self.known: dict[str, tuple[int, list[Any]]] = {}
        self.fault: Faults | None = None

    def teardown(self) -> None:
        self.fault = None
        try:
            self.clock.advance(CHECK_AGAIN)  # an execution that was lost just now is missed by then
            for _ in range(MINUTES):
                self.clock.advance(ROUND)
                self._doing(self._minute)
            self._rests()
        finally:
            super().teardown()

    # -------------------------------------------------------------- steps

    @rule(n=st.integers(1, 6), mode=st.sampled_from(MODES))
    def the_next_step_meets_a_fault(self, n: int, mode: str) -> None:
        self.fault = Faults(n, mode, race=lambda: self._beside(self._minute))

    @rule(name=st.sampled_from(REQUESTS), amount=st.sampled_from(AMOUNTS))
    def somebody_asks(self, name: str, amount: str) -> None:
        """A new request, the same again, or the same with other content."""
        body = {
            "kind": "purchase",
            "rule": "approval.purchase_chain",
            "subject": "purchase:P-1",
            "request_id": name,
            "facts": {"amount": amount},
            "content": {"title": "Printer", "amount": {"amount": amount, "currency": "TRY"}},
        }
        self._calling("/approvals", body, REQUESTER)

    @rule(
        name=st.sampled_from(REQUESTS),
        who=st.sampled_from(PEOPLE),
        outcome=st.sampled_from(("approve", "approve", "reject")),
        old=st.booleans(),
    )
    def somebody_decides(self, name: str, who: str, outcome: str, old: bool) -> None:
        """The open task, or the first one, which may be closed for long."""
        task = self._task(name, old)
        if task:
            self._calling(f"/tasks/{task}/decision", {"outcome": outcome, "reason": "so"}, who)

    @rule(name=st.sampled_from(REQUESTS), who=st.sampled_from(PEOPLE))
    def somebody_without_the_role_decides(self, name: str, who: str) -> None:
        task = self._task(name)
        if task:
            path = f"/tasks/{task}/decision"
            self._calling(path, {"outcome": "approve"}, who, role="payroll")

    @rule(name=st.sampled_from(REQUESTS), who=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE))
    def somebody_delegates(self, name: str, who: str, to: str) -> None:
        task = self._task(name)
        if task:
            self._calling(f"/tasks/{task}/delegate", {"to": f"user:{to}"}, who)

    @rule(name=st.sampled_from(REQUESTS), who=st.sampled_from((REQUESTER, CHIEF)))
    def somebody_withdraws(self, name: str, who: str) -> None:
        for row in self._rows():
            if row["request_id"] == name:
                self._calling(f"/approvals/{row['id']}/withdraw", {"reason": "so"}, who)

    @rule(hours=st.sampled_from((1, 10, 60, 400)))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))
        self._doing(self._minute)

    @rule()
    def work_is_done(self) -> None:
        self._doing(self._work)

    @rule()
    def executions_reach_their_wait(self) -> None:
        self._doing(self.world.give_tokens)

    @rule()
    def executions_are_lost(self) -> None:
        self.world.machine.lose()

    # -------------------------------------------------------------- what holds

    @invariant()
    def one_decision_for_a_stage_and_round(self) -> None:
        """I-10: a slot is taken once, and what was decided stays as it was."""
        for row in self._rows():
            seen = self.world.read(row["id"])
            tasks = seen["tasks"]
            assert len({(task["stage"], task["round"], task["id"]) for task in tasks}) == len(tasks)
            assert all(len(task["decisions"]) <= task["needed"] for task in tasks)
            assert sum(task["closed_at"] is None for task in tasks) == (seen["status"] == "pending")
            decisions = [(task["id"], task["decisions"]) for task in tasks if task["closed_at"]]
            before_round, before = self.known.get(row["id"], (1, []))
            assert seen["round"] >= before_round
            assert decisions[: len(before)] == before
            self.known[row["id"]] = (seen["round"], decisions)

    @invariant()
    def nobody_has_two_duties(self) -> None:
        """I-11: who asked decides nothing, neither in person nor through somebody else."""
        for row in self._rows():
            for task in self.world.read(row["id"])["tasks"]:
                for vote in task["decisions"]:
                    asker = f"user:{REQUESTER}"
                    assert asker not in (vote["by"], vote["on_behalf_of"])

    @invariant()
    def approved_means_every_stage_for_this_content(self) -> None:
        """I-12: the whole chain said yes to exactly what is asked, by different people."""
        for row in self._rows():
            seen = self.world.read(row["id"])
            if seen["status"] != "approved":
                continue
            # Earlier rounds may have had more stages: other content, another chain.
            tasks = {task["stage"]: task["decisions"] for task in seen["tasks"]}
            last = {stage["stage"]: tasks[stage["stage"]] for stage in seen["stages"]}
            votes = [vote for each in last.values() for vote in each]
            assert {vote["outcome"] for vote in votes} == {"approve"}
            assert {vote["content_hash"] for vote in votes} == {seen["content_hash"]}
            assert len({vote["by"] for vote in votes}) == len(votes) >= len(last)

    @invariant()
    def every_change_is_in_history_and_audit(self) -> None:
        """I-22."""
        core, audit = self.world.aws.rows("core"), self.world.aws.rows("audit")
        history = sum("#HIST#approval:" in row["pk"] for row in core)
        chained = sum("#ENT#approval:" in row["pk"] for row in audit)
        assert history == chained == sum(row["version"] for row in self._rows())

    # -------------------------------------------------------------- machinery

    def _rows(self) -> list[dict[str, Any]]:
        rows = [row for row in self.world.aws.rows("core") if row.get("kind") == "approval"]
        return sorted(rows, key=lambda row: str(row["id"]))

    def _task(self, name: str, old: bool = False) -> str:
        for row in self._rows():
            if row["request_id"] == name:
                seen = self.world.read(row["id"])
                task = seen["tasks"][0] if old else seen["task"]
                return str(task["id"]) if task else ""
        return ""

    def _calling(self, path: str, body: dict[str, Any], who: str, **more: Any) -> None:
        """One request; refused or not, what holds is looked at afterwards."""
        self._doing(lambda: self.world.call("POST", path, body, who=who, **more))

    def _doing(self, act: Callable[[], object]) -> None:
        """A step of an actor that may die of the fault that was announced."""
        SWITCHBOARD.faults, self.fault = self.fault, None
        try:
            self._beside(act)
        finally:
            SWITCHBOARD.faults = None

    @staticmethod
    def _beside(act: Callable[[], object]) -> None:
        with SWITCHBOARD.actor():
            try:
                act()
            except Killed:
                return

    def _minute(self) -> None:
        from workflow.handlers import relay_outbox

        try:
            relay_outbox.handler({}, LambdaContext())
        except Exception as error:  # the next minute does its work
            assert SWITCHBOARD.faults is not None, error  # noqa: PT017 (not the error is tested)
        self._work()
        self.world.give_tokens()
        self._work()

    def _work(self) -> None:
        """Every message once; who is not acknowledged stays."""
        from workflow.handlers import drive_approvals

        self.mailbox += self.world.aws.messages("workflow-approvals")
        for body in list(self.mailbox):
            answer = drive_approvals.handler(queue_event(body), LambdaContext())
            if not answer["batchItemFailures"] and body in self.mailbox:
                self.mailbox.remove(body)

    def _rests(self) -> None:
        """I-14, I-15: nothing waits, and one execution runs for each open task and no other."""
        flow = self.world.aws.rows("flow")
        assert [row for row in flow if "#OUT#" in row["pk"] and "due_pk" in row] == []
        assert self.mailbox == []
        running = sorted(str(task["task"]) for task in self.world.machine.running.values())
        reads = (self.world.read(row["id"])["task"] for row in self._rows())
        assert running == sorted(str(task["id"]) for task in reads if task)
