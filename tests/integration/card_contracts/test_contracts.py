"""Contracts over the API: checked whole, revised, locked, never overlapping (CRD-01 … CRD-03)."""

import pytest

from tests.support.card_contracts_builders import api_contract
from tests.support.cards_world import BASE, OTHER, CardsWorld


def pointers(answer_body: dict[str, object]) -> dict[str, str]:
    errors = answer_body["errors"]
    assert isinstance(errors, list)
    return {error["pointer"]: error["code"] for error in errors}


def test_a_contract_is_shown_as_it_was_entered(world: CardsWorld) -> None:
    made = world.contract()
    sent = api_contract()
    term, sent_term = made["terms"][0], sent["terms"][0]
    assert {name: made[name] for name in sent if name != "terms"} == {
        name: value for name, value in sent.items() if name != "terms"
    }
    assert term["blockage"] == {**sent_term["blockage"], "on_day": "next_month"}
    assert term["deductions"] == [{**sent_term["deductions"][0], "of": None}]
    assert (made["revision"], made["effective_from"]) == (1, "2026-01-01")
    shown = world.call("GET", f"{BASE}/AXESS-26")
    assert shown.json() == made
    assert shown.headers["etag"] == '"v1"'
    assert [item["code"] for item in world.call("GET", BASE).json()["items"]] == ["AXESS-26"]


def test_everything_wrong_with_a_contract_is_said_at_once(world: CardsWorld) -> None:
    body = api_contract("sales", ends_on="2025-01-01")
    body["terms"][0]["skip_months"] = 1
    body["terms"][0]["maturity"] = {"kind": "dynamic"}
    body["terms"][0]["deductions"][0]["value"] = "2,40"
    body["terms"].append({"from": 6, "to": 9, "collection": "single"})
    answer = world.call("POST", BASE, body)
    assert answer.status == 422
    assert pointers(answer.json()) == {
        "/code": "reserved",
        "/ends_on": "ends_before_start",
        "/terms/0/skip_and_block": "strategy_required",
        "/terms/0/maturity/strategy": "strategy_required",
        "/terms/0/deductions/0/value": "rate",
        "/terms/1": "overlap",
    }
    assert world.call("GET", BASE).json()["items"] == []


@pytest.mark.parametrize("name", ["business_day_rule", "remainder_on", "card_code"])
def test_what_has_no_default_must_be_said(world: CardsWorld, name: str) -> None:
    body = api_contract()
    del body[name]
    answer = world.call("POST", BASE, body)
    assert answer.status == 422
    assert pointers(answer.json()) == {f"/{name}": "required"}


def test_warnings_never_stop_a_contract(world: CardsWorld) -> None:
    warned = {one["pointer"]: one["code"] for one in world.contract()["warnings"]}
    assert warned == {
        "/card_code": "card_unknown",
        "/bank_account_code": "account_unknown",
        "/terms/0/deductions/0/code": "deduction_unknown",
    }
    for path, body in (
        ("cards", {"code": "AXESS", "name": "Axess", "kind": "debit"}),
        ("bank-accounts", {"code": "102.01.001", "name": "Vadesiz", "kind": "deposit"}),
        ("deduction-definitions", {"code": "COMMISSION", "name": "K", "type": "commission"}),
    ):
        assert world.call("POST", f"{BASE}/{path}", body).status == 201
    legal = world.call("GET", f"{BASE}/AXESS-26").json()["warnings"]
    assert [(one["pointer"], one["code"]) for one in legal] == [
        ("/terms/0", "fee_above_ceiling"),
        ("/terms/0", "transfer_too_late"),
    ]


def test_two_contracts_of_one_card_and_account_never_overlap(world: CardsWorld) -> None:
    world.contract()
    answer = world.call("POST", BASE, api_contract("B", starts_on="2026-12-31", ends_on=None))
    assert pointers(answer.json()) == {"/starts_on": "contracts_overlap"}
    world.contract("C", starts_on="2027-01-01", ends_on=None)
    world.contract("D", card_code="OTHER-BANKS")
    world.call("POST", f"{BASE}/AXESS-26/lock", {"locked": True})
    world.contract("E")
    unlock = world.call("POST", f"{BASE}/AXESS-26/lock", {"locked": False})
    assert pointers(unlock.json()) == {"/starts_on": "contracts_overlap"}


def test_a_code_is_taken_for_ever(world: CardsWorld) -> None:
    world.contract()
    again = world.call("POST", BASE, api_contract(card_code="X"))
    assert (again.status, again.json()["code"]) == (409, "contract_exists")
    gone = world.call("DELETE", f"{BASE}/AXESS-26", headers={"if-match": '"v1"'})
    assert gone.status == 204
    assert world.call("GET", f"{BASE}/AXESS-26").status == 404
    assert world.call("POST", BASE, api_contract(card_code="X")).status == 409
    assert world.contract("NEXT")["code"] == "NEXT", "a removed contract holds nothing"


