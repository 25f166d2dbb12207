"""Every shipped rule says what its words say, at all its bounds (an oracle of its own)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import KopruError
from tests.support.rule_tables import NOW, TODAY, world_of
from tests.support.rules_by_the_words import REFUSED, WORDS
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.evaluation import Bounds, evaluate
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table


@pytest.mark.parametrize("key", sorted(WORDS))
def test_a_rule_says_what_its_words_say(key: str) -> None:
    table = shipped().version(key, Scopes(), TODAY, NOW).table
    bounds = Bounds(table, world_of())
    asked = 0
    for facts, expected in WORDS[key]():
        given = _wire(facts)
        said = _said(table, given, bounds)
        if expected == REFUSED:
            assert said == REFUSED, given
        else:
            wanted = {name: _plain(value) for name, value in _wire(expected).items()}
            assert isinstance(said, dict), (given, said)
            assert {name: _plain(said.get(name, "absent")) for name in wanted} == wanted, given
        asked += 1
    assert asked > 2


def test_all_rules_have_words() -> None:
    assert set(WORDS) == set(shipped().rules)


@pytest.mark.parametrize("key", sorted(WORDS))
def test_what_is_missing_unknown_or_of_another_type_is_named(key: str) -> None:
    """Fail loud: every missing fact, every unknown one and every wrong type at once."""
    table = shipped().version(key, Scopes(), TODAY, NOW).table
    with pytest.raises(KopruError) as refused:
        evaluate(table, {"no_such_fact": 1}, world_of())
    pointers = {problem.pointer for problem in refused.value.problems}
    assert pointers == {f"/facts/{name}" for name in (*table.facts.facts, "no_such_fact")}
    good = _wire(next(iter(WORDS[key]()))[0])
    for name in good:
        with pytest.raises(KopruError) as refused:
            evaluate(table, {**good, name: {"no": "value"}}, world_of())
        assert [problem.pointer for problem in refused.value.problems] == [f"/facts/{name}"]


def _said(table: Table, given: Mapping[str, Any], bounds: Bounds) -> Any:
    try:
        return dict(evaluate(table, given, world_of(), bounds).result or {})
    except KopruError:
        return REFUSED


def _wire(said: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in said.items()}


def _plain(value: Any) -> Any:
    """Amounts and quantities by value."""
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, str):
        try:
            return Decimal(value)
        except ArithmeticError:
            return value
    return Decimal(value) if type(value) is int else value
