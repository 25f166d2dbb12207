"""Today is fed by all five contexts: what goes wrong in any of them stands there with its age, its
money and its deadline, and leaves when it is solved where it happened.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.sensitive import Secret
from payment_codes.domain import rf_reference
from tests.support.all_contexts import AllContexts, all_contexts
from tests.support.aws import AwsWorld
from tests.support.builders import Company
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE
from tests.support.pensions_builders import tckn
from tests.support.pensions_desk import person_body
from toolkit.auth import Principal
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of
from toolkit.platform import Platform

PURCHASE: Final = "approval.purchase_chain"
ORGANISATION: Final = "90543"
WAITED: Final = timedelta(minutes=90)


@dataclass
class Office:
    """One company in all five contexts."""

    company: Company
    of: AllContexts
    raised: set[str] = field(default_factory=set)
    """Contexts that have raised something."""

    @property
    def key(self) -> Principal:
        """The company's API key."""
        assert self.company.key_principal is not None
        return self.company.key_principal

    @property
    def owner(self) -> Principal:
        """The company's owner in a session: tasks are shown to those who may decide."""
        return self.company.owner

    def today(self) -> dict[str, Any]:
        """The first page, after everything published until now was heard."""
        from workspace.handlers import on_events

        for envelope in self.of.desk.aws.published():
            answer = on_events.handler(
                queue_event(bus_event(envelope)), LambdaContext(remaining_ms=30_000)
            )
            assert answer == {"batchItemFailures": []}
            context, _, name = str(envelope["type"]).partition(".")
            if name == "AttentionRaised.v1":
                self.raised.add(context)
        shown: dict[str, Any] = self.of.workspace.call("GET", "/v1/today", self.owner).json()
        return shown


@pytest.fixture
def office(aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Any) -> Iterator[Office]:
    with all_contexts(aws, platform, clock, tmp_path) as of:
        made = Office(of.workspace.company(), of)
        of.desk.principal = made.key
        yield made


def person_on_hold(office: Office) -> str:
    """A person whose call could not be made, because the insurer has no address here."""
    base = office.of.desk.contract("garanti")
    person = office.of.desk.call("POST", f"{base}/employees", person_body(tckn(1)))
    office.of.desk.command(f"{base}/submissions", {"all": True})
    return f"/v1/pensions/employees/{person['id']}/mark-done-elsewhere"


def payment_of_nobody(office: Office) -> str:
    """Money under a reference that was never issued."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = office.of.payments.call(method, f"{BASE}{path}", body, principal=office.key)
        assert answer.status < 300, answer.body
        office.of.payments.work()
        return answer.json()

    stated = {"org_code": ORGANISATION, "provider": "dias", "api_key": "k" * 9}
    call("PUT", "/organisation", stated)
    office.of.payments.pay(rf_reference.encode(ORGANISATION, "9" * 14, None).code, "12.00")
    office.of.payments.minute()
    (waiting,) = call("GET", "/unmatched")["items"]
    return f"{BASE}/unmatched/{waiting['id']}/return"


def sale_that_cannot_be_posted(office: Office) -> str:
    """A signed event about a sale that nobody knows."""
    key = office.of.cards.event_key(office.company.id)
    event = {"kind": "sale.cancelled", "document_no": "F-0"}
    assert office.of.cards.deliver(office.of.cards.signed(key, event, tenant=office.company.id))
    path = "/v1/card-contracts/sale-events/refused"
    (waiting,) = office.of.cards.call("GET", path, principal=office.key).json()["items"]
    return f"{path}/{waiting['id']}/dismiss"


def books_that_cannot_be_read(office: Office) -> str:
    """A signed event of the ERP system that is no event."""
    from reconciliation.handlers import take_book_events

    made = office.of.books.call("POST", "/book-events/secret", principal=office.key).json()
    stamp = int(office.of.books.clock.now().timestamp())
    key = key_of(Secret(made["secret"]))
    payload = json.dumps({"kind": "ledger_entries.stated"})
    given = signed_headers(key, "erp-1", stamp, payload.encode())
    headers = {name: given[name] for name in given if name.startswith("webhook-")}
    message = {"v": 1, "tenant_id": office.company.id, "headers": headers, "payload": payload}
    taken = take_book_events.handler(queue_event(message), LambdaContext(remaining_ms=60_000))
    assert taken["batchItemFailures"] == []
    path = "/book-events/refused"
    (waiting,) = office.of.books.call("GET", path, principal=office.key).json()["items"]
    return f"{path}/{waiting['id']}/dismiss"


def purchase_that_waits(office: Office) -> str:
    """A purchase that somebody must approve."""
    asked = office.of.rules.call(
        "POST",
        "/approvals",
        {
            "kind": "purchase",
            "rule": PURCHASE,
            "subject": "purchase:P-1",
            "facts": {"amount": "950.00"},
            "content": {"title": "Masa"},
        },
        principal=office.key,
    )
    assert asked.status == 201, asked.body
    return f"/approvals/{asked.json()['id']}/withdraw"


def test_five_contexts_raise_and_clear_what_needs_somebody(office: Office) -> None:
    solved = {
        "pensions": person_on_hold(office),
        "payment_codes": payment_of_nobody(office),
        "card_contracts": sale_that_cannot_be_posted(office),
        "reconciliation": books_that_cannot_be_read(office),
        "workflow": purchase_that_waits(office),
    }
    office.today()
    assert office.raised == set(solved)
    office.of.desk.clock.advance(WAITED)
    shown = office.today()
    codes = [row["code"] for row in shown["exceptions"]]
    assert codes[0] == "payment_unmatched", "the worst with money comes first"
    assert sorted(codes[1:]) == [
        "book_event_refused",
        "enrolment_submission_problems",
        "sale_event_refused",
    ]
    assert shown["exceptions"][0]["amount"] == {"amount": "12.00", "currency": "EUR"}
    waiting = [*shown["exceptions"], *shown["tasks"]]
    assert [row["code"] for row in shown["tasks"]] == ["approval_waiting"]
    assert {row["age_seconds"] for row in waiting} == {int(WAITED.total_seconds())}
    assert all(row["summary"] for row in waiting)

    note = {"note": "tamam"}
    assert office.of.desk.ask("POST", solved["pensions"], note).status == 200
    pay = office.of.payments.call("POST", solved["payment_codes"], note, principal=office.key)
    card = office.of.cards.call("POST", solved["card_contracts"], note, principal=office.key)
    book = office.of.books.call("POST", solved["reconciliation"], note, principal=office.key)
    rule = office.of.rules.call("POST", solved["workflow"], {}, principal=office.key)
    assert {answer.status for answer in (pay, card, book, rule)} == {200}
    after = office.today()
    assert (after["exceptions"], after["tasks"], after["deadlines"]) == ([], [], [])
