"""A stage that asks for a person's signature: fetch the statement, sign it, hand it in."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from tests.support.approvals_world import (
    CHIEF,
    CHIEF_2,
    MANAGER,
    REQUESTER,
    ApprovalsWorld,
    approvals_world,
)
from tests.support.aws import AwsWorld
from tests.support.events import Answer
from tests.support.pensions_builders import tckn
from tests.support.signers import Signing, authority, person, revocation_list
from toolkit.platform import Platform

ROOT = authority("Deneme Kok", number=20)
SIGNER = person(ROOT, number=21)
OTHER = person(ROOT, number=22, serial=tckn(2))


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[ApprovalsWorld]:
    with approvals_world(aws, platform, clock) as made:
        yield made


def _parameter(world: ApprovalsWorld, key: str, value: Any) -> None:
    body = {"key": key, "value": value, "valid_from": "2026-01-01"}
    world.rules.ok("POST", "/parameters", body)


def _trust(world: ApprovalsWorld, path: str, body: Any) -> Any:
    return world.ok("POST", f"/trust/{path}", body, who=MANAGER)


@pytest.fixture
def signing(world: ApprovalsWorld) -> ApprovalsWorld:
    """CHIEF is asked for a signature, and is known by an identity number."""
    world.proved_at = world.clock.now().isoformat()
    _parameter(world, "approval.signature[CHIEF]", "qualified")
    _trust(world, "anchors", {"certificate": ROOT.pem, "valid_from": "2026-01-01"})
    body = {"person": f"user:{CHIEF}", "identity_kind": "serial_number", "identity": tckn(1)}
    _trust(world, "signers", body)
    return world


def _statement(world: ApprovalsWorld, task: str, outcome: str = "approve") -> bytes:
    path = f"/tasks/{task}/statement"
    found = world.call("GET", path, who=CHIEF, query={"outcome": outcome})
    assert found.status == 200, found.body
    return found.body.encode()


def _hand_in(world: ApprovalsWorld, task: str, signature: bytes, **more: Any) -> Answer:
    body = {
        "outcome": "approve",
        "signature": base64.b64encode(signature).decode(),
        **more.pop("body", {}),
    }
    return world.call("POST", f"/tasks/{task}/decision", body, who=more.get("who", CHIEF))


def _sign(world: ApprovalsWorld, task: str, **more: Any) -> bytes:
    holder = more.pop("holder", SIGNER)
    made = Signing(holder, named=holder, at=world.clock.now(), **more)
    return made(_statement(world, task))


def test_a_signed_decision_is_kept_with_what_was_checked(signing: ApprovalsWorld) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    statement = json.loads(_statement(signing, task))
    assert statement["document_hash"] == made["content_hash"]
    assert (statement["decision"], statement["decided_by"]) == ("approve", f"user:{CHIEF}")
    signature = _sign(signing, task)
    answer = _hand_in(signing, task, signature)
    assert answer.status == 200, answer.body
    after = answer.json()
    assert after["status"] == "approved"
    (vote,) = after["tasks"][0]["decisions"]
    said = vote["signature"]
    assert json.loads(said["statement"]) == statement
    assert (said["level"], said["profile"]) == ("qualified", "CAdES-BES")
    assert said["signer"] == f"{tckn(1)[:3]}******{tckn(1)[-2:]}"
    # No list of revocations was handed in, and the record says so.
    assert (said["revocation"], said["lists_as_of"]) == ("not_checked", None)
    path = f"/approvals/{made['id']}/signatures"
    assert signing.call("GET", path, who=CHIEF).status == 403
    kept = signing.call("GET", path, who=MANAGER, shows="the certificate names its holder")
    (one,) = kept.json()["items"]
    assert base64.b64decode(one["signature"]) == signature
    assert one["statement"] == said["statement"]
    # The same again is the same answer, and kept once.
    again = _hand_in(signing, task, signature)
    assert again.json()["version"] == after["version"]


def test_without_a_signature_nothing_is_approved_and_a_rejection_needs_none(
    signing: ApprovalsWorld,
) -> None:
    made = signing.ask("900.00")
    refused = signing.decide(made, CHIEF)
    assert (refused.status, refused.json()["code"]) == (422, "signature_required")
    assert refused.json()["errors"][0]["pointer"] == "/signature"
    assert signing.read(made["id"])["version"] == made["version"]
    assert signing.decide(made, CHIEF, "reject", "too dear").json()["status"] == "returned"


def test_who_may_not_decide_hears_that_first(signing: ApprovalsWorld) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    body = {"outcome": "approve"}
    refused = signing.call("POST", f"/tasks/{task}/decision", body, who=REQUESTER)
    assert refused.json()["code"] == "duty_requester"
    path = f"/tasks/{task}/statement"
    assert signing.call("GET", path, who=REQUESTER).json()["code"] == "duty_requester"


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("signer_other", {"holder": OTHER}),
        ("signature_algorithm", {"digest": "sha1", "holder": person(ROOT, kind="rsa", number=23)}),
        ("signature_invalid", {"spoil": lambda content: content + b"x"}),
        ("signature_attached", {"attached": True}),
        ("certificate_untrusted", {"holder": person(authority("Yabanci", number=24), number=25)}),
    ],
)
def test_a_signature_that_does_not_hold_leaves_nothing_behind(
    signing: ApprovalsWorld, code: str, more: dict[str, Any]
) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    before = signing.aws.rows("core")
    refused = _hand_in(signing, task, _sign(signing, task, **more))
    assert (refused.status, refused.json()["code"]) == (422, code)
    assert signing.aws.rows("core") == before


def test_a_signature_of_another_decision_is_refused(signing: ApprovalsWorld) -> None:
    made, other = signing.ask("900.00"), signing.ask("900.00", subject="purchase:P-2")
    signature = _sign(signing, other["task"]["id"])
    refused = _hand_in(signing, made["task"]["id"], signature)
    assert refused.json()["code"] == "signature_statement"
    rejecting = Signing(SIGNER)(_statement(signing, made["task"]["id"], "reject"))
    refused = _hand_in(signing, made["task"]["id"], rejecting)
    assert refused.json()["code"] == "signature_statement"


def test_nobody_signs_with_the_certificate_of_a_colleague(signing: ApprovalsWorld) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    path = f"/tasks/{task}/statement"
    statement = signing.call("GET", path, who=CHIEF_2).body.encode()
    refused = _hand_in(signing, task, Signing(SIGNER)(statement), who=CHIEF_2)
    assert refused.json()["code"] == "signer_unknown"


def test_a_time_outside_of_the_task_is_refused(signing: ApprovalsWorld) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    early = signing.clock.now() - timedelta(days=2)
    signature = Signing(SIGNER, at=early)(_statement(signing, task))
    assert _hand_in(signing, task, signature).json()["code"] == "signature_time"


def test_a_company_may_ask_for_current_revocation_lists(signing: ApprovalsWorld) -> None:
    _parameter(signing, "approval.revocation_required", True)
    made = signing.ask("900.00")
    task = made["task"]["id"]
    signature = _sign(signing, task)
    assert _hand_in(signing, task, signature).json()["code"] == "revocation_unchecked"
    now = signing.clock.now()
    days: Any = {"made": now - timedelta(hours=1), "until": now + timedelta(days=7)}
    revoked = base64.b64encode(revocation_list(ROOT, [SIGNER], **days)).decode()
    first = _trust(signing, "revocation-lists", {"list": revoked})
    assert _hand_in(signing, task, signature).json()["code"] == "certificate_revoked"
    clean = base64.b64encode(revocation_list(ROOT, **days)).decode()
    second = _trust(signing, "revocation-lists", {"list": clean})
    assert (second["id"], second["version"]) == (first["id"], 2)
    (vote,) = _hand_in(signing, task, signature).json()["tasks"][0]["decisions"]
    assert vote["signature"]["revocation"] == "good"
    assert vote["signature"]["lists_as_of"] is not None


def test_trust_ends_and_is_not_given_twice(signing: ApprovalsWorld) -> None:
    again = {"certificate": ROOT.pem, "valid_from": "2026-01-01"}
    refused = signing.call("POST", "/trust/anchors", again, who=MANAGER)
    assert (refused.status, refused.json()["code"]) == (409, "trust_known")
    listed = signing.ok("GET", "/trust", who=MANAGER)["items"]
    assert [each["kind"] for each in listed] == ["anchor", "signer"]
    assert tckn(1) not in json.dumps(listed)
    anchor = listed[0]
    ended = signing.ok("POST", f"/trust/{anchor['id']}/end", who=MANAGER)
    assert ended["state"] == "ended"
    made = signing.ask("900.00")
    task = made["task"]["id"]
    refused = _hand_in(signing, task, _sign(signing, task))
    assert refused.json()["code"] == "certificate_untrusted"
    assert signing.call("POST", f"/trust/{anchor['id']}/end", who=MANAGER).status == 409


def test_trust_is_for_owners_who_proved_who_they_are(signing: ApprovalsWorld) -> None:
    body = {"certificate": ROOT.pem}
    assert signing.call("POST", "/trust/anchors", body, who=CHIEF).status == 403
    signing.proved_at = ""
    refused = signing.call("POST", "/trust/anchors", body, who=MANAGER)
    assert refused.json()["code"] == "proof_required"


def test_nothing_keeps_the_identity_number(signing: ApprovalsWorld) -> None:
    made = signing.ask("900.00")
    task = made["task"]["id"]
    assert _hand_in(signing, task, _sign(signing, task)).status == 200
    for table in ("core", "audit", "flow"):
        for row in signing.aws.rows(table):
            if not str(row.get("sk", "")).startswith("SIGNATURE#"):
                assert tckn(1) not in str(row)
