"""A whole small stack in its own process: triggers, clock, control pages, kill -9, SIGTERM."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from infra.local.client import RUN_FILE, NotRunningError, RunningStack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
TEMPLATE = Path(__file__).parent / "sample" / "template.yaml"
START_SECONDS = 90
PS = shutil.which("ps") or "/bin/ps"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


@dataclass
class Stack:
    """One started process and how to talk to it."""

    process: subprocess.Popen[str]
    base_url: str
    terminal: Path

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        url = self.base_url + path
        request = Request(url, data=data, method=method, headers=headers)  # noqa: S310 - ours
        try:
            with urlopen(request, timeout=120) as response:  # noqa: S310 - ours
                return Answer(response.status, json.loads(response.read() or b"null"))
        except HTTPError as error:
            return Answer(error.code, json.loads(error.read() or b"null"))

    def local(self, path: str) -> Any:
        return self.call("GET", f"/_local/{path}").body

    def queue(self, name: str) -> Any:
        items = self.local("queues")["items"]
        return next(item for item in items if item["name"].endswith(name))


def children_of(pid: int) -> set[int]:
    """Processes whose parent is ``pid``."""
    listing = subprocess.run(
        [PS, "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = (line.split() for line in listing.stdout.splitlines())
    return {int(child) for child, parent in pairs if int(parent) == pid}


def alive(pid: int) -> bool:
    state = subprocess.run(
        [PS, "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def eventually(check: Callable[[], Any], seconds: float = 40.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    return check()


@contextmanager
def started(folder: Path, template: Path = TEMPLATE) -> Iterator[Stack]:
    command = [sys.executable, "-m", "infra.local", "up", "--port", "0", "--dir", str(folder)]
    command += ["--template", str(template), "--no-seed"]
    log = (folder.parent / f"{folder.name}.out").open("a")
    roots = [ROOT / "functions", ROOT / "layers" / "common", ROOT]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
    }
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True
    )
    try:

        def ready() -> RunningStack | None:
            assert process.poll() is None, Path(log.name).read_text()
            try:
                found = RunningStack.find(folder)
            except NotRunningError:
                return None
            return found if found.pid == process.pid else None

        found = eventually(lambda: (folder / RUN_FILE).exists() and ready(), START_SECONDS)
        assert found, Path(log.name).read_text()
        yield Stack(process, found.base_url, Path(log.name))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        log.close()


def start_in_vain(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local", "up", "--no-seed", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "state"


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with started(folder) as running:
        yield running


def test_a_request_passes_the_authorizer_and_reaches_its_function(stack: Stack) -> None:
    health = stack.call("GET", "/health")
    assert (health.status, health.body) == (200, {"status": "ok", "authorizer": False})
    whoami = stack.call("GET", "/whoami", authorization="ada").body
    assert (whoami["who"], whoami["stage"]) == ("ada", "local")
    assert stack.call("GET", "/whoami", authorization="blocked").status == 403
    paths = [entry["path"] for entry in stack.local("requests")["items"]]
    assert paths[:3] == ["/whoami", "/whoami", "/health"]


def test_a_message_travels_from_table_to_queue_to_worker(stack: Stack) -> None:
    assert stack.call("PUT", "/first", authorization="ada").status == 202
    item = eventually(lambda: (found := stack.call("GET", "/first").body)["done"] and found)
    assert item["who"] == "ada"
    assert eventually(lambda: stack.queue("Work")["in_flight"] == 0)


def test_a_message_that_keeps_failing_ends_in_the_dead_letters(stack: Stack) -> None:
    stack.call("PUT", "/bad-one")
    assert eventually(lambda: stack.queue("DeadLetters")["visible"] == 1)
    work = stack.queue("Work")
    assert work["dead_letter_queue"].endswith("DeadLetters")
    assert work["consumer"]["failed_records"] == 2


def test_failures_of_functions_are_answers_and_the_stack_goes_on(stack: Stack) -> None:
    assert stack.call("GET", "/slow").status == 500
    assert [stack.call("GET", "/broken").status for _ in range(2)] == [500, 500]
    functions = {each["logical_id"]: each for each in stack.local("")["functions"]}
    assert functions["SlowFunction"]["timeouts"] == 1
    assert "Runtime.ImportModuleError" in functions["BrokenFunction"]["last_error"]
    assert stack.call("GET", "/health").status == 200
    said = [line for line in stack.terminal.read_text().splitlines() if "BrokenFunction" in line]
    assert len(said) == 1, "said once, however often it fails"
    assert "Unable to import module 'not_there'" in said[0]


def test_mails_are_caught(stack: Stack) -> None:
    assert stack.call("POST", "/mail").status == 202
    mail = stack.local("inbox")["items"][0]
    assert (mail["subject"], mail["to"]) == ("Merhaba", ["reader@example.com"])
    assert mail["links"] == ["http://localhost/r/token"]


def test_a_schedule_runs_now(stack: Stack) -> None:
    answer = stack.call("POST", "/_local/schedules/morning/run")
    assert (answer.status, answer.body["ok"]) == (200, True)
    assert json.loads(answer.body["runs"][0]["detail"]) == {"source": "aws.scheduler"}
    assert stack.call("POST", "/_local/schedules/nobody/run").status == 404


def test_the_clock_moves_every_process_and_runs_what_falls_due(stack: Stack) -> None:
    before = stack.call("GET", "/whoami").body
    answer = stack.call("POST", "/_local/clock", {"advance": "P2D"}).body
    assert answer["offset_seconds"] == 2 * 86400
    assert answer["settled"]
    assert [(run["schedule"], run["ok"]) for run in answer["runs"]] == [
        ("MorningFunctionEveryMorning", True)
    ] * 2
    first, second = (run["scheduled_at"] for run in answer["runs"])
    item = stack.call("GET", f"/morning-{first}").body
    assert item["at"][:13] == first[:13], "the function ran at the hour for which it was due"
    assert stack.call("GET", f"/morning-{second}").status == 200
    after = stack.call("GET", "/whoami").body
    assert after["pid"] == before["pid"], "processes read the clock, they are not started anew"
    assert after["now"][:10] > before["now"][:10]


def test_simulated_insurers_are_there(stack: Stack) -> None:
    names = [each["name"] for each in stack.local("simulators")["items"]]
    assert names
    assert stack.local(f"simulators/{names[0]}")["name"] == names[0]


def test_a_second_stack_on_the_same_folder_is_refused(stack: Stack, folder: Path) -> None:
    second = start_in_vain("--port", "0", "--dir", str(folder))
    assert second.returncode == 5
    assert f"in use by process {stack.process.pid}" in second.stderr
    assert stack.call("GET", "/health").status == 200


def test_a_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    port = stack.base_url.rpartition(":")[2]
    second = start_in_vain("--port", port, "--dir", str(tmp_path / "s"))
    assert second.returncode == 5
    assert f"port {port} is taken" in second.stderr
    assert not (tmp_path / "s").exists()


def test_without_the_product_on_the_path_the_way_out_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", "up", "--port", "0", "--dir", str(tmp_path / "s")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 5
    assert "start the stack with `make run`" in done.stderr


def test_changed_code_runs_without_a_restart(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    shutil.copytree(TEMPLATE.parent, sample)
    code = sample / "src" / "sample.py"
    with started(tmp_path / "state", sample / "template.yaml") as stack:
        assert stack.call("GET", "/health").body["status"] == "ok"
        code.write_text(code.read_text().replace('status="ok"', 'status="changed"'))
        assert eventually(lambda: stack.call("GET", "/health").body["status"] == "changed")
        template = sample / "template.yaml"
        template.write_text(template.read_text() + "# touched\n")
        words = "template.yaml changed: restart needed"
        assert eventually(lambda: words in stack.terminal.read_text())


def test_state_survives_a_kill_and_sigterm_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with started(folder) as first:
        first.call("PUT", "/kept", authorization="ada")
        assert eventually(lambda: first.call("GET", "/kept").body["done"])
        first.call("PUT", "/bad-kept")
        first.call("POST", "/_local/clock", {"advance": "PT2H"})
        first.call("POST", "/mail")
        children = children_of(first.process.pid)
        assert children
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        assert eventually(lambda: not any(map(alive, children)))
    with started(folder) as second:
        kept = second.call("GET", "/kept").body
        assert (kept["who"], kept["done"]) == ("ada", True)
        assert second.local("clock")["offset_seconds"] == 7200
        assert second.local("inbox")["total"] == 1
        assert eventually(lambda: second.queue("DeadLetters")["visible"] == 1)
        children = children_of(second.process.pid)
        assert children
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(timeout=20) == 0
        assert eventually(lambda: not any(map(alive, children)))
        assert not (folder / RUN_FILE).exists()


def test_reset_empties_everything_and_starts_again(tmp_path: Path) -> None:
    with started(tmp_path / "state") as stack:
        stack.call("PUT", "/gone")
        stack.call("POST", "/mail")
        stack.call("POST", "/_local/clock", {"advance": "PT1H"})
        answer = stack.call("POST", "/_local/reset")
        assert answer.status == 200
        assert stack.call("GET", "/gone").status == 404
        assert stack.local("inbox")["total"] == 0
        assert stack.local("clock")["offset_seconds"] == 0
        stack.call("PUT", "/again")
        assert eventually(lambda: stack.call("GET", "/again").body["done"])


def test_a_snapshot_brings_everything_back(stack: Stack) -> None:
    stack.call("PUT", "/saved", authorization="ada")
    assert eventually(lambda: stack.call("GET", "/saved").body["done"])
    offset = stack.local("clock")["offset_seconds"]
    assert stack.call("POST", "/_local/snapshots/one").body == {"items": [{"name": "one"}]}
    stack.call("PUT", "/later")
    stack.call("POST", "/_local/clock", {"advance": "PT1H"})
    assert stack.call("POST", "/_local/snapshots/one/load").status == 200
    assert stack.call("GET", "/saved").body["who"] == "ada"
    assert stack.call("GET", "/later").status == 404
    assert stack.local("clock")["offset_seconds"] == offset
    assert stack.call("POST", "/_local/snapshots/none/load").status == 409
    assert stack.call("GET", "/saved").status == 200
