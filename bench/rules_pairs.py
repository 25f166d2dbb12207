"""The measuring half of ``bench.rules``; it runs in the environment of the peers.

Every engine gets the same rows and the same facts. Results are compared first; nothing is timed
before they are equal. Processor time is taken, and rounds of the engines alternate, so that what
else the machine does counts for nobody.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import metadata
from itertools import product
from typing import Any, Final

from kernel.business_days import Calendar
from workflow.domain.rules.analysis import analyse
from workflow.domain.rules.evaluation import evaluate
from workflow.domain.rules.parameters import Parameters, World
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.table import Table

GROUPS: Final = ("RESIDENTIAL", "COMMERCIAL", "INDUSTRIAL", "PUBLIC", "OSB")
REGIONS: Final = ("NORTH", "SOUTH", "EAST", "WEST", "CENTRE")
STEP: Final = 250
ROUNDS: Final = 5
Decide = Callable[[Mapping[str, Any]], Any]


def rows_of(count: int) -> list[dict[str, Any]]:
    """Rows of five conditions that exclude each other and leave nothing out.

    Shapes: 50 rows are 5 groups × 10 intervals of an amount, 500 are × 5 regions × 2 as well.
    """
    wide = count > 50
    regions: Sequence[str | None] = REGIONS if wide else (None,)
    foreign: Sequence[bool | None] = (False, True) if wide else (None,)
    intervals = count // (len(GROUPS) * len(regions) * len(foreign))
    rows: list[dict[str, Any]] = []
    for group, region, abroad, number in product(GROUPS, regions, foreign, range(intervals)):
        low = number * STEP
        high = None if number == intervals - 1 else low + STEP
        rows.append(
            {
                "id": f"r{len(rows)}",
                "group": group,
                "region": region,
                "abroad": abroad,
                "low": low,
                "high": high,
            }
        )
    return rows


def facts_of(rows: Sequence[Mapping[str, Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """Facts for decisions; every third amount lies exactly on a limit."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable measurement, no secret
    found = []
    for number in range(count):
        row = dice.choice(rows)
        cents = 0 if number % 3 == 0 else dice.randrange(STEP * 100)
        found.append(
            {
                "group": row["group"],
                "region": row["region"] or dice.choice(REGIONS),
                "abroad": dice.random() < 0.5 if row["abroad"] is None else row["abroad"],
                "amount": Decimal(row["low"] * 100 + cents) / 100,
                "days": dice.randrange(400),
            }
        )
    return found


