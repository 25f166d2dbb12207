"""What one unit of work asks of AWS: the committed budgets beside the least that is possible (P5).

The numbers are those of ``tests/budgets``, which the tests hold to the last request; nothing is
measured here. The least is what reliability.md §2 and §14 allow: a claim and a commit around each
effect, one transaction a group of lines, nothing written twice. What we spend above it is the job
that people look at: its plan, its progress and its end.
"""

from __future__ import annotations

import json
from typing import Final

from bench.frame import ROOT, Report, requests_of

FOLDER: Final = ROOT / "tests" / "budgets"
# Unit of work, committed use cases (file, name, size) with how many units one run holds, and the
# fewest transactions of such a unit, with the reason.
UNITS: Final = (
    (
        "employee sent and enrolled",
        (("budgets.json", "prepare people", "100"), ("budgets.json", "send people", "100")),
        100,
        23,
        "ten lines a transaction, twice, and freeze, claim, close",
    ),
    (
        "contribution collected",
        (
            ("budgets.json", "prepare contributions", "80"),
            ("budgets.json", "send contributions", "80"),
        ),
        80,
        19,
        "the same, with the ledger",
    ),
    ("code issued", (("budgets.json", "issue codes by queue", "100"),), 100, 12, "ten a group"),
    (
        "payment booked",
        (("budgets.json", "pull payments", "40"),),
        40,
        40,
        "one transaction a payment: money is booked alone",
    ),
    (
        "letter mailed",
        (("reconciliation.json", "send one letter", ""),),
        1,
        2,
        "claim and commit",
    ),
    (
        "sale posted",
        (("card_contracts.json", "post a sale of 12 instalments", ""),),
        1,
        1,
        "all receivables or none",
    ),
    ("decision recorded", (("workflow.json", "decide", ""),), 1, 1, "one row, written once"),
)
GROWTH: Final = 4.2
MOST: Final = 1.25


def measure(report: Report) -> None:
    """P5."""
    for what, uses, units, least, why in UNITS:
        found = [_counts(*use) for use in uses]
        transactions = sum(each.get("transactions", 0) for each in found)
        requests = sum(map(requests_of, found))
        report.add(
            "P5",
            f"one {what}, of {units}",
            f"{requests / units:.2f} requests, {transactions / units:.2f} transactions",
            peer=f"least {least / units:.2f} transactions: {why}",
            goal=f"the committed budget is at most {MOST:g} x the least",
            holds=transactions <= MOST * least,
        )
    table = json.loads((FOLDER / "budgets.json").read_text(encoding="utf-8"))
    worst, name = max((_growth(sizes), name) for name, sizes in table.items() if len(sizes) > 1)
    report.add(
        "P5",
        "growth of requests from n to 4n, the most of all use cases",
        f"{worst:.2f} x",
        peer=name,
        goal=f"at most {GROWTH:g} x",
        holds=worst <= GROWTH,
    )


def _counts(file: str, name: str, size: str) -> dict[str, int]:
    table = json.loads((FOLDER / file).read_text(encoding="utf-8"))[name]
    found: dict[str, int] = table[size] if size else table
    return found


def _growth(sizes: dict[str, dict[str, int]]) -> float:
    totals = {int(size): requests_of(counts) for size, counts in sizes.items()}
    return totals[max(totals)] / totals[min(totals)]
