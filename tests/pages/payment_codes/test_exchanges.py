"""Pages of what the payment network was sent and answered, and of why a payment was booked so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.events import Answer
from tests.support.page_checks import assert_sound
from tests.support.payment_world import BASE, PaymentWorld

LANGUAGES = ("tr", "el", "en")
PAYER = "Μαρία Δοκιμαστική"


def _ask(world: PaymentWorld, path: str, language: str = "en", role: str = "owner") -> Answer:
    reader = world.principal(kind="session", language=language, role=role)
    return world.call("GET", path, principal=reader)


def _page(world: PaymentWorld, path: str, language: str = "en") -> str:
    answer = _ask(world, path, language)
    assert answer.status == 200, answer.body
    assert_sound(answer.body, language)
    return answer.body


@pytest.fixture
def paid(world: PaymentWorld) -> str:
    """A code under which too little was paid, by somebody with a name."""
    world.organisation()
    code = world.issue()
    world.pay(code["code"], "300.00", payer=PAYER)
    world.clock.advance(timedelta(seconds=61))
    world.minute()
    return str(code["id"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_said_of_a_code_is_shown_masked(
    world: PaymentWorld, paid: str, language: str
) -> None:
    here = f"/payment-codes/{paid}/exchanges"
    assert f'href="{here}"' in _page(world, f"/payment-codes/{paid}", language)
    body = _page(world, here, language)
    assert "POST /v1/requests" in body
    assert "HTTP 201" in body
    assert PAYER not in body
    assert _ask(world, here, role="payroll").status == 403


def test_looking_in_clear_is_an_act_of_the_history(world: PaymentWorld, paid: str) -> None:
    here = f"/payment-codes/{paid}/exchanges"
    reader = world.principal(kind="session", language="en")

    def post(**form: str) -> Answer:
        return world.call("POST", f"{here}/reveal", principal=reader, form=form)

    assert post().status == 422
    clear = post(reason="dispute")
    assert clear.status == 200
    assert PAYER in clear.body
    assert PAYER not in _page(world, here)
    assert "was shown in clear" in _page(world, f"/payment-codes/{paid}")
    assert f"{here}/reveal" not in _ask(world, here, role="viewer").body
    reader = replace(reader, proved_at="2020-01-01T00:00:00+00:00")
    asked = post(reason="dispute")
    assert asked.status == 303, "a fresh proof is asked for first"


@pytest.mark.parametrize("language", LANGUAGES)
def test_odd_answers_about_all_codes_have_a_page(world: PaymentWorld, language: str) -> None:
    world.organisation()
    here = "/payment-codes/organisation/exchanges"
    assert f'href="{here}"' in _page(world, "/payment-codes/organisation", language)
    assert "<pre" not in _page(world, here, language)
    world.network.queue({"kind": "wrong_key", "operation": "recent"})
    world.clock.advance(timedelta(seconds=61))
    world.minute()
    body = _page(world, here, language)
    assert "HTTP 401" in body
    assert "/reveal" not in body


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("tr", "950,00"),
        ("el", "950,00"),
        ("en", "950.00\xa0€ too little."),
    ],
)
def test_a_payment_says_why_it_was_booked_so(
    world: PaymentWorld, paid: str, language: str, said: str
) -> None:
    (payment,) = world.call("GET", f"{BASE}/{paid}/payments").json()["items"]
    here = f"/payment-codes/payments/{payment['id']}"
    assert f'href="{here}"' in _page(world, f"/payment-codes/{paid}", language)
    body = _page(world, here, language)
    assert said in body.partition('id="why"')[2]
    assert f"/payment-codes/{paid}/exchanges" in body
