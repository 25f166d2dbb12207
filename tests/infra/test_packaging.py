"""Every context starts from its own artifact and the layers, where nothing else exists.

A handler that imports another context, a test helper or a package that is not in the runtime lock
works on a developer's machine and dies in Lambda. Here each handler is imported by a bare
interpreter whose path holds the artifact as ``sam build`` lays it out, the common layer, and of the
installed packages only those of ``runtime.txt``; without a single environment variable, because
nothing may be read at import time.
"""

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from infra.tools.lock_requirements import FOLDER
from layers.dependencies.build_layer import logical_lines
from tests.infra import stack

CONTEXTS = sorted(
    path.name for path in (stack.ROOT / "functions").iterdir() if (path / "__init__.py").exists()
)
# Most modules of ours that the API of a context imports at its start, and with all its pages: what
# it has now, and ten to grow. It is the first handler of its context, so nothing is there before.
LOADED = {
    "card_contracts": (170, 180),
    "payment_codes": (170, 175),
    "pensions": (165, 175),
    "reconciliation": (210, 220),
    "workflow": (195, 225),
    "workspace": (250, 265),
}
FOREIGN = ("infra", "tests", "moto", "pytest", "rich", "yaml")

# Runs in the bare process: refuses every installed package that is not on the list it is given.
PROGRAM = """
import importlib, importlib.abc, importlib.machinery, importlib.util, json, os, sys

job = json.loads(sys.stdin.read())


class Gate(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if path is None and top not in job["allowed"]:
            return importlib.machinery.PathFinder.find_spec(name, job["own"])
        return importlib.machinery.PathFinder.find_spec(name, path)


finders = sys.meta_path
sys.meta_path = [f for f in finders if f is not importlib.machinery.PathFinder] + [Gate()]
standard = [entry for entry in sys.path if entry]
job["own"] = job["own"] + standard
sys.path[:] = job["own"] + job["site"]
answer = {"imported": {}, "foreign": [], "loaded": {}}
for name in job["foreign"]:
    if importlib.util.find_spec(name) is not None:
        answer["foreign"].append(name)
ours = ("kernel", "toolkit", "webkit", job["modules"][0].partition(".")[0])
for name in job["modules"]:
    try:
        module = importlib.import_module(name)
        answer["imported"][name] = callable(module.handler)
        if hasattr(module, "app"):
            start = [each for each in sys.modules if each.partition(".")[0] in ours]
            assert module.app.routes, "the pages are declared in time"
            pages = [each for each in sys.modules if each.partition(".")[0] in ours]
            answer["loaded"].setdefault(name, [len(start), len(pages)])
    except BaseException as error:
        answer["imported"][name] = f"{type(error).__name__}: {error}"
print(json.dumps(answer))
"""


def _allowed() -> set[str]:
    """Top-level modules of the packages in the runtime lock."""
    found: set[str] = set()
    for line in logical_lines((FOLDER / "runtime.txt").read_text(encoding="utf-8")):
        requirement = Requirement(line.split(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate():
            for path in metadata.distribution(requirement.name).files or []:
                top = path.parts[0]
                if not top.endswith((".dist-info", "..")):
                    found.add(re.sub(r"\..*$", "", top))
    return found


def _site() -> list[str]:
    return sorted({str(metadata.distribution(name).locate_file("")) for name in ("boto3", "lxml")})


def _artifact(context: str, folder: Path) -> Path:
    """The function's folder as ``ParentPackageMode: explicit`` makes it."""
    shutil.copytree(
        stack.ROOT / "functions" / context,
        folder / context,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def _import(own: list[Path], modules: list[str], foreign: list[str]) -> Any:
    job = {
        "allowed": sorted(_allowed()),
        "own": [str(path) for path in own],
        "site": _site(),
        "modules": modules,
        "foreign": foreign,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", PROGRAM],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("context", CONTEXTS)
def test_handlers_start_from_their_artifact_and_the_layers_alone(
    context: str, tmp_path: Path
) -> None:
    modules = sorted(
        f"{context}.handlers.{stack.handler_of(function)}"
        for function in stack.functions()
        if stack.context_of(function) == context
    )
    foreign = [*FOREIGN, *(name for name in CONTEXTS if name != context)]
    own = [_artifact(context, tmp_path), stack.ROOT / "layers" / "common"]
    answer = _import(own, modules, foreign)
    assert answer["imported"] == dict.fromkeys(modules, True)
    assert answer["foreign"] == []
    start, pages = answer["loaded"][f"{context}.handlers.api"]
    most, most_with_pages = LOADED[context]
    assert start < pages
    assert start <= most
    assert pages <= most_with_pages


def _bare_context(folder: Path, statement: str) -> Path:
    handlers = folder / "example" / "handlers"
    handlers.mkdir(parents=True)
    (folder / "example" / "__init__.py").touch()
    (handlers / "__init__.py").touch()
    (handlers / "api.py").write_text(f"{statement}\n\n\ndef handler(): ...\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("statement", "starts"),
    [
        ("import json, boto3, zeep", True),
        ("import moto", False),
        ("import pensions", False),
        ("import tests.support.aws", False),
        ("import os; os.environ['KOPRU_STAGE']", False),
    ],
)
def test_the_gate_lets_through_what_lambda_has_and_nothing_else(
    statement: str, starts: bool, tmp_path: Path
) -> None:
    own = [_bare_context(tmp_path, statement), stack.ROOT / "layers" / "common"]
    answer = _import(own, ["example.handlers.api"], [])
    assert (answer["imported"]["example.handlers.api"] is True) is starts


def test_local_stack_is_in_no_artifact() -> None:
    for layer in ("CommonLayer", "DependenciesLayer"):
        uri = stack.source()["Resources"][layer]["Properties"]["ContentUri"]
        assert uri.startswith("layers/")
    assert not list((stack.ROOT / "layers").rglob("*_local*"))
