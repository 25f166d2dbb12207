"""Exact AWS calls of reconciliation per use case, committed in ``reconciliation.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from kernel.sensitive import Secret
from reconciliation.domain.ledger import MAX_TOGETHER
from tests.budgets.committed import check_committed
from tests.budgets.counts import CALLS, count
from tests.budgets.day import Day
from tests.integration.reconciliation.test_book_events import REFUSED, signed
from tests.integration.reconciliation.test_portal_mails import Post
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.letters_world import TEXT, LettersDesk
from tests.support.reconciliation_builders import api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import (
    TENANT,
    Browser,
    ReconciliationWorld,
    reconciliation_world,
)
from toolkit.http.webhook_signature import key_of

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("reconciliation.json")
STATEMENT: Final = b"Tarih;Belge No;Alacak\r\n15.01.2026;A-1;900,00\r\n"
HEAD: Final = "Cari Kodu;Belge No;Belge Tarihi;Tür;Yön;KDV Hariç Tutar\r\n"


@pytest.fixture
def world() -> Iterator[ReconciliationWorld]:
    """A company with one account card."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with reconciliation_world(aws, platform, clock) as made, switched_on(clock):
            made.counterparty()
            made.work_portal()
            yield made


PAGES: Final = {"account", "statement", "e-invoices", "months", "one month", "differences"}
Act = Callable[[ReconciliationWorld], Any]


def _add(world: ReconciliationWorld) -> Any:
    return world.call("POST", "/counterparties", api_counterparty("X"))


def _record(world: ReconciliationWorld) -> Any:
    return world.record(*(api_entry(f"A-{number}") for number in range(MAX_TOGETHER)))


def _recorded(world: ReconciliationWorld) -> Act:
    _record(world)
    return _record


def _corrected(world: ReconciliationWorld) -> Act:
    _record(world)
    return lambda world: world.record(
        *(api_entry(f"A-{number}", document_date="2026-02-01") for number in range(MAX_TOGETHER))
    )


def _figures(world: ReconciliationWorld) -> Act:
    _record(world)
    return lambda world: world.figures()


def _import(world: ReconciliationWorld) -> Act:
    rows = "".join(f"120.01.001;B-{n};15.01.2026;fatura;alış;10,00\r\n" for n in range(100))
    headers = {"content-type": "text/csv"}
    content = (HEAD + rows).encode()
    assert world.call("POST", "/ledger-entries/imports", content, headers=headers).status == 202
    bodies = world.aws.messages("reconciliation-import")
    return lambda world: world.work(bodies)


def _asked(world: ReconciliationWorld) -> LettersDesk:
    """A letter of one counterparty with one address is asked for."""
    desk = LettersDesk(world)
    desk.settings()
    desk.text()
    desk.books("120.01.001")
    assert desk.start().status == 202
    return desk


def _run(world: ReconciliationWorld) -> Act:
    desk = _asked(world)
    bodies = world.aws.messages("reconciliation-mailing")
    return lambda _: desk.handle("reconciliation-mailing", bodies)


def _send(world: ReconciliationWorld) -> Act:
    desk = _asked(world)
    desk.handle("reconciliation-mailing", world.aws.messages("reconciliation-mailing"))
    bodies = world.aws.messages("reconciliation-mail")
    return lambda _: desk.handle("reconciliation-mail", bodies)


def _report(world: ReconciliationWorld) -> Act:
    desk = _asked(world)
    desk.work()
    mail = desk.mails()[0]["id"]
    return lambda _: desk.report(mail, "Delivery")


def _entered(world: ReconciliationWorld) -> tuple[Browser, str]:
    """A counterparty that is signed in, with a letter and a case of differences."""
    LettersDesk(world).text()
    world.record(api_entry("A-1", "6000.00"))
    card = world.call("GET", "/counterparties").json()["items"][0]["id"]
    letter = world.letter(card)
    file = UploadedFile(STATEMENT, "text/csv", "ekstre.csv")
    use = world.app.for_system(TENANT, "test")
    use.send_statement()(letter, card, channel="staff", file=file)
    browser = world.enter(card)
    world.work_portal()
    return browser, letter.id


def _shown(path: str) -> Callable[[ReconciliationWorld], Act]:
    """A page of the portal; ``{letter}`` stands for the letter's id."""

    def prepared(world: ReconciliationWorld) -> Act:
        browser, letter = _entered(world)
        return lambda _: browser.get(path.format(letter=letter))

    return prepared


def _linked(suffix: str) -> Callable[[ReconciliationWorld], Act]:
    """The page of a letter by its link, or one of its files."""

    def prepared(world: ReconciliationWorld) -> Act:
        _, letter = _entered(world)
        use = world.app.for_system(TENANT, "test")
        link = world.letter_link(use.store.letter(letter))
        return lambda _: Browser().get(f"{link}{suffix}")

    return prepared


def _sent(page: str, path: str, **fields: str) -> Callable[[ReconciliationWorld], Act]:
    """A form of a page of the portal."""

    def prepared(world: ReconciliationWorld) -> Act:
        browser, letter = _entered(world)
        body = browser.get(page.format(letter=letter)).body
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', body))
        form = {**hidden, **fields}

        def act(_: ReconciliationWorld) -> None:
            assert browser.ask("POST", path.format(letter=letter), form).status == 303

        return act

    return prepared