def test_a_change_needs_the_version_that_was_read(world: CardsWorld) -> None:
    world.contract()
    body = api_contract(description="New")
    assert world.call("PUT", f"{BASE}/AXESS-26", body).status == 428
    stale = world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": '"v7"'})
    assert stale.status == 412
    changed = world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": '"v1"'}).json()
    assert (changed["description"], changed["revision"], changed["version"]) == ("New", 2, 2)
    same = world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": '"v2"'}).json()
    assert same["revision"] == 2, "an equal change is none"


def test_a_revision_counts_from_its_day_on(world: CardsWorld) -> None:
    world.contract()
    body = api_contract(effective_from="2026-05-01")
    body["terms"][0]["deductions"][0]["value"] = "5"
    made = world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": '"v1"'}).json()
    assert made["effective_from"] == "2026-05-01"

    def commission(sold_on: str) -> tuple[str, int]:
        plan = world.call(
            "POST",
            f"{BASE}/AXESS-26/plans",
            {
                "sold_on": sold_on,
                "amount": {"amount": "100.00", "currency": "TRY"},
                "instalments": 1,
            },
        ).json()
        return plan["totals"]["deductions"]["amount"], plan["revision"]

    assert commission("2026-04-30") == ("2.40", 1)
    assert commission("2026-05-01") == ("5.00", 2)
    earlier = {**body, "effective_from": "2026-04-01"}
    refused = world.call("PUT", f"{BASE}/AXESS-26", earlier, headers={"if-match": '"v2"'})
    assert pointers(refused.json()) == {"/effective_from": "effective_before"}
    revisions = world.call("GET", f"{BASE}/AXESS-26/revisions").json()["items"]
    assert [one["revision"] for one in revisions] == [1, 2]
    history = world.call("GET", f"{BASE}/AXESS-26/history").json()["items"]
    assert [line["action"] for line in history] == ["contract.registered", "contract.revised"]


def test_a_card_account_names_where_the_money_lands(world: CardsWorld) -> None:
    path = f"{BASE}/bank-accounts"
    card = {"code": "108.01", "name": "Kredi Kartı Hesabı", "kind": "card"}
    assert pointers(world.call("POST", path, card).json()) == {"/linked_account_code": "required"}
    linked = {**card, "linked_account_code": "102.01"}
    unknown = pointers(world.call("POST", path, linked).json())
    assert unknown == {"/linked_account_code": "account_unknown"}
    world.call("POST", path, {"code": "102.01", "name": "Vadesiz", "kind": "deposit"})
    assert world.call("POST", path, linked).status == 201
    assert world.call("POST", path, linked).status == 409
    found = world.call("GET", path, query="q=KREDI").json()["items"]
    assert [one["code"] for one in found] == ["108.01"]


def test_look_ups_are_changed_removed_and_restored(world: CardsWorld) -> None:
    path = f"{BASE}/cards"
    card = {"code": "WORLD", "name": "World"}
    world.call("POST", path, card)
    renamed = {**card, "name": "World Kart", "issuer": "other_banks"}
    changed = world.call("PUT", f"{path}/WORLD", renamed, headers={"if-match": '"v1"'})
    assert changed.json()["issuer"] == "other_banks"
    assert world.call("DELETE", f"{path}/WORLD", headers={"if-match": '"v1"'}).status == 412
    assert world.call("DELETE", f"{path}/WORLD", headers={"if-match": '"v2"'}).status == 204
    assert world.call("GET", f"{path}/WORLD").status == 404
    assert world.call("GET", path).json()["items"] == []
    assert world.call("POST", path, card).status == 201


def test_another_company_sees_nothing(world: CardsWorld) -> None:
    world.contract()
    sale = world.sale()
    other = world.principal(OTHER)
    missing = world.call("GET", f"{BASE}/NO-SUCH", principal=other)
    for path in (f"{BASE}/AXESS-26", f"{BASE}/sales/{sale['id']}"):
        foreign = world.call("GET", path, principal=other)
        assert foreign.status == 404
        assert foreign.json()["code"] == missing.json()["code"]
    for path in ("", "/sales", "/receivables", "/cards"):
        assert world.call("GET", f"{BASE}{path}", principal=other).json()["items"] == []


def test_rights_are_asked_for_every_route(world: CardsWorld) -> None:
    viewer = world.principal(role="viewer")
    assert world.call("POST", BASE, api_contract(), principal=viewer).status == 403
    assert world.call("GET", BASE, principal=viewer).status == 200
    assert world.call("GET", f"{BASE}/cash-calendar", principal=viewer).status == 200
    assert world.call("POST", f"{BASE}/calendar-feed", principal=viewer).status == 403
    payroll = world.principal(role="payroll")
    assert world.call("GET", BASE, principal=payroll).status == 403
