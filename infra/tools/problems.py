"""Every problem that the API can answer, by code, as the code raises it.

Codes that a test got are recorded with the rest of the answers; those that need an accident are
found where they are raised and made into an answer by the function that makes all of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kernel import errors
from kernel.errors import KopruError
from toolkit.http.problem import internal_problem, problem_body

ROOT: Final = Path(__file__).resolve().parents[2]
BASE_URL: Final = "http://localhost:8000"
TRACE: Final = "req-000000000001"
# Pages answer people; parse errors are members of a problem, under ``errors``.
_SOURCES: Final = ("functions", "layers/common")
_ELSEWHERE: Final = frozenset({"pages", "webkit"})
_KINDS: Final = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, KopruError) and name != "ParseError"
}


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    return None


def raised() -> Iterator[KopruError]:
    """One error for each place that names its class, its code and its message."""
    for source in _SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            if not _ELSEWHERE & set(path.parts):
                yield from _raised_in(ast.parse(path.read_text(encoding="utf-8")))


def _raised_in(tree: ast.AST) -> Iterator[KopruError]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            kind, code = _KINDS.get(node.func.id), node.args[0]
            message = _text(node.args[1])
            if kind is not None and isinstance(code, ast.Constant) and message is not None:
                yield kind(str(code.value), message)


def examples() -> dict[str, Any]:
    """The answer of each code, in English."""
    internal = internal_problem(base_url=BASE_URL, trace_id=TRACE)
    return {internal["code"]: internal} | {
        error.code: problem_body(error, base_url=BASE_URL, trace_id=TRACE) for error in raised()
    }
