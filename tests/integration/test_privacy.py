"""A person asks: what every context holds is shown, and afterwards nothing of it is left (I-19)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.exchange import RawCall, RawPart
from kernel.sensitive import Email
from tests.support.aws import AwsWorld
from tests.support.payment_world import BASE as CODES
from tests.support.pensions_desk import person_body
from tests.support.privacy_world import PrivacyWorld, objects, privacy_world
from tests.support.reconciliation_builders import api_counterparty
from toolkit.auth import Principal
from toolkit.platform import Platform

NUMBER: Final = "12345678950"
OTHER: Final = "98765432150"
EMAIL: Final = "zeynep.ornek@kisi.example"
PHONE: Final = "+905329998877"
SURNAME: Final = "Sessizoğlu"
VALUES: Final = (NUMBER, EMAIL, PHONE, SURNAME)
NEIGHBOUR: Final = (OTHER, "mehmet@ornek.example", "Gürültücü")


@pytest.fixture
def world(
    aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Path
) -> Iterator[PrivacyWorld]:
    """One company in all contexts."""
    with privacy_world(aws, platform, clock, tmp_path) as made:
        yield made


def _people(world: PrivacyWorld) -> dict[str, str]:
    """The person and a neighbour, in three contexts; ids by what they are."""
    desk = world.pensions
    base = desk.registered("garanti")
    found = {}
    for name, number, surname, email, mobile in (
        ("person", NUMBER, SURNAME, EMAIL, PHONE),
        ("neighbour", OTHER, NEIGHBOUR[2], NEIGHBOUR[1], "+905321112233"),
    ):
        body = person_body(number, last_name=surname, email=email, mobile=mobile)
        made = desk.call("POST", f"{base}/employees", body)
        path = f"/v1/pensions/employees/{made['id']}/mark-done-elsewhere"
        desk.call("POST", path, {"note": "elle girildi"})
        found[name] = made["id"]
    books = world.reconciliation
    owner = Principal("api_key", world.key.id, world.company.id, roles=("owner",))
    card = api_counterparty(
        code="120.09.001",
        title=f"Zeynep {SURNAME}",
        tax_no=None,
        national_id=NUMBER,
        emails=[EMAIL],
    )
    answer = books.call("POST", "/counterparties", card, principal=owner)
    assert answer.status == 201, answer.body
    found["card"] = answer.json()["id"]
    firm = api_counterparty(emails=["muhasebe@deneme.example", EMAIL])
    answer = books.call("POST", "/counterparties", firm, principal=owner)
    assert answer.status == 201, answer.body
    found["firm"] = answer.json()["id"]
    return found


def _expect(world: PrivacyWorld, records: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(record["context"], record["kind"]) for record in records}


def test_a_copy_shows_what_every_context_holds_and_nothing_of_others(world: PrivacyWorld) -> None:
    ids = _people(world)
    records = world.collected({"national_id": NUMBER, "email": EMAIL})
    assert _expect(world, records) == {
        ("pensions", "employee"),
        ("reconciliation", "counterparty"),
    }
    by_id = {record["id"]: record for record in records}
    assert set(by_id) == {ids["person"], ids["card"], ids["firm"]}
    held = {
        one["field"]: one["value"]
        for part in by_id[ids["person"]]["held"]
        for one in part["values"]
    }
    assert held["national_id"] == NUMBER
    assert held["last_name"] == SURNAME
    assert {part["basis"] for part in by_id[ids["person"]]["held"]} == {"legal_duty"}
    # Of the firm's card only the address is the person's.
    (address,) = by_id[ids["firm"]]["held"]
    assert [one["value"] for one in address["values"]] == [EMAIL]
    assert not any(word in str(records) for word in NEIGHBOUR)


def test_nothing_of_the_person_is_left_and_everything_of_others_is(world: PrivacyWorld) -> None:
    ids = _people(world)
    before = world.ledger()
    done = world.finished("erasures", {"national_id": NUMBER, "email": EMAIL})
    assert done["status"] == "done", done
    assert done["records"] == 3
    assert {part["context"]: part["records"] for part in done["parts"] if part["records"]} == {
        "pensions": 1,
        "reconciliation": 2,
    }
    assert world.places_of(*VALUES) == []
    assert world.collected({"national_id": NUMBER, "email": EMAIL}) == []
    assert world.ledger() == before
    assert world.audit_is_intact()
    assert len(world.places_of(OTHER)) == 1, "the neighbour stays"
    firm = world.aws.row("core", f"rec#T#{world.company.id}#COUNTERPARTY#{ids['firm']}")
    assert firm is not None
    assert (firm["title"], firm["emails"]) == (
        "Deneme Yedek Parça A.Ş.",
        ["muhasebe@deneme.example"],
    )
    assert done["backups_gone_on"] == "2026-07-06"


def test_an_erased_person_may_come_again(world: PrivacyWorld) -> None:
    _people(world)
    world.finished("erasures", NUMBER)
    base = next(
        f"/v1/pensions/contracts/{row['id']}"
        for row in world.aws.rows("core")
        if row.get("kind") == "contract"
    )
    made = world.pensions.call("POST", f"{base}/employees", person_body(NUMBER))
    assert made["national_id"] == NUMBER


def test_what_is_in_flight_ends_first_and_is_asked_about_again(world: PrivacyWorld) -> None:
    desk = world.pensions
    base = desk.registered("garanti")
    made = desk.call("POST", f"{base}/employees", person_body(NUMBER, last_name=SURNAME))
    request = world.finished("erasures", NUMBER)
    assert request["status"] == "waiting"
    (waiting,) = [part for part in request["parts"] if part["status"] == "waiting"]
    assert waiting["context"] == "pensions"
    assert waiting["waiting"] == [{"kind": "employee", "id": made["id"], "status": "ready"}]
    assert world.places_of(SURNAME), "nothing is erased half"
    _minute(world)
    assert world.show(request["id"])["status"] == "waiting"
    desk.call(
        "DELETE", f"{base}/employees/{made['id']}", headers={"if-match": f'"v{made["version"]}"'}
    )
    _minute(world)
    assert world.show(request["id"])["status"] == "done"
    assert world.places_of(NUMBER, SURNAME) == [], "also somebody whom no list shows any more"


def _minute(world: PrivacyWorld) -> None:
    from tests.support.events import schedule_event
    from tests.support.lambda_context import LambdaContext
    from workspace.handlers import relay_outbox

    world.clock.advance(timedelta(minutes=16))
    relay_outbox.handler(schedule_event(), LambdaContext())
    world.work()


def test_copies_of_work_go_too(world: PrivacyWorld) -> None:
    _people(world)
    world.collected(NUMBER)
    assert any("/privacy/" in name for name, _ in objects())
    world.finished("erasures", {"national_id": NUMBER, "email": EMAIL})
    assert not [name for name, _ in objects() if f"T/{world.company.id}/" in name]


def test_payment_codes_of_a_customer(world: PrivacyWorld) -> None:
    owner = Principal("api_key", world.key.id, world.company.id, roles=("owner",))
    customer = {"id": "C-9", "name": f"Ελένη {SURNAME}", "email": EMAIL}
    world.payments.call(
        "PUT",
        f"{CODES}/organisation",
        {"org_code": "91234", "provider": "offline"},
        principal=owner,
    )
    answer = world.payments.call(
        "POST",
        CODES,
        {
            "source": {"kind": "repair_order", "id": "RO-1"},
            "customer": customer,
            "amount": {"amount": "12.00", "currency": "EUR"},
        },
        principal=owner,
        key="once",
    )
    assert answer.status == 201, answer.body
    code_id = answer.json()["id"]
    use = world.payments.app.for_system(world.company.id, "test")
    answered = RawPart("HTTP 200", f'{{"payer": "Ελένη {SURNAME}"}}'.encode())
    use.exchanges.keep(code_id, world.payments.clock.now(), RawCall(RawPart("GET /"), answered))
    assert any("/code-exchanges/" in name for name, _ in objects())
    (record,) = world.collected(EMAIL)
    assert (record["kind"], record["id"]) == ("payment_code", code_id)
    request = world.finished("erasures", EMAIL)
    assert request["status"] == "waiting", "the code can still be paid"
    world.payments.call("POST", f"{CODES}/{code_id}/cancel", {}, principal=owner)
    _minute(world)
    assert world.show(request["id"])["status"] == "done"
    left = [place for place in world.places_of(EMAIL, SURNAME) if "#IDEM#" not in place]
    assert left == [], "answers to commands expire after 48 hours"
    assert not any("/code-exchanges/" in name for name, _ in objects())


# ---------------------------------------------------------------------------- retention


def _first_of_the_month(world: PrivacyWorld) -> dict[str, int]:
    from tests.support.events import schedule_event
    from tests.support.lambda_context import LambdaContext
    from workspace.handlers import start_retention

    counts = start_retention.handler(schedule_event(), LambdaContext())
    world.work()
    return dict(counts)


def _runs(world: PrivacyWorld) -> list[dict[str, Any]]:
    answer = world.workspace.call("GET", "/v1/privacy/requests", world.key)
    return [one for one in answer.json()["items"] if one["act"] == "retention"]


def test_time_limits_take_effect_once_and_leave_a_log(world: PrivacyWorld) -> None:
    _people(world)
    assert _first_of_the_month(world)["Retention_begun"] == 1
    assert _first_of_the_month(world)["Retention_begun"] == 0, "the schedule fires twice"
    (run,) = _runs(world)
    assert (run["status"], run["records"]) == ("done", 0)
    world.clock.advance(timedelta(days=3653 - 32))
    _first_of_the_month(world)
    assert _runs(world)[0]["records"] == 0, "ten years are not over"
    assert world.places_of(NUMBER)
    world.clock.advance(timedelta(days=33))
    _first_of_the_month(world)
    newest = _runs(world)[0]
    assert newest["records"] == 2, "both people; their account cards are in use"
    left = world.places_of(*VALUES, *NEIGHBOUR)
    assert {place.split()[1].split("#")[3] for place in left} == {"COUNTERPARTY", "FIND"}
    assert all("counterparty:" in place for place in left if "#FIND#" in place)
    assert world.audit_is_intact()
    world.clock.advance(timedelta(days=31))
    _first_of_the_month(world)
    assert _runs(world)[0]["records"] == 0, "what is destroyed is not destroyed again"
    assert len(_runs(world)) == 4, "the log stays"


def test_a_message_that_comes_twice_and_little_time_change_nothing(world: PrivacyWorld) -> None:
    _people(world)
    request_id = world.ask("erasures", {"national_id": NUMBER, "email": EMAIL})
    world.work(twice=True)
    done = world.show(request_id)
    assert (done["status"], done["records"]) == ("done", 3)
    again = world.ask("exports", NUMBER)
    for _ in range(3):
        # Not enough time to begin: the work is handed on, and nothing is lost.
        world.work_a_little()
    assert world.show(again)["status"] == "running"
    world.work()
    assert world.show(again)["status"] == "done"


def test_looking_is_noted_and_nothing_of_the_person_is_in_notes(world: PrivacyWorld) -> None:
    _people(world)
    request_id = world.finished("exports", NUMBER)["id"]
    world.copy(request_id)
    history = [
        row["action"]
        for row in world.aws.rows("core")
        if row["pk"].endswith(f"#HIST#privacy_request:{request_id}")
    ]
    assert history[0] == "privacy.export_requested"
    assert history[-1] == "privacy.copy_shown"
    for role in ("flow", "audit", "edge", "secrets"):
        assert not [place for place in world.places_of(*VALUES) if place.startswith(f"{role}:")]


def test_the_same_request_sent_again_is_the_same_request(world: PrivacyWorld) -> None:
    body = {"person": NUMBER, "reason": "letter"}
    headers = {"idempotency-key": "k1"}
    first, again = (
        world.workspace.call("POST", "/v1/privacy/exports", world.key, body=body, headers=headers)
        for _ in range(2)
    )
    assert (first.status, first.body) == (again.status, again.body)
    other = {**body, "person": OTHER}
    reused = world.workspace.call(
        "POST", "/v1/privacy/exports", world.key, body=other, headers=headers
    )
    assert reused.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"person": "Ayşe"}, "/person"),
        ({"person": {}}, "/person"),
        ({"person": {"national_id": "12345678951"}}, "/person"),
        ({"person": NUMBER, "reason": " "}, "/reason"),
        ({"reason": "x"}, "/person"),
        ({"person": NUMBER, "tenant_id": "x"}, "/tenant_id"),
    ],
)
def test_a_request_that_names_nobody_writes_nothing(
    world: PrivacyWorld, body: dict[str, Any], pointer: str
) -> None:
    before = world.aws.rows("core")
    answer = world.workspace.call("POST", "/v1/privacy/exports", world.key, body=body)
    assert answer.status == 422
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]
    assert world.aws.rows("core") == before


def test_staff_who_left_are_erased_with_their_account_and_may_be_invited_again(
    world: PrivacyWorld,
) -> None:
    member = world.company.members["viewer"]
    owner = world.company.owner
    assert world.finished("erasures", member.email)["status"] == "waiting", "still works here"
    path = f"/v1/users/{member.id}"
    version = world.workspace.call("GET", path, owner).headers["etag"]
    removed = world.workspace.call("DELETE", path, owner, headers={"if-match": version})
    assert removed.status == 204, removed.body
    _minute(world)
    assert world.finished("erasures", member.email)["status"] == "done"
    assert world.places_of(member.email, "Deniz Viewer") == []
    assert world.workspace.app.store.account(Email(member.email)).password_hash is None
    guest = {"email": member.email, "name": "Deniz Yeniden", "roles": ["viewer"]}
    again = world.workspace.call("POST", "/v1/users", world.key, body=guest)
    assert again.status == 201, again.body
    assert world.audit_is_intact()


def test_what_is_left_can_still_be_shown_by_api_and_page(world: PrivacyWorld) -> None:
    from payment_codes.handlers import api as codes
    from pensions.handlers import api as pensions
    from reconciliation.handlers import api as books
    from tests.support.events import http_event, invoke
    from workspace.handlers import api as workspace

    ids = _people(world)
    world.finished("erasures", {"national_id": NUMBER, "email": EMAIL})
    contract = next(row["id"] for row in world.aws.rows("core") if row.get("kind") == "contract")
    owner = world.company.owner
    for handler, path in (
        (pensions, f"/v1/pensions/contracts/{contract}/employees"),
        (pensions, f"/v1/pensions/employees/{ids['person']}"),
        (pensions, f"/pensions/contracts/{contract}/employees"),
        (pensions, f"/pensions/employees/{ids['person']}"),
        (books, "/v1/reconciliation/counterparties"),
        (books, f"/v1/reconciliation/counterparties/{ids['card']}"),
        (books, "/reconciliation/counterparties"),
        (books, f"/reconciliation/counterparties/{ids['card']}"),
        (books, f"/reconciliation/counterparties/{ids['firm']}"),
        (codes, "/payment-codes"),
        (workspace, "/people"),
        (workspace, f"/timeline/employee/{ids['person']}"),
    ):
        answer = invoke(handler.handler, http_event("GET", path, principal=owner))
        assert answer.status == 200, (path, answer.status, answer.body[:300])
        assert not [word for word in VALUES if word in answer.body], path
