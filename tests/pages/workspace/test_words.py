"""What the contexts write down has words: nobody reads a code, or English, in a list or a timeline.

The words are those of the workspace, the codes those of all contexts; they are read from the source
so that a new one without words fails here.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from infra.local.settings import ROOT
from webkit.i18n import LANGUAGES
from webkit.render import Renderer
from workspace.bootstrap import PAGES
from workspace.domain.catalogue import EVENT_TYPES
from workspace.pages.dead_letters import FAILURES

_ACTION: Final = re.compile(r"[a-z_]+\.[a-z_]+")
_WRITES: Final = re.compile(r"_?(save|add|change|create|written|close)(_\w+)?|Change")
"""How the functions are called that take the name of an action."""
_JOB: Final = re.compile(
    r"[a-z]{3,}(_[a-z]+)*_(import|submission|refresh|mailing|recovery|code_batch)(_undo)?"
)
_STATES: Final = ("State", "Status", "Phase")


@cache
def _trees() -> tuple[tuple[Path, ast.Module], ...]:
    found = []
    for path in sorted((ROOT / "functions").rglob("*.py")):
        if not {"pages", "locale"} & set(path.parts):
            found.append((path, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


def _texts(node: ast.expr) -> Iterator[str]:
    """What a value can be, as far as it is written where it is given."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def actions() -> set[str]:
    """Names of actions that are given to whatever writes history."""
    found = set()
    for _, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if _WRITES.fullmatch(called):
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    found |= {text for each in given for text in _texts(each)}
    return {each for each in found if _ACTION.fullmatch(each)}


def states() -> set[str]:
    """Values of every enumeration of states."""
    found = set()
    for path, tree in _trees():
        for node in ast.walk(tree):
            if (
                path.parent.name == "domain"
                and isinstance(node, ast.ClassDef)
                and node.name.endswith(_STATES)
            ):
                for line in node.body:
                    if isinstance(line, ast.Assign):
                        found |= set(_texts(line.value))
    return found


def jobs() -> set[str]:
    """Kinds of jobs."""
    found = {
        node.value
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {each for each in found if _JOB.fullmatch(each)}


def subjects() -> set[str]:
    """Kinds of items that a job or an event is about."""
    found = set()
    for _, tree in _trees():
        for node in ast.walk(tree):
            given = node.value if isinstance(node, ast.keyword) and node.arg == "subject" else None
            if isinstance(given, ast.JoinedStr):
                first = next(_texts(given.values[0]), "")
                found |= {first.rstrip(":")} if first.endswith(":") else set()
    return found


WANTED: Final = {
    "action": (actions, {"code.issued", "match.confirmed", "portal_case.closed"}),
    "state": (states, {"partially_paid", "disagreed", "waiting"}),
    "job": (jobs, {"letter_mailing", "subject_import", "payment_code_batch_undo"}),
    "subject": (subjects, {"contract", "card_import"}),
    "event": (lambda: set(EVENT_TYPES), {"workflow.ProcessEnded.v1"}),
}
"""How codes of a kind are found, and some that must be among them."""

SAY_THEMSELVES: Final = ("state", "subject")
"""In English the code with blanks is the word, where no better one is given."""


@pytest.mark.parametrize("kind", WANTED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_words(kind: str, language: str) -> None:
    find, known = WANTED[kind]
    codes = find()
    assert known <= codes
    words = Renderer.for_pages(PAGES).language(language)
    without = sorted(code for code in codes if not words.knows(kind, code))
    assert without == [] or (language == "en" and kind in SAY_THEMSELVES)


def test_reasons_why_a_message_failed_have_words() -> None:
    queue = ROOT / "layers" / "common" / "toolkit" / "entrypoints" / "queue.py"
    said = re.findall(r'again\("([a-z_]+)"\)', queue.read_text(encoding="utf-8"))
    assert set(said) == set(FAILURES)
