"""Pages of reconciliation: sound in three languages, precise forms, everything within reach."""

from html import unescape
from typing import Any

import pytest

from tests.support.events import Answer
from tests.support.letters_world import PERIOD, SETTINGS, TEXT, LettersDesk
from tests.support.page_checks import assert_sound
from tests.support.reconciliation_world import ReconciliationWorld
from webkit.navigation import CONSOLE

LANGUAGES = ("tr", "el", "en")
CARDS = b"Cari Kodu;Unvan;VKN;E-posta\r\n120.7;Yeni A.S.;1234567890;yeni@deneme.example\r\n"


def page(world: ReconciliationWorld, path: str, language: str = "en", query: str = "") -> str:
    answer = world.page(path, language, query)
    assert answer.status == 200, answer.body
    assert_sound(answer.body, language)
    return unescape(answer.body)


def went(answer: Answer) -> str:
    assert answer.status == 303, unescape(answer.body)
    return answer.location


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: ReconciliationWorld, language: str) -> None:
    desk = LettersDesk(world)
    paths = [item.href for group in CONSOLE for item in group.items if "reconc" in item.key]
    assert len(paths) >= 7
    more = ("parameters", "templates", "mail-matters", "book-events")
    for path in (*paths, *(f"/reconciliation/{name}" for name in more)):
        page(world, path, language)
    desk.settings()
    desk.text()
    card = world.counterparty("120.1", emails=["bir@deneme.example"])
    desk.books("120.1")
    desk.mailed()
    letter = desk.letters()[0]
    shown = page(world, f"/reconciliation/letters/{letter['id']}", language)
    assert "reconciliation.why" not in shown
    assert letter["edition"]["sha256"] in shown
    assert "6.000" in shown or "6,000" in shown
    page(world, f"/reconciliation/counterparties/{card['id']}", language)
    # What a person has to look at: a receiver that is another company, an address that bounced.
    said = {"outcome": "not_mine", "name": "Ali Er"}
    assert world.call("POST", f"/letters/{letter['id']}/replies", said).status == 201
    mail = letter["mails"][0]["id"]
    desk.report(mail, "Bounce", bounce={"bounceType": "Permanent"})
    doubted = page(world, f"/reconciliation/letters/{letter['id']}", language)
    assert f"/reconciliation/letters/{letter['id']}/confirm-addressee" in doubted
    silenced = page(world, f"/reconciliation/counterparties/{card['id']}", language)
    assert f"/reconciliation/counterparties/{card['id']}/release" in silenced
    page(world, f"/reconciliation/mail-matters/{mail}", language)
    page(world, "/reconciliation/replies", language, f"period={PERIOD}")
    figures = page(world, "/reconciliation/figures", language, f"period={PERIOD}&form=bs")
    assert "120.1" in figures
    assert "reconciliation.why" not in figures
    assert "b***@deneme.example" in page(
        world, "/reconciliation/mails", language, f"period={PERIOD}"
    )


def test_a_company_sets_its_mailing_up_on_pages(world: ReconciliationWorld) -> None:
    desk = LettersDesk(world)
    refused = world.post("/reconciliation/mailing", starts_day="0", ends_day="x", version="0")
    assert refused.status == 422
    assert 'id="starts_day"' in refused.body
    form = {
        **SETTINGS,
        "forms": ["ba", "bs"],
        "basis": "form",
        "reminder_days": "5, 10",
        "answer_days": "30",
        "business_days_only": "1",
        "version": "0",
    }
    assert "done=changed" in went(world.post("/reconciliation/mailing", **form))
    stored = world.call("GET", "/mailing-settings").json()
    assert (stored["reminder_days"], stored["automatic"]) == ([5, 10], False)
    bad = world.post("/reconciliation/templates", **{**TEXT, "closing": "silence is consent"})
    assert bad.status == 422
    assert "silence is acceptance" in unescape(bad.body)
    went(world.post("/reconciliation/templates", **TEXT))
    went(world.post("/reconciliation/templates/tr-1/approve"))
    world.counterparty("120.1", emails=["bir@deneme.example"])
    desk.books("120.1")
    went(world.post("/reconciliation/mailing/run", query=f"period={PERIOD}"))
    desk.work()
    assert len(desk.post.taken) == 1
    assert "New letters" in page(world, "/reconciliation/mailing")


