"""Tests of the tests of approvals: every seeded error is seen, and the real code is not blamed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from kernel.approval import Gate, GateState, content_hash
from kernel.errors import ValidationError
from tests.crash.test_approvals import ApprovalBench, _asked, _holds, bench
from tests.mutants import approval_mutants as mutants
from tests.support.approvals_world import CHIEF, CHIEF_2, MANAGER, ApprovalsWorld
from tests.support.faults import SWITCHBOARD
from tests.support.signers import START, Signing, authority, person, revocation_list
from workflow.adapters.cms_signatures import CmsSignatures
from workflow.domain.approvals.signing import Trusted

__all__ = ["bench"]
pytestmark = pytest.mark.slow
Look = Callable[[ApprovalBench], bool]
"""Whether something is wrong."""


@pytest.fixture(autouse=True)
def _clean(bench: ApprovalBench) -> Iterator[None]:
    """Every hunt leaves the world as it was, also when it ended in the middle."""
    start = bench.start
    bench.restore()
    yield
    SWITCHBOARD.faults = None
    bench.start = start
    bench.restore()


def _fails(look: Callable[[], object]) -> bool:
    try:
        look()
    except AssertionError:
        return True
    return False


def _ask(world: ApprovalsWorld, amount: str, title: str = "Printer", **more: Any) -> Any:
    content = {"title": title, "amount": {"amount": amount, "currency": "TRY"}}
    return world.ask(amount, content=content, **more)


def old_decisions_count(bench: ApprovalBench) -> bool:
    """After a rejection the same question is a new one."""
    world = bench.world
    made = _ask(world, "900.00", request_id="R-1")
    world.decide(made, CHIEF, "reject", "too dear")

    def ask_and_approve() -> None:
        again = _ask(world, "900.00", request_id="R-1")
        answer = world.decide(again, CHIEF)
        assert answer.status == 200
        assert answer.json()["status"] == "approved"

    return _fails(ask_and_approve)


def old_approvals_cover_new_content(bench: ApprovalBench) -> bool:
    """What the chief approved was another content."""
    world = bench.world
    made = _ask(world, "1500.00", request_id="R-2")
    world.decide(made, CHIEF)
    changed = _ask(world, "1500.00", "Another printer", request_id="R-2")
    return bool(changed["task"]["level"] != "CHIEF")


def two_decisions_stand(bench: ApprovalBench) -> bool:
    """Of two who decide at once exactly one does."""
    world = bench.world
    made = _asked(bench)
    path = f"/tasks/{made['task']['id']}/decision"
    calls = iter(range(10_000))

    def act() -> bool:
        approve = next(calls) % 2 == 0
        body = {"outcome": "approve" if approve else "reject", "reason": "so"}
        who = CHIEF if approve else CHIEF_2
        return world.call("POST", path, body, who=who).status in (200, 409)

    def check() -> None:
        after = world.read(made["id"])
        (vote,) = after["tasks"][0]["decisions"]
        approved = vote["outcome"] == "approve"
        assert after["status"] == ("pending" if approved else "returned")
        told = [
            row
            for row in world.aws.rows("flow")
            if row.get("detail_type") == "workflow.ApprovalDecided.v1"
        ]
        assert len(told) == (0 if approved else 1)

    return _fails(lambda: bench.try_all(act, check, "RC"))


def an_execution_waits_for_ever(bench: ApprovalBench) -> bool:
    """Whoever dies after the commit leaves the wake-up to others."""
    world = bench.world
    made = _asked(bench)
    path = f"/tasks/{made['task']['id']}/decision"

    def act() -> bool:
        body = {"outcome": "reject", "reason": "no"}
        return world.call("POST", path, body, who=CHIEF).status in (200, 409)

    return _fails(lambda: bench.try_all(act, lambda: _holds(world), "KA"))


def a_lost_execution_stays_lost(bench: ApprovalBench) -> bool:
    """The sweep replaces an execution that is gone."""
    world = bench.world
    made = _asked(bench)
    world.machine.lose()
    for _ in range(3):
        world.clock.advance(timedelta(hours=1))
        world.minute()
    return made["task"]["id"] not in {task["task"] for task in world.machine.running.values()}


def one_person_is_enough(bench: ApprovalBench) -> bool:
    """Two stages are two persons."""
    world = bench.world
    made = _ask(world, "1500.00")
    world.decide(made, MANAGER)
    return world.decide(made, MANAGER).status == 200


def other_content_passes(_bench: ApprovalBench) -> bool:
    """A gate opens for what was approved and nothing else."""
    approved = {"amount": "10.00"}
    gate = Gate("1", "remittance:1", "1", content_hash(approved), GateState.APPROVED)
    return not gate.allows(approved) or gate.allows({"amount": "10.01"})


ROOT = authority("Deneme Kok", number=40)
SIGNER = person(ROOT, number=41)


def _accepted(signed: bytes, statement: bytes, *lists: bytes) -> bool:
    try:
        CmsSignatures().verify(
            Signing(SIGNER)(signed), statement, Trusted((ROOT.der,), lists), START
        )
    except ValidationError:
        return False
    return True


def another_statement_is_accepted(_bench: ApprovalBench) -> bool:
    """Sound in itself, but over something else."""
    return not _accepted(b"this", b"this") or _accepted(b"this", b"that")


def a_revoked_certificate_comes_back(_bench: ApprovalBench) -> bool:
    """Revoked stays revoked, also when the next list is late."""
    days: Any = {"made": START - timedelta(days=60), "until": START - timedelta(days=30)}
    return _accepted(b"this", b"this", revocation_list(ROOT, [SIGNER], **days))


HUNTS: tuple[tuple[Callable[[], Any], Look], ...] = (
    (mutants.m18, old_decisions_count),
    (mutants.counts_old_approvals, old_approvals_cover_new_content),
    (mutants.decides_unguarded, two_decisions_stand),
    (mutants.wakes_beside_the_transaction, an_execution_waits_for_ever),
    (mutants.names_executions_alike, a_lost_execution_stays_lost),
    (mutants.lets_one_person_approve_twice, one_person_is_enough),
    (mutants.opens_for_any_content, other_content_passes),
    (mutants.takes_any_statement, another_statement_is_accepted),
    (mutants.forgets_old_revocations, a_revoked_certificate_comes_back),
)


@pytest.mark.parametrize(("mutant", "look"), HUNTS, ids=lambda each: each.__name__)
def test_the_error_is_seen_and_the_real_code_is_not_blamed(
    bench: ApprovalBench, mutant: Callable[[], Any], look: Look
) -> None:
    start = bench.start
    with mutant():
        assert look(bench), f"{mutant.__name__} survives"
    SWITCHBOARD.faults = None
    bench.start = start
    bench.restore()
    assert not look(bench)
