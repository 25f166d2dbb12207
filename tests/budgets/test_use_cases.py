"""No use case without a budget, but for those that say why."""

import json
from pathlib import Path

from tests.budgets.use_cases import committed, modules

FOLDER = Path(__file__).parent


def test_every_use_case_has_a_budget_or_says_why_it_has_none() -> None:
    table = committed()
    covered, without = set(table["covered"]), set(table["without"])
    assert covered & without == set(), "they have a budget now: take them off the list"
    assert modules() - covered - without == set(), "new use cases need a budget"
    assert (covered | without) - modules() == set(), "there are no such modules any more"
    assert all(table["without"].values())


def test_every_budget_that_is_named_is_committed() -> None:
    named = {budget for budgets in committed()["covered"].values() for budget in budgets}
    there = {
        f"{file.stem}: {name}"
        for file in FOLDER.glob("*.json")
        for name in json.loads(file.read_text(encoding="utf-8"))
    }
    assert named - there == set()
