"""Look-ups, changed days and drafts: what a desk corrects and takes back."""

from typing import Any

import pytest

from tests.support.card_contracts_builders import api_contract
from tests.support.cards_world import BASE, CardsWorld

LISTS = {
    "bank-accounts": {"code": "102.01.001", "name": "Vadesiz", "kind": "deposit"},
    "deduction-definitions": {"code": "KOM", "name": "Komisyon", "type": "commission"},
}


@pytest.mark.parametrize("place", LISTS)
def test_an_entry_is_changed_and_taken_off_its_list(world: CardsWorld, place: str) -> None:
    body: dict[str, Any] = LISTS[place]
    path = f"{BASE}/{place}/{body['code']}"
    made = world.call("POST", f"{BASE}/{place}", body)
    assert made.status == 201
    renamed = {**body, "name": "Yeni"}
    first = {"if-match": made.headers["etag"]}
    changed = world.call("PUT", path, renamed, headers=first)
    assert (changed.status, changed.json()["name"]) == (200, "Yeni")
    assert world.call("DELETE", path, headers=first).status == 412
    removed = world.call("DELETE", path, headers={"if-match": changed.headers["etag"]})
    assert (removed.status, world.call("GET", path).status) == (204, 404)


def test_a_changed_day_is_taken_back(world: CardsWorld) -> None:
    days = f"{BASE}/calendars/TR/days"
    day = {"kind": "holiday", "name": "İdari izin", "source": "RG 33000"}
    assert world.call("PUT", f"{days}/2026-07-28", day).status == 200
    assert [one["name"] for one in world.call("GET", days).json()["items"]] == ["İdari izin"]
    assert world.call("DELETE", f"{days}/2026-07-28").status == 204
    assert world.call("GET", days).json()["items"] == []


def test_a_plan_under_a_contract_nobody_stored(world: CardsWorld) -> None:
    wish = {
        "sold_on": "2026-01-15",
        "amount": {"amount": "1000.00", "currency": "TRY"},
        "instalments": 1,
        "contract": api_contract(),
    }
    answer = world.call("POST", f"{BASE}/drafts/plans", wish)
    assert answer.status == 200, answer.body
    assert answer.json()["totals"]["net"] == {"amount": "976.00", "currency": "TRY"}
    assert world.call("GET", BASE).json()["items"] == []
