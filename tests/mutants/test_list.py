"""Every seeded error of reliability.md §11 is planted, and a test of this folder plants it."""

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tests.mutants import approval_mutants, mailing_mutants, mutants, payment_mutants

MODULES: Final = (approval_mutants, mailing_mutants, mutants, payment_mutants)
PLANNED: Final = tuple(f"m{number}" for number in range(1, 19))
"""How many there are. Source: reliability.md §11."""


def planted(module: ModuleType) -> list[str]:
    """The errors that a module can plant."""
    return [
        name
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    ]


@pytest.mark.parametrize("name", PLANNED)
def test_every_planned_error_exists_once(name: str) -> None:
    assert len([module for module in MODULES if name in planted(module)]) == 1


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_every_error_is_planted_by_a_test(module: ModuleType) -> None:
    stem = module.__name__.split(".")[-1]
    text = Path(__file__).with_name(f"test_{stem}.py").read_text(encoding="utf-8")
    used = set(re.findall(r"mutants\.(\w+)", text))
    assert set(planted(module)) - used == set()
