"""Decisions: hit policies, facts that refuse, dates and knowledge, reasons and hashes."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import KopruError, ValidationError
from tests.support.rule_tables import NOW, TODAY, parameter, world_of
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.evaluation import (
    ContradictionError,
    Decision,
    Outcome,
    RowRefusedError,
    evaluate,
)
from workflow.domain.rules.parameters import MissingParameterError, World
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table


def table_of(key: str) -> Table:
    return shipped().version(key, Scopes(), TODAY, NOW).table


def decide(key: str, facts: dict[str, Any], world: World | None = None) -> Decision:
    return evaluate(table_of(key), facts, world or world_of())


def codes(error: KopruError) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in error.problems]


def bands(policy: str, **more: Any) -> Table:
    rows = [
        {"id": "wide", "cells": [">=0"], "outputs": {"out": 1}, "priority": 9},
        {"id": "narrow", "cells": [">=10"], "outputs": {"out": 2}, "priority": 1},
        {"id": "top", "cells": [">=100"], "outputs": {"out": 3}},
    ]
    outputs = [{"name": "out", "type": "int"}]
    document = {"facts": {"n": "int"}, "outputs": outputs, "rows": rows, "hit_policy": policy}
    return read_table(document | more)


@pytest.mark.parametrize(
    ("policy", "n", "out"),
    [
        ("UNIQUE", 5, 1),
        ("ANY", 5, 1),
        ("FIRST", 500, 1),
        ("PRIORITY", 500, 2),
        ("RULE_ORDER", 500, [1, 2, 3]),
        ("COLLECT", 50, [1, 2]),
        ("COLLECT sum", 500, 6),
        ("COLLECT min", 500, 1),
        ("COLLECT max", 500, 3),
        ("COLLECT count", 500, 3),
        ("RULE_ORDER", -1, []),
    ],
)
def test_hit_policies(policy: str, n: int, out: object) -> None:
    result = evaluate(bands(policy), {"n": n}, world_of()).result
    assert result == {"out": out}


@pytest.mark.parametrize("policy", ["UNIQUE", "ANY"])
def test_two_rows_that_differ_are_a_contradiction_that_names_both(policy: str) -> None:
    with pytest.raises(ContradictionError) as caught:
        evaluate(bands(policy), {"n": 50}, world_of())
    assert caught.value.rows == ("wide", "narrow")


def test_priority_is_decided_for_each_output_alone() -> None:
    facts = {
        "subscriber_group": "INDUSTRIAL",
        "customer_type": "FREE",
        "location_kind": "OSB",
        "premise_kind": "BUILDING",
        "transaction": "SALE",
    }
    result = decide("routing.industrial", facts).result
    assert result == {
        "unit": "LARGE_SPECIAL_CUSTOMERS",
        "representative": "PRIVATE_REP",
        "officer": None,
    }


def test_no_row_is_said_and_the_declared_default_is_said_too() -> None:
    silent = evaluate(bands("UNIQUE", complete=False), {"n": -1}, world_of())
    assert (silent.outcome, silent.result) == (Outcome.NO_RULE, None)
    declared = evaluate(bands("UNIQUE", default={"out": 0}), {"n": -1}, world_of())
    assert (declared.outcome, declared.result) == (Outcome.DEFAULT, {"out": 0})


# ------------------------------------------------------------------ facts that refuse

INSTALMENTS = {"subscriber_group": "RESIDENTIAL", "debt": "600", "requested": 3}


def test_a_missing_fact_never_leads_to_a_row() -> None:
    facts = {name: value for name, value in INSTALMENTS.items() if name != "debt"}
    with pytest.raises(ValidationError) as caught:
        decide("collection.instalments", facts)
    assert codes(caught.value) == [("/facts/debt", "MISSING_FACT")]
    assert "MISSING_FACT(debt)" in caught.value.problems[0].message


def test_a_decimal_text_is_money() -> None:
    result = decide("collection.instalments", INSTALMENTS).result
    assert result is not None
    assert result["plan"] == ["200.00", "200.00", "200.00"]


@pytest.mark.parametrize("debt", [True, float("nan"), 600, 6.5, "6,00", "1e3", "600.001", [], ""])
def test_a_fact_of_another_type_is_refused(debt: object) -> None:
    with pytest.raises(ValidationError) as caught:
        decide("collection.instalments", {**INSTALMENTS, "debt": debt})
    assert codes(caught.value) == [("/facts/debt", "TYPE")]


def test_all_wrong_facts_are_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        decide("guard.deposit_refund", {"open_debt": None, "offset_allowed": 1, "colour": "red"})
    assert sorted(codes(caught.value)) == [
        ("/facts/colour", "UNKNOWN_FACT"),
        ("/facts/deposit", "MISSING_FACT"),
        ("/facts/offset_allowed", "TYPE"),
        ("/facts/open_debt", "NULL_FACT"),
    ]


def test_a_free_consumer_without_a_contract_rate_is_an_error_and_not_zero() -> None:
    facts = {
        "customer_type": "FREE",
        "principal": "1000.00",
        "due_on": "2025-08-15",
        "paid_on": "2025-08-25",
        "contract_annual_pct": None,
    }
    with pytest.raises(RowRefusedError) as caught:
        decide("collection.late_fee_basis", facts)
    assert caught.value.code == "CONTRACT_RATE_MISSING"


def test_a_group_without_bounds_and_a_comparison_without_data_are_errors() -> None:
    with pytest.raises(MissingParameterError):
        decide(
            "meter.consumption_anomaly",
            {"subscriber_group": "PUBLIC", "period_consumption": "10"},
        )
    facts = {
        "measured": "1200",
        "affected_days": 60,
        "lab_error_pct": None,
        "history_per_day": [],
        "next_two_per_day": [],
    }
    with pytest.raises(RowRefusedError):
        decide("accrual.comparison", facts)
    with pytest.raises(KopruError):
        decide("accrual.comparison", {**facts, "lab_error_pct": "-100"})


def test_hours_may_be_fractions() -> None:
    facts = {"created_h": 0, "decided_h": Decimal("24.5"), "now_h": 99, "sla_h": 24}
    assert decide("approval.durations", facts).result == {
        "elapsed_h": Decimal("24.5"),
        "pending": False,
        "sla": "BREACHED",
    }


# ------------------------------------------------------------------ dates and knowledge


def test_an_old_date_has_its_old_rate_and_the_trace_says_which() -> None:
    decision = decide("param.effective_dating", {"valid_on": "2024-05-20"})
    assert decision.result == {"rate": "3.50"}
    assert [p.valid_from for p in decision.parameters] == [date(2023, 11, 14)]


def test_a_corrected_rate_leaves_what_was_known_before_alone() -> None:
    corrected = parameter(
        "late_fee.monthly_rate",
        "3.90",
        date(2025, 11, 13),
        recorded_at=datetime(2025, 12, 1, tzinfo=UTC),
    )
    facts = {"valid_on": "2025-11-15"}
    before = world_of(corrected, known_on=datetime(2025, 11, 20, tzinfo=UTC))
    assert decide("param.effective_dating", facts, before).result == {"rate": "3.70"}
    assert decide("param.effective_dating", facts, world_of(corrected)).result == {"rate": "3.90"}


@pytest.mark.parametrize(
    ("on", "chain"),
    [(date(2026, 6, 30), ["CHIEF", "MANAGER"]), (date(2026, 7, 1), ["CHIEF"])],
)
def test_a_limit_changes_by_parameter_only(on: date, chain: list[str]) -> None:
    raised = parameter("purchase.limit", "2500.00", date(2026, 7, 1))
    decision = decide("approval.purchase_chain", {"amount": "1500.00"}, world_of(raised, on=on))
    assert decision.result == {"chain": chain}


def test_the_closest_scope_counts() -> None:
    start = date(2026, 1, 1)
    values = [
        parameter("purchase.limit", "10.00", start),
        parameter("purchase.limit", "20.00", start, scope="region:R1"),
        parameter("purchase.limit", "30.00", start, scope="group:G"),
        parameter("purchase.limit", "40.00", start, scope="subscriber:S"),
    ]

    def chain(scopes: Scopes, amount: str) -> Any:
        world = world_of(*values, scopes=scopes)
        result = decide("approval.purchase_chain", {"amount": amount}, world).result
        return (result or {})["chain"]

    assert chain(Scopes(), "15.00") == ["CHIEF", "MANAGER"]
    assert chain(Scopes(region="R1"), "15.00") == ["CHIEF"]
    assert chain(Scopes(group="G", region="R1"), "25.00") == ["CHIEF"]
    assert chain(Scopes(subscriber="S", group="G", region="R1"), "35.00") == ["CHIEF"]


# ------------------------------------------------------------------ reasons


def test_every_row_says_whether_it_matched_or_where_it_failed_first() -> None:
    decision = decide("collection.instalments", INSTALMENTS)
    traces = {trace.row: trace.to_dict() for trace in decision.rows}
    assert traces["high"] == {"row": "high", "matched": True}
    assert traces["high-too-many"]["failed"] == {"column": "requested", "cell": ">3", "value": 3}
    assert traces["others"]["failed"]["column"] == "subscriber_group"
    assert {p.key for p in decision.parameters} == {
        "instalments.low_limit",
        "instalments.high_limit",
    }


def test_the_order_of_storage_changes_nothing() -> None:
    document = table_of("collection.instalments").to_dict()
    expected = decide("collection.instalments", INSTALMENTS)
    for seed in range(100):
        rows = list(document["rows"])
        random.Random(seed).shuffle(rows)
        shuffled = read_table({**document, "rows": rows})
        again = evaluate(shuffled, INSTALMENTS, world_of())
        assert again.trace_hash == expected.trace_hash
        assert shuffled.sha256 == table_of("collection.instalments").sha256


def test_another_fact_is_another_hash() -> None:
    other = decide("collection.instalments", {**INSTALMENTS, "debt": "600.01"})
    assert other.trace_hash != decide("collection.instalments", INSTALMENTS).trace_hash
