"""The diagram of every context draws every function of the template, and schedules as such."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.infra import stack

TEXT: Final = Path(stack.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
DIAGRAMS: Final = dict(re.findall(r"^\*\*(\w+)\*\*\n```mermaid\n(.*?)```$", TEXT, re.M | re.S))
CONTEXTS: Final = sorted(path.parent.name for path in stack.ROOT.glob("functions/*/bootstrap.py"))


def functions_of(context: str) -> dict[str, bool]:
    """Functions of a context without its name, and whether a schedule starts them."""
    prefix = "".join(word.capitalize() for word in context.split("_"))
    found = {}
    for name, resource in stack.source()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function" and name.startswith(prefix):
            events = resource["Properties"].get("Events", {}).values()
            short = name.removeprefix(prefix).removesuffix("Function")
            found[short] = any(event["Type"] == "ScheduleV2" for event in events)
    return found


def test_every_context_has_a_diagram() -> None:
    assert sorted(DIAGRAMS) == CONTEXTS


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_function_is_drawn(context: str) -> None:
    diagram = DIAGRAMS[context]
    wanted = functions_of(context)
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", re.sub(r"\|[^|]*\||\(\[.*?\]\)", " ", diagram)))
    assert {name for name in wanted if name not in drawn} == set()
    assert set(re.findall(r'(\w+)\{\{"\1:', diagram)) == {
        name for name, scheduled in wanted.items() if scheduled
    }