def test_account_cards_are_added_changed_and_removed(world: ReconciliationWorld) -> None:
    form: dict[str, Any] = {
        "code": "120.5",
        "title": "Deneme Ltd.",
        "tax_no": "1234567890",
        "emails": "a@deneme.example\nb@deneme.example",
        "language": "el",
    }
    wrong = world.post("/reconciliation/counterparties", **{**form, "tax_no": "1"})
    assert wrong.status == 422
    assert "Deneme Ltd." in wrong.body
    where = went(world.post("/reconciliation/counterparties", **form)).partition("?")[0]
    shown = page(world, where)
    assert "added on a page by staff" in shown
    known = where.rpartition("/")[2]
    went(
        world.post(
            "/reconciliation/counterparties",
            **{**form, "stored_id": known, "version": "1", "title": "Deneme A.Ş."},
        )
    )
    assert "Deneme A.Ş." in page(world, "/reconciliation/counterparties", query="q=deneme")
    went(world.post(f"/reconciliation/counterparties/{known}/remove", version="2"))
    assert "Deneme A.Ş." not in page(world, "/reconciliation/counterparties")


def test_a_person_keeps_its_masked_number(world: ReconciliationWorld) -> None:
    card = world.counterparty("120.6", tax_no=None, national_id="10000000146")
    shown = page(world, f"/reconciliation/counterparties/{card['id']}")
    assert "10000000146" not in shown
    went(
        world.post(
            "/reconciliation/counterparties",
            stored_id=card["id"],
            version="1",
            code="120.6",
            title="Ayşe Deneme",
            emails="",
            language="tr",
        )
    )
    again = world.call("GET", f"/counterparties/{card['id']}").json()
    assert (again["title"], again["national_id"]) == ("Ayşe Deneme", card["national_id"])


def test_a_value_of_the_company_counts_from_its_month_on(world: ReconciliationWorld) -> None:
    form = {"key": "babs.threshold", "since": "2026-01", "value": "7000.00", "legal_ref": "GT 999"}
    wrong = world.post("/reconciliation/parameters/add", **{**form, "value": "x"}, version="0")
    assert wrong.status == 422
    went(world.post("/reconciliation/parameters/add", **form, version="0"))
    assert "GT 999" in page(world, "/reconciliation/parameters")
    went(
        world.post(
            "/reconciliation/parameters/remove", key=form["key"], since="2026-01", version="1"
        )
    )
    assert "GT 999" not in page(world, "/reconciliation/parameters")


def test_an_import_is_checked_recorded_and_taken_back(world: ReconciliationWorld) -> None:
    from kernel.files import UploadedFile

    use = world.app.for_system("01JXQ5Z3K4M6N8P0R2S4T6V8WY", "test")
    upload = "01JXQ60A1B2C3D4E5F6G7H8J9R"
    use.files.keep_upload(upload, UploadedFile(CARDS, "text/csv", "cards.csv"))
    # Its form goes to the storage, so it carries the signed fields and no token of ours.
    form = world.page("/reconciliation/imports/new")
    assert "multipart/form-data" in form.body
    assert "amazonaws.com" in form.headers["content-security-policy"].partition("form-action")[2]
    here = f"/reconciliation/imports/uploads/{upload}"
    page(world, here)
    checked = went(world.post(here, kind="counterparties", command="check"))
    page(world, checked)
    world.work()
    shown = page(world, checked)
    assert "what recording it would do" in shown
    recorded = went(world.post(here, kind="counterparties", command="record"))
    world.work()
    assert "Take this import back" in page(world, recorded)
    assert "120.7" in page(world, "/reconciliation/counterparties")
    undone = went(world.post(f"{recorded}/undo"))
    world.work()
    page(world, undone)
    assert "120.7" not in page(world, "/reconciliation/counterparties")
    page(world, "/reconciliation/imports")


def test_a_wrong_file_comes_back_with_its_problems(world: ReconciliationWorld) -> None:
    job = world.imported("counterparties", CARDS.replace(b"1234567890", b"1234567891"))
    assert job["result"]["corrected"] is True
    shown = page(world, f"/reconciliation/imports/{job['id']}")
    assert "to correct and import again" in shown
    answer = world.page(f"/reconciliation/imports/{job['id']}/corrected")
    assert answer.headers["content-disposition"].endswith('.xlsx"')


def test_a_letter_is_taken_back_on_its_page(world: ReconciliationWorld) -> None:
    desk = LettersDesk(world)
    desk.settings()
    desk.text()
    world.counterparty("120.1", emails=["bir@deneme.example"])
    desk.books("120.1")
    desk.mailed()
    letter = desk.letters()[0]
    here = f"/reconciliation/letters/{letter['id']}"
    stale = world.post(f"{here}/withdraw", version="1")
    assert stale.status == 412
    went(world.post(f"{here}/withdraw", version=str(letter["version"])))
    assert desk.letters()[0]["status"] == "withdrawn"
    board = page(world, "/reconciliation", query=f"period={PERIOD}")
    assert "status=withdrawn" in board
    assert world.page("/reconciliation/board", query=f"period={PERIOD}").status == 200
