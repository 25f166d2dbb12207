"""A timeline leads on: to the item's page, to other items it speaks of, over what was retried."""

import pytest

from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.page_checks import assert_sound, parse
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.unit_of_work import Change, UnitOfWork
from webkit.components import Tone
from workspace.domain.subject import items_named
from workspace.pages.words import action_tone

OTHER = "01KT16JKM00000000000000555"


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_link_to_other_items_and_count_repetitions(scene: Scene, language: str) -> None:
    platform = scene.world.app.platform
    context = TenantContext(scene.company.id, "system:test")
    identity = platform.ids.new()
    changes = [
        Change("payment.booked", "matched", detail={"code_id": OTHER, "amount": 100}),
        *[Change("payment.looked_at", "matched", detail={"code_id": OTHER})] * 3,
        Change("payment.assigned", "matched", detail={"code_id": OTHER, "line_id": identity}),
    ]
    row = None
    for change in changes:
        unit = UnitOfWork(platform.machinery, Keyspace("pay", scene.company.id), context)
        if row is None:
            row = unit.create("payment", identity, {}, change)
        else:
            row = unit.change(row, change)
        unit.commit()
    page = scene.page(f"/timeline/payment/{identity}", language)
    assert page.status == 200
    assert_sound(page.body, language)
    entries = parse(page.body).xpath("//li[contains(@class, 'hub-timeline-entry')]")
    assert len(entries) == 3
    assert "3" in entries[1].xpath(".//span[@class='text-secondary']")[0].text
    links = [entry.xpath(".//p//a/@href") for entry in entries]
    assert links == [
        [f"/payment-codes/{OTHER}"],
        [f"/payment-codes/{OTHER}"],
        [
            f"/payment-codes/{OTHER}",
            f"/timeline/statement_line/{identity}",
            f"/payment-codes/payments/{identity}",  # why
        ],
    ]
    query = {"subject": f"payment:{identity}"}
    told = scene.world.call("GET", "/v1/timeline", scene.company.owner, query=query).json()
    assert told["items"][0]["related"] == [f"payment_code:{OTHER}"]
    assert told["items"][-1]["why"] == f"/v1/payment-codes/payments/{identity}"
    mine = parse(scene.page(f"/timeline/tenant/{scene.company.id}", language).body)
    assert not mine.xpath("//div[contains(@class, 'page-header')]//a[contains(@class, 'btn')]")


def test_items_are_named_by_their_members_once() -> None:
    named = items_named(
        {"sale_id": OTHER, "subject": f"card_match:{OTHER}", "code_id": "x", "match_id": OTHER}
    )
    assert named == (f"card_match:{OTHER}", f"card_sale:{OTHER}")
    assert items_named({"subject": "not an item", "count": 3}) == ()


def test_what_is_opened_is_no_trouble_unless_it_is_an_incident() -> None:
    assert action_tone("incident.opened") is Tone.WARNING
    for action in ("transmission.opened", "mail.opened", "letter.opened", "portal_case.opened"):
        assert action_tone(action) is Tone.NEUTRAL
