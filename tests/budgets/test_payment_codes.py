"""What the rarer acts of payment codes cost, committed in ``payment_codes.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.sensitive import Secret
from tests.budgets.counts import payments
from tests.budgets.day import Day
from tests.integration.payment_codes.test_mail import Mailer
from tests.support.events import http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE, TENANT, PaymentWorld
from tests.support.scanner import SCANNER
from toolkit.http.webhook_signature import headers, key_of

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("payment_codes.json")
DAY: Final = Day(FILE)
REFUSED: Final = f"{BASE}/document-events/refused"
BATCHES: Final = f"{BASE}/batches"
SLICES: Final = (2, 4, 8)


def test_the_counts_of_a_day_are_the_committed_ones() -> None:
    with payments() as world:
        keys(world)
        codes(world)
        documents(world)
        batches(world)


def keys(world: PaymentWorld) -> None:
    """An organisation with its key, and the secret of its notifications."""
    DAY.counted("enter the organisation", world.organisation)
    DAY.counted("renew the secret of notifications", world.renew_secret)


def codes(world: PaymentWorld) -> None:
    """A code is told to the provider, seen by its payer, mailed and reported on; one payment of
    two codes is split.
    """
    from payment_codes.handlers import issue_codes, mail_events, show_pay_page

    world.app.own_mailer = Mailer()
    world.app.__dict__.pop("mailer", None)
    context = LambdaContext(remaining_ms=60_000)

    def issued(identity: str, amount: str) -> dict[str, Any]:
        source = {"kind": "repair_order", "id": identity}
        customer = {"id": "C-1", "name": "Ελένη Δοκιμή", "email": "eleni@customer.example"}
        money = {"amount": amount, "currency": "EUR"}
        body = {"source": source, "customer": customer, "amount": money}
        return dict(world.call("POST", BASE, body).json())

    first = issued("RO-1", "300.00")
    (message,) = world.aws.messages("payment-codes-issue")
    DAY.counted("register a code", lambda: issue_codes.handler(queue_event(message), context))
    page = first["pay_url"].removeprefix("http://localhost:8000")
    DAY.counted("show the pay page", lambda: invoke(show_pay_page.handler, http_event("GET", page)))

    mail = world.call("POST", f"{BASE}/{first['id']}/send", {"channel": "email"}).json()
    world.work()
    tags = {"kopru-tenant": [TENANT], "kopru-code-mail": [mail["mail_id"]]}
    detail = {"eventType": "Delivery", "mail": {"messageId": "m-1", "tags": tags}}
    report = {"detail-type": "Email Event", "source": "aws.ses", "detail": detail}
    DAY.counted(
        "one report of a mail", lambda: mail_events.handler(queue_event(report), LambdaContext())
    )

    second = issued("RO-2", "700.00")
    world.work()
    world.pay("RF86912348100000000000001", "1000.00")
    world.minute()
    (stray,) = world.unmatched()
    parts = [{"code_id": code["id"], "amount": code["amount"]} for code in (first, second)]
    path = f"{BASE}/unmatched/{stray['id']}/split"
    body = {"parts": parts, "note": "two orders, one transfer"}
    DAY.counted("split a payment among two codes", lambda: world.call("POST", path, body))


def documents(world: PaymentWorld) -> None:
    """Signed events of an ERP system, taken and refused."""
    from payment_codes.handlers import take_document_events

    path = f"{BASE}/organisation/document-event-secret"
    made = DAY.counted(
        "renew the secret of documents", lambda: world.call("POST", path, shows="the new secret")
    )
    key = key_of(Secret(SCANNER.secret(made.json()["secret"])))

    def message(event: dict[str, Any], identity: str) -> dict[str, Any]:
        payload = json.dumps(event)
        signed = headers(key, identity, int(world.clock.now().timestamp()), payload.encode())
        return queue_event({"v": 1, "tenant_id": TENANT, "headers": signed, "payload": payload})

    stated = {
        "id": "RO-77",
        "customer": {"id": "C-1", "name": "Ελένη Δοκιμή"},
        "amount": {"amount": "1250.00", "currency": "EUR"},
    }
    kind = "repair_order.ready_for_invoicing"
    good = message({"kind": kind, "document": stated}, "erp-1")
    wrong = message({"kind": kind}, "erp-2")
    context = LambdaContext()
    DAY.counted("take a signed document", lambda: take_document_events.handler(good, context))
    DAY.counted(
        "keep a signed document that cannot be taken",
        lambda: take_document_events.handler(wrong, context),
    )
    (refused,) = world.call("GET", REFUSED).json()["items"]
    path = f"{REFUSED}/{refused['id']}/dismiss"
    DAY.counted("dismiss it", lambda: world.call("POST", path, {"note": "wrong export"}))


def batches(world: PaymentWorld) -> None:
    """Batches that are taken back, of 2, 4 and 8 codes."""
    from payment_codes.handlers import issue_batch

    def undo(batch: str) -> None:
        assert world.call("POST", f"{BATCHES}/{batch}/undo").status == 202
        while bodies := world.aws.messages("payment-codes-batch"):
            for body in bodies:
                issue_batch.handler(queue_event(body), LambdaContext(remaining_ms=60_000))

    for size in SLICES:
        wanted = [
            {
                "source": {"kind": "bill_batch", "id": f"{size}-{number}"},
                "customer": {"id": f"C-{number}", "name": "Μαρία Δοκιμαστική"},
                "amount": {"amount": "100.00", "currency": "EUR"},
            }
            for number in range(size)
        ]
        batch = world.call("POST", BATCHES, {"documents": wanted}).json()["id"]
        world.work()
        DAY.counted(f"take back a batch of {size}", partial(undo, batch))


def test_taking_back_grows_with_the_codes_and_nothing_else() -> None:
    DAY.grows_by_the_line("take back a batch of {}", SLICES)
