"""Changes of contracts that somebody else must approve: asked once, published as approved."""

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.approval import content_hash
from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.card_contracts_builders import api_contract
from tests.support.cards_world import BASE, TENANT, CardsWorld, cards_world
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from toolkit.platform import Platform

APPROVAL = "01JXQ60A1B2C3D4E5F6G7H8J9Q"
TOLD = {"source": "kopru.workflow", "time": "2026-06-01T09:00:00Z", "tenant_id": TENANT}


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[CardsWorld]:
    with cards_world(aws, platform, clock) as made:
        yield made


def hear(envelope: dict[str, Any]) -> None:
    """A published event reaches the queue of card contracts, twice."""
    from card_contracts.handlers import on_events

    for _ in range(2):
        answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
        assert answer["batchItemFailures"] == []


def wants_approvals() -> None:
    data = {
        "key": "approval.required[card_contract_change]",
        "scope": "company",
        "value": True,
        "valid_from": "2026-01-01",
        "valid_to": None,
    }
    kind = "workflow.ParameterRecorded.v1"
    subject = "parameter:01JXQ60A1B2C3D4E5F6G7H8J9P"
    hear(
        {**TOLD, "id": "01JXQ60A1B2C3D4E5F6G7H8J9E", "type": kind, "subject": subject, "data": data}
    )


def decided(request: dict[str, Any], outcome: str, number: str) -> None:
    data = {
        "approval_id": APPROVAL,
        "request_id": request["data"]["request_id"],
        "origin": "card_contracts",
        "subject": request["subject"],
        "outcome": outcome,
        "stage": "MANAGER",
        "reason": "the fee is wrong" if outcome == "returned" else "",
        "content_hash": content_hash(request["data"]["content"]),
        "decided_by": "user:01JXQ60A1B2C3D4E5F6G7H8J9M",
    }
    kind = "workflow.ApprovalDecided.v1"
    told = {**TOLD, "id": f"01JXQ60A1B2C3D4E5F6G7H8J9{number}", "type": kind, "data": data}
    hear({**told, "subject": f"approval:{APPROVAL}"})


def change(world: CardsWorld, **changes: Any) -> Any:
    version = world.call("GET", f"{BASE}/AXESS-26").headers["etag"]
    body = api_contract(description="new", **changes)
    return world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": version})


def test_without_the_parameter_a_change_counts_at_once(world: CardsWorld) -> None:
    world.contract()
    answer = change(world)
    assert (answer.status, answer.json()["description"]) == (200, "new")
    assert world.aws.published("card_contracts.ApprovalRequested.v1") == []


def test_a_change_waits_is_sent_back_asked_again_and_published(world: CardsWorld) -> None:
    before = world.contract()
    wants_approvals()
    asked = change(world)
    assert (asked.status, asked.json()["approval"]["state"]) == (202, "asked")
    assert change(world).status == 202
    (request,) = world.aws.published("card_contracts.ApprovalRequested.v1")
    stored = world.call("GET", f"{BASE}/AXESS-26").json()
    assert stored["description"] == before["description"]
    decided(request, "returned", "A")
    shown = world.call("GET", "/card-contracts/contracts/AXESS-26", principal=reader(world)).body
    assert "the fee is wrong" in shown
    assert change(world, remainder_on="first").status == 202
    (again,) = world.aws.published("card_contracts.ApprovalRequested.v1")
    assert again["data"]["request_id"] == request["data"]["request_id"]
    decided(again, "approved", "B")
    # Something else than what was approved is another question.
    assert change(world, remainder_on="last").status == 202
    assert change(world, remainder_on="first").status == 202


def test_what_is_approved_is_published_by_the_button(world: CardsWorld) -> None:
    world.contract()
    wants_approvals()
    assert change(world).status == 202
    (request,) = world.aws.published("card_contracts.ApprovalRequested.v1")
    decided(request, "approved", "C")
    page = "/card-contracts/contracts/AXESS-26"
    assert "Publish the change" in world.call("GET", page, principal=reader(world)).body
    done = world.call("POST", f"{page}/publish", principal=reader(world), form={})
    assert done.status == 303
    assert world.call("GET", f"{BASE}/AXESS-26").json()["description"] == "new"
    assert "Publish the change" not in world.call("GET", page, principal=reader(world)).body


def test_nothing_is_asked_for_what_is_wrong(world: CardsWorld) -> None:
    world.contract()
    wants_approvals()
    assert change(world, starts_on="2027-01-01", ends_on="2026-01-01").status == 422
    assert world.aws.published("card_contracts.ApprovalRequested.v1") == []


def reader(world: CardsWorld) -> Any:
    return world.principal(kind="session", language="en")
