"""Overlaps, gaps and rows without effect, compared with counting out every fact."""

import random
import time
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rule_tables import (
    INSTALMENTS_AS_WRITTEN,
    PREPAID_AS_WRITTEN,
    PURCHASE_AS_WRITTEN,
    TODAY,
    parameter,
    world_of,
)
from workflow.domain.rules import analysis
from workflow.domain.rules.analysis import analyse
from workflow.domain.rules.evaluation import evaluate
from workflow.domain.rules.gate import check
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.table import Table

GRADE = ["A", "B", "C"]
FACTS = [
    {"name": "number", "type": "int", "domain": [0, 4]},
    {"name": "grade", "type": "enum", "values": GRADE, "nullable": True},
    {"name": "flag", "type": "bool"},
]


def messages(document: Mapping[str, Any]) -> list[str]:
    return [problem.message for problem in check(read_table(document), world_of()).refusals]


def test_the_purchase_rule_as_written_has_a_gap_at_exactly_the_limit() -> None:
    found = analyse(read_table(PURCHASE_AS_WRITTEN), world_of())
    assert [dict(gap) for gap in found.gaps] == [{"amount": "1000.00"}]
    assert messages(PURCHASE_AS_WRITTEN) == ["GAP: no row holds for amount = 1000.00."]


def test_the_prepaid_rules_as_written_overlap_on_public_housing() -> None:
    assert messages(PREPAID_AS_WRITTEN) == [
        "OVERLAP [R30, R31], for example subscriber_group = RESIDENTIAL, public_institution = true."
    ]


def test_the_instalment_rule_as_written_overlaps_and_forgets_the_other_groups() -> None:
    found = analyse(read_table(INSTALMENTS_AS_WRITTEN), world_of())
    assert [overlap.rows for overlap in found.overlaps] == [("2", "3")]
    assert found.overlaps[0].witness["debt"] == "500.01"
    assert {gap["subscriber_group"] for gap in found.gaps} <= {"COMMERCIAL", "INDUSTRIAL", "PUBLIC"}
    assert found.gaps


def test_money_ints_and_days_have_neighbours_decimals_have_not() -> None:
    def gaps(kind: str, low: str, high: str) -> int:
        rows = [{"id": "a", "cells": [f"<={low}"]}, {"id": "b", "cells": [f">={high}"]}]
        table = read_table({"facts": {"x": kind}, "rows": rows})
        return len(analyse(table, world_of()).gaps)

    assert gaps("money", "100.00", "100.01") == 0
    assert gaps("int", "1", "2") == 0
    assert gaps("date", "2026-02-28", "2026-03-01") == 0
    assert gaps("decimal", "100.00", "100.01") == 1
    assert gaps("money", "100.00", "100.02") == 1


def test_a_parameter_that_changes_later_is_looked_at_then_too() -> None:
    document = {
        "facts": {"amount": "money"},
        "rows": [
            {"id": "low", "cells": ["<=@limit.low"]},
            {"id": "high", "cells": [">@limit.high"]},
        ],
    }
    world = world_of(
        parameter("limit.low", "10.00", date(2026, 1, 1)),
        parameter("limit.high", "10.00", date(2026, 1, 1)),
        parameter("limit.high", "20.00", date(2027, 1, 1)),
    )
    found = analyse(read_table(document), world)
    assert [dict(gap) for gap in found.gaps] == [{"amount": "10.01", "valid_on": "2027-01-01"}]


def test_rows_that_are_never_valid_together_do_not_overlap() -> None:
    rows = [
        {"id": "old", "cells": ["-"], "valid_to": "2027-01-01"},
        {"id": "new", "cells": ["-"], "valid_from": "2027-01-02"},
    ]
    found = analyse(read_table({"facts": {"flag": "bool"}, "rows": rows}), world_of())
    assert found.overlaps == ()
    # One day lies between them.
    assert {gap["valid_on"] for gap in found.gaps} == {"2027-01-01"}


def test_a_group_without_parameters_is_named_and_is_no_gap() -> None:
    document = {
        "facts": [{"name": "grade", "type": "enum", "values": GRADE}, *FACTS[:1]],
        "rows": [
            {"id": "low", "cells": ["-", "<@bound[grade]"]},
            {"id": "rest", "cells": ["-", ">=@bound[grade]"]},
        ],
    }
    world = world_of(*(parameter(f"bound[{g}]", 2, date(2026, 1, 1)) for g in "AB"))
    found = check(read_table(document), world)
    assert found.passes
    assert {unbound.parameter for unbound in found.analysis.unbound} == {"bound[C]"}


def test_a_parameter_that_nobody_set_refuses_publication() -> None:
    document = {"facts": {"x": "int"}, "rows": [{"id": "a", "cells": ["<@none"]}]}
    assert any("PARAMETER" in message for message in messages(document))


