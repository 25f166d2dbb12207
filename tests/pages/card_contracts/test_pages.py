"""Pages of card contracts: sound in three languages, a live example, precise forms."""

import re
from html import unescape

import pytest

from tests.support.cards_world import BASE, CardsWorld
from tests.support.events import Answer
from tests.support.page_checks import assert_sound, parse

LANGUAGES = ("tr", "el", "en")
FORM = {
    "code": "AXESS-26",
    "description": "Axess",
    "card_code": "AXESS",
    "bank_account_code": "102.01.001",
    "starts_on": "2026-01-01",
    "ends_on": "2026-12-31",
    "calendar": "TR",
    "business_day_rule": "following",
    "remainder_on": "first",
    "currency": "",
    "locked": "false",
    "terms-0-from": "1",
    "terms-0-to": "12",
    "terms-0-collection": "deferred",
    "terms-0-skip_months": "0",
    "terms-0-blockage-kind": "added_days",
    "terms-0-blockage-value": "30",
    "terms-0-blockage-on_day": "next_month",
    "terms-0-maturity-kind": "monthly",
    "terms-0-maturity-value": "",
    "terms-0-deductions-0-sequence": "1",
    "terms-0-deductions-0-code": "COMMISSION",
    "terms-0-deductions-0-kind": "rate",
    "terms-0-deductions-0-value": "2,40",
    "terms-0-deductions-0-timing": "per_instalment",
    "terms-0-deductions-0-basis": "gross",
    "terms-0-deductions-1-sequence": "2",
    "terms-0-deductions-1-code": "",
}


def page(world: CardsWorld, path: str, language: str = "en", query: str = "") -> str:
    reader = world.principal(kind="session", language=language)
    answer = world.call("GET", path, principal=reader, query=query)
    assert answer.status == 200, answer.body
    assert_sound(answer.body, language)
    return unescape(answer.body)


def post(world: CardsWorld, path: str, **form: str) -> Answer:
    reader = world.principal(kind="session", language="en")
    return world.call("POST", path, principal=reader, form=form)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: CardsWorld, language: str) -> None:
    page(world, "/card-contracts", language)
    page(world, "/card-contracts/new", language)
    page(world, "/card-contracts/receivables", language)
    page(world, "/card-contracts/cash", language)
    page(world, "/card-contracts/lists", language)
    page(world, "/card-contracts/settings", language)
    page(world, "/card-contracts/sale-events", language)
    world.contract()
    world.sale()
    assert "AXESS-26" in page(world, "/card-contracts", language)
    page(world, "/card-contracts/contracts/AXESS-26", language)
    query = "contract_code=AXESS-26&amount=1.000,00&instalments=3&sold_on=2026-04-28"
    plan = page(world, "/card-contracts/plan", language, query)
    assert plan.count("hub-why") == 3
    assert "card_contracts.why" not in plan
    listed = page(world, "/card-contracts/receivables", language)
    assert "card_contracts.why" not in listed
    assert listed.count("FTR-1") == 6
    cash = page(world, "/card-contracts/cash", language)
    assert "<svg" in cash
    assert "<table" in cash


