"""The cost card as a company and as the operator read it, with figures and without."""

from datetime import UTC, datetime

import pytest

from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.page_checks import assert_sound, parse
from toolkit.auth import Principal


def _cells(html: str, table: str) -> dict[str, list[str]]:
    """What each row says, by its first cell."""
    rows = parse(html).xpath(f"//table[@id='{table}']/tbody/tr")
    texts = [[" ".join(cell.text_content().split()) for cell in row] for row in rows]
    return {row[0]: row[1:] for row in texts}


def _main(html: str) -> str:
    return " ".join(parse(html).xpath("//main")[0].text_content().split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_has_figures_with_their_reasons(scene: Scene, language: str) -> None:
    scene.world.clock.set(datetime(2026, 6, 2, 0, 15, tzinfo=UTC))
    scene.world.night()
    answer = scene.page("/costs", language)
    assert answer.status == 200
    assert_sound(answer.body, language)
    page = parse(answer.body)
    rows = page.xpath("//table[@id='costs']/tbody/tr")
    reasons = page.xpath("//section[@id='reasons']//details")
    assert len(reasons) == len(rows) > 0
    assert all(len(each.xpath(".//li")) == 3 for each in reasons)
    assert page.xpath("//a[contains(@href, 'format=xlsx')]/@href") == [
        "/costs?month=2026-06&format=xlsx"
    ]
    assert "us-east-1" in _main(answer.body)
    file = scene.page("/costs", language, query={"month": "2026-06", "format": "csv"})
    assert file.headers["content-type"].startswith("text/csv")
    empty = scene.page("/costs", language, query={"month": "2026-05"})
    assert_sound(empty.body, language)
    assert not parse(empty.body).xpath("//table")


def test_numbers_are_written_as_the_reader_writes_them(scene: Scene) -> None:
    scene.world.clock.set(datetime(2026, 6, 2, 0, 15, tzinfo=UTC))
    scene.world.night()
    price = {
        language: next(iter(_cells(scene.page("/costs", language).body, "costs").values()))[2]
        for language in LANGUAGES
    }
    assert price["tr"] == price["el"] == price["en"].replace(".", ",")
    assert "," in price["tr"]


def test_before_the_first_seal_the_page_says_when_figures_come(scene: Scene) -> None:
    """The clock stands on the first of June, 12:00 in Istanbul; the night seals at 03:15."""
    shown = _main(scene.page("/costs", "en").body)
    assert "The first figures of this month come at 2 Jun 2026 03:15" in shown
    later = _main(scene.page("/costs", "en", query={"month": "2026-07"}).body)
    assert "This month has not begun." in later
    wrong = scene.page("/costs", "en", query={"month": "yesterday"})
    assert (wrong.status, "June 2026" in wrong.body) == (200, True)


def test_the_operator_sees_every_company_and_the_installation(scene: Scene) -> None:
    scene.world.company("Ege Tekstil")
    scene.world.clock.set(datetime(2026, 6, 2, 0, 15, tzinfo=UTC))
    scene.world.night()
    reader = Principal(
        "session", "01KT16JKM00000000000000999", roles=("operator",), session_hash="1" * 64,
        language="tr", name="Selin Akın", email="operator@kopru.example",
    )  # fmt: skip
    shows = "an operator knows the names of all companies"
    answer = scene.world.call("GET", "/operator/costs", reader, shows=shows)
    assert answer.status == 200
    assert_sound(answer.body, "tr")
    companies = _cells(answer.body, "costs")
    assert len(companies) == 2
    assert all(cells[0].startswith("02.06.2026 ") for cells in companies.values())
    assert "Alarmlar" in _cells(answer.body, "standing-table")
    assert "bölüştürülmez" in _main(answer.body)


def test_others_do_not_see_costs(scene: Scene) -> None:
    for role in ("viewer", "payroll"):
        assert scene.page("/costs", "tr", role).status == 403