@pytest.mark.parametrize(
    ("policy", "same", "refused"),
    [
        ("UNIQUE", True, True),
        ("ANY", True, False),
        ("ANY", False, True),
        ("FIRST", False, False),
        ("PRIORITY", False, False),
        ("RULE_ORDER", False, False),
        ("COLLECT", False, False),
    ],
)
def test_what_an_overlap_means_depends_on_the_hit_policy(
    policy: str, same: bool, refused: bool
) -> None:
    rows = [
        {"id": "a", "cells": ["-"], "outputs": {"out": "x"}},
        {"id": "b", "cells": [">=0"], "outputs": {"out": "x" if same else "y"}},
    ]
    table = read_table({"facts": {"n": "int"}, "rows": rows, "hit_policy": policy})
    assert check(table, world_of()).passes is not refused


def test_a_covered_row_of_a_first_table_is_named() -> None:
    rows = [{"id": str(n), "cells": [cell]} for n, cell in enumerate([">=100", "<50", ">500"])]
    document = {"facts": {"n": "int"}, "rows": rows, "hit_policy": "FIRST", "complete": False}
    found = check(read_table(document), world_of())
    assert found.analysis.unreachable == ("2",)
    assert found.passes


# ------------------------------------------------------------------ every fact counted out

NUMBER = st.sampled_from(["-", "0", "<2", ">=2", "[1..3]", "(1..4)", "not(2)", "0,4", ">4"])
LETTER = st.sampled_from(["-", "A", "A,B", "not(C)", "null", "not(null)", "not(A,null)"])
FLAG = st.sampled_from(["-", "true", "false"])
ROWS = st.lists(st.tuples(NUMBER, LETTER, FLAG), min_size=1, max_size=6)


def small_table(cells: list[tuple[str, str, str]], policy: str = "FIRST") -> Table:
    rows = [{"id": f"r{n}", "cells": list(each)} for n, each in enumerate(cells)]
    return read_table({"facts": FACTS, "rows": rows, "hit_policy": policy, "complete": True})


def every_fact() -> Iterator[dict[str, Any]]:
    for number, grade, flag in product(range(5), [*GRADE, None], [False, True]):
        yield {"number": number, "grade": grade, "flag": flag}


@given(ROWS)
def test_findings_are_those_of_counting_out(cells: list[tuple[str, str, str]]) -> None:
    world = world_of(with_shipped=False)
    found = analyse(small_table(cells), world)
    collecting = small_table(cells, "RULE_ORDER")
    hits = [(facts, evaluate(collecting, facts, world).hits) for facts in every_fact()]
    pairs = {pair for _, rows in hits for pair in combinations(rows, 2)}
    assert {overlap.rows for overlap in found.overlaps} == pairs
    assert bool(found.gaps) is any(not rows for _, rows in hits)
    reached = {rows[0] for _, rows in hits if rows}
    everyone = {f"r{n}" for n in range(len(cells))}
    assert set(found.unreachable) == everyone - reached
    assert set(found.dead) == everyone - {row for _, rows in hits for row in rows}
    # Each witness shows what it is a witness of.
    for overlap in found.overlaps:
        assert set(overlap.rows) <= set(evaluate(collecting, overlap.witness, world).hits)
    for gap in found.gaps:
        assert evaluate(collecting, gap, world).hits == ()
    assert found.finished


def test_a_table_of_five_hundred_rows_is_analysed_at_once() -> None:
    bands = [
        {"id": f"r{n}", "cells": [f"[{n}.00..{n}.99]", GRADE[n % 3] if n % 2 else "-"]}
        for n in range(500)
    ]
    facts = [
        {"name": "amount", "type": "money", "domain": ["0.00", "499.99"]},
        {"name": "grade", "type": "enum", "values": GRADE},
    ]
    table = read_table({"facts": facts, "rows": bands})
    started = time.process_time()
    found = analyse(table, world_of(on=TODAY))
    # Seconds would mean that somebody compares all pairs again; the usual time is far below.
    assert time.process_time() - started < 4
    assert found.overlaps == ()
    assert len(found.gaps) == 100


def test_a_tangled_table_is_answered_soon() -> None:
    chance = random.Random(7)
    facts = {f"n{number}": "int" for number in range(24)}
    rows = [
        {"id": f"r{n}", "cells": {name: ">0" if chance.random() < 0.5 else "<=0" for name in three}}
        for n in range(400)
        for three in [chance.sample(sorted(facts), 9)]
    ]
    document = {"facts": facts, "rows": rows, "hit_policy": "FIRST", "complete": True}
    started = time.process_time()
    found = check(read_table(document), world_of(with_shipped=False))
    assert time.process_time() - started < 30
    assert not found.passes
    assert found.analysis.gaps or not found.analysis.finished


def test_a_limit_that_ends_the_search_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis._Budget, "takes", lambda *_: False)
    rows = [{"id": "a", "cells": ["<0"]}, {"id": "b", "cells": [">=0"]}]
    found = check(read_table({"facts": {"n": "int"}, "rows": rows}), world_of())
    assert [problem.code for problem in found.refusals] == ["UNFINISHED"]
