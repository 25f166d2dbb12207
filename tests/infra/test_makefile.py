"""The Makefile explains itself, and the gate is made of its targets."""

import re
import shutil
import subprocess

import pytest

from tests.infra import stack

DOCUMENTED = {
    "help",
    "run",
    "demo",
    "test",
    "test-quick",
    "test-deep",
    "acceptance",
    "bench",
    "check",
    "fmt",
    "lint",
    "types",
    "arch",
    "validate",
    "audit",
    "requirements",
    "generate",
    "pictures",
    "answers",
    "assets",
    "build",
    "clean",
}
SCRIPTS = (".ci/run", "infra/tools/install.sh", "infra/tools/test_on_lambda_python.sh")


def _make(*arguments: str) -> str:
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "--no-print-directory", *arguments],
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_make_alone_lists_every_target_with_a_sentence() -> None:
    listed = dict(re.findall(r"^  make ([a-z0-9-]+) +(\S.*)$", _make(), re.MULTILINE))
    assert set(listed) == DOCUMENTED


def test_acceptance_hands_its_arguments_on() -> None:
    plan = _make(
        "--dry-run",
        "--assume-old=.venv/.installed",
        "acceptance",
        "ACCEPTANCE_DIR=a b",
        "AREA=rules",
    )
    assert '-m tests.acceptance --dir "a b" --area "rules"' in plan
    bare = _make("--dry-run", "--assume-old=.venv/.installed", "acceptance")
    assert "--dir" not in bare
    assert "--area" not in bare


def test_check_is_format_lint_types_architecture_and_templates() -> None:
    plan = _make("--dry-run", "--assume-old=.venv/.installed", "check")
    for part in ("ruff format --check", "ruff check", "mypy", "lint-imports", "cfn-lint"):
        assert part in plan, part
    assert "tests/architecture" in plan
    assert "tests/infra" in plan


def test_the_gate_calls_make_targets_only() -> None:
    text = (stack.ROOT / ".ci/run").read_text(encoding="utf-8")
    commands = [
        line for line in text.splitlines() if line.startswith(("make ", "python", "pytest"))
    ]
    assert commands == ["make test", "make -j2 check"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_valid_and_name_no_host(name: str) -> None:
    text = (stack.ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    shell = shutil.which("bash" if "bash" in text.splitlines()[0] else "sh")
    assert shell is not None
    subprocess.run([shell, "-n", str(stack.ROOT / name)], check=True)
