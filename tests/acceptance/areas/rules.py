"""The rules of the utility company: shipped packs, and analysis of small tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from toolkit.calendars import calendar
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.evaluation import evaluate
from workflow.domain.rules.gate import check
from workflow.domain.rules.parameters import World
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import Scopes

_NOW = datetime(2026, 9, 1, tzinfo=UTC)
_TODAY = date(2026, 9, 1)


def run(case: dict[str, Any], _file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    if case["kind"] == "table":
        # The points to look at are named where their hits are expected.
        asked = [point["facts"] for point in case["expect"].get("points", [])]
        return _table(case["given"], asked)
    return _rule(case["rule"], case["given"])


def _world() -> World:
    return World(shipped().parameters, _TODAY, _NOW, calendar("TR"))


def _rule(key: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    version = shipped().version(key, Scopes(), _TODAY, _NOW)
    decision = evaluate(version.table, _exact(given), _world())
    return {name: _number(value) for name, value in (decision.result or {}).items()}


def _exact(value: Any) -> Any:
    """Facts as the strict JSON loader of the API gives them: no floats."""
    if isinstance(value, dict):
        return {name: _exact(member) for name, member in value.items()}
    return Decimal(repr(value)) if isinstance(value, float) else value


def _number(value: Any) -> Any:
    """A fractional number as ``json.loads`` would read it from the answer."""
    return float(value) if isinstance(value, Decimal) else value


def _table(given: Mapping[str, Any], asked: list[Any]) -> Mapping[str, Any]:
    # The cases name no outputs: which row was hit is what such a table says.
    document = {
        "facts": given["inputs"],
        "hit_policy": given["hit"],
        "complete": given["complete"],
        "outputs": [{"name": "row", "type": "text"}],
        "rows": [{**row, "outputs": {"row": row["id"]}} for row in given["rows"]],
    }
    found = check(read_table(document), _world())
    return {
        "overlaps": [list(overlap.rows) for overlap in found.analysis.overlaps],
        "has_gap": bool(found.analysis.gaps),
        "unreachable": list(found.analysis.unreachable),
        "publish": "OK" if found.passes else "REFUSED",
        "points": [{"facts": facts, "hits": _hits(document, facts)} for facts in asked],
    }


def _hits(document: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    table = read_table({**document, "hit_policy": "RULE_ORDER", "complete": False})
    return list(evaluate(table, facts, _world()).hits)
