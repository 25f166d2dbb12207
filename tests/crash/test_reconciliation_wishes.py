"""What counterparties wish on the portal, under a fault at every call: once, and never forgotten.

Subscriptions, confirmations of addresses, the PDF to an address, remarks to a line, and the signed
events of the books; each schedule is (use case, mode, n), as for the rest of the portal.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from kernel.sensitive import Email, Secret
from reconciliation.application.contacts import address_key
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import (
    TENANT,
    Browser,
    ReconciliationWorld,
    reconciliation_world,
)
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of
from toolkit.tokens import digest

Bench = FaultBench[ReconciliationWorld]
NEW = "yeni@deneme.example"


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Bench, Browser, str]]:
    """A counterparty that is signed in, with a letter and a case of differences."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with reconciliation_world(aws, platform, clock) as world, switched_on(clock):
            card = world.counterparty()["id"]
            world.record(api_entry("A-1", "6000.00"))
            world.work_portal()
            letter = world.letter(card)
            use = world.app.for_system(TENANT, "test")
            content = b"Tarih;Belge No;Alacak\r\n15.01.2026;A-1;900,00\r\n"
            file = UploadedFile(content, "text/csv", "ekstre.csv")
            use.send_statement()(letter, card, channel="staff", file=file)
            browser = world.enter(card)
            world.work_portal()
            made = Bench(world, clock)
            made.remember()
            yield made, browser, letter.id


@pytest.fixture
def bench(shared: tuple[Bench, Browser, str]) -> Iterator[Bench]:
    with shared[0].kept() as bench:
        yield bench


def _kept(world: ReconciliationWorld, kind: str) -> list[Any]:
    return [row for row in world.aws.rows("core") if row.get("kind") == kind]


def _form(browser: Browser, page: str, **more: str) -> dict[str, str]:
    """Hidden fields of the last form of a page, and what is filled in."""
    body = browser.get(page).body
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', body))
    return {**hidden, **more}


@pytest.mark.parametrize("mode", MODES)
def test_an_own_address_is_subscribed_once(
    bench: Bench, shared: tuple[Bench, Browser, str], mode: str
) -> None:
    world, browser = bench.world, shared[1]
    form = _form(browser, "/portal/mails", email="muhasebe@deneme.example")
    bench.remember()

    def check() -> None:
        (contacts,) = _kept(world, "portal_contacts")
        assert [bool(one["subscribed_at"]) for one in contacts["items"]] == [True]
        assert _kept(world, "portal_mail") == []

    def act() -> bool:
        return browser.ask("POST", "/portal/mails/subscriptions", form).status == 303

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_new_address_is_asked_once_and_gets_nothing_before(
    bench: Bench, shared: tuple[Bench, Browser, str], mode: str
) -> None:
    world, browser, letter = bench.world, shared[1], shared[2]
    form = _form(browser, "/portal/mails", email=NEW)
    bench.remember()

    def check() -> None:
        (mail,) = _kept(world, "portal_mail")
        assert mail["mail_kind"] == "confirm"
        assert _kept(world, "letter_mail") == []
        (contacts,) = _kept(world, "portal_contacts")
        assert [one["waits_for"] for one in contacts["items"]] == [letter]

    def act() -> bool:
        return browser.ask("POST", f"/portal/months/{letter}/mail", form).status == 303

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_confirmation_lets_the_letter_and_the_subscription_through_once(
    bench: Bench, shared: tuple[Bench, Browser, str], mode: str
) -> None:
    world, browser, letter = bench.world, shared[1], shared[2]
    form = _form(browser, "/portal/mails", email=NEW)
    for path in (f"/portal/months/{letter}/mail", "/portal/mails/subscriptions"):
        assert browser.ask("POST", path, form).status == 303
    use = world.app.for_system(TENANT, "test")
    (contacts,) = _kept(world, "portal_contacts")
    link = use.access_links.confirm_for(
        use.store.counterparty(contacts["id"]), address_key(digest, Email(NEW))
    )
    asked = _form(Browser(), link)
    bench.remember()

    def check() -> None:
        (after,) = _kept(world, "portal_contacts")
        (one,) = after["items"]
        assert one["confirmed_at"]
        assert one["subscribed_at"]
        assert one["waits_for"] == ""
        (mail,) = _kept(world, "letter_mail")
        assert mail["to"] == NEW

    def act() -> bool:
        return Browser().ask("POST", link, asked).status == 303

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_the_pdf_to_a_known_address_is_one_mail(
    bench: Bench, shared: tuple[Bench, Browser, str], mode: str
) -> None:
    world, browser, letter = bench.world, shared[1], shared[2]
    form = _form(browser, f"/portal/months/{letter}", email="muhasebe@deneme.example")
    bench.remember()

    def check() -> None:
        (mail,) = _kept(world, "letter_mail")
        assert mail["mail_kind"].startswith("copy-")
        (row,) = _kept(world, "letter")
        assert list(row["mails"]) == [mail["id"]]

    def act() -> bool:
        return browser.ask("POST", f"/portal/months/{letter}/mail", form).status == 303

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_remark_to_a_line_is_there_once(
    bench: Bench, shared: tuple[Bench, Browser, str], mode: str
) -> None:
    world, browser, letter = bench.world, shared[1], shared[2]
    page = f"/portal/months/{letter}/differences"
    form = _form(browser, page, text="İade faturası yolda")
    assert {"form_id", "line", "csrf_token"} <= set(form)
    bench.remember()

    def check() -> None:
        notes = world.app.for_system(TENANT, "test").store.line_notes(letter)
        assert [note.text for note in notes] == ["İade faturası yolda"]

    def act() -> bool:
        return browser.ask("POST", f"{page}/notes", form).status == 303

    assert bench.try_all(act, check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_a_signed_event_of_the_books_counts_once(bench: Bench, mode: str) -> None:
    from reconciliation.handlers import take_book_events

    world = bench.world
    secret = world.call("POST", "/book-events/secret").json()["secret"]
    event = {"kind": "ledger_entries.stated", "entries": [api_entry("A-1", "7000.00")]}
    payload = json.dumps(event)
    at = int(world.clock.now().timestamp())
    given = signed_headers(key_of(Secret(secret)), "erp-1", at, payload.encode())
    headers = {name: value for name, value in given.items() if name.startswith("webhook-")}
    body = {"v": 1, "tenant_id": TENANT, "headers": headers, "payload": payload}
    bench.remember()

    def act() -> bool:
        answer = take_book_events.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
        return bool(answer["batchItemFailures"] == [])

    def check() -> None:
        (line,) = world.lines()
        assert (line["version"], line["net_amount"]["amount"]) == (2, "7000.00")
        received = [row for row in world.aws.rows("flow") if "#IN#books#" in row["pk"]]
        assert len(received) == 1
        assert world.call("GET", "/book-events/refused").json()["items"] == []

    assert bench.try_all(act, check, mode) >= 6
