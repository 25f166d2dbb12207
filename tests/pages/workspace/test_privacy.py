"""Pages about privacy in three languages, with the rights of who looks."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.parsing import format_instant
from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.page_checks import assert_sound, parse
from workspace.domain.catalogue import CONTEXTS

NUMBER = "12345678950"


def _ask(scene: Scene, path: str = "/privacy/exports", **fields: str) -> Any:
    form = {"person": NUMBER, "reason": "Dilekçe 01.06.2026", **fields}
    return scene.world.call("POST", path, scene.reader("tr"), form=form)


def _answer(scene: Scene, status: str = "done", **more: Any) -> None:
    """Every context answers, as their events would tell."""
    from workspace.handlers import on_events

    (event,) = scene.world.aws.published("workspace.PrivacyRequested.v1")
    for number, context in enumerate(CONTEXTS):
        waits = status == "waiting" and context == "pensions"
        data = {
            "request_id": event["data"]["request_id"],
            "act": event["data"]["act"],
            "status": "waiting" if waits else "done",
            "records": 0,
            "files": 0,
            "waiting": [{"kind": "employee", "id": "01JC3V9QJ8Z6T4M2N0P7R5S3XK", "state": "ready"}]
            if waits
            else [],
            **more,
        }
        told = {
            **event,
            "id": f"01JC3V9QJ8Z6T4M2N0P7R5S{number:03d}",
            "type": f"{context}.PrivacyAnswered.v1",
            "source": f"kopru.{context}",
            "data": data,
        }
        answer = on_events.handler(queue_event(bus_event(told)), LambdaContext())
        assert answer == {"batchItemFailures": []}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_from_the_form_to_the_copy(scene: Scene, language: str) -> None:
    empty = scene.page("/privacy", language)
    assert_sound(empty.body, language)
    asked = _ask(scene)
    assert asked.status == 303, asked.body
    path = asked.location.partition("?")[0]
    assert NUMBER not in asked.location
    running = scene.page(path, language)
    assert_sound(running.body, language)
    (part,) = parse(running.body).xpath("//*[@id='privacy-progress']/@hx-get")
    assert part == f"{path}/progress"
    assert "<html" not in scene.page(part, language).body
    _answer(scene)
    assert f'href="{path}"' in scene.page(part, language).body, "the way to the result"
    done = scene.page(path, language)
    assert_sound(done.body, language)
    shown = scene.world.call(
        "POST", f"{path}/copy", scene.reader(language), form={"format": "page"}
    )
    assert shown.status == 200
    assert_sound(shown.body, language)
    file = scene.world.call("POST", f"{path}/copy", scene.reader(language), form={"format": "json"})
    assert file.json() == {"records": []}
    assert_sound(scene.page("/privacy", language).body, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_waited_for_is_said(scene: Scene, language: str) -> None:
    asked = _ask(scene, "/privacy/erasures", sure="yes")
    _answer(scene, "waiting")
    page = scene.page(asked.location.partition("?")[0], language)
    assert_sound(page.body, language)
    rows = parse(page.body).xpath("//table[@id='parts']//tbody/tr")
    assert len(rows) == len(CONTEXTS)
    waits = [row.xpath("string(td[last()])").strip() for row in rows]
    assert sum(": " in text for text in waits) == 1, waits


def test_an_erasure_needs_the_box_and_a_reason(scene: Scene) -> None:
    refused = _ask(scene, "/privacy/erasures")
    assert refused.status == 422
    assert NUMBER not in refused.body, "what was typed about the person is not repeated"
    assert _ask(scene, reason="").status == 422
    unreadable = _ask(scene, person="Ayşe Yılmaz")
    assert unreadable.status == 422
    assert scene.world.aws.published("workspace.PrivacyRequested.v1") == []


def test_a_stale_session_proves_itself_first(scene: Scene) -> None:
    now = scene.world.clock.now()
    stale = scene.reader("tr", proved_at=format_instant(now - timedelta(minutes=20)))
    form = {"person": NUMBER, "reason": "x"}
    answer = scene.world.call("POST", "/privacy/exports", stale, form=form)
    assert answer.location.startswith("/confirm?")
    api = scene.world.call("POST", "/v1/privacy/exports", stale, body=form)
    assert (api.status, api.json()["code"]) == (403, "proof_required")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_register_names_every_value_in_words(scene: Scene, language: str) -> None:
    page = scene.page("/privacy/register", language)
    assert_sound(page.body, language)
    tree = parse(page.body)
    cells = tree.xpath("//table//tbody//code")
    assert len(cells) == len(list(scene.world.app.field_register.lines()))
    text = tree.text_content()
    assert not [
        word for word in ("legal_duty", "pension_enrolment", "raw exchanges") if word in text
    ]


def test_the_rule_behind_a_time_is_in_the_readers_language(scene: Scene) -> None:
    for language, rule in (("tr", "şirket kuralı"), ("el", "κανόνας της εταιρείας")):
        text = scene.page("/privacy/register", language).body
        assert rule in text
        assert "company policy" not in text


def test_the_register_is_a_file_for_the_authority(scene: Scene) -> None:
    sheet = scene.page("/privacy/register", "tr", query={"format": "xlsx"})
    assert sheet.headers["content-disposition"] == 'attachment; filename="field-register.xlsx"'
    owner = scene.reader("tr")
    said = scene.world.call("GET", "/v1/privacy/register", owner).json()
    assert [one["context"] for one in said["items"]] == list(CONTEXTS)
    table = scene.world.call("GET", "/v1/privacy/register", owner, query={"format": "csv"})
    assert "TTK 82" in table.body
    wrong = scene.world.call("GET", "/v1/privacy/register", owner, query={"format": "pdf"})
    assert wrong.status == 422


def test_only_owners_ask(scene: Scene) -> None:
    viewer = scene.reader("tr", "viewer")
    form = {"person": NUMBER, "reason": "x"}
    assert scene.world.call("POST", "/privacy/exports", viewer, form=form).status == 403
    assert scene.world.call("GET", "/v1/privacy/requests", viewer).status == 403
    assert scene.world.call("GET", "/privacy", viewer).status == 403
