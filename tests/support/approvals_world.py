"""Approvals with their real handlers over moto, and a state machine that only remembers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from kernel.clock import FixedClock
from kernel.errors import TransientGatewayError
from kernel.sensitive import Secret
from tests.support.aws import AwsWorld
from tests.support.events import Answer, bus_event, queue_event
from tests.support.faults import SWITCHBOARD
from tests.support.lambda_context import LambdaContext
from tests.support.rules_world import TENANT, RulesWorld, rules_world
from toolkit.auth import Principal
from toolkit.platform import Platform
from workflow.domain.approvals.waiting import Answer as Said

REQUESTER: Final = "01JXQ60A1B2C3D4E5F6G7H8J9A"
CHIEF: Final = "01JXQ60A1B2C3D4E5F6G7H8J9C"
CHIEF_2: Final = "01JXQ60A1B2C3D4E5F6G7H8J9D"
MANAGER: Final = "01JXQ60A1B2C3D4E5F6G7H8J9M"
MANAGER_2: Final = "01JXQ60A1B2C3D4E5F6G7H8J9N"


def pensions_wish() -> dict[str, Any]:
    """An event with which pensions asks for the approval of a bank order."""
    return {
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9E",
        "type": "pensions.ApprovalRequested.v1",
        "source": "kopru.pensions",
        "time": "2026-06-01T09:00:00Z",
        "tenant_id": TENANT,
        "subject": "remittance:01JXQ60A1B2C3D4E5F6G7H8J9P-2026-06",
        "data": {
            "request_id": "01JXQ60A1B2C3D4E5F6G7H8J9Q",
            "kind": "pension_remittance",
            "facts": {"amount": "5000.00"},
            "content": {"amount": {"amount": "5000.00", "currency": "TRY"}},
            "requested_by": f"user:{REQUESTER}",
        },
    }


@dataclass
class FakeMachine:
    """``Machine`` in memory: executions by name, tokens that are good once.

    What it started waits for its token until ``give_tokens``; AWS does that by itself.
    """

    running: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    """Execution by token."""
    woken: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def start(self, name: str, task: Mapping[str, Any]) -> None:
        SWITCHBOARD.on_port(
            "machine.start", lambda: self._start(name, task), lost=_down, refused=_refused
        )

    def _start(self, name: str, task: Mapping[str, Any]) -> None:
        if name not in self.started:
            self.started.append(name)
            self.running[name] = task

    def wake(self, token: Secret, outcome: Mapping[str, Any]) -> Said:
        said: Said = SWITCHBOARD.on_port(
            "machine.wake", lambda: self._wake(token, outcome), lost=_down, refused=_refused
        )
        return said

    def _wake(self, token: Secret, outcome: Mapping[str, Any]) -> Said:
        name = self.waiting.pop(token.reveal("test"), "")
        if not name:
            return Said.GONE
        self.woken.append((name, outcome))
        self.running.pop(name, None)
        return Said.TAKEN

    def state(self, name: str) -> Said:
        said: Said = SWITCHBOARD.on_port(
            "machine.state",
            lambda: Said.RUNNING if name in self.running else Said.GONE,
            lost=_down,
            refused=_refused,
        )
        return said

    def lose(self) -> None:
        """Everything that ran is gone."""
        self.running.clear()
        self.waiting.clear()


def _down(_mode: str) -> Any:
    raise TransientGatewayError("machine_unavailable", "The work goes on by itself.")


def _refused() -> Any:
    return _down("TH")


@dataclass
class ApprovalsWorld:
    """Handlers, clock and machine of one test."""

    rules: RulesWorld
    machine: FakeMachine
    proved_at: str = ""
    aws: AwsWorld = field(init=False)

    def __post_init__(self) -> None:
        self.aws = self.rules.aws

    @property
    def clock(self) -> FixedClock:
        """The clock."""
        return self.rules.clock

    def person(self, identity: str, role: str = "owner") -> Principal:
        """Somebody of the company, in a session."""
        return Principal(
            "session",
            identity,
            TENANT,
            roles=(role,),
            session_hash=identity.lower() * 2,
            proved_at=self.proved_at,
            zone="Europe/Istanbul",
            name=f"Deniz {identity[-1]}",
            email="deniz@company.example",
            tenant_name="Deneme Otomotiv A.Ş.",
            tenants=((TENANT, "Deneme Otomotiv A.Ş."),),
        )

    def call(self, method: str, path: str, body: Any = None, *, who: str, **more: Any) -> Answer:
        """One request of a person."""
        role = more.pop("role", "accountant" if who in (CHIEF, CHIEF_2) else "owner")
        from workflow.handlers.http.app import app

        person = self.person(who, role)
        headers = {"x-csrf-token": app.csrf_token(person)} if method != "GET" else {}
        return self.rules.call(method, path, body, principal=person, headers=headers, **more)

    def ok(self, method: str, path: str, body: Any = None, *, who: str, **more: Any) -> Any:
        """The body of an answer that must be a success."""
        answer = self.call(method, path, body, who=who, **more)
        assert answer.status < 300, (method, path, answer.status, answer.body)
        return answer.json()

    def ask(self, amount: str = "1500.00", **more: Any) -> Any:
        """Ask for a purchase (R18)."""
        body = {
            "kind": "purchase",
            "rule": "approval.purchase_chain",
            "subject": "purchase:P-1",
            "facts": {"amount": amount},
            "content": {
                "title": "Printer",
                "amount": {"amount": amount, "currency": "TRY"},
                "fields": [{"label": "supplier", "value": "Deneme Ltd."}],
            },
            **more,
        }
        return self.ok("POST", "/approvals", body, who=REQUESTER)

    def decide(self, approval: Any, who: str, outcome: str = "approve", reason: str = "") -> Answer:
        """Decide the task that is open now."""
        path = f"/tasks/{self.task(approval['id'])['id']}/decision"
        return self.call("POST", path, {"outcome": outcome, "reason": reason}, who=who)

    def read(self, approval_id: str) -> Any:
        """An approval as it is now."""
        return self.ok("GET", f"/approvals/{approval_id}", who=REQUESTER)

    def task(self, approval_id: str) -> Any:
        """The task that is open."""
        return self.read(approval_id)["task"]

    # ------------------------------------------------------------------ machinery

    def drive(self) -> None:
        """Let the worker empty its queue; what fails comes again."""
        from workflow.handlers import drive_approvals

        for _ in range(3):
            bodies = self.aws.messages("workflow-approvals")
            for body in bodies:
                drive_approvals.handler(queue_event(body), LambdaContext())

    def give_tokens(self) -> None:
        """Executions that were started reach their wait."""
        for name, task in list(self.machine.running.items()):
            token = f"token-of-{name}"
            if token not in self.machine.waiting and name not in dict(self.machine.woken):
                self.machine.waiting[token] = name
                self.step("wait", str(task["task"]), token)

    def step(self, step: str, task: str, token: str = "") -> Any:
        """One call of the state machine."""
        from workflow.handlers import step_approval

        event = {"tenant_id": TENANT, "step": step, "task": task, "token": token}
        return step_approval.handler(event, LambdaContext())

    def minute(self) -> None:
        """The schedule of a minute, and the work it asks for."""
        from workflow.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext())
        self.drive()

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        self.drive()
        self.give_tokens()
        self.drive()

    def pass_hours(self, hours: float) -> None:
        """Time goes by, with the schedules of its end."""
        self.clock.advance(timedelta(hours=hours))
        self.minute()

    def hear(self, envelope: Mapping[str, Any]) -> list[Any]:
        """A published event reaches the queue; identifiers of records that failed."""
        from workflow.handlers import on_events

        answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
        return list(answer["batchItemFailures"])


@contextmanager
def approvals_world(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> Iterator[ApprovalsWorld]:
    """Approvals of this process on ``platform``."""
    with rules_world(aws, platform, clock) as rules:
        machine = FakeMachine()
        rules.app.__dict__["machine"] = machine
        yield ApprovalsWorld(rules, machine)
