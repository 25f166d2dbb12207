"""Pages about events out: targets, deliveries, event log, catalogue."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.builders import Company
from tests.support.page_checks import assert_sound, parse
from tests.support.scanner import SCANNER
from tests.support.webhook_world import DOWN, TAKEN, WebhookWorld, webhook_world
from toolkit.auth import Principal
from toolkit.platform import Platform

LANGUAGES = ("tr", "el", "en")


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[WebhookWorld]:
    """A workspace with scripted receivers."""
    with webhook_world(aws, platform, clock) as made:
        yield made


@pytest.fixture
def company(world: WebhookWorld) -> Company:
    """A company with an owner and somebody who only looks."""
    return world.workspace.company(roles=("owner", "viewer"))


def _reader(company: Company, language: str, role: str = "owner") -> Principal:
    return replace(company.members[role].principal, language=language)


def _text(html: str) -> str:
    return " ".join(parse(html).xpath("//main")[0].text_content().split())


def _secret(html: str) -> str:
    """The secret that a page shows once."""
    found = re.search(r"whsec_[A-Za-z0-9+/]{43}=", html)
    assert found is not None
    return SCANNER.secret(found[0])


def test_every_page_is_sound_in_every_language(world: WebhookWorld, company: Company) -> None:
    target = world.endpoint(company.owner)["id"]
    world.happen(company, "payment_code:A")
    world.work()
    world.receivers.behaviour = lambda _call: DOWN
    (event, _) = world.happen(company, "payment_code:A", "payment_code:A")
    world.work()
    deliveries = world.deliveries(company.owner)
    assert sorted(d["status"] for d in deliveries) == ["delivered", "pending", "pending"]
    paths = ["/webhooks", f"/webhooks/{target}", "/webhooks/catalogue", "/events"]
    paths += [f"/events/{event.id}", f"/timeline/webhook_endpoint/{target}"]
    for delivery in deliveries:
        paths += [f"/webhooks/deliveries/{delivery['id']}"]
        paths += [f"/timeline/webhook_delivery/{delivery['id']}"]
    for language in LANGUAGES:
        for path in paths:
            answer = world.workspace.call("GET", path, _reader(company, language))
            assert answer.status == 200, path
            assert_sound(answer.body, language)
    page = _text(world.workspace.call("GET", f"/webhooks/{target}", company.owner).body)
    assert "Bir belge ödeme kodu aldı" in page
    assert "adrese ulaşılamadı" in page
    assert "1 / 10" in page
    assert "öncekinin ardından" in page


def test_a_target_is_added_tried_switched_off_and_removed(
    world: WebhookWorld, company: Company
) -> None:
    call, owner = world.workspace.call, company.owner
    form = {"url": "http://10.0.0.1/", "description": "ERP"}
    refused = call("POST", "/webhooks", owner, form=form)
    assert refused.status == 422
    assert_sound(refused.body, "tr")
    assert 'value="http://10.0.0.1/"' in refused.body
    form = {
        "url": "https://erp.ornek.example/kopru",
        "contexts": "pensions.*",
        "singles": "payment_codes.CodeClosed.v1",
    }
    added = call("POST", "/webhooks", owner, form=form, shows="a new secret")
    assert added.status == 200
    secret = _secret(added.body)
    (target,) = call("GET", "/v1/webhook-endpoints", owner).json()["items"]
    assert target["events"] == ["pensions.*", "payment_codes.CodeClosed.v1"]
    page = f"/webhooks/{target['id']}"
    assert secret not in call("GET", page, owner).body
    for act, fields, done in (
        ("test", {}, "webhook_tested"),
        ("switch", {"enabled": "no"}, "webhook_off"),
        ("switch", {"enabled": "yes"}, "webhook_on"),
    ):
        answer = call("POST", f"{page}/{act}", owner, form=fields)
        assert (answer.status, answer.location) == (303, f"{page}?done={done}")
    world.work()
    assert [c.body["type"] for c in world.receivers.taken] == ["workspace.WebhookTested.v1"]
    changed = call("POST", f"{page}/secret", owner, form={}, shows="a new secret")
    assert changed.status == 200
    assert _secret(changed.body) != secret
    again = call("POST", f"{page}/secret", owner, form={})
    assert again.status == 422
    assert call("POST", f"{page}/remove", owner, form={}).location.startswith("/webhooks?")
    assert call("GET", page, owner).status == 404


def test_events_are_sent_again_and_what_was_missed_is_recovered(
    world: WebhookWorld, company: Company
) -> None:
    call, owner = world.workspace.call, company.owner
    target = world.endpoint(owner)["id"]
    (event,) = world.happen(company, "payment_code:A")
    world.work()
    (delivery,) = world.deliveries(owner)
    again = call("POST", f"/webhooks/deliveries/{delivery['id']}/resend", owner, form={})
    assert again.location == f"/webhooks/{target}?done=resent"
    world.work()
    all_of_them = call("POST", f"/events/{event.id}/resend", owner, form={})
    assert all_of_them.location == f"/events/{event.id}?done=resent"
    world.work()
    assert [c.id for c in world.receivers.taken] == [event.id] * 3
    world.clock.advance(timedelta(days=1))
    world.receivers.behaviour = lambda _call: TAKEN
    wrong = call("POST", f"/webhooks/{target}/recover", owner, form={"since": ""})
    assert wrong.status == 422
    assert_sound(wrong.body, "tr")
    right = call("POST", f"/webhooks/{target}/recover", owner, form={"since": "2026-06-01"})
    assert right.location.startswith("/jobs/")
    world.work()
    # What was confirmed is not sent again; what was never sent is: the company's own beginning.
    assert [c.body["type"] for c in world.receivers.taken[3:]] == ["workspace.TenantCreated.v1"]
    assert call("GET", right.location.partition("?")[0], owner).status == 200


def test_who_only_looks_sees_no_targets(world: WebhookWorld, company: Company) -> None:
    viewer = _reader(company, "tr", "viewer")
    assert world.workspace.call("GET", "/webhooks", viewer).status == 403
    assert "/webhooks" not in world.workspace.call("GET", "/", viewer).body
    refused = world.workspace.call("POST", "/webhooks", viewer, form={"url": "https://x.example/"})
    assert refused.status == 403
