"""No use case without a budget."""

import json
from pathlib import Path

from tests.budgets.use_cases import committed, modules

FOLDER = Path(__file__).parent


def test_every_use_case_has_a_budget() -> None:
    covered = set(committed()["covered"])
    assert modules() - covered == set(), "new use cases need a budget"
    assert covered - modules() == set(), "there are no such modules any more"


def test_every_budget_that_is_named_is_committed() -> None:
    named = {budget for budgets in committed()["covered"].values() for budget in budgets}
    there = {
        f"{file.stem}: {name}"
        for file in FOLDER.glob("*.json")
        for name in json.loads(file.read_text(encoding="utf-8"))
    }
    assert named - there == set()
