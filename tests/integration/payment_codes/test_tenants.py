"""Every route with another company's identifiers: the same answer as for an unknown one (S6)."""

import re
from typing import Any

from payment_codes.handlers.http.app import app
from tests.support.payment_world import BASE, OTHER, PaymentWorld
from tests.support.statements import Move, camt

UNKNOWN = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
BODIES: dict[str, Any] = {
    "split_payment": {"parts": []},
    "dismiss_refused_event": {"note": "nothing"},
    "send_code": {"channel": "email"},
    "assign_payment": {"code_id": UNKNOWN},
    "return_payment": {"note": "back"},
    "resolve_difference": {"decision": "same"},
    "reveal_code_exchanges": {"reason": "dispute"},
}


def test_foreign_and_unknown_items_look_the_same(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.pay("RF86912348100000000000001", "12.00")
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.minute()
    (payment,) = world.unmatched()
    several = f"{code['code']} {world.issue()['code']}"
    job = world.statement(camt([Move(100, "", several)]))
    (line,) = world.differences()
    settings = {"org_code": "95555", "provider": "dias", "api_key": "another-key-of-dias"}
    stranger = world.principal(OTHER)
    assert world.call("PUT", f"{BASE}/organisation", settings, principal=stranger).status == 200
    tried = 0
    for route in app.routes:
        if "{id}" not in route.path:
            continue
        foreign = code["id"]
        for part, item in (
            ("unmatched", payment),
            ("payments", payment),
            ("imports", job),
            ("differences", line),
        ):
            foreign = item["id"] if f"/{part}/" in route.path else foreign
        who = world.principal(OTHER, kind="api_key" if route.kind == "api" else "session")
        answers = []
        for identity in (foreign, UNKNOWN):
            path = route.path.replace("{id}", identity)
            body = BODIES.get(route.function.__name__) if route.kind == "api" else None
            form = {
                "idempotency_key": "k",
                "note": "back",
                "code": code["code"],
                "decision": "same",
            }
            more: dict[str, Any] = (
                {"form": form} if route.kind == "page" and route.method == "POST" else {}
            )
            key = f"{route.path}-{identity}"
            answer = world.call(
                route.method, path, body if route.method != "GET" else None,
                principal=who, key=key, **more,
            )  # fmt: skip
            answers.append((answer.status, re.sub(identity, "…", answer.body)))
        assert answers[0] == answers[1], f"{route.method} {route.path}"
        assert answers[0][0] in (404, 422), f"{route.method} {route.path}"
        tried += 1
    assert tried >= 12
    assert world.code(code["id"])["status"] == "issued"
    assert [each["state"] for each in world.unmatched()] == ["unmatched"]


def test_rows_are_of_this_context_and_company_only(world: PaymentWorld) -> None:
    world.organisation()
    with world.aws.rules.only(contexts=("pay",), tenants=(world.principal().tenant_id,)):
        code = world.issue()
        world.pay(code["code"], "1250.00")
        world.call("POST", f"{BASE}/{code['id']}/refresh")
        world.work()
    assert world.code(code["id"])["status"] == "paid"
