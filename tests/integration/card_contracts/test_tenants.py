"""Every route with another company's identifiers: the same answer as for an unknown one (S6)."""

import re
from typing import Any

from card_contracts.handlers.http.app import app
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import BASE, OTHER, CardsWorld

UNKNOWN = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
PLAN = {name: api_sale()[name] for name in ("sold_on", "amount", "instalments")}


def _bodies(code: str) -> dict[str, Any]:
    return {
        "change_card_contract": api_contract(code),
        "lock_card_contract": {"locked": True},
        "plan_sale": PLAN,
        "change_card": {"code": code, "name": "X"},
        "change_bank_account": {"code": code, "name": "X", "kind": "deposit"},
        "change_deduction_definition": {"code": code, "name": "X", "type": "tax"},
        "dismiss_sale_event": {"note": "nothing"},
        "refund_sale": {
            "document_no": "I-9",
            "refunded_on": "2026-06-01",
            "amount": {"amount": "1.00", "currency": "TRY"},
            "deductions": "kept",
        },
    }


def _everything(world: CardsWorld) -> str:
    """A contract, its look-ups and a sale, all called OURS; gives the sale's id."""
    world.contract("OURS")
    for path, body in (
        ("cards", {"code": "OURS", "name": "X"}),
        ("bank-accounts", {"code": "OURS", "name": "X", "kind": "deposit"}),
        ("deduction-definitions", {"code": "OURS", "name": "X", "type": "tax"}),
    ):
        assert world.call("POST", f"{BASE}/{path}", body).status == 201
    return str(world.sale(contract_code="OURS")["id"])


def test_foreign_and_unknown_items_look_the_same(world: CardsWorld) -> None:
    sale_id = _everything(world)
    tried = 0
    for route in app.routes:
        if "{id}" not in route.path and "_code}" not in route.path:
            continue
        who = world.principal(OTHER, kind="api_key" if route.kind == "api" else "session")
        answers = []
        for code, identity in (("OURS", sale_id), ("NONE", UNKNOWN)):
            path = route.path.replace("{id}", identity)
            path = path.replace("{contract_code}", code).replace("{lookup_code}", code)
            body = _bodies(code).get(route.function.__name__) if route.kind == "api" else None
            form: dict[str, Any] = (
                {"form": {"locked": "true", "note": "x"}} if route.kind == "page" else {}
            )
            if route.method == "GET":
                body, form = None, {}
            answer = world.call(
                route.method, path, body, principal=who, headers={"if-match": '"v1"'}, **form
            )
            answers.append((answer.status, re.sub(f"{identity}|{code}", "…", answer.body)))
        assert answers[0] == answers[1], f"{route.method} {route.path}"
        assert answers[0][0] == 404, f"{route.method} {route.path}: {answers[0]}"
        tried += 1
    assert tried >= 20
    assert world.call("GET", f"{BASE}/sales/{sale_id}").json()["status"] == "posted"
    assert world.call("GET", f"{BASE}/OURS").json()["locked"] is False


def test_equal_codes_and_documents_of_two_companies_do_not_meet(world: CardsWorld) -> None:
    ours = _everything(world)
    other = world.principal(OTHER)
    assert world.call("POST", BASE, api_contract("OURS"), principal=other).status == 201
    posted = world.call("POST", f"{BASE}/sales", api_sale(contract_code="OURS"), principal=other)
    assert posted.status == 201
    assert posted.json()["id"] != ours


def test_rows_are_of_this_context_and_company_only(world: CardsWorld) -> None:
    with world.aws.rules.only(contexts=("crd",), tenants=(world.principal().tenant_id,)):
        sale_id = _everything(world)
        world.call("POST", f"{BASE}/sales/{sale_id}/cancel")
        world.receivables()
        world.call("GET", f"{BASE}/cash-calendar")
