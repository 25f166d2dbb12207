"""The function host behaves like Lambda where a handler can notice it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from infra.local.cloud.model import FunctionNotFoundError, FunctionSpec, ThrottledError
from infra.local.functions import FunctionHost

pytestmark = pytest.mark.slow

MakeFunction: TypeAlias = Callable[..., FunctionSpec]


class Recorder:
    """Collects what the host says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.dead_letters: list[tuple[str, bytes]] = []

    def log(self, function: str, line: str) -> None:
        self.lines.append(f"{function}: {line}")

    def dead_letter(self, dlq_arn: str, payload: bytes) -> None:
        self.dead_letters.append((dlq_arn, payload))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=["aws", "own"])
def host(request: pytest.FixtureRequest, recorder: Recorder) -> Iterator[FunctionHost]:
    if request.param == "aws":
        pytest.importorskip("runtime_client")
    made = FunctionHost(
        log=recorder.log,
        platform_variables=lambda: {"STAGE": "local"},
        dead_letter=recorder.dead_letter,
        retry_delays=(0.01, 0.01),
        own_runtime=request.param == "own",
    )
    yield made
    made.stop()


@pytest.fixture
def function(tmp_path: Path) -> MakeFunction:
    def make(code: str, name: str = "work", **more: object) -> FunctionSpec:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / f"{name}_app.py").write_text(textwrap.dedent(code), encoding="utf-8")
        settings: dict[str, Any] = {
            "logical_id": f"{name.title()}Function",
            "name": name,
            "arn": f"arn:aws:lambda:eu-central-1:123456789012:function:{name}",
            "handler": f"{name}_app.handler",
            "code_dir": folder,
            "layer_dirs": (),
            "env": {"FROM_TEMPLATE": "yes"},
            "timeout": 10,
            "memory": 256,
        }
        return FunctionSpec(**{**settings, **more})

    return make


