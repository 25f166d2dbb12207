"""Pages of payment codes say what is known, in three languages, and act by POST only (PAY-05)."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_codes.handlers import mail_events
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.page_checks import assert_sound, parse
from tests.support.payment_world import BASE, CUSTOMER, OTHER, TENANT, PaymentWorld

LANGUAGES = ("tr", "el", "en")
_KEY = re.compile(r'name="idempotency_key" value="([^"]+)"')


def _page(world: PaymentWorld, path: str, language: str = "en", **query: str) -> str:
    reader = world.principal(kind="session", language=language)
    answer = world.call("GET", path, principal=reader, query=query or None)
    assert answer.status == 200, answer.body
    assert_sound(answer.body, language)
    return answer.body


def _post(world: PaymentWorld, path: str, **form: str) -> Answer:
    reader = world.principal(kind="session", language="en")
    return world.call("POST", path, principal=reader, form=form)


def _public(path: str, **query: str) -> Answer:
    from payment_codes.handlers import show_pay_page

    return invoke(show_pay_page.handler, http_event("GET", path, query=query or None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: PaymentWorld, language: str) -> None:
    _page(world, "/payment-codes", language)
    _page(world, "/payment-codes/organisation", language)
    world.organisation()
    code = world.issue(valid_until="2026-06-30")
    world.pay(code["code"], "300.00")
    world.pay("RF86912348100000000000001", "12.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    listed = _page(world, "/payment-codes", language)
    assert code["code_grouped"] in listed
    detail = _page(world, f"/payment-codes/{code['id']}", language)
    assert "Εθνική Τράπεζα" in detail
    assert CUSTOMER["email"] not in detail
    assert "RF86912348100000000000001" in _page(world, "/payment-codes/unmatched", language)
    _page(world, "/payment-codes/new", language)
    _page(world, "/payment-codes/organisation", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_payers_page_shows_the_code_and_nothing_of_the_customer(
    world: PaymentWorld, language: str
) -> None:
    world.organisation()
    code = world.issue(description="Service 15.000 km", valid_until="2026-06-30")
    path = code["pay_url"].removeprefix("http://localhost:8000")
    answer = _public(path, lang=language)
    assert answer.status == 200
    assert_sound(answer.body, language)
    assert code["code_grouped"] in answer.body
    assert f'data-copy="{code["code"]}"' in answer.body
    assert "Service 15.000 km" in answer.body
    assert "Αυτοκίνητα Δοκιμή ΑΕ" in answer.body
    for private in (*CUSTOMER.values(), code["id"], "RO-"):
        assert private not in answer.body
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


def test_the_payers_page_is_in_the_customers_language_by_itself(world: PaymentWorld) -> None:
    world.organisation(language="el")
    greek = world.issue()["pay_url"].removeprefix("http://localhost:8000")
    turkish = world.issue(customer={**CUSTOMER, "language": "tr"})["pay_url"]
    assert '<html lang="el"' in _public(greek).body
    assert '<html lang="tr"' in _public(turkish.removeprefix("http://localhost:8000")).body


def test_wrong_links_are_one_and_the_same_answer(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    token = code["pay_url"].rpartition("/")[2]
    flipped = ("B" if token[0] == "A" else "A") + token[1:]
    bodies = set()
    for wrong in (flipped, token[:-1], "x" * 30, token + "A"):
        answer = _public(f"/pay/{wrong}")
        assert answer.status == 404
        bodies.add(answer.body.replace(wrong, "…"))  # the language links repeat the address
    assert len(bodies) == 1


def test_a_paid_or_cancelled_code_says_that_nothing_is_to_be_paid(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/cancel")
    body = _public(code["pay_url"].removeprefix("http://localhost:8000"), lang="en").body
    assert "Nothing is to be paid" in body
    assert code["code"] not in body


def test_a_person_issues_mails_refreshes_and_cancels(world: PaymentWorld) -> None:
    world.organisation()
    form = {
        "source_kind": "vehicle_order",
        "source_id": "V-1",
        "customer_id": "C-1",
        "customer_name": "Ελένη Δοκιμή",
        "customer_email": "eleni@customer.example",
        "amount": "1.250,00",
        "description": "Προκαταβολή",
        "idempotency_key": "form-1",
    }
    made = _post(world, "/payment-codes/new", **form)
    assert made.status == 303, made.body
    again = _post(world, "/payment-codes/new", **form)
    assert made.location == again.location
    path = made.location.partition("?")[0]
    world.work()
    detail = _page(world, path, done="issued")
    key = _KEY.search(detail)
    assert key is not None
    assert _post(world, f"{path}/send", idempotency_key=key[1]).location.endswith("done=mailed")
    world.work()
    assert len(world.aws.mails()) == 1
    assert "Mailed to the customer" in _page(world, path)
    assert _post(world, f"{path}/refresh").location.endswith("done=asked")
    assert _post(world, f"{path}/cancel").location.endswith("done=cancelled")
    assert _post(world, f"{path}/cancel").status == 409


def test_the_control_screen_finds_codes_as_people_write_them(world: PaymentWorld) -> None:
    world.organisation("offline")
    name = "Άγγελος Ιωάννου"
    target = world.issue(customer={"id": "C-7", "name": name})
    world.issue(customer={"id": "C-8", "name": "Şükrü Ilgın"})
    person = world.principal(kind="session", language="el")
    for query in ("ΑΓΓΕΛΟΣ", target["code_grouped"][:19], target["source"]["id"].lower(), "c-7"):
        page = world.call("GET", "/payment-codes", principal=person, query={"q": query})
        assert name in page.body, query
        assert "Şükrü" not in page.body, query
    page = world.call("GET", "/payment-codes", principal=person, query={"q": "ILGIN"})
    assert "Şükrü" in page.body
    assert name not in page.body


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_what_became_of_the_mails_stands_at_the_code(world: PaymentWorld, language: str) -> None:
    world.organisation("offline")
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    world.work()
    (mail,) = world.call("GET", f"{BASE}/{code['id']}/mails").json()["items"]
    (stored,) = [row for row in world.aws.rows("core") if row.get("kind") == "code_mail"]
    person = world.principal(kind="session", language=language)
    path = f"/payment-codes/{code['id']}"
    button = f'action="{path}/send"'
    assert button in world.call("GET", path, principal=person).body
    detail = {
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent"},
        "mail": {
            "messageId": stored["provider_id"],
            "tags": {"kopru-tenant": [TENANT], "kopru-code-mail": [mail["id"]]},
        },
    }
    event = {"detail-type": "Email Bounced", "source": "aws.ses", "detail": detail}
    assert mail_events.handler(queue_event(event), LambdaContext()) == {"batchItemFailures": []}
    page = world.call("GET", path, principal=person).body
    told = {"tr": "geri döndü", "el": "επιστράφηκε", "en": "came back"}[language]
    assert told in page
    assert button not in page  # nothing more goes to this address
    assert CUSTOMER["email"] not in page


def test_a_refused_form_comes_back_as_it_was_typed(world: PaymentWorld) -> None:
    world.organisation()
    answer = _post(
        world,
        "/payment-codes/new",
        source_kind="repair_order",
        source_id="RO-5",
        customer_id="C-1",
        customer_name="",
        amount="abc",
        valid_until="2020-01-01",
        idempotency_key="form-2",
    )
    assert answer.status == 422
    assert_sound(answer.body, "en")
    assert 'value="RO-5"' in answer.body
    (told,) = parse(answer.body).xpath("//*[@id='customer_name-error']")
    assert told.text_content().strip() == "This field is required."
    assert 'id="amount-error"' in answer.body


def test_the_organisation_is_entered_and_its_key_never_shown(world: PaymentWorld) -> None:
    form = {
        "org_code": "91234",
        "provider": "dias",
        "payee": "Αυτοκίνητα Δοκιμή ΑΕ",
        "language": "el",
        "zone": "Europe/Athens",
        "branch": "01",
        "tolerance": "0,05",
        "valid_days": "30",
        "automatic_repair_order": "1",
        "api_key": "kanarya-dias-key",
    }
    wrong = _post(world, "/payment-codes/organisation", **{**form, "org_code": "12345"})
    assert wrong.status == 422
    assert 'id="org_code-error"' in wrong.body
    assert "kanarya-dias-key" not in wrong.body
    assert _post(world, "/payment-codes/organisation", **form).status == 303
    shown = world.call("GET", f"{BASE}/organisation").json()
    assert (shown["tolerance"]["amount"], shown["valid_days"]) == ("0.05", 30)
    assert shown["automatic"] == {
        "repair_order": True,
        "counter_invoice": False,
        "bill_batch": False,
    }
    assert shown["api_key_configured"] is True
    assert "kanarya-dias-key" not in _page(world, "/payment-codes/organisation")
    reader = world.principal(kind="session", language="en")
    secret = world.call(
        "POST",
        "/payment-codes/organisation/notification-secret",
        principal=reader,
        form={},
        shows="the new secret",
    )
    assert "whsec_" in secret.body
    assert "whsec_" not in _page(world, "/payment-codes/organisation")


def test_the_bench_books_under_a_typed_code(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.pay("RF86912348100000000000001", "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    (waiting,) = world.unmatched()
    path = f"/payment-codes/unmatched/{waiting['id']}"
    assert _post(world, f"{path}/assign", code="RF00").status == 422
    assert _post(world, f"{path}/return", note="").status == 422
    done = _post(world, f"{path}/assign", code=code["code_grouped"].lower())
    assert done.location.endswith("done=assigned")
    assert world.code(code["id"])["status"] == "paid"


def test_pages_need_their_right_and_their_company(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    viewer = world.principal(kind="session", role="viewer", language="en")
    assert world.call("GET", f"/payment-codes/{code['id']}", principal=viewer).status == 200
    assert world.call("GET", "/payment-codes/new", principal=viewer).status == 403
    cancel = world.call("POST", f"/payment-codes/{code['id']}/cancel", principal=viewer, form={})
    assert cancel.status == 403
    payroll = world.principal(kind="session", role="payroll", language="en")
    assert world.call("GET", "/payment-codes", principal=payroll).status == 403
    stranger = world.principal(OTHER, kind="session", language="en")
    assert world.call("GET", f"/payment-codes/{code['id']}", principal=stranger).status == 404


def test_who_never_named_a_time_zone_reads_the_hours_of_athens(world: PaymentWorld) -> None:
    world.clock.advance(timedelta(days=200))  # December: Athens and Istanbul are an hour apart
    world.organisation()
    code = world.issue()
    reader = replace(world.principal(kind="session", language="en"), zone="")
    page = world.call("GET", f"/payment-codes/{code['id']}", principal=reader).body
    assert "11:00" in page
    assert "12:00" not in page
