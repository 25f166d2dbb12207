"""Every acceptance case of card contracts through the API: what integrators see must be right."""

import json
from typing import Any

import pytest

from tests.acceptance.runner import CASES
from tests.support.card_contracts_builders import api_contract
from tests.support.cards_world import BASE, CardsWorld

_CASES = json.loads((CASES / "card_plans.json").read_text(encoding="utf-8"))["cases"]


def of_kind(kind: str) -> pytest.MarkDecorator:
    """The cases of one kind as parameters."""
    found = [case for case in _CASES if case["kind"] == kind]
    assert found
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


def money(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "TRY"}


def deductions_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Deductions of a case as the API writes them."""
    timings = {"SPREAD": "per_instalment", "FIRST_COLLECTION": "first_collection"}
    return [
        {
            "sequence": one["seq"],
            "code": one["code"],
            "kind": "rate",
            "value": one["rate_pct"],
            "timing": timings[one["timing"]],
            "basis": one["basis"].lower(),
            **({"of": one["of"]} if one["of"] else {}),
        }
        for one in given["deductions"]
    ]


def contract_of(given: dict[str, Any]) -> dict[str, Any]:
    """An acceptance case's terms as the API writes them."""
    blocking, term = given["blocking"], given["term"]
    kinds = {"ADD_DAYS": "added_days", "FIXED_DAY": "fixed_day", "MONTHLY": "monthly"}
    maturity: dict[str, Any] = {"kind": kinds.get(term["kind"], "dynamic")}
    if "value" in term:
        maturity["value"] = term["value"]
    if term["kind"] == "BANDS":
        maturity |= {"strategy": "bands", "bands": term["bands"]}
    blockage = None
    if blocking is not None:
        blockage = {"kind": kinds[blocking["kind"]], "value": blocking["value"]}
        if "on_day" in blocking:
            blockage["on_day"] = blocking["on_day"].lower()
    return api_contract(
        starts_on="2000-01-01",
        ends_on=None,
        calendar=given["calendar"],
        business_day_rule=given["business_day_rule"].lower(),
        remainder_on=given["remainder_on"].lower(),
        terms=[
            {
                "from": given["instalments"],
                "to": given["instalments"],
                "collection": {"SPREAD": "deferred", "AT_ONCE": "single"}[given["collection"]],
                "skip_months": given["skip_months"],
                "blockage": blockage,
                "maturity": maturity,
                "deductions": deductions_of(given),
            }
        ],
    )


@of_kind("schedule")
def test_a_sale_of_every_acceptance_case_gives_the_expected_rows(
    world: CardsWorld, case: dict[str, Any]
) -> None:
    given, expect = case["given"], case["expect"]
    assert world.call("POST", BASE, contract_of(given)).status == 201
    sale = world.sale(
        sold_on=given["sale_date"], amount=money(given["gross"]), instalments=given["instalments"]
    )
    expected = []
    for line in expect["lines"]:
        dated = (line["raw"], line["pay"], line["no"])
        expected.append(("instalment", None, *dated, line["gross"]))
        expected += [
            ("deduction", code, *dated, part)
            for code, part in line["deductions"].items()
            if part != "0.00"
        ]
    assert rows_of(sale["receivables"]) == expected
    assert sale["totals"]["net"] == money(expect["net_total"])
    assert rows_of(world.receivables(f"from={given['sale_date']}")) == expected
    assert all(row["why"] for row in sale["receivables"])


def rows_of(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            row["kind"],
            row["code"],
            row["raw_date"],
            row["date"],
            row["no"],
            row["amount"]["amount"],
        )
        for row in items
    ]


@of_kind("deductions")
def test_deductions_of_every_case_are_what_a_sale_and_its_plan_say(
    world: CardsWorld, case: dict[str, Any]
) -> None:
    given, expect = case["given"], case["expect"]
    body = api_contract()
    body["terms"][0]["deductions"] = deductions_of(given)
    assert world.call("POST", BASE, body).status == 201
    asked: dict[str, Any] = {
        "sold_on": "2026-04-28",
        "amount": money(given["gross"]),
        "instalments": 3,
    }
    plan = world.call("POST", f"{BASE}/AXESS-26/plans", asked).json()["totals"]
    sale = world.sale(**asked)
    for totals in (plan, sale["totals"]):
        found = {code: part["amount"] for code, part in totals["by_code"].items()}
        assert found == expect["amounts"]
        assert totals["deductions"] == money(expect["total_deductions"])
        assert totals["net"] == money(expect["net"])
    assert plan["effective_rate"] == expect["effective_pct"]


@of_kind("ranges")
def test_ranges_of_every_case_are_taken_or_refused_with_the_reason(
    world: CardsWorld, case: dict[str, Any]
) -> None:
    ranges, expect = case["given"]["ranges"], case["expect"]
    body = api_contract()
    (term,) = body["terms"]
    body["terms"] = [{**term, "from": first, "to": last} for first, last in ranges]
    answer = world.call("POST", BASE, body)
    if expect["ok"]:
        assert answer.status == 201
        for number, (first, last) in enumerate(ranges):
            assert world.sale(f"F-{number}", instalments=first)["status"] == "posted"
            assert world.sale(f"L-{number}", instalments=last)["instalments"] == last
        return
    assert answer.status == 422
    (problem,) = answer.json()["errors"]
    assert problem["code"] == expect["reason"].lower()
    for first, last in expect["conflict"]:
        assert f"{first}–{last}" in problem["message"] or len(expect["conflict"]) == 1
    assert world.call("GET", f"{BASE}/AXESS-26").status == 404


@of_kind("limits")
def test_legal_limits_of_every_case_are_warnings_of_the_contract(
    world: CardsWorld, case: dict[str, Any]
) -> None:
    given = case["given"]
    for path, entry in (
        ("cards", {"code": "AXESS", "name": "Axess", "kind": given["card"].lower()}),
        ("bank-accounts", {"code": "102.01.001", "name": "Vadesiz", "kind": "deposit"}),
        ("deduction-definitions", {"code": "COMMISSION", "name": "K", "type": "commission"}),
    ):
        assert world.call("POST", f"{BASE}/{path}", entry).status == 201
    body = api_contract(starts_on=given["on"], ends_on=None, business_day_rule="none")
    term: dict[str, Any] = body["terms"][0]
    term.update({"from": 1, "to": 1, "collection": "single"})
    term["blockage"] = {"kind": "added_days", "value": given["days_to_merchant"]}
    term["deductions"][0]["value"] = given["fee_pct"]
    answer = world.call("POST", BASE, body)
    assert answer.status == 201  # they never stop a contract
    found = [one["code"].upper() for one in answer.json()["warnings"]]
    assert found == case["expect"]["warnings"]
