"""Every route with another company's identifiers: the same answer as for an unknown one (S6)."""

import re
from collections import defaultdict
from typing import Any

from reconciliation.handlers.http.app import app
from tests.support.events import Answer
from tests.support.reconciliation_builders import api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import BASE, OTHER, ReconciliationWorld

UNKNOWN = "01JXQ60A1B2C3D4E5F6G7H8J9Z"


def _everything(world: ReconciliationWorld) -> list[str]:
    """A card with a line, and an e-invoice; gives their ids."""
    card = world.counterparty()
    world.record(api_entry())
    return [card["id"], world.invoice(ubl()).json()["id"]]


def test_foreign_and_unknown_items_look_the_same(world: ReconciliationWorld) -> None:
    ours = _everything(world)
    before = world.aws.tables()
    tried = 0
    for route in (one for one in app.routes if one.kind == "api"):
        if "{id}" not in route.path:
            continue

        def ask(identity: str, path: str = route.path, method: str = route.method) -> Answer:
            body: Any = api_counterparty() if method == "PUT" else None
            return world.call(
                method,
                path.removeprefix(BASE).format(id=identity),
                body,
                principal=world.principal(OTHER),
                headers={"if-match": '"v1"'},
            )

        unknown = ask(UNKNOWN)
        assert unknown.status == 404
        for identity in ours:
            foreign = ask(identity)
            said = re.sub(identity, UNKNOWN, foreign.body)
            assert (foreign.status, said) == (404, unknown.body), route.path
            tried += 1
    assert tried >= 8
    assert world.aws.tables() == before


def test_equal_codes_documents_and_numbers_of_two_companies_do_not_meet(
    world: ReconciliationWorld,
) -> None:
    ours = _everything(world)
    other = world.principal(OTHER)

    def call(method: str, path: str, body: Any = None, **more: Any) -> Any:
        return world.call(method, path, body, principal=other, **more)

    assert call("POST", "/ledger-entries", {"entries": [api_entry()]}).status == 422
    assert call("GET", "/periods/2026-01/figures", query="form=ba").json()["items"] == []
    assert call("GET", "/ledger-entries", query="period=2026-01").json()["items"] == []
    card = call("POST", "/counterparties", api_counterparty()).json()
    assert card["id"] not in ours
    recorded = call("POST", "/ledger-entries", {"entries": [api_entry()]})
    assert recorded.json()["added"] == 1
    taken = call(
        "POST",
        "/e-invoices",
        ubl(),
        headers={"content-type": "application/xml"},
        query="direction=purchase",
    )
    assert (taken.status, taken.json()["counterparty_ids"]) == (201, [card["id"]])


def test_rows_are_of_this_context_and_company_only(world: ReconciliationWorld) -> None:
    with world.aws.rules.only(contexts=("rec",), tenants=(world.principal().tenant_id,)):
        _everything(world)
        world.record(api_entry(document_date="2026-02-01"))
        world.figures()
        world.imported("counterparties", b"Cari Kodu;Unvan;VKN\r\n1;Deneme A.S.;1234567890\r\n")
        world.call("GET", "/counterparties")


QUERY = "form=ba&period=2026-01"
# What leaves the house with addresses and visits in it; that it left is noted.
SHUT = {f"{BASE}/letters/{{id}}/evidence"}


def test_who_only_reads_writes_nothing(world: ReconciliationWorld) -> None:
    _everything(world)
    before = world.aws.tables()
    viewer = world.principal(role="viewer")
    statuses = set()
    for route in (one for one in app.routes if one.kind == "api"):
        path = route.path.removeprefix(BASE).format_map(
            defaultdict(lambda: UNKNOWN, period="2026-01")
        )
        answer = world.call(route.method, path, {}, principal=viewer, query=QUERY)
        if route.method == "GET" and route.path not in SHUT:
            assert answer.status in {200, 404}, route.path
        else:
            statuses.add(answer.status)
    assert statuses == {403}
    assert world.aws.tables() == before
