"""Stateful machine of card contracts (reliability.md §13, machine 4): I-1, I-2, I-6, I-8.

Contracts are revised and locked, sales posted, refunded and cancelled in any order, over the real
handlers and moto, beside a model of plain numbers. After every step the receivables of each
document sum to the model, and what was posted is byte for byte what it was.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import BASE, CardsWorld, cards_world

_NUMBERS = count(1)
_WORLD: list[CardsWorld] = []


@pytest.fixture(scope="module", autouse=True)
def _world() -> Iterator[None]:
    """One account for all runs; every run has a contract and documents of its own."""
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        _WORLD.append(stack.enter_context(cards_world(aws, platform, clock)))
        yield
        _WORLD.clear()


def _money(minor: int) -> dict[str, str]:
    return {"amount": f"{minor // 100}.{minor % 100:02d}", "currency": "TRY"}


class CardContracts(RuleBasedStateMachine):
    """One contract, its revisions, and everything posted under it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = _WORLD[0]
        self.number = next(_NUMBERS)
        self.code = f"M-{self.number}"
        made = self.world.contract(self.code, card_code=self.code)
        self.version = made["version"]
        self.locked = False
        self.top = 12
        self.sales: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, str] = {}
        self.documents = 0

    def _document(self) -> str:
        self.documents += 1
        return f"{self.code}/{self.documents}"

    @initialize(minor=st.integers(100, 10**7), instalments=st.integers(1, 12))
    def begin(self, minor: int, instalments: int) -> None:
        """Every run begins with a sale."""
        self.sell(minor, instalments, 28)

    @rule(
        rate=st.integers(0, 900),
        top=st.integers(1, 12),
        locked=st.sampled_from([False, False, False, True]),
    )
    def revise(self, rate: int, top: int, *, locked: bool) -> None:
        """A new revision: another rate, another range, maybe locked."""
        body = api_contract(self.code, card_code=self.code, locked=locked)
        body["terms"][0]["to"] = top
        body["terms"][0]["deductions"][0]["value"] = f"{rate // 100}.{rate % 100:02d}"
        headers = {"if-match": f'"v{self.version}"'}
        answer = self.world.call("PUT", f"{BASE}/{self.code}", body, headers=headers)
        assert answer.status == 200, answer.body
        self.version, self.locked, self.top = answer.json()["version"], locked, top

    @rule(minor=st.integers(100, 10**7), instalments=st.integers(0, 13), day=st.integers(1, 28))
    def sell(self, minor: int, instalments: int, day: int) -> None:
        """A sale hits exactly one range of an open contract, or is refused."""
        document = self._document()
        body = api_sale(
            document,
            contract_code=self.code,
            sold_on=f"2026-04-{day:02d}",
            amount=_money(minor),
            instalments=instalments,
        )
        answer = self.world.call("POST", f"{BASE}/sales", body)
        if self.locked:
            assert answer.status == 409
        elif not 1 <= instalments <= self.top:
            assert answer.status == 422
        else:
            assert answer.status == 201, answer.body
            sale = answer.json()
            again = self.world.call("POST", f"{BASE}/sales", body).json()
            assert again["id"] == sale["id"]
            self.sales[sale["id"]] = {"document": document, "left": minor, "state": "posted"}
            self.plans[sale["id"]] = self._plan(sale["id"])

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), share=st.integers(1, 110), kept=st.booleans())
    def refund(self, data: st.DataObject, share: int, *, kept: bool) -> None:
        """A refund never exceeds what is left of its sale."""
        sale_id = data.draw(st.sampled_from(sorted(self.sales)))
        sale = self.sales[sale_id]
        minor = max(1, sale["left"] * share // 100)
        body = {
            "document_no": self._document(),
            "refunded_on": "2026-06-03",
            "amount": _money(minor),
            "deductions": "kept" if kept else "proportional",
        }
        answer = self.world.call("POST", f"{BASE}/sales/{sale_id}/refunds", body)
        if sale["state"] == "cancelled":
            assert answer.status == 409
        elif minor > sale["left"]:
            assert answer.status == 422
        else:
            assert answer.status == 201, answer.body
            sale["left"] -= minor
            sale["state"] = "partly_refunded" if sale["left"] else "refunded"

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Only a sale of which nothing went back is cancelled."""
        sale_id = data.draw(st.sampled_from(sorted(self.sales)))
        sale = self.sales[sale_id]
        answer = self.world.call("POST", f"{BASE}/sales/{sale_id}/cancel")
        if sale["state"] in ("posted", "cancelled"):
            assert answer.status == 200, answer.body
            sale["state"] = "cancelled"
        else:
            assert answer.status == 409

    def _plan(self, sale_id: str) -> str:
        rows = self.world.call("GET", f"{BASE}/sales/{sale_id}").json()["receivables"]
        return json.dumps([{**row, "status": ""} for row in rows], sort_keys=True)

    @invariant()
    def what_was_posted_stays(self) -> None:
        """I-8: plans are the same bytes, whatever became of the contract."""
        for sale_id, plan in self.plans.items():
            assert self._plan(sale_id) == plan

    @invariant()
    def receivables_are_what_is_left(self) -> None:
        """I-2: gross parts of a sale and its refunds sum to what is left of it."""
        gross: Counter[str] = Counter()
        for row in self.world.aws.rows("core"):
            if "#RECEIVABLES#" in row["pk"] and row["status"] != "cancelled":
                gross[row["sale_id"]] += row["gross"]
        for sale_id, sale in self.sales.items():
            assert gross[sale_id] == (0 if sale["state"] == "cancelled" else sale["left"])

    def teardown(self) -> None:
        """I-1: debits equal credits, and the receivable is the net of all rows."""
        entries: Counter[str] = Counter()
        for row in self.world.aws.rows("ledger"):
            if f"#ACC#{self.code}@" in row["pk"] and row["sk"] != "BAL":
                sign = 1 if row["leg"] == "D" else -1
                entries[row["name"]] += sign * row["amount"]
        assert sum(entries.values()) == 0
        net = sum(
            row["gross"] - sum(row["deductions"].values())
            for row in self.world.aws.rows("core")
            if "#RECEIVABLES#" in row["pk"]
            and row["status"] != "cancelled"
            and row["contract_code"] == self.code
        )
        assert entries["card_receivable"] == net


TestCardContracts = CardContracts.TestCase
TestCardContracts.settings = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
