"""The control pages: the same facts for people and for tools, and commands that say no clearly."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.dashboard import Dashboard
from infra.local.dashboard.pages import Pages, built_stylesheets
from infra.local.web import Request, Response
from tests.unit.local.fake_stack import World, mail


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def dashboard(world: World, tmp_path: Path) -> Dashboard:
    return Dashboard(world, Pages(built_stylesheets(tmp_path)))


def ask(
    dashboard: Dashboard,
    method: str,
    path: str,
    body: object = None,
    *,
    accept: str = "*/*",
    form: bool = False,
) -> Response:
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    data = b"" if body is None else str(body).encode() if form else json.dumps(body).encode()
    headers = (("host", "localhost"), ("accept", accept), ("content-type", kind))
    return dashboard(Request(method, f"/_local{path}", headers, data))


def html(response: Response) -> str:
    assert response.header("content-type") == "text/html; charset=utf-8"
    return response.body.decode()


def document(response: Response) -> Any:
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", ["WorkspaceApiFunction", "AWS::CloudWatch::Alarm × 3", "GET /today"]),
        ("/", ["WorkspaceApiFunction"]),
        ("/inbox", ["Hoş geldiniz &lt;b&gt;", "ada@example.com, bora@example.com", "2 mails"]),
        ("/inbox/2", ["Hoş geldiniz &lt;b&gt;", "http://localhost:8000/activate?t=1", "sandbox="]),
        ("/clock", ["2026-03-02T12:00:00Z", "3600 seconds"]),
        ("/schedules", ["Morning", "cron(0 8 * * ? *)"]),
        ("/queues", ["work", "WorkerFunction", "/_local/queues/dead/messages", "(dead letters)"]),
        ("/simulators", ["anadolu"]),
        ("/simulators/anadolu", ["&#34;accepted&#34;: 0"]),
        ("/requests", ["GET /today"]),
        ("/log?source=stack", ["stack: two"]),
        ("/snapshots", ["None yet"]),
        ("/queues/work/messages", ["{&#34;v&#34;: 1}", "Looking takes nothing"]),
        ("/tables", ["kopru-core"]),
        ("/tables/kopru-core?q=T%232", ["wsp#T#2", "1 rows"]),
        ("/files", ["T/1/a.csv"]),
        ("/webhooks", ["Nothing was delivered"]),
        ("/scenarios", ["pensions/ok", "All is well", "Play pensions/ok"]),
    ],
)
def test_every_resource_is_a_page_and_a_document(
    dashboard: Dashboard, path: str, words: list[str]
) -> None:
    response = ask(dashboard, "GET", path, accept="text/html,application/xhtml+xml")
    assert response.status == 200
    page = html(response)
    for word in words:
        assert word in page
    assert "<script" not in page
    policy = response.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    plain = ask(dashboard, "GET", path)
    assert plain.header("content-type") == "application/json"
    assert isinstance(document(plain), dict)


@pytest.mark.parametrize(
    ("path", "accept", "is_html"),
    [
        ("/inbox", "text/html", True),
        ("/inbox", "*/*", False),
        ("/inbox", "application/json", False),
        ("/inbox.json", "text/html", False),
        ("/inbox?format=json", "text/html", False),
        ("/inbox?format=html", "*/*", True),
    ],
)
def test_who_reads_html(dashboard: Dashboard, path: str, accept: str, is_html: bool) -> None:
    kind = ask(dashboard, "GET", path, accept=accept).header("content-type")
    assert kind.startswith("text/html") is is_html


def test_the_inbox_tells_a_script_what_it_needs(dashboard: Dashboard) -> None:
    answer = document(ask(dashboard, "GET", "/inbox"))
    assert (answer["total"], answer["next_cursor"]) == (2, None)
    mail = answer["items"][0]
    assert mail["id"] == 2
    assert mail["to"] == ["ada@example.com", "bora@example.com"]
    assert mail["at"] == "2026-03-02T12:00:00.000Z"
    assert mail["links"] == [
        "http://localhost:8000/activate?t=1",
        "http://localhost:8000/help",
        "http://localhost:8000/activate?t=1&x=2",
    ]
    assert mail["attachments"][0]["filename"] == "mutabakat ığ.pdf"
    only = document(ask(dashboard, "GET", "/inbox?to=CEM@example.com"))
    assert [item["id"] for item in only["items"]] == [1]
    found = document(ask(dashboard, "GET", "/inbox?q=activate"))
    assert [item["id"] for item in found["items"]] == [2]


def test_mail_html_is_shown_without_scripts_and_without_requests(dashboard: Dashboard) -> None:
    response = ask(dashboard, "GET", "/inbox/2/html", accept="text/html")
    policy = response.header("content-security-policy")
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert html(response).startswith('<base target="_blank">')


def test_files_of_a_mail_are_downloads(dashboard: Dashboard) -> None:
    response = ask(dashboard, "GET", "/inbox/2/attachments/0")
    assert response.body == b"%PDF"
    assert "filename*=UTF-8''mutabakat%20%C4%B1%C4%9F.pdf" in response.header("content-disposition")
    assert ask(dashboard, "GET", "/inbox/2/attachments/1").status == 404
    assert ask(dashboard, "GET", "/inbox/2/attachments/x").status == 404
    assert ask(dashboard, "GET", "/inbox/nobody").status == 404
    assert ask(dashboard, "GET", "/inbox/3").status == 404


def test_a_long_inbox_has_pages(dashboard: Dashboard, world: World) -> None:
    world.inbox = [mail(number, subject=f"n{number}") for number in range(203, 100, -1)]
    first = document(ask(dashboard, "GET", "/inbox"))
    assert (len(first["items"]), first["total"], first["next_cursor"]) == (100, 103, "104")
    rest = document(ask(dashboard, "GET", "/inbox?cursor=104"))
    assert [item["id"] for item in rest["items"]] == [103, 102, 101]
    assert rest["next_cursor"] is None
    assert ask(dashboard, "GET", "/inbox?cursor=x").status == 422


def test_what_becomes_of_a_mail_is_reported(dashboard: Dashboard, world: World) -> None:
    response = ask(dashboard, "POST", "/inbox/2/simulate", {"outcome": "bounce"})
    assert response.status == 202
    refused = ask(dashboard, "POST", "/inbox/2/simulate", {"outcome": "lost"})
    assert (refused.status, document(refused)["code"]) == (422, "outcome_invalid")
    assert ask(dashboard, "POST", "/inbox/9/simulate", {"outcome": "bounce"}).status == 404
    form = ask(
        dashboard, "POST", "/inbox/1/simulate", "outcome=open", accept="text/html", form=True
    )
    assert (form.status, form.header("location")) == (303, "/_local/inbox/1")
    assert world.outcomes == [(2, "bounce"), (1, "open")]


def test_the_clock_moves_and_reports(dashboard: Dashboard, world: World) -> None:
    answer = document(ask(dashboard, "POST", "/clock", {"advance": "PT1H"}))
    assert world.moved == [timedelta(hours=1)]
    assert answer == {
        "from": "2026-03-02T12:00:00Z",
        "now": "2026-03-02T13:00:00Z",
        "offset_seconds": 7200,
        "settled": True,
        "runs": [
            {
                "schedule": "Morning",
                "scheduled_at": "2026-03-02T12:00:00Z",
                "ok": True,
                "detail": '{"due": 2}',
            }
        ],
        "coalesced": [{"schedule": "Sweep", "due": 60, "ran": 1}],
    }
    page = html(ask(dashboard, "POST", "/clock", "advance=P1D", accept="text/html", form=True))
    assert world.moved[1] == timedelta(days=1)
    assert "Sweep: due 60 times, ran 1" in page


def test_json_that_curl_calls_a_form_is_json(dashboard: Dashboard, world: World) -> None:
    assert ask(dashboard, "POST", "/clock", '{"advance": "P1D"}', form=True).status == 200
    assert world.moved == [timedelta(days=1)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 422, "advance_required"),
        ({}, 422, "advance_required"),
        ({"advance": 60}, 422, "advance_required"),
        ({"advance": "P1M"}, 422, "duration_invalid"),
        ({"advance": "PT1H", "to": "2027"}, 422, "unknown_field"),
        ([1], 400, "malformed"),
    ],
)
def test_a_clock_command_that_makes_no_sense_is_refused(
    dashboard: Dashboard, world: World, body: object, status: int, code: str
) -> None:
    response = ask(dashboard, "POST", "/clock", body)
    assert (response.status, document(response)["code"]) == (status, code)
    assert response.header("content-type") == "application/problem+json"
    assert world.moved == []


def test_two_moves_at_a_time_are_a_conflict(dashboard: Dashboard, world: World) -> None:
    world.busy = True
    response = ask(dashboard, "POST", "/clock", {"advance": "PT1H"})
    assert (response.status, document(response)["code"]) == (409, "busy")


def test_schedules_run_now(dashboard: Dashboard) -> None:
    response = ask(dashboard, "POST", "/schedules/Morning/run")
    assert response.status == 200
    assert document(response)["ok"] is True
    failed = ask(dashboard, "POST", "/schedules/Broken/run")
    assert (failed.status, document(failed)["ok"]) == (502, False)
    unknown = ask(dashboard, "POST", "/schedules/nobody/run")
    assert unknown.status == 404
    assert "known: Morning" in document(unknown)["detail"]
    page = html(ask(dashboard, "POST", "/schedules/Morning/run", "", accept="text/html", form=True))
    assert "Just ran" in page


def test_queues_say_who_takes_their_messages(dashboard: Dashboard) -> None:
    work, dead = document(ask(dashboard, "GET", "/queues"))["items"]
    assert (work["visible"], work["in_flight"], work["dead_letter_queue"]) == (3, 1, "dead")
    assert work["consumer"]["function"] == "WorkerFunction"
    assert (dead["is_dead_letter_queue"], dead["consumer"]) == (True, None)


def test_simulators_are_described_and_scripted(dashboard: Dashboard, world: World) -> None:
    listed = document(ask(dashboard, "GET", "/simulators"))
    assert listed == {"items": [{"name": "anadolu", "url": "http://127.0.0.1:4000"}]}
    answer = document(ask(dashboard, "POST", "/simulators/anadolu", {"next": "lost-answer"}))
    assert answer == {"done": {"queued": 1}, "state": {"accepted": 1}}
    form = "script=%7B%22next%22%3A+%22slow%22%7D"
    html(ask(dashboard, "POST", "/simulators/anadolu", form, accept="text/html", form=True))
    assert world.scripted == [{"next": "lost-answer"}, {"next": "slow"}]
    refused = ask(dashboard, "POST", "/simulators/anadolu", {"explode": True})
    assert (refused.status, document(refused)["code"]) == (422, "behaviour_invalid")
    assert ask(dashboard, "GET", "/simulators/other").status == 404
    assert ask(dashboard, "POST", "/simulators/other", {"a": 1}).status == 404


def test_reset_is_a_command_and_never_a_link(dashboard: Dashboard, world: World) -> None:
    refused = ask(dashboard, "GET", "/reset")
    assert refused.status == 405
    assert world.resets == 0
    assert document(ask(dashboard, "POST", "/reset"))["status"] == "ok"
    redirected = ask(dashboard, "POST", "/reset", "", accept="text/html", form=True)
    assert (redirected.status, redirected.header("location")) == (303, "/_local/")
    assert world.resets == 2


def test_an_unknown_page_is_a_problem_in_the_reader_s_form(dashboard: Dashboard) -> None:
    response = ask(dashboard, "GET", "/nothing")
    assert (response.status, document(response)["code"]) == (404, "not_found")
    page = ask(dashboard, "GET", "/nothing", accept="text/html")
    assert page.status == 404
    assert "there is no page /_local/nothing" in html(page)


def test_built_styles_are_used_when_they_are_there(world: World, tmp_path: Path) -> None:
    dashboard = Dashboard(world, Pages(built_stylesheets(tmp_path)))
    assert "stylesheet" not in html(ask(dashboard, "GET", "", accept="text/html"))
    names = {"tabler.css": "tabler-0123abcd.css", "hub.css": "hub-4567cdef.css"}
    (tmp_path / "manifest.json").write_text(json.dumps(names))
    page = html(ask(dashboard, "GET", "", accept="text/html"))
    assert '<link rel="stylesheet" href="/static/tabler-0123abcd.css">' in page
    assert '<link rel="stylesheet" href="/static/hub-4567cdef.css">' in page
    (tmp_path / "manifest.json").write_text("{half")
    assert "stylesheet" not in html(ask(dashboard, "GET", "", accept="text/html"))


def test_the_living_guide_is_served_in_every_language(dashboard: Dashboard) -> None:
    for language in ("tr", "el", "en"):
        page = html(ask(dashboard, "GET", f"/ui?lang={language}&theme=dark"))
        assert f'<html lang="{language}" data-bs-theme="dark">' in page
    assert '<html lang="en" data-bs-theme="auto">' in html(ask(dashboard, "GET", "/ui?lang=xx"))
    assert ask(dashboard, "POST", "/ui", "name=x", form=True).status == 200


def test_a_pack_is_played_by_its_button_and_by_a_tool(dashboard: Dashboard, world: World) -> None:
    page = html(ask(dashboard, "POST", "/scenarios/pensions/ok", "", accept="text/html", form=True))
    assert "pensions/ok: played" in page
    assert document(ask(dashboard, "POST", "/scenarios/pensions/ok", {}))["failed"] is None
    assert world.played == ["pensions/ok", "pensions/ok"]
    assert ask(dashboard, "POST", "/scenarios/pensions/none", {}).status == 404


def test_the_clock_is_stopped_and_let_go(dashboard: Dashboard, world: World) -> None:
    assert document(ask(dashboard, "POST", "/clock", {"frozen": True}))["frozen"] is True
    page = html(ask(dashboard, "GET", "/clock", accept="text/html"))
    assert "stands still" in page
    ask(dashboard, "POST", "/clock", "frozen=false", accept="text/html", form=True)
    assert world.frozen is False
    both = ask(dashboard, "POST", "/clock", {"frozen": True, "advance": "PT1H"})
    assert both.status == 422


def test_a_reset_keeps_the_seed_and_nothing_else(dashboard: Dashboard, world: World) -> None:
    assert ask(dashboard, "POST", "/reset", {"keep": "seed"}).status == 200
    assert world.kept_seed is True
    assert ask(dashboard, "POST", "/reset", {"keep": "everything"}).status == 422


@pytest.mark.parametrize("path", ["/queues/nobody/messages", "/tables/nobody"])
def test_what_is_not_there_is_said(dashboard: Dashboard, path: str) -> None:
    assert ask(dashboard, "GET", path).status == 404
