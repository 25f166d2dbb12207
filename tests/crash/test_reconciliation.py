"""Reconciliation under a fault at every call: nothing lost, nothing doubled (reliability.md §10).

Each schedule is (use case, mode, n), as for card contracts. After the faults stop, what was not
acknowledged comes again and the minute schedule runs; then every line counts exactly once, in one
month, its earlier contents are there, and the outbox is empty.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.letters_world import LettersDesk
from tests.support.reconciliation_builders import OTHER_VKN, api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import (
    TENANT,
    ReconciliationWorld,
    reconciliation_world,
)

CARDS = b"Cari Kodu;Unvan;VKN\r\n120.01.001;Yeni A.S.;1234567890\r\n120.2;X A.S.;4540536920\r\n"
LINES = (
    "Cari Kodu;Belge No;Belge Tarihi;Tür;Yön;KDV Hariç Tutar\r\n"
    + "".join(f"120.01.001;B-{number};15.01.2026;fatura;alış;10,00\r\n" for number in range(25))
).encode()


Bench = FaultBench[ReconciliationWorld]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules, with one card and one line."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with reconciliation_world(aws, platform, clock) as world, switched_on(clock):
            world.counterparty()
            world.record(api_entry("A-1", "6000.00"))
            made = Bench(world, clock)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _quiet(world: ReconciliationWorld) -> None:
    """No work waits any more, and every entity has as many audit rows as its version says."""
    rows = world.aws.rows("flow")
    assert [row for row in rows if "#OUT#" in row["pk"] and "due_pk" in row] == []
    jobs = [row for row in world.aws.rows("core") if "#JOB#" in row["pk"]]
    assert [job["status"] for job in jobs if job["status"] in {"queued", "running"}] == []
    audits = [row["pk"] for row in world.aws.rows("audit")]
    for row in world.aws.rows("core"):
        if row["sk"] == "META" and "audit_hash" in row:
            chain = f"#ENT#{row['kind']}:{row['id']}"
            assert sum(pk.endswith(chain) for pk in audits) == row["version"]


def _places(world: ReconciliationWorld, number: str) -> list[tuple[str, int]]:
    """Months in which a document counts, with its net amount."""
    return [
        (row["pk"].rpartition("#")[2], row["net"])
        for row in world.aws.rows("core")
        if "#LEDGER#" in row["pk"] and row["document_no"] == number and row["state"] == "current"
    ]


def _past(world: ReconciliationWorld) -> list[int]:
    return [row["net"] for row in world.aws.rows("core") if "#LEDGER-PAST#" in row["pk"]]


@pytest.mark.parametrize("mode", MODES)
def test_lines_by_the_api_are_recorded_once(bench: Bench, mode: str) -> None:
    """A new line, and one whose document moved to another month."""
    world = bench.world
    lines = [api_entry("A-2"), api_entry("A-1", "7000.00", document_date="2026-02-01")]

    def act() -> bool:
        return world.call("POST", "/ledger-entries", {"entries": lines}).status == 200

    def check() -> None:
        _quiet(world)
        assert _places(world, "A-1") == [("2026-02", 700_000)]
        assert _places(world, "A-2") == [("2026-01", 300_000)]
        assert _past(world) == [600_000]

    assert bench.try_all(act, check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_an_account_card_is_added_once(bench: Bench, mode: str) -> None:
    world = bench.world

    def act() -> bool:
        answer = world.call("POST", "/counterparties", api_counterparty("120.9"))
        return answer.status == 201 or answer.json().get("code") == "code_taken"

    def check() -> None:
        _quiet(world)
        codes = [item["code"] for item in world.call("GET", "/counterparties").json()["items"]]
        assert sorted(codes) == ["120.01.001", "120.9"]

    assert bench.try_all(act, check, mode) >= 2


@pytest.mark.parametrize("mode", MODES)
def test_an_e_invoice_is_taken_once(bench: Bench, mode: str) -> None:
    world = bench.world

    def act() -> bool:
        return world.invoice(ubl()).status in {200, 201}

    def check() -> None:
        _quiet(world)
        assert len(world.call("GET", "/e-invoices").json()["items"]) == 1

    assert bench.try_all(act, check, mode) >= 3


def _started(bench: Bench, kind: str, content: bytes) -> Any:
    """From here on an import waits; gives its message."""
    headers = {"content-type": "text/csv"}
    answer = bench.world.call("POST", f"/{kind}/imports", content, headers=headers)
    assert answer.status == 202
    (body,) = bench.world.aws.messages("reconciliation-import")
    bench.remember()
    return body


def _delivery(body: Any) -> Callable[[], bool]:
    def act() -> bool:
        from reconciliation.handlers import run_import

        answer = run_import.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
        return bool(answer["batchItemFailures"] == [])

    return act


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_lines_is_recorded_once(bench: Bench, mode: str) -> None:
    """More than one transaction: a worker that dies between two of them goes on."""
    world = bench.world

    def check() -> None:
        _quiet(world)
        for number in range(25):
            assert _places(world, f"B-{number}") == [("2026-01", 1_000)]
        (job,) = [row for row in world.aws.rows("core") if "#JOB#" in row["pk"]]
        assert (job["status"], job["done"]) == ("succeeded", 25)
        assert job["result"] == {"added": 25, "changed": 0, "unchanged": 0}

    body = _started(bench, "ledger-entries", LINES)
    assert bench.try_all(_delivery(body), check, mode) >= 6


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_cards_is_recorded_once(bench: Bench, mode: str) -> None:
    world = bench.world

    def check() -> None:
        _quiet(world)
        items = world.call("GET", "/counterparties").json()["items"]
        assert [item["title"] for item in items] == ["Yeni A.S.", "X A.S."]

    body = _started(bench, "counterparties", CARDS)
    assert bench.try_all(_delivery(body), check, mode) >= 4


# ---------------------------------------------------------------------------- letters


@pytest.fixture
def desk(bench: Bench) -> LettersDesk:
    """The same company, able to mail."""
    made = LettersDesk(bench.world)
    made.settings()
    made.text()
    bench.world.counterparty("120.2", tax_no=OTHER_VKN, emails=["iki@x.example", "uc@x.example"])
    made.books("120.01.001", "120.2")
    bench.remember()
    return made


def _handled(module: Any, body: Any, remaining_ms: int = 60_000) -> bool:
    answer = module.handler(queue_event(body), LambdaContext(remaining_ms=remaining_ms))
    return bool(answer["batchItemFailures"] == [])


def _letters(world: ReconciliationWorld, kind: str) -> list[Any]:
    return [row for row in world.aws.rows("core") if row.get("kind") == kind]


def _board(world: ReconciliationWorld) -> dict[str, int]:
    """What the counters say, beside what the letters themselves say."""
    counted = {
        name: sum(
            row.get(f"{name}_n", 0) for row in world.aws.rows("core") if "-BOARD#" in row["pk"]
        )
        for name in ("draft", "queued", "sent", "bounced")
    }
    states = [row["state"] for row in _letters(world, "letter")]
    assert counted == {name: states.count(name) for name in counted}
    return counted


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_leaves_at_most_once_and_one_repetition(
    bench: Bench, desk: LettersDesk, mode: str
) -> None:
    """L4, I-20: killed around the mail service; a second mail only after an hour of silence."""
    from reconciliation.handlers import run_mailing, send_mail

    world = bench.world
    desk.start()
    for body in world.aws.messages("reconciliation-mailing"):
        assert _handled(run_mailing, body)
    body = world.aws.messages("reconciliation-mail")[0]
    desk.post.taken.clear()
    bench.remember()

    def act() -> bool:
        return _handled(send_mail, body)

    def check() -> None:
        _quiet(world)
        (mail,) = [row for row in _letters(world, "letter_mail") if row["id"] == body["mail_id"]]
        sent = [name for name, _ in desk.post.taken if name == body["mail_id"]]
        desk.post.taken.clear()
        desk.post.papers.clear()
        assert mail["state"] in ("sent", "unknown")
        assert len(sent) <= 1 + mail["resends"]
        if mail["state"] == "sent":
            assert len(sent) >= 1
            (letter,) = [row for row in _letters(world, "letter") if row["id"] == mail["letter_id"]]
            assert letter["edition"]["digest"]
            assert letter["state"] == "sent"
        else:
            assert mail["due_sk"]
        _board(world)

    # Two reads, the paper kept, the claim, the mail service, the commit.
    assert bench.try_all(act, check, mode) >= 6


@pytest.mark.parametrize("mode", MODES)
def test_a_report_of_a_letter(bench: Bench, desk: LettersDesk, mode: str) -> None:
    """A bounce for good: the mail, its letter, the silent address and the attention, or nothing."""
    from reconciliation.handlers import mail_events

    world = bench.world
    desk.mailed()
    mail = _letters(world, "letter_mail")[0]
    tags = {"kopru-tenant": [TENANT], "kopru-letter-mail": [mail["id"]]}
    detail = {
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent"},
        "mail": {"messageId": mail["provider_id"], "tags": tags},
    }
    message = {"detail-type": "Email Bounced", "source": "aws.ses", "detail": detail}
    bench.remember()

    def check() -> None:
        _quiet(world)
        assert {row["id"]: row["state"] for row in _letters(world, "letter_mail")}[
            mail["id"]
        ] == "bounced"
        assert len([row for row in world.aws.rows("core") if "#SUPPRESSED#" in row["pk"]]) == 1
        _board(world)

    assert bench.try_all(lambda: _handled(mail_events, message), check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_the_day_of_the_window_makes_each_letter_and_mail_once(
    bench: Bench, desk: LettersDesk, mode: str
) -> None:
    """L3: the sweep gives the day's message, once or often; one run, every letter once."""
    from reconciliation.handlers import run_mailing

    world = bench.world
    desk.settings(automatic=True)
    bench.remember()
    body = {"v": 1, "tenant_id": TENANT, "job_id": "due", "hops": 0}

    def check() -> None:
        for message in world.aws.messages("reconciliation-mailing"):
            assert _handled(run_mailing, message)
        _quiet(world)
        assert len(_letters(world, "letter")) == 2
        assert len(_letters(world, "letter_mail")) == 3
        assert _board(world)["queued"] == 2
        (settings,) = _letters(world, "mailing_settings")
        assert settings["due_sk"] > "2026-06-01T12"

    assert bench.try_all(lambda: _handled(run_mailing, body), check, mode) >= 6
