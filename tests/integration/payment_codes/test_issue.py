"""Issuing codes: once per document, once per identification, known at the provider (PAY-01, 02)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_codes.domain.payment_code import LAST_SEQUENCE
from payment_codes.ports import Created
from tests.support.payment_world import BASE, CUSTOMER, OTHER, TENANT, PaymentWorld


def _wish(**changes: Any) -> dict[str, Any]:
    return {
        "source": {"kind": "repair_order", "id": "RO-77"},
        "customer": CUSTOMER,
        "amount": {"amount": "1250.00", "currency": "EUR"},
        "description": "Service",
        **changes,
    }


def test_a_code_carries_organisation_amount_digit_and_our_number(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    assert code["code"] == "RF91912346100000000000001"
    assert code["code_grouped"] == "RF91 9123 4610 0000 0000 0000 1"
    assert (code["amount_mode"], code["status"]) == ("fixed", "issued")
    assert code["paid_total"] == {"amount": "0.00", "currency": "EUR"}
    assert code["remaining"] == {"amount": "1250.00", "currency": "EUR"}
    assert code["news_age_seconds"] == 0


def test_codes_need_an_organisation(world: PaymentWorld) -> None:
    answer = world.call("POST", BASE, _wish())
    assert (answer.status, answer.json()["code"]) == (409, "organisation_missing")


def test_open_amounts_are_for_orders_and_batches(world: PaymentWorld) -> None:
    world.organisation("offline")
    order = _wish(source={"kind": "vehicle_order", "id": "V-1"}, amount=None)
    answer = world.call("POST", BASE, order)
    assert answer.status == 201
    assert (answer.json()["amount_mode"], answer.json()["remaining"]) == ("open", None)
    assert answer.json()["code"][9] == "8"
    refused = world.call("POST", BASE, _wish(amount=None))
    assert refused.status == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/amount"]


def test_all_problems_of_a_request_are_told_at_once(world: PaymentWorld) -> None:
    world.organisation("offline")
    answer = world.call(
        "POST",
        BASE,
        {
            "source": {"kind": "letter", "id": ""},
            "customer": {"id": "C", "name": "\u200b", "email": "nobody"},
            "amount": {"amount": "1e3", "currency": "EUR"},
            "valid_until": "31.12.2026",
            "colour": "red",
        },
    )
    assert answer.status == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {
        "/source/kind",
        "/source/id",
        "/customer/name",
        "/customer/email",
        "/amount",
        "/valid_until",
        "/colour",
    }


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": {"amount": "10.00", "currency": "TRY"}}, "/amount/currency"),
        ({"amount": {"amount": "99999999999.00", "currency": "EUR"}}, "/amount/amount"),
        ({"valid_until": "2026-05-31"}, "/valid_until"),
    ],
)
def test_rules_of_the_business_name_their_field(
    world: PaymentWorld, changes: dict[str, Any], pointer: str
) -> None:
    world.organisation("offline")
    answer = world.call("POST", BASE, _wish(**changes))
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_repeated_command_gives_the_first_answer(world: PaymentWorld) -> None:
    world.organisation("offline")
    first = world.call("POST", BASE, _wish(), key="k")
    again = world.call("POST", BASE, _wish(), key="k")
    assert (first.status, again.status) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = world.call("POST", BASE, _wish(description="other"), key="k")
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    bare = world.call("POST", BASE, _wish(), headers={"idempotency-key": "a,b"})
    assert bare.status == 400
    world.clock.advance(timedelta(hours=48))
    next_one = _wish(source={"kind": "repair_order", "id": "RO-78"})
    later = world.call("POST", BASE, next_one, key="k")
    assert (later.status, later.json()["source"]["id"]) == (201, "RO-78")


def test_a_document_has_one_code(world: PaymentWorld) -> None:
    world.organisation("offline")
    first = world.call("POST", BASE, _wish())
    again = world.call("POST", BASE, _wish())
    assert (again.status, again.json()["id"]) == (200, first.json()["id"])
    other = world.call("POST", BASE, _wish(amount={"amount": "1.00", "currency": "EUR"}))
    assert (other.status, other.json()["code"]) == (409, "document_has_code")


def test_a_cancelled_document_gets_a_new_identification(world: PaymentWorld) -> None:
    world.organisation("offline")
    first = world.call("POST", BASE, _wish()).json()
    assert world.call("POST", f"{BASE}/{first['id']}/cancel").json()["status"] == "cancelled"
    second = world.call("POST", BASE, _wish()).json()
    assert second["code"] != first["code"]
    assert second["supersedes"] == first["id"]
    assert world.call("POST", f"{BASE}/{first['id']}/cancel").status == 409


def test_numbers_survive_a_counter_that_was_set_back(world: PaymentWorld) -> None:
    world.organisation("offline")
    codes = [world.issue()["code"] for _ in range(5)]
    store = world.app.for_system(TENANT, "test").store
    store.next_sequence("91234", -5)
    codes.append(world.issue()["code"])
    assert len(set(codes)) == 6


def test_a_counter_at_its_end_is_said_and_not_wrapped(world: PaymentWorld) -> None:
    world.organisation("offline")
    world.app.for_system(TENANT, "test").store.next_sequence("91234", LAST_SEQUENCE)
    answer = world.call("POST", BASE, _wish())
    assert (answer.status, answer.json()["code"]) == (409, "idents_exhausted")


def test_an_organisation_code_belongs_to_one_company(world: PaymentWorld) -> None:
    world.organisation("offline")
    stranger = world.principal(OTHER)
    body = {"org_code": "91234", "provider": "offline"}
    answer = world.call("PUT", f"{BASE}/organisation", body, principal=stranger)
    assert (answer.status, answer.json()["code"]) == (409, "organisation_taken")
    code = world.issue()
    foreign = world.call("GET", f"{BASE}/{code['id']}", principal=stranger)
    missing = world.call("GET", f"{BASE}/01JXQ60A1B2C3D4E5F6G7H8J9R", principal=stranger)
    assert (foreign.status, foreign.body) == (missing.status, missing.body)


def test_issuing_costs_one_counter_call_and_one_transaction(world: PaymentWorld) -> None:
    world.organisation("offline")
    world.aws.rules.requests.clear()
    world.call("POST", BASE, _wish())
    calls = [name for name in world.aws.rules.requests if name.startswith("dynamodb.")]
    assert calls.count("dynamodb.TransactWriteItems") == 1
    assert calls.count("dynamodb.UpdateItem") == 1  # the counter
    assert sum(1 for name in calls if "Get" in name) <= 5


# ---------------------------------------------------------------------------- provider


def test_the_provider_knows_the_same_code(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    assert world.code(code["id"])["registration"] == "registered"
    assert list(world.network.state["requests"]) == [code["code"]]


def test_a_lost_answer_is_repeated_without_a_second_code(world: PaymentWorld) -> None:
    world.organisation()
    world.network.queue({"kind": "lost_answer", "operation": "create"})
    code = world.issue()
    assert world.code(code["id"])["registration"] == "pending"
    world.clock.advance(timedelta(minutes=2))
    world.minute()
    assert world.code(code["id"])["registration"] == "registered"
    assert len(world.network.state["requests"]) == 1


def test_another_code_of_the_provider_is_an_incident(world: PaymentWorld) -> None:
    world.organisation()
    world.network.queue({"kind": "wrong_code", "operation": "create"})
    code = world.issue()
    assert world.code(code["id"])["registration"] == "differs"
    (incident,) = world.aws.published("payment_codes.IncidentOpened.v1")
    assert incident["data"]["code"] == "payment_code_differs"


@pytest.mark.parametrize(
    "key", ["şifre-12345678", "key-12345678\n", "key 12345678", "k\u200b1234567"]
)
def test_a_key_that_no_header_could_carry_is_refused_at_once(world: PaymentWorld, key: str) -> None:
    body = {"org_code": "91234", "provider": "dias", "api_key": key}
    answer = world.call("PUT", f"{BASE}/organisation", body)
    assert (answer.status, [(one["pointer"], one["code"]) for one in answer.json()["errors"]]) == (
        422,
        [("/api_key", "character")],
    )


def test_a_wrong_key_is_tried_once_and_told(world: PaymentWorld) -> None:
    world.organisation(api_key="wrong-key-of-the-company")
    world.issue()
    assert world.call("GET", f"{BASE}/organisation").json()["connection"] == "refused"
    world.clock.advance(timedelta(minutes=5))
    world.minute()
    assert sum(world.network.calls.values()) == 1
    world.organisation()
    world.clock.advance(timedelta(minutes=5))
    world.minute()
    assert world.call("GET", f"{BASE}/organisation").json()["connection"] == "up"


class _Meanwhile:
    """The provider, in whose calls something else happens to the same code."""

    def __init__(self, provider: Any, happens: Callable[[], object]) -> None:
        self._provider = provider
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def create(self, *given: Any, **more: Any) -> Created:
        answer: Created = self._provider.create(*given, **more)
        self._happens()
        return answer


def _while_registering(world: PaymentWorld, happens: Callable[[], object]) -> None:
    world.app.__dict__["_gateway"] = _Meanwhile(world.app.__dict__["_gateway"], happens)


def test_a_change_while_the_provider_answers_does_not_lose_the_answer(world: PaymentWorld) -> None:
    world.organisation()
    code = world.call("POST", BASE, _wish()).json()

    def paid_at_a_counter() -> None:
        use = world.app.for_system(TENANT, "test")
        before = use.store.code(code["id"])
        unit = use.store.unit()
        unit.save_code(before, replace(before, missing=before.missing + 1), "code.seen", {})
        unit.commit()

    _while_registering(world, paid_at_a_counter)
    assert world.work() == []
    found = world.code(code["id"])
    assert found["registration"] == "registered"
    assert sum(world.network.calls.values()) == 1


def test_a_code_cancelled_while_the_provider_answers_is_withdrawn_there(
    world: PaymentWorld,
) -> None:
    world.organisation()
    code = world.call("POST", BASE, _wish()).json()
    _while_registering(world, lambda: world.call("POST", f"{BASE}/{code['id']}/cancel"))
    assert world.work() == ["issue"]  # comes again, and finds what to take back
    assert world.code(code["id"])["registration"] == "cancelled"
    assert world.network.state["requests"][code["code"]]["state"] == "cancelled"


def test_cancelling_withdraws_the_code_at_the_provider(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    assert world.call("POST", f"{BASE}/{code['id']}/cancel").status == 200
    world.work()
    assert world.network.state["requests"][code["code"]]["state"] == "cancelled"
    assert world.code(code["id"])["registration"] == "cancelled"


# ---------------------------------------------------------------------------- document events


def _event(kind: str, **changes: Any) -> dict[str, Any]:
    option = changes.pop("issue_payment_code", None)
    document: dict[str, Any] = {
        "id": "D-1",
        "customer": CUSTOMER,
        "amount": {"amount": "80.00", "currency": "EUR"},
        **changes,
    }
    body: dict[str, Any] = {"kind": kind, "document": document}
    return body if option is None else {**body, "issue_payment_code": option}


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (_event("repair_order.ready_for_invoicing"), 201, "issued"),
        (_event("counter_invoice.issued"), 201, "issued"),
        (_event("vehicle_order.payment_requested", amount=None), 201, "issued"),
        (_event("bill_batch.created", amount=None), 200, "option_not_ticked"),
        (_event("bill_batch.created", amount=None, issue_payment_code=True), 201, "issued"),
        (_event("counter_invoice.issued", issue_payment_code=False), 200, "not_requested"),
        (
            _event("counter_invoice.issued", customer={**CUSTOMER, "payment_code_enabled": False}),
            200,
            "customer_disabled",
        ),
    ],
)
def test_documents_get_codes_by_their_rules(
    world: PaymentWorld, event: dict[str, Any], status: int, reason: str
) -> None:
    world.organisation("offline")
    answer = world.call("POST", f"{BASE}/document-events", event)
    assert (answer.status, answer.json()["reason"]) == (status, reason)
    assert answer.json()["issued"] is (status == 201)


def test_rules_of_the_organisation_and_of_the_customer(world: PaymentWorld) -> None:
    world.organisation("offline", automatic={"repair_order": False})
    event = _event("repair_order.ready_for_invoicing")
    path = f"{BASE}/document-events"
    assert world.call("POST", path, event).json()["reason"] == "rule_off"
    invoice = _event("counter_invoice.issued")
    world.call("PUT", f"{BASE}/customers/C-1", {"payment_code_enabled": False})
    assert world.call("POST", path, invoice).json()["reason"] == "customer_disabled"
    manual = world.call("POST", BASE, _wish())
    assert (manual.status, manual.json()["code"]) == (422, "customer_disabled")
    world.call("PUT", f"{BASE}/customers/C-1", {"payment_code_enabled": True})
    assert world.call("POST", path, invoice).json()["reason"] == "issued"


def test_a_repeated_event_gives_the_same_code_and_a_corrected_one_another(
    world: PaymentWorld,
) -> None:
    world.organisation("offline")
    path, event = f"{BASE}/document-events", _event("counter_invoice.issued")
    first = world.call("POST", path, event).json()["code"]
    again = world.call("POST", path, event)
    assert (again.status, again.json()["reason"]) == (200, "exists")
    corrected = _event("counter_invoice.issued", amount={"amount": "88.00", "currency": "EUR"})
    second = world.call("POST", path, corrected).json()["code"]
    assert second["supersedes"] == first["id"]
    old = world.code(first["id"])
    assert (old["status"], old["superseded_by"]) == ("cancelled", second["id"])


# ---------------------------------------------------------------------------- lists


PEOPLE = {
    "C-ILGIN": "Şükrü Çağlayan Ilgın",
    "C-ISIK": "İrem IŞIK",
    "C-ANGELOS": "Άγγελος Παπαδόπουλος-Ιωάννου",
    "C-ODYS": "ΟΔΥΣΣΕΥΣ ΔΟΚΙΜΗΣ",
}


@pytest.mark.parametrize(
    ("query", "customers"),
    [
        # Casing of Turkish and Greek is ours: dotless and dotted i, accents, the final sigma.
        ("ILGIN", {"C-ILGIN"}),
        ("ılgın", {"C-ILGIN"}),
        ("ŞÜKRÜ", {"C-ILGIN"}),
        ("ışık", {"C-ISIK"}),
        ("irem", {"C-ISIK"}),
        ("αγγελος", {"C-ANGELOS"}),
        ("ΠΑΠΑΔΟΠΟΥΛΟΣ", {"C-ANGELOS"}),
        ("οδυσσεύς", {"C-ODYS"}),
        ("c-", set(PEOPLE)),
        ("ro/2026-", set(PEOPLE)),
        ("nobody", set()),
        (" ", set(PEOPLE)),
    ],
)
def test_people_are_found_as_their_names_are_typed(
    world: PaymentWorld, query: str, customers: set[str]
) -> None:
    world.organisation("offline")
    for number, (identity, name) in enumerate(PEOPLE.items()):
        source = {"kind": "repair_order", "id": f"RO/2026-{number}"}
        world.issue(source=source, customer={"id": identity, "name": name})
    found = world.call("GET", BASE, query={"q": query}).json()["items"]
    assert {code["customer"]["id"] for code in found} == customers


@pytest.mark.parametrize(
    "written",
    [
        lambda code: code["code_grouped"],
        lambda code: code["code_grouped"][5:19],
        lambda code: code["code_grouped"][:16].lower(),
        lambda code: code["code"][10:],
        lambda code: "-".join(code["code_grouped"].split()),
    ],
    ids=["grouped", "middle", "start", "ident", "dashes"],
)
def test_a_code_is_found_as_people_write_it(
    world: PaymentWorld, written: Callable[[dict[str, Any]], str]
) -> None:
    world.organisation("offline")
    codes = [world.issue(amount={"amount": "10.00", "currency": "EUR"}) for _ in range(3)]
    found = world.call("GET", BASE, query={"q": written(codes[1])}).json()["items"]
    assert codes[1]["id"] in [code["id"] for code in found]


def test_a_document_gets_another_code_when_its_code_is_dead(world: PaymentWorld) -> None:
    """Reissue: after a cancellation and after the last day; money under the old one stays there."""
    world.organisation()
    source = {"kind": "repair_order", "id": "RO-9"}
    first = world.issue(source=source)
    assert world.call("POST", f"{BASE}/{first['id']}/cancel").status == 200
    world.work()
    second = world.issue(source=source, valid_until="2026-06-02")
    assert (second["supersedes"], second["code"] != first["code"]) == (first["id"], True)
    world.clock.advance(timedelta(days=2))
    world.minute()
    assert world.code(second["id"])["status"] == "expired"
    third = world.issue(source=source)
    assert third["supersedes"] == second["id"]
    for code in (first, second, third):
        world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    found = [world.code(code["id"]) for code in (first, second, third)]
    assert [code["status"] for code in found] == ["cancelled", "expired", "paid"]
    late = [code["late_total"]["amount"] for code in found]
    assert late == ["1250.00", "1250.00", "0.00"]


def test_codes_are_found_by_any_fragment(world: PaymentWorld) -> None:
    world.organisation("offline")
    for number in range(5):
        world.issue(
            source={"kind": "counter_invoice", "id": f"INV-{number}"},
            customer={"id": f"C-{number}", "name": f"Πελάτης {number}"},
        )
    target = world.issue(source={"kind": "counter_invoice", "id": "INV-X"})
    for query in ("inv-x", "ΕΛΕΝΗ", target["code_grouped"], target["code"][-6:]):
        found = world.call("GET", BASE, query={"q": query}).json()["items"]
        assert target["id"] in [code["id"] for code in found], query
    seen, cursor = [], ""
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = world.call("GET", BASE, query=query).json()
        seen += [code["id"] for code in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 6
    assert world.call("GET", BASE, query={"status": "lost"}).status == 422
    assert world.call("GET", BASE, query={"cursor": "x"}).status == 400
