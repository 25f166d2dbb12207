"""Pages of the operator: sign-ups, incidents of all companies, dead letters, what stands still."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.sensitive import Email, Secret
from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.page_checks import assert_sound, parse
from tests.support.pensions_builders import tckn
from tests.support.scanner import CANARY_PASSWORD
from toolkit.auth import Principal
from toolkit.aws.outbox import Outbox
from workspace.handlers import operate  # noqa: F401  (declares its routes)

NAMES = "an operator knows the names of all companies"

SIGN_UP = {
    "company": "Başvuran Ltd",
    "tax_no": "4540536920",
    "name": "Aday Kişi",
    "email": "aday@ornek.example",
    "accountant_no": "MHN12",
    "national_id": tckn(7),
}


def _operator(language: str) -> Principal:
    return Principal(
        "session",
        "01KT16JKM00000000000000999",
        roles=("operator",),
        session_hash="1" * 64,
        language=language,
        name="Selin Akın",
        email="operator@kopru.example",
    )


def _bury(scene: Scene) -> str:
    aws = scene.world.aws
    dead = aws.create_queue("WorkspaceSendMailDeadLetters")
    sqs = aws.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    policy = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 5})
    source = aws.queue_url("workspace-send-mail")
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": policy})
    body = aws.messages("workspace-send-mail")[0]
    return str(sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(body))["MessageId"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_operator_is_sound(
    scene: Scene, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = _operator(language)
    _bury(scene)
    scene.world.call("POST", "/v1/signups", body=SIGN_UP)
    monkeypatch.setattr(Outbox, "dispatch", lambda *_: 0)
    scene.world.company(name="Ege Tekstil")
    scene.world.clock.advance(timedelta(minutes=30))
    home = scene.world.call("GET", "/", reader)
    assert (home.status, home.location) == (303, "/operator/incidents")
    (signup,) = scene.world.app.list_signups()(None, limit=1, after=None).items
    for path in (
        "/operator/incidents",
        f"/operator/incidents/{scene.open_incident}",
        "/operator/signups",
        f"/operator/signups/{signup.id}",
        "/operator/dead-letters",
        "/operator/dead-letters/workspace-send-mail",
        "/operator/stuck-items",
        "/operator/costs",
    ):
        page = scene.world.call("GET", path, reader, shows=NAMES)
        assert page.status == 200, path
        assert_sound(page.body, language)
        assert parse(page.body).xpath("//nav//a[@href='/operator/dead-letters']"), path


def test_a_sign_up_is_decided_on_its_page(scene: Scene) -> None:
    reader = _operator("tr")
    for number in (1, 2):
        body = {**SIGN_UP, "company": f"Başvuran {number}", "national_id": tckn(7 + number)}
        email = f"aday{number}@ornek.example"
        made = scene.world.call("POST", "/v1/signups", body={**body, "email": email})
        assert made.status == 202
    second, first = scene.world.app.list_signups()(None, limit=5, after=None).items
    path = f"/operator/signups/{first.id}"
    done = scene.world.call("POST", f"{path}/approve", reader, form={})
    assert done.location == f"{path}?done=approved"
    shown = parse(scene.world.call("GET", path, reader).body)
    assert shown.xpath(f"//form[@action='{path}/activations']")
    assert not shown.xpath(f"//form[@action='{path}/reject']")
    path = f"/operator/signups/{second.id}"
    empty = scene.world.call("POST", f"{path}/reject", reader, form={"note": ""})
    assert empty.status == 422
    assert 'id="note-error"' in empty.body
    done = scene.world.call("POST", f"{path}/reject", reader, form={"note": "Numara yok."})
    assert done.location == f"{path}?done=turned_down"
    assert "Numara yok." in scene.world.call("GET", path, reader).body


def test_an_incident_of_any_company_is_resolved_by_the_operator(scene: Scene) -> None:
    reader = _operator("tr")
    path = f"/operator/incidents/{scene.open_incident}"
    listed = parse(scene.world.call("GET", "/operator/incidents", reader).body)
    assert listed.xpath("//h1")[0].text_content().strip() == "Tüm şirketlerin olayları"
    # Not a colleague reads what an operator writes, but the company.
    assert "Bu notu şirket okur." in scene.world.call("GET", path, reader).body
    assert "Bu notu şirket okur." not in scene.page(path.removeprefix("/operator"), "tr").body
    assert scene.world.call("POST", f"{path}/resolve", reader, form={"note": ""}).status == 422
    done = scene.world.call("POST", f"{path}/resolve", reader, form={"note": "Düzeltildi."})
    assert done.location == f"{path}?done=resolved"
    incident = scene.world.app.read_incident()(scene.company.context(), scene.open_incident)
    assert incident.resolved_by == f"user:{reader.id}"
    assert scene.open_incident not in scene.world.call("GET", "/operator/incidents", reader).body


def test_chosen_letters_are_sent_back_and_the_list_says_who_did_it(scene: Scene) -> None:
    reader = _operator("en")
    chosen = _bury(scene)
    path = "/operator/dead-letters/workspace-send-mail"
    shown = parse(scene.world.call("GET", path, reader).body)
    assert shown.xpath("//input[@name='ids']/@value") == [chosen]
    assert scene.world.call("POST", f"{path}/redrive", reader, form={}).status == 422
    form = {"ids": chosen}
    done = scene.world.call("POST", f"{path}/redrive", reader, form=form)
    assert done.location == "/operator/dead-letters?done=redriven"
    after = scene.world.call("GET", "/operator/dead-letters", reader).body
    assert reader.id not in after
    (row,) = parse(after).xpath("//table[@id='redrives-table']/tbody/tr")
    assert row.xpath("./td[3]")[0].text_content().strip() == "you"
    assert "No dead letters" in after


def test_an_operator_signs_in_without_a_company(scene: Scene) -> None:
    scene.world.app.install_operator()(
        email=Email("operator@kopru.example"),
        name="Selin Akın",
        language="tr",
        password=Secret(CANARY_PASSWORD),
    )
    form = {"email": "operator@kopru.example", "password": CANARY_PASSWORD}
    entered = scene.world.call("POST", "/sign-in", form=form)
    assert entered.status == 303
    cookie = entered.cookies[0].partition(";")[0]
    context = scene.world.authorize(cookies=(cookie,))
    assert (context["roles"], context["tenant_id"]) == ("operator", "")
    api = scene.world.call(
        "POST", "/v1/sessions", body={"email": form["email"], "password": form["password"]}
    )
    assert (api.status, api.json()["tenant_id"]) == (201, None)


def test_where_it_counts_an_operator_proves_twice(scene: Scene) -> None:
    scene.world.app.install_operator()(
        email=Email("operator@kopru.example"),
        name="Selin Akın",
        language="tr",
        password=Secret(CANARY_PASSWORD),
    )
    done = scene.world.app.sign_in()(
        "operator@kopru.example", Secret(CANARY_PASSWORD), source_ip="203.0.113.7", user_agent=""
    )
    identify = scene.world.app.identify_session()
    twice = replace(identify.standing, operators_prove_twice=True)
    identify = replace(identify, standing=twice)
    principal = identify(done.token, None)
    assert principal is not None
    assert principal.roles == ()
