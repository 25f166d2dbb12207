"""Commands that speak to the product's API: what they ask, print and answer with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import cli
from infra.local.client import RunningStack
from infra.local.web import Request, Response, WebServer, json_response

Asked = list[tuple[str, str, Any, str]]
PROBLEM = {
    "detail": "Some fields need correction.",
    "errors": [{"pointer": "/amount", "code": "required", "message": "Say how much."}],
}
GROUPS = [
    {"queue": "q", "error": "Timeout", "count": 2, "oldest_at": "2026-01-01", "ids": ["1", "2"]},
    {"queue": "q", "error": "Broken", "count": 1, "oldest_at": "2026-01-02", "ids": ["3"]},
]


JOBS: dict[str, dict[str, Any]] = {
    "I1": {"kind": "employees_import"},
    "I2": {"kind": "card_sales_import"},
    "I3": {"kind": "subjects_import"},
    "U2": {
        "id": "U2",
        "status": "partially_succeeded",
        "done": 2,
        "total": 2,
        "result": {"undone": 1, "kept": 1},
        "problems": [{"pointer": "/rows/3/document_no", "message": "The bank paid part of it."}],
    },
}


class Api:
    """The API as far as the commands use it; notes what was asked and with which key."""

    def __init__(self) -> None:
        self.asked: Asked = []
        self.version = {"rows": [{"id": "a", "cells": ["<1"], "outputs": {"x": 1}}]}

    def __call__(self, request: Request) -> Response:
        body = json.loads(request.body) if request.body.startswith(b"{") else None
        path = request.raw_path
        said = "".join(f"?{name}={value}" for name, value in request.query.items())
        asked = f"{path}{said}" if request.method == "POST" else path
        self.asked.append((request.method, asked, body, request.header("authorization")))
        answer = self._answer(request.method, path, body)
        if isinstance(answer, Response):
            return answer
        return json_response(answer, 200)

    def _answer(self, method: str, path: str, body: Any) -> Any:
        if path == "/v1/events":
            items = [
                {"id": "E1", "type": "pensions.X.v1", "time": "2026-01-02", "subject": "s:1"},
                {"id": "E2", "type": "workflow.Y.v1", "time": "2026-01-01", "subject": "s:2"},
            ]
            return {"items": items, "next_cursor": None}
        if path == "/v1/webhook-endpoints":
            return {"items": [{"id": "W1", "url": "http://x", "enabled": True}]}
        if path == "/v1/dead-letters":
            return {"items": GROUPS}
        if path == "/v1/dead-letters/redrive":
            dry = body["dry_run"]
            sent = len(body["ids"]) - (body["ids"] == ["3"])
            return {"would_redrive": sent, "items": []} if dry else {"redriven": sent}
        if path.startswith("/v1/jobs/"):
            return JOBS[path.rpartition("/")[2]]
        if path == "/v1/pensions/imports/I1/undo":
            return {"removed": 2, "restored": 1}
        if path.startswith("/v1/card-contracts/sales/imports/I2/undo"):
            return {"id": "U2", "kind": "card_sales_import_undo", "status": "queued"}
        if path.endswith("/plans"):
            return json_response(PROBLEM, 422)
        if path.endswith("/versions/V1"):
            return self.version
        if path.endswith("/versions/V2"):
            return {"rows": [{"id": "a", "cells": ["<2"], "outputs": {"x": 1}}]}
        if path == "/v1/workflow/decisions/D1":
            return {
                "why": [{"text": {"en": "Because of row a", "tr": "a"}}],
                "parts": [{"why": "x"}],
            }
        if path == "/v1/card-contracts/matches/M1":
            return {"status": "suggested", "kind": "exact", "score": 90, "why": ["same amount"]}
        return json_response({"detail": "There is no such item."}, 404)

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{method} {path}" for method, path, _, _ in self.asked]


@pytest.fixture
def api() -> Api:
    return Api()


Run = Callable[..., int]


@pytest.fixture
def run(api: Api, tmp_path: Path) -> Iterator[Run]:
    server = WebServer(api, max_body=1_000_000)
    server.start()
    folder = tmp_path / "state"
    folder.mkdir()
    stack = RunningStack(os.getpid(), f"http://127.0.0.1:{server.port}", "")
    stack.write(folder)
    keys = {"api_key": "company", "operator_key": "operator"}
    (folder / "credentials.json").write_text(json.dumps(keys))
    yield lambda *arguments: cli.main([*arguments, "--dir", str(folder)])
    server.stop()


def test_events_are_listed_by_pattern(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("events", "list", "--events", "pensions.*", "--plain") == cli.OK
    assert capsys.readouterr().out == "2026-01-02\tpensions.X.v1\ts:1\tE1\n"


def test_a_dry_run_recovers_nothing(run: Run, api: Api) -> None:
    assert run("events", "recover", "--since", "2026-01-01T00:00:00Z", "--dry-run") == cli.OK
    assert api.paths() == ["GET /v1/webhook-endpoints"]


def test_nothing_is_sent_back_before_somebody_looked(
    run: Run, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("dlq", "redrive", "q", "--yes") == cli.USAGE
    assert "look first" in capsys.readouterr().err
    assert run("dlq", "redrive", "q", "--reviewed", "--no-input") == cli.USAGE
    assert not any("redrive" in path for path in api.paths())
    assert run("dlq", "redrive", "q", "--filter", "Timeout", "--dry-run") == cli.OK
    assert run("dlq", "redrive", "q", "--reviewed", "--limit", "2", "--yes") == cli.OK
    bodies = [body for _, path, body, _ in api.asked if path.endswith("redrive")]
    assert bodies == [
        {"queue": "q", "ids": ["1", "2"], "dry_run": True, "keep": False},
        {"queue": "q", "ids": ["1", "2"], "dry_run": False, "keep": False},
    ]
    assert {key for _, _, _, key in api.asked} == {"Bearer operator"}
    assert run("dlq", "redrive", "q", "--filter", "Broken", "--yes") == cli.PARTIAL
    assert run("dlq", "redrive", "other", "--reviewed", "--yes") == cli.NOT_FOUND
    assert run("dlq", "redrive", "q", "--filter", "Timeout", "--keep", "--yes") == cli.OK
    assert api.asked[-1][2]["keep"] is True


def test_dead_letters_of_a_named_stage(
    run: Run,
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    redrive = ("dlq", "redrive", "q", "--reviewed", "--yes", "--to")
    assert run(*redrive, "staging") == cli.USAGE
    assert "KOPRU_STAGING_BASE_URL" in capsys.readouterr().err
    stack = RunningStack.find(tmp_path / "state")
    monkeypatch.setenv("KOPRU_STAGING_BASE_URL", stack.base_url)
    assert run(*redrive, "staging") == cli.USAGE
    assert "KOPRU_STAGING_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("KOPRU_STAGING_API_KEY", "of-staging")
    assert run(*redrive, "staging") == cli.OK
    assert {key for _, _, _, key in api.asked} == {"Bearer of-staging"}
    monkeypatch.setenv("KOPRU_BASE_URL", "http://127.0.0.1:1")
    assert run(*redrive, "local") == cli.OK
    assert api.asked[-1][3] == "Bearer operator"
    assert run(*redrive, "staging", "--base-url", stack.base_url) == cli.USAGE


def test_a_refusal_lists_every_problem(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--amount", "x", "--sold", "2026-01-01")
    assert run("settle", "simulate", "AXESS", *given) == cli.INVALID
    said = capsys.readouterr().err
    assert "/amount required: Say how much." in said


def test_rows_of_two_versions_are_compared(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rules", "diff", "table", "V1", "V2", "--json") == cli.OK
    items = json.loads(capsys.readouterr().out)["items"]
    assert [(one["change"], one["row"]) for one in items] == [("-", "a"), ("+", "a")]
    assert '"<2"' in items[1]["content"]


def test_an_import_is_taken_back(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "undo", "I1", "--yes", "--plain") == cli.OK
    assert capsys.readouterr().out == "removed\t2\nrestored\t1\n"
    assert run("events", "list", "--events", "nobody.*") == cli.OK
    assert capsys.readouterr().err == "there is nothing\n"


def test_an_import_of_sales_is_counted_first_and_names_what_stays(
    run: Run, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", "undo", "I2", "--dry-run") == cli.PARTIAL
    assert run("import", "undo", "I2", "--yes", "--plain") == cli.PARTIAL
    said = capsys.readouterr()
    assert "undone\t1\nkept\t1\n" in said.out
    assert "/rows/3/document_no The bank paid part of it." in said.err
    path = "POST /v1/card-contracts/sales/imports/I2/undo"
    assert [each for each in api.paths() if each.startswith("POST")] == [
        f"{path}?dry_run=true",
        path,
    ]
    assert run("import", "undo", "I3", "--yes") == cli.USAGE
    assert run("import", "undo", "I1", "--dry-run") == cli.USAGE


def test_why_gathers_every_reason(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("why", "decision:D1", "--plain") == cli.OK
    assert capsys.readouterr().out == "it\tBecause of row a\nparts[0]\tx\n"
    assert run("match", "explain", "M1") == cli.OK
    assert "same amount" in capsys.readouterr().out
    assert run("why", "weather") == cli.USAGE
    assert run("why", "decision:D9") == cli.NOT_FOUND


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", "nothing", "x.csv"), cli.USAGE),
        (("import", "employees", "x.csv"), cli.USAGE),
        (("import", "counterparties", "/not/there.csv"), cli.NOT_FOUND),
        (("import", "undo", "I1", "--no-input"), cli.USAGE),
        (("send", "C1"), cli.USAGE),
        (("trigger", "nothing"), cli.NOT_FOUND),
        (("seed", "nothing"), cli.NOT_FOUND),
        (("evidence", "verify", "/not/there.zip"), cli.INVALID),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    run: Run, api: Api, arguments: tuple[str, ...], code: int
) -> None:
    assert run(*arguments) == code
    assert api.asked == []


def test_a_deployed_stage_needs_a_key_that_no_process_list_shows(
    run: Run,
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = RunningStack.find(tmp_path / "state").base_url
    monkeypatch.delenv("KOPRU_API_KEY", raising=False)
    assert run("events", "list", "--base-url", url) == cli.USAGE
    assert "KOPRU_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("KOPRU_API_KEY", "of the stage")
    assert run("events", "list", "--base-url", url) == cli.OK
    key = tmp_path / "key"
    key.write_text("of a file\n")
    assert run("events", "list", "--base-url", url, "--key-file", str(key)) == cli.OK
    assert [each[3] for each in api.asked] == ["Bearer of the stage", "Bearer of a file"]


def test_packs_and_seeds_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trigger", "--json") == cli.OK
    names = [one["name"] for one in json.loads(capsys.readouterr().out)["items"]]
    assert "pensions/partial-accept" in names
    assert run("seed", "--plain") == cli.OK
    assert "payroll\t" in capsys.readouterr().out


def test_where_settings_come_from(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("KOPRU_API_KEY", "secret-of-nobody")
    assert run("config", "explain", "--json") == cli.OK
    said = capsys.readouterr().out
    origins = {one["name"]: one["origin"] for one in json.loads(said)["items"]}
    assert (origins["port"], origins["folder"]) == ("PORT", "--dir")
    assert "secret-of-nobody" not in said


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    promised = (
        "up reset snapshot seed clock tick inbox trigger listen events queue dlq import send rules "
        "settle match why evidence openapi doctor config"
    )
    assert [name for name in promised.split() if f"\n    {name} " not in said] == []
