"""The portal under a fault at every call: one access, one password, one answer, one mail.

Each schedule is (use case, mode, n), as for the books and letters of this context.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from kernel.mailing import MailOutcome, MailResult
from reconciliation.domain.letter import Letter
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, SWITCHBOARD, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import (
    PASSWORD,
    TENANT,
    Browser,
    ReconciliationWorld,
    reconciliation_world,
)

Bench = FaultBench[ReconciliationWorld]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules: a card with its access, a line and a letter."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with reconciliation_world(aws, platform, clock) as world, switched_on(clock):
            card = world.counterparty()["id"]
            world.record(api_entry("A-1", "6000.00"))
            world.work_portal()
            world.letter(card)
            made = Bench(world, clock)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _handled(module: Any, body: Any) -> bool:
    answer = module.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
    return bool(answer["batchItemFailures"] == [])


def _kept(world: ReconciliationWorld, kind: str) -> list[Any]:
    return [row for row in world.aws.rows("core") if row.get("kind") == kind]


def _quiet(world: ReconciliationWorld) -> None:
    """No work waits any more, and every entity has as many audit rows as its version says."""
    rows = world.aws.rows("flow")
    assert [row for row in rows if "#OUT#" in row["pk"] and "due_pk" in row] == []
    audits = [row["pk"] for row in world.aws.rows("audit")]
    for row in world.aws.rows("core"):
        if row["sk"] == "META" and "audit_hash" in row:
            chain = f"#ENT#{row['kind']}:{row['id']}"
            assert sum(pk.endswith(chain) for pk in audits) == row["version"]


def _body(**more: Any) -> dict[str, Any]:
    return {"v": 1, "tenant_id": TENANT, "hops": 0, **more}


def _letter(world: ReconciliationWorld) -> Letter:
    (row,) = _kept(world, "letter")
    return world.app.for_system(TENANT, "test").store.letter(row["id"])


@pytest.mark.parametrize("mode", MODES)
def test_a_card_gets_one_access(bench: Bench, mode: str) -> None:
    from reconciliation.handlers import run_portal

    world = bench.world
    card = str(world.counterparty("120.9")["id"])
    world.aws.messages("reconciliation-portal")
    bench.remember()
    body = _body(act="prepare_access", counterparty_ids=card)

    def check() -> None:
        _quiet(world)
        (access,) = [row for row in _kept(world, "portal_access") if row["id"] == card]
        assert (access["state"], access["version"]) == ("prepared", 1)
        names = [row for row in world.aws.rows("flow") if "#PORTAL-USER#" in row["pk"]]
        assert [row["owner"] for row in names].count(f"{TENANT}/{card}") == 1

    assert bench.try_all(lambda: _handled(run_portal, body), check, mode) >= 2


@pytest.mark.parametrize("mode", MODES)
def test_an_invitation_is_used_once(bench: Bench, mode: str) -> None:
    world = bench.world
    use = world.app.for_system(TENANT, "test")
    link = use.access_links.link_for(use.store.counterparty(_letter(world).counterparty_id))
    bench.remember()

    def act() -> bool:
        return Browser().ask("POST", link, {"password": PASSWORD}).status in (303, 404)

    def check() -> None:
        _quiet(world)
        (access,) = _kept(world, "portal_access")
        assert (access["state"], access["session_epoch"]) == ("active", 2)
        assert Browser().get(link).status == 404
        signed_in = Browser(source_ip="203.0.113.200").sign_in(access["user_name"], PASSWORD)
        assert signed_in.location == "/portal"

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_is_given_and_taken_over_once(bench: Bench, mode: str) -> None:
    """Sent as a form, taken over by the worker; the case and our statement come with it, once."""
    world = bench.world
    link = world.letter_link(_letter(world))
    page = Browser().get(link).body
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    form = {**fields, "said": "disagreed", "name": "Ali Er"}
    bench.remember()

    def act() -> bool:
        return Browser().ask("POST", link, form).status == 303

    def check() -> None:
        world.work_portal()
        _quiet(world)
        (answer,) = _kept(world, "portal_answer")
        assert answer["state"] == "taken"
        assert len(_letter(world).replies) == 1
        assert len(_kept(world, "portal_case")) == 1
        assert len(_kept(world, "portal_mail")) == 1

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_statement_is_read_and_compared_once(bench: Bench, mode: str) -> None:
    from reconciliation.handlers import run_portal

    world = bench.world
    letter = _letter(world)
    content = b"Tarih;Belge No;Alacak\r\n15.01.2026;A-1;900,00\r\n"
    sent = world.app.for_system(TENANT, "test").send_statement()(
        letter,
        letter.counterparty_id,
        channel="staff",
        file=UploadedFile(content, "text/csv", "ekstre.csv"),
    )
    world.aws.messages("reconciliation-portal")
    bench.remember()
    body = _body(act="read_statement", statement_id=sent.id)

    def check() -> None:
        world.work_portal()
        _quiet(world)
        (case,) = _kept(world, "portal_case")
        assert (case["state"], case["run"]["number"]) == ("compared", 1)
        (statement,) = _kept(world, "portal_statement")
        assert (statement["state"], statement["lines"]) == ("read", 1)

    assert bench.try_all(lambda: _handled(run_portal, body), check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_an_invitation_leaves_at_most_once(bench: Bench, mode: str) -> None:
    from reconciliation.handlers import send_mail

    world, taken = bench.world, list[str]()

    class Post:
        def send(self, _tenant: str, mail: Any, _text: Any) -> MailOutcome:
            def take() -> MailOutcome:
                taken.append(mail.id)
                return MailOutcome(MailResult.TAKEN, f"m-{len(taken)}", "")

            return SWITCHBOARD.on_port(
                "mail.send",
                take,
                lost=lambda _: MailOutcome(MailResult.UNKNOWN, code="lost"),
                refused=lambda: MailOutcome(MailResult.NOT_SENT, code="throttled"),
            )

    world.app.portal_mailer = Post()
    world.app.for_system(TENANT, "test").invite()(_letter(world).counterparty_id, by="staff")
    (body,) = world.aws.messages("reconciliation-mail")
    bench.remember()

    def check() -> None:
        (mail,) = _kept(world, "portal_mail")
        count = taken.count(mail["id"])
        taken.clear()
        assert mail["state"] in ("sent", "unknown", "queued")
        assert count <= 1
        assert count == 1 or mail["state"] != "sent"

    assert bench.try_all(lambda: _handled(send_mail, body), check, mode) >= 5
