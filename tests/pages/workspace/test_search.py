"""The search box of every page, and the page it leads to; no script is needed."""

import pytest

from kernel.finding import Findable
from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.page_checks import assert_sound, parse
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.finding import enter
from toolkit.aws.unit_of_work import Change, UnitOfWork


def _enter(scene: Scene, kind: str, prefix: str, item: Findable) -> str:
    platform = scene.world.app.platform
    context = TenantContext(scene.company.id, "system:test")
    unit = UnitOfWork(platform.machinery, Keyspace(prefix, scene.company.id), context)
    identity = platform.ids.new()
    enter(unit, kind, identity, None, item)
    unit.create("probe", platform.ids.new(), {}, Change("probe.made", "made"))
    unit.commit()
    return identity


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_box_leads_to_results_kind_by_kind(scene: Scene, language: str) -> None:
    person = _enter(scene, "employee", "pen", Findable("Şahin Çınar"))
    code = _enter(scene, "payment_code", "pay", Findable("Şahin Otomotiv", ("RF18 9123",)))
    card = _enter(scene, "counterparty", "rec", Findable("Şahinler A.Ş."))
    bill = _enter(
        scene, "e_invoice", "rec", Findable("SAH2026000000001", ("SAH2026000000001",), card)
    )
    (box,) = parse(scene.page("/jobs", language).body).xpath("//header//form[@action='/search']")
    assert box.get("method") == "get"
    page = scene.page("/search", language, query={"q": "sahin"})
    assert page.status == 200
    assert_sound(page.body, language)
    links = parse(page.body).xpath("//main//section//a/@href")
    assert links == [
        f"/pensions/employees/{person}",
        f"/payment-codes/{code}",
        f"/reconciliation/counterparties/{card}",
    ]
    by_number = scene.page("/search", language, query={"q": "sah 2026 000000001"})
    found = parse(by_number.body).xpath("//main//section//a")
    assert [(each.get("href"), each.text) for each in found] == [
        (f"/reconciliation/counterparties/{card}", "SAH2026000000001")
    ]
    assert bill
    for text in ("", "ş", "kimse yok"):
        empty = scene.page("/search", language, query={"q": text})
        assert empty.status == 200
        assert_sound(empty.body, language)
        assert not parse(empty.body).xpath("//main//section")
