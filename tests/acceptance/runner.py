"""Loads cases of every area, runs them through the product and compares the answers.

Only the members named in ``expect`` are compared, lists in order, decimal strings by value.
``{"error": true}`` asks for an error of ours; any other exception fails the case.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from kernel.errors import KopruError

CASES: Final = Path(__file__).parent / "cases"
"""The committed cases."""

_AREAS: Final = "tests.acceptance.areas"
_DECIMAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class NotBuilt(Exception):
    """The product has no code for this case yet."""


class Area(Protocol):
    """What a module of ``tests.acceptance.areas`` offers."""

    def run(self, case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
        """Outputs of the product for one case."""
        ...


@dataclass(frozen=True)
class Case:
    """One case with the file it stands in."""

    area: str
    raw: dict[str, Any]
    file: dict[str, Any]

    @property
    def id(self) -> str:
        """The case's own id."""
        return str(self.raw["id"])

    @property
    def expect(self) -> Mapping[str, Any]:
        """What must come out; bad inputs name a verdict instead."""
        if "expect" in self.raw:
            expected: Mapping[str, Any] = self.raw["expect"]
            return expected
        return {key: self.raw[key] for key in ("verdict", "normalised") if key in self.raw}


@dataclass(frozen=True)
class Result:
    """How one case went; ``got`` explains a failure."""

    case: Case
    status: Literal["passed", "failed", "not built"]
    got: str = ""


def load(directory: Path, area: str | None = None) -> list[Case]:
    """All cases of a directory, or of one area of it, in file order."""
    cases = []
    for path in sorted(directory.glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(file, dict) or not {"area", "cases"} <= file.keys():
            raise ValueError(f"{path.name} is no file of acceptance cases")
        if area is None or file["area"] == area:
            cases += [Case(file["area"], raw, file) for raw in file["cases"]]
    return cases


def find_area(name: str) -> Area:
    """The module of an area.

    Raises: NotBuilt when there is none; an import error inside it is not hidden.
    """
    module = f"{_AREAS}.{name}"
    if not name.isidentifier() or importlib.util.find_spec(module) is None:
        raise NotBuilt(name)
    return importlib.import_module(module)


def run_case(case: Case) -> Result:
    """Run one case."""
    try:
        actual = find_area(case.area).run(case.raw, case.file)
    except NotBuilt as missing:
        return Result(case, "not built", str(missing))
    except KopruError as error:
        if case.expect.get("error") is True:
            return Result(case, "passed")
        return Result(case, "failed", f"{type(error).__name__} {error}")
    except Exception as error:
        # Whatever a case does, the others must run.
        return Result(case, "failed", f"{type(error).__name__}: {error}")
    if case.expect.get("error") is True:
        return Result(case, "failed", f"no error but {show(actual)}")
    if matches(case.expect, actual):
        return Result(case, "passed")
    return Result(case, "failed", show(actual))


def run_all(cases: Iterable[Case]) -> list[Result]:
    """Run cases one after another."""
    return [run_case(case) for case in cases]


def matches(expected: Any, actual: Any) -> bool:
    """Whether ``actual`` is what was expected, under the rules of the cases."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and matches(value, actual[key]) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list | tuple)
            and len(actual) == len(expected)
            and all(map(matches, expected, actual))
        )
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual or _equal_decimals(expected, actual)
    return type(expected) is type(actual) and bool(expected == actual)


def show(value: Any) -> str:
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _equal_decimals(expected: str, actual: str) -> bool:
    # Without a point in either the texts are codes, where leading zeros count.
    return (
        ("." in expected or "." in actual)
        and _DECIMAL.fullmatch(expected) is not None
        and _DECIMAL.fullmatch(actual) is not None
        and Decimal(expected) == Decimal(actual)
    )
