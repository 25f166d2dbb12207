"""The command line: data on stdout, talk on stderr, exit codes that a script can rely on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import cli
from infra.local.client import RunningStack
from infra.local.dashboard import Dashboard
from infra.local.dashboard.pages import Pages, built_stylesheets
from infra.local.settings import ROOT, SettingsError, default_folder, default_port
from infra.local.web import Request, Response, WebServer
from tests.unit.local.fake_stack import World, mail


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Iterator[Path]:
    """The folder of a running stack."""
    dashboard = Dashboard(world, Pages(built_stylesheets(tmp_path)))

    def handle(request: Request) -> Response:
        if request.raw_path.startswith("/_local"):
            return dashboard(request)
        return Response(200 if request.method == "GET" else 405)

    server = WebServer(handle, max_body=1_000_000)
    server.start()
    base_url = f"http://127.0.0.1:{server.port}"
    RunningStack(os.getpid(), base_url, "http://127.0.0.1:4599").write(tmp_path)
    yield tmp_path
    server.stop()


def run(folder: Path, *arguments: str) -> int:
    return cli.main([*arguments, "--dir", str(folder)])


def test_status_says_where_everything_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "status") == cli.OK
    out = capsys.readouterr().out
    assert "/_local/" in out
    assert "http://127.0.0.1:4599" in out
    assert "2026-03-02T12:00:00Z (3600 s ahead)" in out


def test_every_listing_has_a_json_form(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["status"],
        ["clock", "show"],
        ["schedules"],
        ["inbox", "list"],
        ["inbox", "open", "latest"],
        ["queue", "list"],
        ["simulator", "list"],
        ["log"],
    ):
        assert run(folder, *command, "--json") == cli.OK
        assert isinstance(json.loads(capsys.readouterr().out), dict)
        assert run(folder, *command) == cli.OK
        assert capsys.readouterr().out.strip()


def test_the_clock_is_moved_and_the_report_is_talk(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "clock", "advance", "1h") == cli.OK
    said = capsys.readouterr()
    assert "Morning" in said.out
    assert "Sweep was due 60 times and ran 1 times" in said.err
    assert [str(by) for by in world.moved] == ["1:00:00"]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["clock", "advance", "P1M"], cli.INVALID, "is not a duration"),
        (["tick", "nobody"], cli.NOT_FOUND, "nothing is scheduled as"),
        (["tick", "Broken"], cli.REMOTE, ""),
        (["inbox", "open", "99"], cli.NOT_FOUND, "no mail 99"),
        (["simulator", "show", "other"], cli.NOT_FOUND, "running: anadolu"),
        (["simulator", "script", "anadolu", "[]"], cli.INVALID, "not a JSON object"),
        (["simulator", "script", "anadolu", '{"explode": 1}'], cli.INVALID, "unknown behaviour"),
    ],
)
def test_failures_have_their_own_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str], code: int, words: str
) -> None:
    assert run(folder, *command) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.startswith("error: ")
    assert said.out == ""


def test_a_busy_stack_is_a_conflict(folder: Path, world: World) -> None:
    world.busy = True
    assert run(folder, "clock", "advance", "1h") == cli.CONFLICT


def test_work_that_did_not_settle_is_partial(folder: Path, world: World) -> None:
    world.settled = False
    assert run(folder, "clock", "advance", "1h") == cli.PARTIAL


def test_the_inbox_is_read_and_answered(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "inbox", "list", "--to", "cem@") == cli.OK
    assert capsys.readouterr().out.split()[0] == "1"
    assert run(folder, "inbox", "open", "latest") == cli.OK
    out = capsys.readouterr().out
    assert "Link     http://localhost:8000/activate?t=1\n" in out
    assert "Open http://localhost:8000/activate?t=1." in out
    assert run(folder, "inbox", "bounce", "latest") == cli.OK
    assert run(folder, "inbox", "complain", "1") == cli.OK
    assert world.outcomes == [(2, "bounce"), (1, "complaint")]
    world.inbox = []
    assert run(folder, "inbox", "open", "latest") == cli.NOT_FOUND


def test_a_scanner_opens_our_links_only(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    base_url = RunningStack.find(folder).base_url
    world.inbox = [mail(7, text=f"{base_url}/r/one https://elsewhere.example/x")]
    assert run(folder, "inbox", "scan", "latest") == cli.OK
    assert capsys.readouterr().out == f"200  {base_url}/r/one\n"


def test_simulators_are_scripted(folder: Path, world: World) -> None:
    assert run(folder, "simulator", "script", "anadolu", '{"next": "slow"}') == cli.OK
    assert world.scripted == [{"next": "slow"}]


def test_snapshots_are_saved_and_loaded(
    folder: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "snapshot", "save", "before-payday") == cli.OK
    assert run(folder, "snapshot", "load", "before-payday") == cli.OK
    assert run(folder, "snapshot", "list") == cli.OK
    assert capsys.readouterr().out == "before-payday\n" * 3
    assert (world.saved, world.loaded) == (["before-payday"], ["before-payday"])
    assert run(folder, "snapshot", "load", "other") == cli.CONFLICT
    assert "no snapshot 'other'" in capsys.readouterr().err


def test_reset_asks_and_then_speaks_to_the_running_stack(folder: Path, world: World) -> None:
    assert run(folder, "reset") == cli.USAGE, "stdin is not a terminal: nothing is deleted"
    assert world.resets == 0
    assert run(folder, "reset", "--yes") == cli.OK
    assert world.resets == 1


def test_without_a_stack_the_way_out_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "status") == cli.REMOTE
    assert "start it with `make run`" in capsys.readouterr().err
    gone = RunningStack(2**22 + 12345, "http://127.0.0.1:1", "")
    gone.write(tmp_path)
    assert run(tmp_path, "status") == cli.REMOTE
    RunningStack(os.getpid(), "http://127.0.0.1:1", "").write(tmp_path)
    assert run(tmp_path, "status") == cli.REMOTE


def test_usage_errors_are_argparse_s(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nothing"], ["clock"], ["tick"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == cli.USAGE
    assert "usage:" in capsys.readouterr().err


def test_port_and_folder_come_from_the_environment(tmp_path: Path) -> None:
    assert default_port({}) == 8000
    assert default_port({"PORT": "9001"}) == 9001
    assert default_folder({}) == ROOT / ".local"
    assert default_folder({"KOPRU_LOCAL_DIR": str(tmp_path)}) == tmp_path
    for text in ("http", "-1", "70000", "٣"):
        with pytest.raises(SettingsError):
            default_port({"PORT": text})
