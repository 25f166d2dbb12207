"""Cold starts: what a function does before it can answer (P1, P2).

The dependency layer is installed for this machine from the same lock and finished by the same steps
as ``make build``; each handler is then imported by a bare interpreter from its artifact. The floor
is the smallest useful function: ``import boto3`` as pip ships it, and one client. Instructions of
whole processes are counted where valgrind is installed, because they are the same on a busy
machine; elsewhere processor time is compared, interleaved.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import peers
from bench.frame import FOLDER, ROOT, Report
from infra.tools.finish_build import compile_sources, trim_data, trim_imports, trim_packages
from tests.infra import stack

ROUNDS: Final = 5
PAGED: Final = "api"
"""Handlers that load their pages when the first one is asked for."""
FLOOR: Final = "import boto3; boto3.client('dynamodb', region_name='eu-central-1')"
UNCOMPILED: Final = "floor without .pyc"
"""As the usual build of a layer ships it: every cold start compiles what it imports."""
CHALICE: Final = "Chalice + boto3"
CHALICE_PROGRAM: Final = (
    f"{FLOOR}\n"
    "from chalice import Chalice\n"
    "app = Chalice(app_name='x')\n"
    "@app.route('/x', methods=['POST'])\ndef x(): return app.current_request.json_body\n"
)
PEER: Final = "FastAPI + Mangum + boto3"
PEER_PROGRAM: Final = (
    f"{FLOOR}\n"
    "from fastapi import FastAPI; from mangum import Mangum; from pydantic import BaseModel\n"
    "class Body(BaseModel):\n    name: str\n"
    "app = FastAPI()\n"
    "@app.post('/x')\ndef x(body: Body) -> Body: return body\n"
    "handler = Mangum(app, lifespan='off')\n"
)


@dataclass(frozen=True, slots=True)
class Start:
    """One process to measure: where it looks for modules and what it runs."""

    name: str
    path: tuple[Path, ...]
    program: str

    @property
    def command(self) -> list[str]:
        entries = [str(entry) for entry in self.path]
        return [
            *(sys.executable, "-B", "-P", "-s", "-S", "-c"),
            f"import sys; sys.path[:0] = {entries!r}\n{self.program}",
        ]


def measure(report: Report) -> None:
    """P1 for functions that answer people, P2 for those of queues and schedules."""
    shipped, built = packages()
    artifacts = functions_of(FOLDER / "functions")
    starts = [Start("floor", (shipped,), FLOOR), Start(UNCOMPILED, (uncompiled(shipped),), FLOOR)]
    if peers.installed():
        seen = (shipped, peers.packages())
        starts.append(Start(PEER, seen, PEER_PROGRAM))
        starts.append(Start(CHALICE, seen, CHALICE_PROGRAM))
    kinds: dict[str, str] = {}
    for function in stack.functions():
        context = stack.context_of(function)
        module = f"{context}.handlers.{stack.handler_of(function)}"
        kinds[function] = module
        path = (artifacts / context, artifacts / "common", built)
        starts.append(Start(function, path, f"import {module}"))
        if stack.handler_of(function) == PAGED:
            name = f"{function} and all its pages"
            kinds[name] = f"{module} and all its pages"
            starts.append(Start(name, path, f"import {module}\n{module}.app.routes"))
    taken, unit = effort(starts)
    told = _sizes(report, [start for start in starts if start.name in kinds])
    floor = taken["floor"]
    answering = sorted(name for name in kinds if stack.answers_people(name.split()[0]))
    for name, module in kinds.items():
        ours = taken[name]
        if name in answering:
            goal, most = "P1", 1.35
        else:
            goal = "P2"
            most = 1.4 if told[name]["zeep"] else 1.2
        report.ratio(
            goal, f"cold start of {module}", ours, floor, peer="floor", most=most, unit=unit
        )
    worst = max(answering, key=lambda name: taken[name])
    what = f"cold start of {kinds[worst]}, the slowest that answers"
    goals: dict[str, float | None] = {UNCOMPILED: 0.5, PEER: 0.6, CHALICE: None}
    for peer, bound in goals.items():
        if peer in taken:
            report.ratio("P1", what, taken[worst], taken[peer], peer=peer, most=bound, unit=unit)


def packages() -> tuple[Path, Path]:
    """The dependency layer as pip installs it, and as ``make build`` finishes it."""
    shipped, built = FOLDER / "packages", FOLDER / "packages-built"
    lock = ROOT / "requirements" / "runtime.txt"
    mark = FOLDER / "packages.lock"
    if not (mark.exists() and mark.read_bytes() == lock.read_bytes() and built.is_dir()):
        for folder in (shipped, built):
            shutil.rmtree(folder, ignore_errors=True)
        shipped.mkdir(parents=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
                *("--disable-pip-version-check", "--require-hashes"),
                *("--target", str(shipped), "--requirement", str(lock)),
            ],
            check=True,
            capture_output=True,
        )
        shutil.copytree(shipped, built)
        trim_packages(built)
        trim_data(built)
        trim_imports(built)
        compile_sources([built], Path(sys.executable))
        mark.write_bytes(lock.read_bytes())
    return shipped, built


def uncompiled(packages: Path) -> Path:
    """The same packages as source only."""
    folder = FOLDER / "packages-source"
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(
        packages, folder, ignore=shutil.ignore_patterns("__pycache__"), copy_function=os.link
    )


def functions_of(folder: Path) -> Path:
    """Artifacts of every context and the common layer, compiled; gives their folder."""
    shutil.rmtree(folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for context in sorted({stack.context_of(function) for function in stack.functions()}):
        source = ROOT / "functions" / context
        shutil.copytree(source, folder / context / context, ignore=ignore)
    shutil.copytree(ROOT / "layers" / "common", folder / "common", ignore=ignore)
    compile_sources([folder], Path(sys.executable))
    return folder


def cpu_seconds(starts: list[Start], rounds: int = ROUNDS) -> dict[str, float]:
    """Median CPU seconds of each process, user and system, interleaved."""
    taken: dict[str, list[float]] = {start.name: [] for start in starts}
    for number in range(rounds + 1):
        for start in starts:
            before = _children()
            subprocess.run(start.command, check=True, env=_environment(), stdin=subprocess.DEVNULL)
            if number:
                taken[start.name].append(_children() - before)
    return {name: statistics.median(values) for name, values in taken.items()}


def effort(starts: list[Start]) -> tuple[dict[str, float], str]:
    """What each start takes, and the unit: millions of instructions, or seconds of processor."""
    if shutil.which("valgrind") is None:
        return cpu_seconds(starts), "s"
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        counted = list(workers.map(instructions, starts))
    return {start.name: n / 1e6 for start, n in zip(starts, counted, strict=True)}, "M instructions"


def instructions(start: Start) -> int:
    """Instructions of the whole process."""
    tool = [
        *("valgrind", "--tool=exp-bbv", "--bb-out-file=/dev/null", "--pc-out-file=/dev/null"),
        *start.command,
    ]
    done = subprocess.run(
        tool, check=True, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True
    )
    found = re.search(rb"Total instructions: ([0-9]+)", done.stderr)
    if found is None:
        raise SystemExit("valgrind says nothing about instructions")
    return int(found[1])


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONHASHSEED": "0",
    }


_MODULES = """
import json
print(json.dumps({
    "modules": len(sys.modules),
    "bytes": sum(os.path.getsize(m.__file__) for m in list(sys.modules.values())
                 if getattr(m, "__file__", None)),
    "zeep": "zeep" in sys.modules,
}))
"""


def _told(start: Start) -> dict[str, int | bool]:
    program = f"{start.program}\nimport os, sys{_MODULES}"
    done = subprocess.run(
        Start(start.name, start.path, program).command,
        check=True,
        env=_environment(),
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(done.stdout))


def _sizes(report: Report, starts: list[Start]) -> dict[str, dict[str, int | bool]]:
    """Tell what is imported; gives modules, bytes and whether zeep is among them, by function."""
    found = {start.name: _told(start) for start in starts}
    heaviest = max(found, key=lambda name: found[name]["modules"])
    report.add(
        "P1",
        "imported modules and bytes of source, the most of all functions",
        f"{found[heaviest]['modules']} modules, {found[heaviest]['bytes'] / 1e6:.1f} MB",
        peer=heaviest,
        holds=None,
    )
    return found