def test_a_contract_is_registered_and_revised_from_the_form(world: CardsWorld) -> None:
    answer = post(world, "/card-contracts/contracts", **FORM)
    assert answer.location == "/card-contracts/contracts/AXESS-26?done=registered"
    stored = world.call("GET", f"{BASE}/AXESS-26").json()
    assert stored["terms"][0]["deductions"][0]["value"] == "2.40"
    assert stored["terms"][0]["blockage"]["value"] == 30
    changed = {
        **FORM,
        "stored_code": "AXESS-26",
        "version": "1",
        "effective_from": "2026-05-01",
        "terms-0-deductions-0-value": "3",
    }
    assert post(world, "/card-contracts/contracts", **changed).location.endswith("done=revised")
    shown = page(world, "/card-contracts/contracts/AXESS-26")
    assert "Revision 2" in shown
    stale = post(world, "/card-contracts/contracts", **changed)
    assert stale.status == 412


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(world: CardsWorld) -> None:
    wrong = {
        **FORM,
        "card_code": "",
        "remainder_on": "",
        "terms-0-to": "x",
        "terms-0-deductions-0-value": "a lot",
    }
    answer = post(world, "/card-contracts/contracts", **wrong)
    assert answer.status == 422
    assert_sound(answer.body, "en")
    assert 'id="remainder_on-error"' in answer.body
    (told,) = parse(answer.body).xpath("//*[@id='card_code-error']")
    assert told.text_content().strip() == "This is required."
    assert 'id="terms-0-to-error"' in answer.body
    assert 'value="a lot"' in answer.body
    rules = {**FORM, "terms-0-maturity-kind": "dynamic", "terms-0-deductions-0-value": "a lot"}
    answer = post(world, "/card-contracts/contracts", **rules)
    assert 'id="terms-0-maturity-strategy-error"' in answer.body
    assert 'id="terms-0-deductions-0-value-error"' in answer.body
    assert world.call("GET", BASE).json()["items"] == []


def test_ranges_are_added_without_losing_the_form(world: CardsWorld) -> None:
    answer = post(world, "/card-contracts/contracts", command="add-term", **FORM)
    assert answer.status == 200
    assert 'name="terms-1-from"' in answer.body
    assert 'value="COMMISSION"' in answer.body


def test_the_example_follows_the_typing_and_marks_gaps_and_overlaps(world: CardsWorld) -> None:
    example = {"example-amount": "1.000,00", "example-instalments": "3"}
    answer = post(
        world, "/card-contracts/example", **FORM, **example, **{"example-sold_on": "2026-04-28"}
    )
    assert answer.status == 200
    body = unescape(answer.body)
    assert "<html" not in body
    assert re.findall(r"<th scope=\"row\" class=\"hub-number\">([^<]+)<", body) == [
        "1 Jun 2026",
        "29 Jun 2026",
        "28 Jul 2026",
    ]
    assert body.count("hub-chart-ok") == 12
    overlap = {
        "terms-1-from": "11",
        "terms-1-to": "14",
        "terms-1-collection": "single",
        "terms-0-from": "2",
    }
    answer = post(world, "/card-contracts/example", **{**FORM, **overlap})
    assert answer.body.count("hub-chart-error") == 3
    assert "In two ranges: 11–12" in unescape(answer.body)
    assert "In no range: 1<" in unescape(answer.body)
    assert world.call("GET", BASE).json()["items"] == []


def test_bands_are_typed_in_one_line(world: CardsWorld) -> None:
    bands = {
        "terms-0-maturity-kind": "dynamic",
        "terms-0-maturity-strategy": "bands",
        "terms-0-maturity-bands": "1-15:20+0, 16-31:5+1",
    }
    assert post(world, "/card-contracts/contracts", **{**FORM, **bands}).status == 303
    stored = world.call("GET", f"{BASE}/AXESS-26").json()["terms"][0]["maturity"]
    assert stored["bands"][1] == {
        "from_day": 16,
        "to_day": 31,
        "pay_day": 5,
        "month_offset": 1,
    }
    assert "1-15:20+0, 16-31:5+1" in page(world, "/card-contracts/contracts/AXESS-26")


def test_a_contract_is_locked_and_opened_by_a_form(world: CardsWorld) -> None:
    world.contract()
    path = "/card-contracts/contracts/AXESS-26/lock"
    assert post(world, path, locked="true").location.endswith("done=locked")
    assert world.call("GET", f"{BASE}/AXESS-26").json()["locked"] is True
    assert post(world, path, locked="false").location.endswith("done=opened")


def test_a_code_of_turkish_letters_has_a_page(world: CardsWorld) -> None:
    world.contract("GÖK-1")
    for code in ("GÖK-1", "G%C3%96K-1"):
        assert "GÖK-1" in page(world, f"/card-contracts/contracts/{code}", "tr")
        assert world.call("GET", f"{BASE}/{code}").status == 200