# ---------------------------------------------------------------------------- engines


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The rows as a table of ours."""
    return read_table(
        {
            "facts": [
                {"name": "group", "type": "enum", "values": list(GROUPS)},
                {"name": "region", "type": "enum", "values": list(REGIONS)},
                {"name": "abroad", "type": "bool"},
                {"name": "amount", "type": "money", "domain": ["0.00", None]},
                {"name": "days", "type": "int", "domain": [0, None]},
            ],
            "outputs": [{"name": "row", "type": "text"}],
            "rows": [
                {
                    "id": row["id"],
                    "cells": [
                        row["group"],
                        row["region"] or "-",
                        "-" if row["abroad"] is None else str(row["abroad"]).lower(),
                        f">={row['low']}.00"
                        if row["high"] is None
                        else f"[{row['low']}.00..{row['high']}.00)",
                        ">=0",
                    ],
                    "outputs": {"row": row["id"]},
                }
                for row in rows
            ],
        }
    )


def world_of() -> World:
    """A world without parameters and holidays."""
    calendar = Calendar("bench", {})
    return World(Parameters(), date(2026, 9, 1), datetime(2026, 9, 1, tzinfo=UTC), calendar)


def ours(rows: Sequence[Mapping[str, Any]]) -> Decide:
    """Our own evaluation, with the trace of every row."""
    table, world = table_of(rows), world_of()

    def decide(facts: Mapping[str, Any]) -> Any:
        said = {**facts, "amount": str(facts["amount"])}
        decision = evaluate(table, said, world.on(world.valid_on))
        assert decision.result is not None
        return decision.result["row"]

    return decide


def zen(rows: Sequence[Mapping[str, Any]]) -> Decide:
    """The same as a decision table of zen-engine (first hit; it has no unique one).

    Numbers are what its input takes; exact on the limits used here, which are whole.
    """
    module = importlib.import_module("zen")
    names = ("group", "region", "abroad", "amount", "days")
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in names],
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": [
            {
                "_id": row["id"],
                "group": json.dumps(row["group"]),
                "region": json.dumps(row["region"]) if row["region"] else "",
                "abroad": "" if row["abroad"] is None else json.dumps(row["abroad"]),
                "amount": f">= {row['low']}"
                if row["high"] is None
                else f"[{row['low']}..{row['high']})",
                "days": ">= 0",
                "row": json.dumps(row["id"]),
            }
            for row in rows
        ],
    }
    document = {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {"id": "t", "name": "t", "type": "decisionTableNode", "content": table},
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "t", "type": "edge"},
            {"id": "b", "sourceId": "t", "targetId": "out", "type": "edge"},
        ],
    }
    engine = module.ZenEngine()
    decision = engine.create_decision(json.dumps(document))

    def decide(facts: Mapping[str, Any]) -> Any:
        return decision.evaluate({**facts, "amount": float(facts["amount"])})["result"]["row"]

    return decide


def expressions(rows: Sequence[Mapping[str, Any]]) -> Decide:
    """The same as one expression a row of rule-engine, asked in order."""
    module = importlib.import_module("rule_engine")
    context = module.Context(
        type_resolver=module.type_resolver_from_dict(
            {
                "group": module.DataType.STRING,
                "region": module.DataType.STRING,
                "abroad": module.DataType.BOOLEAN,
                "amount": module.DataType.FLOAT,
                "days": module.DataType.FLOAT,
            }
        )
    )

    def text(row: Mapping[str, Any]) -> str:
        said = [f'group == "{row["group"]}"']
        if row["region"]:
            said.append(f'region == "{row["region"]}"')
        if row["abroad"] is not None:
            said.append(f"abroad == {str(row['abroad']).lower()}")
        said.append(f"amount >= {row['low']}")
        if row["high"] is not None:
            said.append(f"amount < {row['high']}")
        return " and ".join([*said, "days >= 0"])

    compiled = [(row["id"], module.Rule(text(row), context=context)) for row in rows]

    def decide(facts: Mapping[str, Any]) -> Any:
        for name, rule in compiled:
            if rule.matches(facts):
                return name
        return None

    return decide


PEERS: Final[Mapping[str, Callable[[Sequence[Mapping[str, Any]]], Decide]]] = {
    "zen-engine": zen,
    "rule-engine": expressions,
}


# ---------------------------------------------------------------------------- measuring


def microseconds(decide: Decide, facts: Sequence[Mapping[str, Any]]) -> float:
    """Processor time of one decision, on average over the facts."""
    started = time.process_time_ns()
    for each in facts:
        decide(each)
    return (time.process_time_ns() - started) / len(facts) / 1000


def compare(count: int, peers: Sequence[str], decisions: int, seed: int) -> dict[str, float]:
    """Microseconds of a decision by engine, of one size of table.

    Raises: SystemExit when engines do not agree.
    """
    rows = rows_of(count)
    facts = facts_of(rows, decisions, seed)
    engines = {"ours": ours(rows), **{name: PEERS[name](rows) for name in peers}}
    wanted = [engines["ours"](each) for each in facts]
    for name, decide in engines.items():
        for each, result in zip(facts, wanted, strict=True):
            if decide(each) != result:
                raise SystemExit(f"{name} does not agree on {each}: nothing was timed.")
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, decide in engines.items():
            taken[name].append(microseconds(decide, facts))
    return {name: statistics.median(values) for name, values in taken.items()}


def analysed(count: int) -> float:
    """Milliseconds of the analysis, which none of the peers has."""
    table, world = table_of(rows_of(count)), world_of()
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        found = analyse(table, world)
        taken.append((time.process_time() - started) * 1000)
        if found.overlaps or found.gaps or not found.finished:
            raise SystemExit(f"the table of {count} rows is not the one that was meant")
    return statistics.median(taken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the figures are printed as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=[])
    options = parser.parse_args(arguments)
    found = {
        str(count): {
            "decision_us": compare(count, options.peers, options.decisions, options.seed),
            "analysis_ms": analysed(count),
        }
        for count in (50, 500)
    }
    versions = {name: metadata.version(name) for name in options.peers}
    sys.stdout.write(f"{json.dumps({**found, 'versions': versions})}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