def call(host: FunctionHost, event: object, name: str = "work") -> tuple[Any, bool]:
    outcome = host.invoke(name, json.dumps(event).encode())
    return json.loads(outcome.payload), outcome.function_error is not None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def eventually(check: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return check()


def test_handler_sees_its_event_a_real_context_and_a_clean_environment(
    host: FunctionHost, function: MakeFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOPRU_OF_THE_PARENT", "leaks")
    host.deploy(
        [
            function(
                """
                import os, sys
                def handler(event, context):
                    return {
                        "event": event, "left": context.get_remaining_time_in_millis(),
                        "arn": context.invoked_function_arn, "name": context.function_name,
                        "memory": context.memory_limit_in_mb, "id": context.aws_request_id,
                        "env": dict(os.environ), "path": sys.path,
                    }
                """
            )
        ]
    )
    answer, failed = call(host, {"n": "ığüşöç"})
    assert not failed
    assert answer["event"] == {"n": "ığüşöç"}
    assert 8_000 < answer["left"] <= 10_000
    assert answer["arn"].endswith(":function:work")
    assert (answer["name"], str(answer["memory"])) == ("work", "256")
    assert len(answer["id"]) == 36
    assert answer["env"]["FROM_TEMPLATE"] == "yes"
    assert answer["env"]["STAGE"] == "local"
    assert "KOPRU_OF_THE_PARENT" not in answer["env"]
    assert not [name for name in answer["env"] if name.startswith("KOPRU_LOCAL")]
    assert not [entry for entry in answer["path"] if entry.endswith("infra/local")]


def test_an_environment_is_reused_and_output_is_logged(
    host: FunctionHost, function: MakeFunction, recorder: Recorder
) -> None:
    host.deploy(
        [
            function(
                """
                import os
                count = 0
                def handler(event, context):
                    global count
                    count += 1
                    print("call", count)
                    return [os.getpid(), count]
                """
            )
        ]
    )
    first, _ = call(host, {})
    second, _ = call(host, {})
    assert (first[0], second[1]) == (second[0], 2)
    assert host.statuses()[0].stats.cold_starts == 1
    assert eventually(lambda: "WorkFunction: call 2" in recorder.lines)


def test_errors_carry_lambdas_documents(host: FunctionHost, function: MakeFunction) -> None:
    host.deploy(
        [
            function(
                """
                def handler(event, context):
                    if event == "marshal":
                        return object()
                    if event == "exit":
                        import os
                        os._exit(3)
                    raise LookupError("no such thing")
                """
            ),
            function("import not_there_at_all", name="broken"),
            function("x = 1", name="empty"),
            function("def handler(:", name="typo"),
        ]
    )
    raised, failed = call(host, "raise")
    assert (failed, raised["errorType"], raised["errorMessage"]) == (
        True,
        "LookupError",
        "no such thing",
    )
    assert "work_app.py" in raised["stackTrace"][-1]
    assert call(host, "marshal")[0]["errorType"] == "Runtime.MarshalError"
    exited, _ = call(host, "exit")
    assert exited["errorType"] == "Runtime.ExitError"
    assert exited["errorMessage"].endswith("exit status 3")
    assert call(host, "raise")[0]["errorType"] == "LookupError", "a new environment takes over"
    broken, failed = call(host, {}, "broken")
    assert failed
    assert broken["errorType"] == "Runtime.ImportModuleError"
    assert "not_there_at_all" in broken["errorMessage"]
    assert call(host, {}, "empty")[0]["errorType"] == "Runtime.HandlerNotFound"
    assert call(host, {}, "typo")[0]["errorType"] == "Runtime.UserCodeSyntaxError"


def test_a_timeout_kills_the_whole_process_group(
    host: FunctionHost, function: MakeFunction, tmp_path: Path
) -> None:
    late = tmp_path / "late"
    pids = tmp_path / "pids"
    host.deploy(
        [
            function(
                f"""
                import os, pathlib, subprocess, sys, time
                def handler(event, context):
                    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
                    pathlib.Path({str(pids)!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
                    time.sleep(2.6)
                    pathlib.Path({str(late)!r}).write_text("an effect after the limit")
                """,
                timeout=2,
            )
        ]
    )
    answer, failed = call(host, {})
    assert failed
    assert answer["errorType"] == "Sandbox.Timedout"
    assert "timed out after 2.00 seconds" in answer["errorMessage"]
    handler_pid, child_pid = map(int, pids.read_text().split())
    assert eventually(lambda: not alive(handler_pid) and not alive(child_pid))
    time.sleep(1.0)
    assert not late.exists()
    assert host.statuses()[0].stats.timeouts == 1


def test_reserved_concurrency_throttles_and_an_unreserved_function_waits(
    host: FunctionHost, function: MakeFunction
) -> None:
    slow = """
        import time
        def handler(event, context):
            time.sleep(event)
            return "done"
    """
    host.deploy(
        [
            function(slow, name="capped", reserved_concurrency=1),
            function(slow, name="off", reserved_concurrency=0),
            function(slow, name="open"),
        ]
    )
    outcomes: list[object] = []

    def one(name: str, seconds: float) -> None:
        try:
            outcomes.append(call(host, seconds, name)[0])
        except ThrottledError:
            outcomes.append("throttled")

    threads = [threading.Thread(target=one, args=("capped", 2.0)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["done", "throttled", "throttled"]
    with pytest.raises(ThrottledError):
        call(host, {}, "off")
    outcomes.clear()
    threads = [threading.Thread(target=one, args=("open", 0.1)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["done"] * 12


def test_an_asynchronous_event_is_retried_and_ends_in_the_dead_letter_queue(
    host: FunctionHost, function: MakeFunction, recorder: Recorder, tmp_path: Path
) -> None:
    counter = tmp_path / "count"
    host.deploy(
        [
            function(
                f"""
                import pathlib
                def handler(event, context):
                    with pathlib.Path({str(counter)!r}).open("a") as out:
                        out.write("x")
                    raise RuntimeError("always")
                """,
                dlq_arn="arn:aws:sqs:eu-central-1:123456789012:dlq",
            )
        ]
    )
    assert host.idle
    host.invoke_async("work", b'{"a": 1}')
    assert not host.idle, "accepted is work, also before its thread runs and between attempts"
    assert eventually(lambda: bool(recorder.dead_letters))
    assert recorder.dead_letters == [("arn:aws:sqs:eu-central-1:123456789012:dlq", b'{"a": 1}')]
    assert counter.read_text() == "xxx"
    with pytest.raises(FunctionNotFoundError):
        host.invoke_async("nobody", b"{}")


def test_code_and_variables_are_replaced_without_breaking_a_running_event(
    host: FunctionHost, function: MakeFunction
) -> None:
    code = """
        import os, time
        def handler(event, context):
            time.sleep(event)
            return [os.getpid(), os.environ.get("KOPRU_COLOUR")]
    """
    host.deploy([function(code)])
    (first, _), _ = call(host, 0)
    answers: list[object] = []
    busy = threading.Thread(target=lambda: answers.append(call(host, 1.5)[0]))
    busy.start()
    assert eventually(lambda: host.in_flight == 1)
    host.set_variables({"KOPRU_COLOUR": "3600"})
    busy.join()
    assert answers == [[first, None]], "the running event finished where it started"
    (second, offset), _ = call(host, 0)
    assert second != first
    assert offset == "3600"
    assert eventually(lambda: not alive(first))
    assert host.recycle(["work"]) == ["work"]
    assert call(host, 0)[0][0] != second


def test_held_lets_events_finish_and_starts_none(
    host: FunctionHost, function: MakeFunction
) -> None:
    host.deploy(
        [
            function(
                "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event"
            )
        ]
    )
    call(host, 0)
    order: list[str] = []

    def run(seconds: float, label: str) -> None:
        call(host, seconds)
        order.append(label)

    early = threading.Thread(target=run, args=(1.5, "running"))
    early.start()
    assert eventually(lambda: host.in_flight == 1)
    with host.held(timeout=5) as drained:
        assert drained
        late = threading.Thread(target=run, args=(0, "new"))
        late.start()
        time.sleep(0.2)
        order.append("moved")
    early.join()
    late.join()
    assert order == ["running", "moved", "new"]


def test_idle_environments_are_reaped(function: MakeFunction, recorder: Recorder) -> None:
    host = FunctionHost(
        log=recorder.log,
        platform_variables=dict,
        dead_letter=recorder.dead_letter,
        idle_seconds=0.2,
    )
    try:
        host.deploy([function("import os\ndef handler(e, c):\n    return os.getpid()")])
        pid, _ = call(host, {})
        assert eventually(lambda: not alive(pid))
        assert eventually(lambda: host.statuses()[0].idle == 0)
        assert call(host, {})[0] != pid
    finally:
        host.stop()


@pytest.mark.parametrize("own_runtime", ["True", "False"])
def test_environments_die_with_a_stack_that_was_killed(tmp_path: Path, own_runtime: str) -> None:
    """The stack is killed with -9 while a handler is in the middle of its work."""
    (tmp_path / "app.py").write_text(
        "import os, time\n"
        "def handler(event, context):\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(30)\n"
    )
    stack = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                from pathlib import Path
                from infra.local.cloud.model import FunctionSpec
                from infra.local.functions import FunctionHost
                host = FunctionHost(log=lambda *line: None, platform_variables=dict,
                                    dead_letter=lambda *event: None, own_runtime={own_runtime})
                host.deploy([FunctionSpec("A", "a", "arn", "app.handler",
                                          Path({str(tmp_path)!r}), (), {{}}, 60, 128)])
                host.invoke("a", b"{{}}")
                """
            ),
        ],
        cwd=Path(__file__).parents[3],
    )
    try:
        pid_file = tmp_path / "pid"
        assert eventually(lambda: pid_file.exists() and pid_file.read_text() != "", 15)
        pid = int(pid_file.read_text())
        assert alive(pid)
    finally:
        stack.send_signal(signal.SIGKILL)
        stack.wait()
    assert eventually(lambda: not alive(pid))