def test_the_secret_address_is_shown_once(world: CardsWorld) -> None:
    reader = world.principal(kind="session", language="en")
    answer = world.call(
        "POST", "/card-contracts/cash/feed", principal=reader, form={}, shows="the address"
    )
    found = re.search(r"http://localhost:8000(/cash-calendar/[^\"<]+)", answer.body)
    assert found is not None
    assert world.feed(found[1].rpartition("/")[2]).status == 200
    assert found[1] not in page(world, "/card-contracts/cash")


def test_plans_compare_contracts_and_say_why_not(world: CardsWorld) -> None:
    world.contract()
    world.contract("SHORT", card_code="BONUS", starts_on="2026-05-01")
    query = "amount=1.000,00&instalments=3&sold_on=2026-04-28"
    shown = page(world, "/card-contracts/plan", query=query)
    assert "AXESS-26" in shown
    assert "SHORT" in shown
    reader = world.principal(kind="session", language="en")
    wrong = world.call(
        "GET", "/card-contracts/plan", principal=reader, query="amount=abc&instalments=3"
    )
    assert wrong.status == 422
    assert 'id="amount-error"' in wrong.body


def test_a_reader_without_the_right_sees_no_button(world: CardsWorld) -> None:
    world.contract()
    viewer = world.principal(role="viewer", kind="session", language="en")
    shown = world.call("GET", "/card-contracts/contracts/AXESS-26", principal=viewer)
    assert shown.status == 200
    assert "Save a new revision" not in shown.body
    assert world.call("GET", "/card-contracts/new", principal=viewer).status == 403


def test_lists_are_kept_on_their_page(world: CardsWorld) -> None:
    path = "/card-contracts/lists"
    card = {"list": "cards", "code": "AXESS", "name": "Axess", "kind": "credit", "issuer": "own"}
    assert post(world, f"{path}/add", **card).location == f"{path}?done=added"
    again = post(world, f"{path}/add", **card)
    assert again.status == 409
    assert_sound(again.body, "en")
    account = {"list": "bank-accounts", "code": "108", "name": "Kart", "kind": "card"}
    refused = post(world, f"{path}/add", **account)
    assert refused.status == 422
    assert 'id="bank-accounts-linked_account_code-error"' in refused.body
    deposit = {**account, "code": "102", "name": "Vadesiz", "kind": "deposit"}
    assert post(world, f"{path}/add", **deposit).status == 303
    assert post(world, f"{path}/add", **account, linked_account_code="102").status == 303
    tax = {"list": "deductions", "code": "BSMV", "name": "BSMV", "type": "tax"}
    assert post(world, f"{path}/add", **tax).status == 303
    shown = page(world, path)
    for code in ("AXESS", "108", "102", "BSMV"):
        assert code in shown
    change = page(world, path, query="list=cards&code=AXESS")
    assert 'name="version" value="1"' in change
    renamed = {**card, "name": "Axess Gold", "version": "1"}
    assert post(world, f"{path}/add", **renamed).location == f"{path}?done=changed"
    assert "Axess Gold" in page(world, path)
    assert post(world, f"{path}/add", **renamed).status == 412
    assert post(world, f"{path}/remove", list="cards", code="AXESS").status == 303
    assert "AXESS" not in page(world, path)
    assert post(world, f"{path}/remove", list="cards", code="NONE").status == 404


def test_a_decree_is_entered_and_taken_back_on_the_page(world: CardsWorld) -> None:
    path = "/card-contracts/lists/days"
    day = {"calendar": "TR", "day": "2026-07-28", "kind": "holiday"}
    refused = post(world, path, **day)
    assert refused.status == 422
    assert_sound(refused.body, "en")
    named = {**day, "name": "İdari izin", "source": "RG 01.07.2026"}
    assert post(world, path, **named).status == 303
    world.contract()
    assert world.sale()["receivables"][-1]["date"] == "2026-07-29"
    shown = page(world, "/card-contracts/lists")
    assert "İdari izin" in shown
    assert post(world, path, command="restore", **day).status == 303
    assert world.sale("FTR-2")["receivables"][-1]["date"] == "2026-07-28"


