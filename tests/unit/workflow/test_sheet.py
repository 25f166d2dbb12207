"""Rows as texts: both directions are exact, and differences and problems have their place."""

from typing import Any

import pytest

from kernel.errors import Problem
from tests.support.rule_tables import PURCHASE_AS_WRITTEN
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.sheet import Spot, changes, lines_of, output_value, rows_of, spot_of

KEYS = sorted(shipped().versions)


@pytest.mark.parametrize("key", KEYS)
def test_every_shipped_table_survives_as_texts(key: str) -> None:
    table = shipped().versions[key][0].table
    document = table.to_dict()
    again = read_table({**document, "rows": rows_of(lines_of(table), table.outputs)})
    rows = [{**row, "order": number} for number, row in enumerate(document["rows"])]
    assert [row.to_dict() for row in again.rows] == rows
    assert not changes(table, again)


@pytest.mark.parametrize(
    "value",
    ["null", "true", "12", "{x}", "@a.b", "[1]", '"quoted"', "a, b", "Ödendi", "100.00"],
)
def test_a_text_that_looks_like_something_else_stays_a_text(value: str) -> None:
    document = {
        "facts": {"amount": "money"},
        "outputs": [{"name": "out", "type": "any"}],
        "rows": [{"id": "a", "cells": ["-"], "outputs": {"out": value}}],
    }
    table = read_table(document)
    (line,) = lines_of(table)
    assert rows_of([line], table.outputs)[0]["outputs"] == {"out": value}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "12", 12),
        ("int", "twelve", "twelve"),
        ("bool", "TRUE", True),
        ("money", "12", "12"),
        ("list(text)", "CHIEF, MANAGER", ["CHIEF", "MANAGER"]),
        ("list(int)", "1,2", [1, 2]),
        ("list(int)", "[]", []),
        ("money?", "null", None),
        ("money", "{amount}", {"fact": "amount"}),
        ("money", "@purchase.limit", {"param": "purchase.limit"}),
        ("text", "[broken", "[broken"),
    ],
)
def test_an_output_is_read_by_its_type(kind: str, text: str, value: Any) -> None:
    document = {
        "facts": {"amount": "money"},
        "outputs": [{"name": "out", "type": kind}],
        "rows": [{"id": "a", "cells": ["-"]}],
    }
    assert output_value(text, read_table(document).outputs["out"]) == value


def test_differences_name_row_place_and_both_sides() -> None:
    before = read_table(PURCHASE_AS_WRITTEN)
    rows = [
        {"id": "below", "cells": ["<=1000.00"], "outputs": {"chain": ["CHIEF"]}},
        {"id": "far", "cells": [">1000.00"], "outputs": {"chain": []}, "reason_code": "FAR"},
    ]
    after = read_table({**PURCHASE_AS_WRITTEN, "rows": rows, "hit_policy": "ANY"})
    found = [(one.row, one.place, one.before, one.after) for one in changes(before, after)]
    assert found == [
        ("", "hit_policy", "UNIQUE", "ANY"),
        ("below", "? amount", "<1000.00", "<=1000.00"),
        ("far", "? amount", None, ">1000.00"),
        ("far", "→ chain", None, "[]"),
        ("far", "reason_code", None, "FAR"),
        ("above", "? amount", ">1000.00", None),
        ("above", "→ chain", "CHIEF, MANAGER", None),
    ]


@pytest.mark.parametrize(
    ("pointer", "spot"),
    [
        ("/rows/2/cells/1", Spot(2, "? debt")),
        ("/rows/2/cells", Spot(2, None)),
        ("/rows/0/outputs/chain", Spot(0, "→ chain")),
        ("/rows/0/id", Spot(0, "id")),
        ("/rows/3/valid_to", Spot(3, "valid_to")),
        ("/rows/3/reason", Spot(3, None)),
        ("/rows", Spot(None, None)),
        ("/facts/0", Spot(None, None)),
    ],
)
def test_a_problem_has_its_place_in_the_sheet(pointer: str, spot: Spot) -> None:
    assert spot_of(Problem(pointer, "X", "x"), ["group", "debt"]) == spot
