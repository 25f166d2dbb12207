"""The portal of counterparties: what they see, what they answer, and what they never see."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciliation.domain.answer import AnswerState, Channel, Said
from reconciliation.domain.letter import Letter, LetterState, renewed
from reconciliation.domain.visit import Visitor
from tests.support.letters_world import LettersDesk
from tests.support.reconciliation_builders import VKN, api_entry, ubl
from tests.support.reconciliation_world import TENANT, Browser, ReconciliationWorld


def _fields(page: str) -> dict[str, str]:
    """Hidden fields of the form of an answer."""
    form = page[page.index('id="answer"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def _letter(world: ReconciliationWorld, letter: Letter) -> Letter:
    return world.app.for_system(TENANT, "test").store.letter(letter.id)


def _answer(browser: Browser, page: str, said: str, **more: str) -> Any:
    fields = _fields(browser.get(page).body)
    path = page if page.startswith("http") else f"{page}/answer"
    return browser.ask("POST", path, {**fields, "name": "Deniz Deneme", "said": said, **more})


@pytest.fixture
def card(world: ReconciliationWorld) -> str:
    """One account card with its access."""
    made = str(world.counterparty()["id"])
    world.work_portal()
    return made


# ------------------------------------------------------------------ reading


def test_the_account_shows_balance_and_open_invoices(world: ReconciliationWorld, card: str) -> None:
    world.record(
        api_entry("S-1", "1000.00", direction="sales", document_date="2026-05-05"),
        api_entry("P-1", "400.00", direction="sales", kind="payment", document_date="2026-05-20"),
    )
    page = world.enter(card).get("/portal?lang=en").body
    assert "600.00" in page
    assert "S-1" in page
    assert "P-1" not in page


def test_a_statement_can_be_read_and_taken_along(world: ReconciliationWorld, card: str) -> None:
    world.record(api_entry("S-1", "1000.00", direction="sales", document_date="2026-02-05"))
    browser = world.enter(card)
    page = browser.get("/portal/statement?first=2026-02-01&last=2026-02-28&lang=en")
    assert "S-1" in page.body
    days = "first=2026-02-01&last=2026-02-28"
    for kind, start in (("xlsx", "PK"), ("pdf", "%PDF-")):
        file = browser.get(f"/portal/statement/file?{days}&format={kind}")
        assert file.status == 200
        assert file.body.startswith(start)
    wrong = browser.get("/portal/statement?first=2026-02-30&last=x&lang=en")
    assert wrong.status == 422
    assert wrong.body.count("error-list") == 1


def test_e_invoices_are_shown_as_a_neutral_view(world: ReconciliationWorld, card: str) -> None:
    invoice = world.invoice(ubl(supplier_name="<b>Deneme</b> A.Ş.".replace("<", "&lt;"))).json()
    browser = world.enter(card)
    listed = browser.get("/portal/e-invoices").body
    assert "ABC2026000000123" in listed
    page = browser.get(f"/portal/e-invoices/{invoice['id']}").body
    assert "&lt;b&gt;Deneme" in page
    assert "<b>Deneme" not in page


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_every_page_speaks_the_readers_language(
    world: ReconciliationWorld, card: str, language: str
) -> None:
    from tests.support.page_checks import assert_sound, findings

    world.record(api_entry("S-1", "1000.00", direction="sales", document_date="2026-02-05"))
    letter = world.letter(card)
    browser = world.enter(card)
    paths = ["/portal", "/portal/statement", "/portal/e-invoices", "/portal/months"]
    paths += [f"/portal/months/{letter.id}", world.letter_link(letter)]
    for path in paths:
        page = browser.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert page.status == 200
        assert_sound(page.body, language)
    assert browser.cookies["kopru_language-8000"] == language
    nobody = Browser(cookies={"kopru_language-8000": language})
    for path in ("/portal/sign-in", "/portal/invitations/x", "/r/x"):
        # Before there is a session, a form has nothing its token could belong to.
        found = findings(nobody.get(path).body, language)
        assert [one for one in found if not one.startswith("form that posts without")] == []


def test_one_counterparty_sees_nothing_of_another(world: ReconciliationWorld, card: str) -> None:
    """Two account cards of one company: neither account, invoices, letters nor links cross."""
    other = world.counterparty("120.2", tax_no="4540536920", title="Baska Ltd. Sti.")["id"]
    world.record(
        api_entry("OURS-1", direction="sales"),
        api_entry("THEIRS-1", direction="sales", counterparty_code="120.2"),
    )
    invoice = world.invoice(ubl()).json()
    assert invoice["counterparty_ids"] == [card], VKN
    letter = world.letter(card)
    browser = world.enter(other)
    statement = browser.get("/portal/statement?first=2026-01-01&last=2026-01-31").body
    assert "THEIRS-1" in statement
    assert "OURS-1" not in statement
    assert invoice["number"] not in browser.get("/portal/e-invoices").body
    missing = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
    for path in ("/portal/e-invoices/{}", "/portal/months/{}"):
        known = browser.get(path.format(invoice["id"] if "invoices" in path else letter.id))
        unknown = browser.get(path.format(missing))
        assert (known.status, unknown.status) == (404, 404)
    refused = browser.post(f"/portal/months/{letter.id}/answer", said="agreed", name="X Y")
    assert refused.status == 404
    assert _letter(world, letter).reply is None


# ------------------------------------------------------------------ answering


def test_a_letter_is_answered_by_its_link_without_an_account(
    world: ReconciliationWorld, card: str
) -> None:
    letter = world.letter(card)
    browser = Browser()
    link = world.letter_link(letter)
    done = _answer(browser, link, "disagreed", their_count="5", their_total="11.500,00", note="?")
    assert done.location.endswith("?answered=disagreed")
    assert _letter(world, letter).state is LetterState.DRAFT, "taken over by the worker"
    world.work_portal()
    after = _letter(world, letter)
    assert after.state is LetterState.DISAGREED
    assert after.reply is not None
    assert (after.reply.their_count, after.reply.channel) == (5, "link")
    (kept,) = world.app.for_system(TENANT, "test").store.answers_of(letter.id)
    assert (kept.source.ip, kept.state) == ("203.0.113.7", AnswerState.TAKEN)
    assert "Mozilla" in kept.source.agent


def test_machines_open_the_letter_and_answer_nothing(world: ReconciliationWorld, card: str) -> None:
    letter = world.letter(card)
    link = world.letter_link(letter)
    for _ in range(100):
        assert Browser(agent="Barracuda Sentinel", language="").get(link).status == 200
    world.work_portal()
    assert _letter(world, letter).state is LetterState.DRAFT
    use = world.app.for_system(TENANT, "test")
    assert [one.visitor for one in use.access.visits(f"letter:{letter.id}")] == [Visitor.MACHINE]
    assert _answer(Browser(), link, "agreed").status == 303


def test_the_latest_answer_counts_while_the_month_is_open_and_all_stay(
    world: ReconciliationWorld, card: str
) -> None:
    letter = world.letter(card)
    browser = world.enter(card)
    page = f"/portal/months/{letter.id}"

    def post(said: str) -> Any:
        fields = _fields(browser.get(page).body)
        return browser.ask("POST", f"{page}/answer", {**fields, "name": "Ali Er", "said": said})

    for said in ("disagreed", "agreed"):
        assert post(said).status == 303
        world.work_portal()
        world.clock.advance(timedelta(minutes=1))
    after = _letter(world, letter)
    assert after.state is LetterState.AGREED
    assert [one.outcome.value for one in after.replies] == ["disagreed", "agreed"]
    shown = browser.get(f"{page}?lang=en").body
    assert shown.index("Agreed") < shown.rindex("Not agreed")
    use = world.app.for_system(TENANT, "test")
    unit = use.store.unit()
    from reconciliation.domain.letter import closed_as

    unit.save_letter(after, closed_as(after, LetterState.EXPIRED), "letter.expired")
    unit.commit()
    fields = {**_fields(shown), "name": "Ali Er", "said": "disagreed"}
    late = browser.ask("POST", f"{page}/answer", fields)
    assert late.status == 409
    assert len(_letter(world, letter).replies) == 2


def test_a_form_sent_twice_is_one_answer(world: ReconciliationWorld, card: str) -> None:
    letter = world.letter(card)
    link = world.letter_link(letter)
    browser = Browser()
    fields = {**_fields(browser.get(link).body), "name": "Ali Er", "said": "agreed"}
    assert [browser.ask("POST", link, fields).status for _ in range(2)] == [303, 303]
    orders = world.aws.messages("reconciliation-portal")
    world.work_portal([*orders, *orders])
    assert len(_letter(world, letter).replies) == 1


def test_figures_that_changed_meanwhile_are_not_agreed_to(
    world: ReconciliationWorld, card: str
) -> None:
    """L9: refused on the page when it is known, and by the worker when it comes in between."""
    letter = world.letter(card)
    link = world.letter_link(letter)
    browser = Browser()
    page = browser.get(link).body
    given = {**_fields(page), "name": "Ali Er", "said": "agreed"}
    assert browser.ask("POST", link, given).status == 303
    use = world.app.for_system(TENANT, "test")
    unit = use.store.unit()
    unit.save_letter(letter, renewed(letter, letter.edition), "letter.renewed")
    unit.commit()
    world.work_portal()
    after = _letter(world, letter)
    assert (after.replies, after.state) == ((), LetterState.DRAFT)
    (kept,) = use.store.answers_of(letter.id)
    assert (kept.state, kept.reason) == (AnswerState.REFUSED, "letter_outdated")
    again = {**_fields(page), "answer_id": world.app.platform.ids.new()}
    refused = browser.ask("POST", link, {**again, "name": "Ali Er", "said": "agreed"})
    assert refused.status == 409
    assert 'name="edition" value="2"' in refused.body


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    world: ReconciliationWorld, card: str
) -> None:
    letter = world.letter(card)
    answer = _answer(
        Browser(language="en"),
        world.letter_link(letter),
        "disagreed",
        name="",
        their_count="x",
        their_total="1.234",
        note="typed text",
    )
    assert answer.status == 422
    assert "typed text" in answer.body
    assert 'href="#their_count"' in answer.body
    assert 'href="#their_total"' in answer.body
    assert world.aws.messages("reconciliation-portal") == []


def test_links_are_limited_end_and_die_with_the_access(
    world: ReconciliationWorld, card: str
) -> None:
    letter = world.letter(card)
    link = world.letter_link(letter)
    browser = Browser()
    assert [_answer(browser, link, "later").status for _ in range(11)][-1] == 429
    world.clock.advance(timedelta(days=91))
    assert browser.get(link).status == 404
    fresh = world.letter(card, "2026-05")
    link = world.letter_link(fresh)
    assert browser.get(link).status == 200
    world.app.for_system(TENANT, "test").revoke_access()(card)
    assert browser.get(link).status == 404


def test_not_my_company_and_later_change_no_letter(world: ReconciliationWorld, card: str) -> None:
    letter = world.letter(card)
    link = world.letter_link(letter)
    for said in ("not_mine", "later"):
        assert _answer(Browser(), link, said, name="").status == 303
    world.work_portal()
    assert _letter(world, letter).replies == ()
    kept = world.app.for_system(TENANT, "test").store.answers_of(letter.id)
    assert [one.fields.said for one in kept] == [Said.NOT_MINE, Said.LATER]
    assert {one.source.channel for one in kept} == {Channel.LINK}


def test_a_page_by_link_shows_nothing_of_the_account_behind_it(
    world: ReconciliationWorld, card: str
) -> None:
    letter = world.letter(card)
    world.enter(card)
    page = Browser().get(world.letter_link(letter))
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "/portal/statement" not in page.body
    for path in ("/portal", "/portal/months", "/portal/e-invoices"):
        assert Browser().get(path).location == "/portal/sign-in"


def test_the_letter_behind_a_link_can_be_taken_along(world: ReconciliationWorld, card: str) -> None:
    """PDF and Excel without an account: of this letter only, limited, and nothing changes."""
    LettersDesk(world).text()
    letter = world.letter(card)
    link = world.letter_link(letter)
    browser = Browser(language="en")
    page = browser.get(link).body
    before = _letter(world, letter)
    for kind, start in (("pdf", "%PDF-"), ("xlsx", "PK")):
        assert f"{urlsplit(link).path}/letter.{kind}" in page
        file = browser.get(f"{link}/letter.{kind}")
        assert (file.status, file.body[: len(start)]) == (200, start)
        assert file.headers["content-disposition"].startswith("attachment")
        assert file.headers["x-content-type-options"] == "nosniff"
        assert file.headers["referrer-policy"] == "no-referrer"
        assert browser.get(f"{link[:-1]}/letter.{kind}").status == 404
    for _ in range(58):
        assert browser.get(f"{link}/letter.xlsx").status == 200
    assert browser.get(f"{link}/letter.xlsx").status == 429
    world.clock.advance(timedelta(hours=1, minutes=1))
    assert browser.get(f"{link}/letter.pdf").status == 200
    assert _letter(world, letter) == before
    assert world.aws.messages("reconciliation-portal") == []


def test_staff_notes_what_was_said_by_telephone(world: ReconciliationWorld, card: str) -> None:
    letter = world.letter(card)
    said = {"outcome": "disagreed", "name": "Ali Er", "their_count": 5}
    said["their_total"] = {"amount": "11500.50", "currency": "TRY"}
    answer = world.call("POST", f"/letters/{letter.id}/replies", said)
    assert answer.status == 201, answer.body
    assert answer.json()["finding"] == "e_documents_counted"
    assert answer.json()["why"]
    assert _letter(world, letter).state is LetterState.DISAGREED
    wrong = {"outcome": "maybe", "their_count": -1}
    refused = world.call("POST", f"/letters/{letter.id}/replies", wrong)
    pointers = {problem["pointer"] for problem in refused.json()["errors"]}
    assert (refused.status, pointers) == (422, {"/outcome", "/their_count", "/name"})
    old = world.call("POST", f"/letters/{letter.id}/replies", {**said, "edition": 7})
    assert (old.status, old.json()["code"]) == (409, "letter_outdated")
    listed = world.call("GET", "/replies", query="period=2026-01").json()["items"]
    assert [one["channel"] for one in listed] == ["staff"]
    shown = world.call("GET", f"/replies/{listed[0]['id']}").json()
    assert (shown["finding"], shown["why"]) == (
        "e_documents_counted",
        answer.json()["why"],
    ), "its timeline leads here"
