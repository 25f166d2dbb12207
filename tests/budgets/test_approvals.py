"""Exact AWS calls of approvals per use case, committed in ``approvals.json``.

Units: HTTP attempts to AWS, and calls to the state machine, when nothing goes wrong. A new call
must change the file, and be seen in review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.budgets.day import Day
from tests.support.approvals_world import (
    CHIEF,
    MANAGER,
    REQUESTER,
    ApprovalsWorld,
    approvals_world,
)
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.pensions_builders import tckn
from tests.support.rules_world import TENANT
from tests.support.signers import Signing, authority, person, revocation_list

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("approvals.json")
Act = Callable[[ApprovalsWorld], Any]


@pytest.fixture
def world() -> Iterator[ApprovalsWorld]:
    """A company that has decided nothing yet."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with approvals_world(aws, platform, clock) as made, switched_on(clock):
            made.proved_at = clock.now().isoformat()
            made.rules.page("/workflow/rules")  # the key of form tokens is read once per process
            yield made


def _submit(world: ApprovalsWorld) -> Any:
    return world.ask("1500.00")


def _waiting(world: ApprovalsWorld, amount: str) -> Any:
    made = world.ask(amount)
    world.settle()
    return made


def _decide(amount: str, outcome: str = "approve") -> Callable[[ApprovalsWorld], Act]:
    def prepare(world: ApprovalsWorld) -> Act:
        made = _waiting(world, amount)
        path = f"/tasks/{made['task']['id']}/decision"
        body = {"outcome": outcome, "reason": "so"}
        return lambda world: world.ok("POST", path, body, who=CHIEF)

    return prepare


def _signed(world: ApprovalsWorld) -> Act:
    value = {"key": "approval.signature", "value": "qualified", "valid_from": "2026-01-01"}
    world.rules.ok("POST", "/parameters", value)
    root = authority("Deneme Kok", number=30)
    holder = person(root, number=31)
    world.ok("POST", "/trust/anchors", {"certificate": root.pem}, who=MANAGER)
    who = {"person": f"user:{CHIEF}", "identity_kind": "serial_number", "identity": tckn(1)}
    world.ok("POST", "/trust/signers", who, who=MANAGER)
    made = _waiting(world, "900.00")
    path = f"/tasks/{made['task']['id']}"
    statement = world.call("GET", f"{path}/statement", who=CHIEF).body.encode()
    signature = base64.b64encode(Signing(holder)(statement)).decode()
    body = {"outcome": "approve", "signature": signature}
    return lambda world: world.ok("POST", f"{path}/decision", body, who=CHIEF)


def _delivered(world: ApprovalsWorld) -> Act:
    """The message that waits, given to the worker."""
    from workflow.handlers import drive_approvals

    (body,) = world.aws.messages("workflow-approvals")
    return lambda _: drive_approvals.handler(queue_event(body), LambdaContext())


def _start(world: ApprovalsWorld) -> Act:
    world.ask("900.00")
    return _delivered(world)


def _token(world: ApprovalsWorld) -> Act:
    world.ask("900.00")
    world.drive()
    return ApprovalsWorld.give_tokens


def _wake(world: ApprovalsWorld) -> Act:
    made = _waiting(world, "900.00")
    world.decide(made, CHIEF)
    return _delivered(world)


def _late(days: int) -> Callable[[ApprovalsWorld], Act]:
    def prepare(world: ApprovalsWorld) -> Act:
        made = _waiting(world, "900.00")
        for passed in range(days):
            world.clock.advance(timedelta(days=5))
            if passed + 1 < days:
                world.minute()
        return lambda world: world.step("deadline", made["task"]["id"])

    return prepare


def _delegate(world: ApprovalsWorld) -> Act:
    made = _waiting(world, "900.00")
    path = f"/tasks/{made['task']['id']}/delegate"
    return lambda world: world.ok("POST", path, {"to": f"user:{MANAGER}"}, who=CHIEF)


def _inbox(world: ApprovalsWorld) -> Act:
    for _ in range(10):
        world.ask("900.00", subject="purchase:P-1")
    return lambda world: world.ok("GET", "/tasks", who=CHIEF, query={"whose": "group"})


MEASURES: Final[dict[str, Callable[[ApprovalsWorld], Act]]] = {
    "submit": lambda _: _submit,
    "start the execution": _start,
    "keep the token": _token,
    "decide a stage with one after it": _decide("1500.00"),
    "decide the last stage": _decide("900.00"),
    "reject": _decide("900.00", "reject"),
    "decide with a signature": _signed,
    "wake the execution": _wake,
    "escalate": _late(1),
    "expire": _late(3),
    "delegate": _delegate,
    "show 10 tasks": _inbox,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: ApprovalsWorld, name: str) -> None:
    act = MEASURES[name](world)
    check_committed(FILE, name, count(lambda: act(world)))


# ---------------------------------------------------------------------------- one after the other

DAY: Final = Day(FILE)


def test_the_counts_of_a_day_are_the_committed_ones(world: ApprovalsWorld) -> None:
    substitutes(world)
    trust(world)
    asked_by_others(world)


def substitutes(world: ApprovalsWorld) -> None:
    """Somebody is known to colleagues, names a substitute and comes back."""
    join = "/workflow/delegations/join"
    DAY.counted("be known as a colleague", lambda: world.rules.post(join, person=MANAGER))
    absence = {
        "substitute": f"user:{MANAGER}",
        "starts_at": "2026-06-01T09:00:00Z",
        "ends_at": "2026-06-08T09:00:00Z",
    }
    made = DAY.counted(
        "name a substitute", lambda: world.ok("POST", "/delegations", absence, who=CHIEF)
    )
    path = f"/delegations/{made['id']}/end"
    DAY.counted("end a substitution", lambda: world.ok("POST", path, {}, who=CHIEF))


def trust(world: ApprovalsWorld) -> None:
    """An authority, its list of revoked certificates and a signer are trusted; the signer ends."""
    root = authority("Deneme Kok", number=32)

    def told(name: str, path: str, body: dict[str, str]) -> Any:
        return DAY.counted(name, lambda: world.ok("POST", path, body, who=MANAGER))

    told("trust an authority", "/trust/anchors", {"certificate": root.pem})
    revoked = base64.b64encode(revocation_list(root)).decode()
    told("take a list of revoked certificates", "/trust/revocation-lists", {"list": revoked})
    who = {"person": f"user:{CHIEF}", "identity_kind": "serial_number", "identity": tckn(1)}
    signer = told("say whose certificate it is", "/trust/signers", who)
    told("stop trusting", f"/trust/{signer['id']}/end", {})


def asked_by_others(world: ApprovalsWorld) -> None:
    """Another context asks for an approval, and withdraws it."""
    envelope: dict[str, Any] = {
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
    assert DAY.counted("hear a request", lambda: world.hear(envelope)) == []
    withdrawn = {
        **envelope,
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9F",
        "type": "pensions.ApprovalWithdrawn.v1",
        "data": {"request_id": envelope["data"]["request_id"], "reason": "changed"},
    }
    assert DAY.counted("hear that it is withdrawn", lambda: world.hear(withdrawn)) == []


def test_a_decision_stays_under_the_ceiling() -> None:
    """reliability.md §14: one transaction and one message to decide, one call to wake."""
    known = json.loads(FILE.read_text(encoding="utf-8"))
    for name in ("decide a stage with one after it", "decide the last stage", "reject"):
        assert known[name]["transactions"] == 1
    assert known["wake the execution"]["machine.wake"] == 1
