"""Saved views and the calendar of deadlines: by page, by API, with the rights of who looks."""

import re
from dataclasses import replace

import pytest

from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.events import Answer
from tests.support.page_checks import assert_sound, parse
from tests.support.scanner import SCANNER


def _save(scene: Scene, url: str, role: str = "owner", **more: str) -> Answer:
    form = {"name": "Açık olaylar", "url": url, **more}
    return scene.world.call("POST", "/views", scene.reader("tr", role), form=form)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_view_is_saved_from_where_one_is(scene: Scene, language: str) -> None:
    where = scene.page("/incidents", language, query={"state": "open", "cursor": "x"})
    assert where.status == 400
    where = scene.page("/incidents", language, query={"state": "open"})
    (href,) = parse(where.body).xpath("//a[starts-with(@href, '/views?url=')]/@href")
    assert href == "/views?url=%2Fincidents%3Fstate%3Dopen"
    form = scene.page("/views", language, query={"url": "/incidents?state=open&cursor=abc"})
    assert_sound(form.body, language)
    assert parse(form.body).xpath("//input[@name='url']/@value") == ["/incidents?state=open"]
    assert _save(scene, "/incidents?state=open").location == "/incidents?state=open&done=view_saved"
    listed = scene.page("/views", language)
    assert_sound(listed.body, language)
    (address,) = parse(listed.body).xpath("//table[@id='views']//th/a/@href")
    opened = scene.page(address, language)
    assert (opened.status, opened.location) == (303, "/incidents?state=open")


def test_a_view_is_seen_by_whom_it_is_shared_with_and_removed_by_its_owner(scene: Scene) -> None:
    _save(scene, "/jobs")
    _save(scene, "/messages", name="Postalar", shared="1")
    viewer = scene.reader("tr", "viewer")
    seen = scene.world.call("GET", "/v1/views", viewer).json()["items"]
    assert [(each["name"], each["own"]) for each in seen] == [("Postalar", False)]
    mine = scene.world.call("GET", "/v1/views", scene.reader("tr")).json()["items"]
    hidden = next(each["id"] for each in mine if each["name"] != "Postalar")
    assert scene.world.call("GET", f"/views/{hidden}", viewer).status == 404
    assert scene.world.call("DELETE", f"/v1/views/{hidden}", viewer).status == 404
    shared = f"/v1/views/{seen[0]['id']}"
    assert scene.world.call("DELETE", shared, viewer).json()["code"] == "view_of_another"
    gone = scene.world.call("POST", f"/views/{hidden}/remove", scene.reader("tr"), form={})
    assert gone.location == "/views?done=view_removed"
    assert scene.world.call("DELETE", shared, scene.reader("tr")).status == 204
    assert scene.world.call("GET", "/v1/views", viewer).json()["items"] == []


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "/v1/users", "/jobs#x", "jobs", "/views"]
)
def test_only_addresses_of_pages_are_views(scene: Scene, url: str) -> None:
    answer = _save(scene, url)
    assert answer.status == 422
    body = {"name": "x", "url": url}
    refused = scene.world.call("POST", "/v1/views", scene.reader("tr"), body=body)
    assert [each["code"] for each in refused.json()["errors"]] == ["view_url"]


# ---------------------------------------------------------------------------- deadlines


def _feed(scene: Scene) -> str:
    made = scene.world.call(
        "POST", "/settings/deadline-feed", scene.reader("tr"), form={}, shows="an address, once"
    )
    assert_sound(made.body, "tr")
    found = re.findall(r"http://localhost:8000(/deadlines/[A-Za-z0-9_-]{43})", made.body)
    return SCANNER.secret(found[0])


def test_deadlines_are_a_calendar_behind_a_secret_address(scene: Scene) -> None:
    path = _feed(scene)
    answer = scene.world.call("GET", path, shows="own deadlines")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    text = answer.body.replace("\r\n ", "")
    days = re.findall(r"DTSTART;VALUE=DATE:([0-9]{8})", text)
    assert days == ["20260529", "20260601", "20260609"]
    assert "968\\,00" in text
    uids = re.findall(r"UID:(.+)", text)
    assert len(set(uids)) == 3
    again = scene.world.call("GET", path, shows="own deadlines")
    assert re.findall(r"UID:(.+)", again.body.replace("\r\n ", "")) == uids


def test_a_new_address_ends_the_one_before(scene: Scene) -> None:
    old, new = _feed(scene), _feed(scene)
    assert scene.world.call("GET", old, shows="its own address").status == 404
    assert scene.world.call("GET", new, shows="own deadlines").status == 200
    assert scene.world.call("GET", "/v1/me/deadline-feed", scene.reader("tr")).json() == {
        "configured": True
    }
    ended = scene.world.call("POST", "/settings/deadline-feed/end", scene.reader("tr"), form={})
    assert ended.location == "/settings?done=feed_ended"
    assert scene.world.call("GET", new, shows="its own address").status == 404


def test_a_feed_is_silent_about_companies_one_may_not_see(scene: Scene) -> None:
    path = _feed(scene)
    company = scene.world.app.store.company(scene.company.context())
    tenant = company.tenant()
    unit = company.unit()
    unit.save_tenant(tenant, replace(tenant, second_factor_roles=("owner",)), "tenant.changed")
    unit.commit()
    barred = scene.world.call("GET", path, shows="own deadlines")
    assert (barred.status, "BEGIN:VEVENT" in barred.body) == (200, False)