def test_an_iban_stays_when_its_account_is_changed_without_it(world: CardsWorld) -> None:
    path = "/card-contracts/lists/add"
    account = {"list": "bank-accounts", "code": "102", "name": "Vadesiz", "kind": "deposit"}
    assert post(world, path, **account, iban="TR330006100519786457841326").status == 303
    assert post(world, path, **{**account, "name": "Ana"}, version="1").status == 303
    stored = world.call("GET", f"{BASE}/bank-accounts/102").json()
    assert (stored["name"], stored["iban"]) == ("Ana", "TR33…1326")


def test_a_contract_is_removed_by_a_form_and_its_revisions_are_listed(world: CardsWorld) -> None:
    world.contract()
    here = "/card-contracts/contracts/AXESS-26"
    assert 'id="revision-list"' in page(world, here)
    assert post(world, f"{here}/remove", version="7").status == 412
    assert post(world, f"{here}/remove", version="1").status == 303
    assert "AXESS-26" not in page(world, "/card-contracts")


def test_settings_are_typed_and_kept(world: CardsWorld) -> None:
    path = "/card-contracts/settings"
    form = {
        "version": "0",
        "matching-rounding": "0,10",
        "matching-tolerance": "2,50",
        "matching-late_days": "9",
        "matching-early_days": "45",
        "matching-joined_days": "4",
        "drift-points": "0,10",
        "drift-least": "5,00",
    }
    legal = {
        "legal-valid_from": "2026-06-01",
        "legal-reference_rate": "3,50",
        "legal-credit_margin": "0,45",
        "legal-debit_fee": "1,10",
        "legal-credit_days": "40",
        "legal-debit_days": "15",
        "legal-source": "TCMB, RG 01.06.2026",
    }
    wrong = {**form, **legal, "matching-late_days": "x", "legal-credit_days": "999"}
    refused = post(world, path, **wrong)
    assert refused.status == 422
    assert 'id="matching-late_days-error"' in refused.body
    assert_sound(refused.body, "en")
    wrong["matching-late_days"] = "9"
    assert 'id="legal-credit_days-error"' in post(world, path, **wrong).body
    assert post(world, path, **form, **legal).location == f"{path}?done=settings"
    stored = world.call("GET", f"{BASE}/settings").json()
    assert stored["matching"] | {"early_days": 45} == {
        "late_days": 9,
        "early_days": 45,
        "joined_days": 4,
        "rounding": 10,
        "tolerance": "2.50",
    }
    assert [row["source"] for row in stored["legal_limits"]] == ["TCMB, RG 01.06.2026"]
    shown = page(world, path)
    assert "Settings changed" in shown
    assert "you" in shown
    assert post(world, path, **form).status == 412
    removed = post(world, path, **{**form, "version": "1"}, **{"remove-0": "1"})
    assert removed.status == 303
    assert world.call("GET", f"{BASE}/settings").json()["legal_limits"] == []


def test_the_secret_of_events_is_shown_once_and_refused_events_have_a_page(
    world: CardsWorld,
) -> None:
    key = world.event_key()
    assert world.deliver(world.signed(key, {"kind": "sale.closed"}))
    path = "/card-contracts/sale-events"
    shown = page(world, path)
    (action,) = re.findall(r'action="(/card-contracts/sale-events/[^"]+/retry)"', shown)
    retried = post(world, action)
    assert retried.status == 422
    assert_sound(retried.body, "en")
    dismiss = action.replace("/retry", "/dismiss")
    assert post(world, dismiss, note="").status == 422
    assert post(world, dismiss, note="wrong export").location == f"{path}?done=event_dismissed"
    assert "Nothing was refused" in page(world, path)