MEASURES: Final[dict[str, Callable[[ReconciliationWorld], Act]]] = {
    "add an account card": lambda _: _add,
    "record 15 lines": lambda _: _record,
    "record 15 known lines": _recorded,
    "move 15 lines to another month": _corrected,
    "import 100 lines": _import,
    "take an e-invoice": lambda _: lambda world: world.invoice(ubl()),
    "figures of a month": _figures,
    "make one letter": _run,
    "send one letter": _send,
    "one report of a mail": _report,
    "idle minute": lambda _: lambda world: world.minute(),
    "portal: account": _shown("/portal"),
    "portal: statement": _shown("/portal/statement"),
    "portal: e-invoices": _shown("/portal/e-invoices"),
    "portal: months": _shown("/portal/months"),
    "portal: one month": _shown("/portal/months/{letter}"),
    "portal: differences": _shown("/portal/months/{letter}/differences"),
    "portal: addresses": _shown("/portal/mails"),
    "link: letter": _linked(""),
    "link: PDF": _linked("/letter.pdf"),
    "link: Excel": _linked("/letter.xlsx"),
    "portal: answer": _sent(
        "/portal/months/{letter}", "/portal/months/{letter}/answer", said="agreed", name="Ali Er"
    ),
    "portal: subscribe": _sent(
        "/portal/mails", "/portal/mails/subscriptions", email="muhasebe@deneme.example"
    ),
    "portal: mail the PDF": _sent(
        "/portal/months/{letter}",
        "/portal/months/{letter}/mail",
        email="muhasebe@deneme.example",
    ),
    "portal: remark": _sent(
        "/portal/months/{letter}/differences",
        "/portal/months/{letter}/differences/notes",
        text="Yolda",
    ),
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: ReconciliationWorld, name: str) -> None:
    act = MEASURES[name](world)
    check_committed(FILE, name, count(lambda: act(world)))


# ---------------------------------------------------------------------------- one after the other

DAY: Final = Day(FILE)


def test_the_counts_of_a_day_are_the_committed_ones(world: ReconciliationWorld) -> None:
    rules(world)
    portal_mail(world)
    book_events(world)


def rules(world: ReconciliationWorld) -> None:
    """The company's own parameters, and a letter text of its own."""
    row = {"key": "babs.threshold", "since": "2026-01", "value": "10000.00", "legal_ref": "RG"}
    body, read = {"items": [row]}, {"if-match": '"v0"'}
    DAY.counted("save own parameters", lambda: world.call("PUT", "/parameters", body, headers=read))
    path = "/letter-templates"
    drafted = DAY.counted("draft a letter text", lambda: world.call("POST", path, TEXT)).json()
    approve = f"{path}/{drafted['id']}/approve"
    DAY.counted("approve a letter text", lambda: world.call("POST", approve))


def portal_mail(world: ReconciliationWorld) -> None:
    """An invitation to the portal is mailed and reported on."""
    from reconciliation.handlers import send_mail

    world.app.portal_mailer = Post()
    (card,) = world.call("GET", "/counterparties").json()["items"]
    assert world.call("POST", f"/counterparties/{card['id']}/invitations").status == 202
    (order,) = world.aws.messages("reconciliation-mail")
    context = LambdaContext(remaining_ms=60_000)
    DAY.counted("send a mail of the portal", lambda: send_mail.handler(queue_event(order), context))
    desk = LettersDesk(world)
    mail = order["portal_mail_id"]
    DAY.counted("one report of a mail of the portal", lambda: desk.report(mail, "Delivery"))


def book_events(world: ReconciliationWorld) -> None:
    """Signed events of the books: a secret, two lines, and one that cannot be taken."""
    from reconciliation.handlers import take_book_events

    made = DAY.counted(
        "renew the secret of book events", lambda: world.call("POST", "/book-events/secret")
    )
    key = key_of(Secret(made.json()["secret"]))
    context = LambdaContext(remaining_ms=60_000)
    lines = {"kind": "ledger_entries.stated", "entries": [api_entry("E-1"), api_entry("E-2")]}
    good = queue_event(signed(world, key, lines, "erp-1"))
    wrong = queue_event(signed(world, key, {"kind": "ledger_entries.stated"}, "erp-2"))
    DAY.counted("take a book event of 2 lines", lambda: take_book_events.handler(good, context))
    DAY.counted(
        "keep a book event that cannot be taken",
        lambda: take_book_events.handler(wrong, context),
    )
    (refused,) = world.call("GET", REFUSED).json()["items"]
    path = f"{REFUSED}/{refused['id']}/dismiss"
    DAY.counted("dismiss it", lambda: world.call("POST", path, {"note": "wrong export"}))


def test_no_page_of_the_portal_writes_and_a_letter_costs_few_reads() -> None:
    """GET only reads, but for the visit and the counter of its files; a letter is two reads."""
    counts = json.loads(FILE.read_text(encoding="utf-8"))
    for name, one in counts.items():
        if name.startswith("portal: ") and name.removeprefix("portal: ") in PAGES:
            assert one.keys() & CALLS <= {"reads", "s3", "updates"}, name
    assert counts["send one letter"]["reads"] == 2
    assert counts["send one letter"]["transactions"] == 2


def test_lines_cost_a_transaction_per_fifteen() -> None:
    """Fifteen lines are one transaction, also when all of them move; known lines cost none."""
    counts = json.loads(FILE.read_text(encoding="utf-8"))
    assert counts["record 15 lines"]["transactions"] == 1
    assert counts["move 15 lines to another month"]["transactions"] == 1
    assert "transactions" not in counts["record 15 known lines"]
    assert counts["import 100 lines"]["transactions"] == 8
    figures = counts["figures of a month"]
    assert {kind: figures[kind] for kind in figures.keys() & CALLS} == {"reads": 3}
