"""requirements/: pinned, hashed, fresh, the same in tests and in Lambda (security.md §11)."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.tools.lock_requirements import (
    FOLDER,
    LAYER_COPY,
    LOCKS,
    fingerprint,
    recorded_fingerprint,
)
from layers.dependencies.build_layer import ENVIRONMENT, for_lambda, logical_lines
from tests.infra import stack


def _pins(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in logical_lines((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        requirement = Requirement(line.split(" --hash=")[0])
        found.setdefault(_canonical(requirement.name), []).append(str(requirement.specifier))
    return found


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _wanted(name: str) -> set[str]:
    lines = (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return {
        _canonical(Requirement(line).name)
        for line in lines
        if line.strip() and not line.startswith(("#", "-"))
    }


@pytest.mark.parametrize("name", list(LOCKS))
def test_lock_is_fresh(name: str) -> None:
    """Run ``make requirements`` when this fails."""
    assert recorded_fingerprint(FOLDER / f"{name}.txt") == fingerprint(name)
    assert _wanted(name) <= set(_pins(name))


@pytest.mark.parametrize("name", list(LOCKS))
def test_every_line_is_pinned_and_hashed(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    lines = logical_lines(text)
    assert lines
    for line in lines:
        specification, *hashes = line.split(" --hash=")
        assert re.fullmatch(r"==[^,*]+", str(Requirement(specification).specifier)), line[:60]
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes)
    assert "--only-binary :all:" in text


@pytest.mark.parametrize("name", list(LOCKS))
def test_no_line_says_where_to_download(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_a_changed_input_makes_a_lock_stale(tmp_path: Path) -> None:
    (tmp_path / "build.in").write_text((FOLDER / "build.in").read_text() + "one-more\n")
    assert fingerprint("build", tmp_path) != fingerprint("build")


def test_a_changed_comment_does_not(tmp_path: Path) -> None:
    (tmp_path / "build.in").write_text("# another word\n" + (FOLDER / "build.in").read_text())
    assert fingerprint("build", tmp_path) == fingerprint("build")


def test_tests_run_on_what_lambda_runs() -> None:
    development = _pins("dev")
    different = {
        name: pins for name, pins in _pins("runtime").items() if development.get(name) != pins
    }
    assert not different


def test_layer_installs_the_runtime_lock() -> None:
    assert LAYER_COPY.read_bytes() == (FOLDER / "runtime.txt").read_bytes()


def test_linux_only_packages_are_marked() -> None:
    text = (FOLDER / "dev.txt").read_text(encoding="utf-8")
    assert re.search(r"^awslambdaric==\S+ ; sys_platform == 'linux'", text, re.MULTILINE)


# ------------------------------------------------------------------ choosing wheels for Lambda


def _lock(*lines: str) -> str:
    hashed = [f"{line} \\\n    --hash=sha256:{'0' * 64}" for line in lines]
    return "# comment\n--only-binary :all:\n" + "\n".join(hashed) + "\n"


def test_markers_are_those_of_lambda_not_of_this_machine() -> None:
    text = _lock(
        "kept==1.0",
        "colorama==0.4 ; sys_platform == 'win32'",
        "backport==2.0 ; python_full_version < '3.12'",
        "native==3.0 ; platform_machine == 'aarch64'",
    )
    names = [line.split(" ")[0] for line in for_lambda(text)]
    assert names == ["kept==1.0", "native==3.0"]


def test_hashes_are_handed_on() -> None:
    assert for_lambda(_lock("kept==1.0")) == [f"kept==1.0 --hash=sha256:{'0' * 64}"]


@pytest.mark.parametrize("line", ["loose>=1.0", "kept==1.0"])
def test_unpinned_or_unhashed_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not pinned with hashes"):
        for_lambda(f"{line}\n" if line.startswith("kept") else _lock(line))


def test_environment_is_the_runtime_of_the_template() -> None:
    runtime = stack.source()["Globals"]["Function"]["Runtime"]
    assert runtime == f"python{ENVIRONMENT['python_version']}"
    assert stack.source()["Globals"]["Function"]["Architectures"] == ["arm64"]
    assert ENVIRONMENT["platform_machine"] == "aarch64"


# ------------------------------------------------------------------ what we import, we name


def _imported(*folders: str) -> set[str]:
    """Distributions that files of these folders import by themselves."""
    owners: dict[str, set[str]] = {}
    for distribution in metadata.distributions():
        name = _canonical(distribution.metadata["Name"])
        for top in {file.parts[0].split(".")[0] for file in distribution.files or []}:
            owners.setdefault(top, set()).add(name)
    found: set[str] = set()
    for folder in folders:
        for path in (stack.ROOT / folder).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [str(node.module)]
                for name in names:
                    top = name.split(".")[0]
                    if top not in sys.stdlib_module_names and len(owners.get(top, ())) == 1:
                        found |= owners[top]
    return found


def test_packages_imported_by_the_product_are_asked_for_by_name() -> None:
    assert _imported("functions", "layers/common") <= _wanted("runtime")


def test_packages_imported_by_tools_and_tests_are_asked_for_by_name() -> None:
    wanted = _wanted("runtime") | _wanted("dev")
    assert _imported("infra", "tests", "bench", "layers/dependencies") <= wanted
