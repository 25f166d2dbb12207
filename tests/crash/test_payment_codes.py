"""Payment codes under a fault at every call: nothing lost, nothing doubled (reliability.md §10).

Each schedule is (use case, mode, n). The actor meets its fault at attempt ``n``; then the faults
stop, what was not acknowledged comes again, the minute schedules run, and the invariants must hold:
what the network lists is booked once, debits equal credits, a document has one code, a customer
gets at most one mail of one request. What the network answered is kept whenever it was acted on:
no single fault loses the copy, and no fault of the copy touches the money.
"""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.mailing import MailOutcome, MailResult
from kernel.sensitive import Secret
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from tests.support.aws import ACCOUNT, REGION, START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import ROUND, StoringBench, buckets
from tests.support.faults import MODES, SWITCHBOARD, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.payment_faults import FaultyProvider
from tests.support.payment_world import BASE, CUSTOMER, PaymentWorld, payment_world
from tests.support.statements import Move, camt
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of

WISH = {
    "source": {"kind": "repair_order", "id": "RO-1"},
    "customer": CUSTOMER,
    "amount": {"amount": "1250.00", "currency": "EUR"},
}


# More than one transaction of codes; every code more costs the square in schedules.
SLICE = 4


@dataclass
class CountingMailer:
    """Counts what was really handed over."""

    sent: Counter[str] = field(default_factory=Counter)

    def send(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> MailOutcome:
        def hand_over() -> MailOutcome:
            self.sent[mail.id] += 1
            return MailOutcome(MailResult.TAKEN, f"ses-{code.id}-{organisation.id}-{len(link)}")

        return SWITCHBOARD.on_port(
            "ses.send",
            hand_over,
            lost=lambda _: MailOutcome(MailResult.UNKNOWN),
            refused=lambda: MailOutcome(MailResult.NOT_SENT),
        )


@dataclass
class Bench(StoringBench[PaymentWorld]):
    """Puts the network and the counted mails back too."""

    mailer: CountingMailer = field(default_factory=CountingMailer)

    def remember(self) -> None:
        super().remember()
        self.start = (*self.start, copy.deepcopy(self.world.network.state))

    def restore(self) -> None:
        super().restore()
        self.world.network.state = copy.deepcopy(self.start[-1])
        self.mailer.sent.clear()


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with payment_world(aws, platform, clock) as world, switched_on(clock):
            mailer = CountingMailer()
            world.app.own_mailer = mailer
            world.app.__dict__["_gateway"] = FaultyProvider(world.app.__dict__["_gateway"])
            world.organisation()
            world.renew_secret()
            made = Bench(world, clock, minutes=2, mailer=mailer)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _invoke(name: str, body: dict[str, Any]) -> bool:
    from payment_codes.handlers import (
        import_statement,
        issue_batch,
        issue_codes,
        mail_events,
        pull_payments,
        send_mail,
        take_document_events,
    )

    module = {
        "batch": issue_batch,
        "event": take_document_events,
        "issue": issue_codes,
        "pull": pull_payments,
        "mail": send_mail,
        "report": mail_events,
        "statement": import_statement,
    }[name]
    answer = module.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
    return not answer["batchItemFailures"]


def _ledger(world: PaymentWorld) -> None:
    """I-1: debits equal credits, and a balance is the sum of its entries."""
    rows = world.aws.rows("ledger")
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["sk"] != "BAL":
            sums[row["pk"], f"{row['leg']}_{row['name']}"] += row["amount"]
    balances = {
        (row["pk"], name): value
        for row in rows
        if row["sk"] == "BAL"
        for name, value in row.items()
        if name[:2] in ("D_", "C_")
    }
    assert dict(sums) == balances
    debits = sum(value for (_, name), value in sums.items() if name.startswith("D_"))
    assert 2 * debits == sum(sums.values())


def _kept(code_id: str) -> list[bytes]:
    """What is kept of the calls about a code, whole calls and notifications."""
    place = f"/code-exchanges/{code_id}/"
    stored = (item for bucket in buckets() for item in dict.items(bucket.keys))
    return [versions[-1].value for name, versions in stored if place in name]


def _no_outbox(world: PaymentWorld) -> None:
    """I-15: every row left the outbox."""
    waiting = [row for row in world.aws.rows("flow") if "#OUT#" in row["pk"] and "due_pk" in row]
    assert waiting == []


@pytest.mark.parametrize("mode", MODES)
def test_issuing(bench: Bench, mode: str) -> None:
    world = bench.world

    def act() -> bool:
        return world.call("POST", BASE, WISH, key="one").status == 201

    def check() -> None:
        codes = [row for row in world.aws.rows("core") if row.get("kind") == "payment_code"]
        assert [row["registration"] for row in codes] == ["registered"]
        assert list(world.network.state["requests"]) == [codes[0]["code"]]
        assert any(b"POST /v1/requests" in kept for kept in _kept(codes[0]["id"]))
        _no_outbox(world)

    assert bench.try_all(act, check, mode) >= 5


def _with_code(bench: Bench) -> dict[str, Any]:
    """A registered code with two equal payments of one day; the pull has not come yet."""
    world = bench.world
    made = world.call("POST", BASE, WISH, key="base").json()
    world.work()
    world.pay(made["code"], "750.00", with_id=False)
    world.pay(made["code"], "750.00", with_id=False)
    return dict(made)


@pytest.mark.parametrize("mode", MODES)
def test_pulling(bench: Bench, mode: str) -> None:
    world = bench.world
    made = _with_code(bench)
    bench.remember()
    message = {"v": 1, "tenant_id": _tenant(world), "code_id": made["id"], "hops": 0}

    def check() -> None:
        code = world.code(made["id"])
        assert (code["status"], code["paid_total"]["amount"]) == ("overpaid", "1500.00")
        outcomes = [payment["outcome"] for payment in world.payments(made["id"])]
        assert outcomes == ["under", "over"]
        assert any(b"/payments" in kept and b"750.00" in kept for kept in _kept(made["id"]))
        _ledger(world)
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("pull", message), check, mode) >= 10


@pytest.mark.parametrize("mode", MODES)
def test_a_notification(bench: Bench, mode: str) -> None:
    world = bench.world
    made = _with_code(bench)
    bench.remember()

    def act() -> bool:
        # The provider repeats the very same notification until it hears 2xx.
        stamp = int(START.timestamp())
        at = world.clock.now()
        world.clock.set(START)
        try:
            return world.notify(made["code"], identity="n-1", stamp=stamp).status == 202
        finally:
            world.clock.set(at)

    def check() -> None:
        assert world.code(made["id"])["paid_total"]["amount"] == "1500.00"
        inbox = [row for row in world.aws.rows("flow") if "#IN#" in row["pk"]]
        assert len(inbox) == 1
        notices = [kept for kept in _kept(made["id"]) if b"payment.received" in kept]
        assert len(notices) <= 1, "kept after its commit: missed by a crash, never doubled"
        _ledger(world)
        _no_outbox(world)

    assert bench.try_all(act, check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_importing_a_statement(bench: Bench, mode: str) -> None:
    """One line the list told already, one it tells later, one of nobody: each booked once."""
    world = bench.world
    made = world.call("POST", BASE, WISH, key="base").json()
    world.work()
    world.pay(made["code"], "750.00")
    world.call("POST", f"{BASE}/{made['id']}/refresh")
    world.work()
    moves = [Move(75_000, made["code"]), Move(50_000, made["code"]), Move(900)]
    job = world.statement(camt(moves), work=False)
    world.pay(made["code"], "500.00", with_id=False)
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        queue._messages = []
    bench.remember()
    message = {"v": 1, "tenant_id": _tenant(world), "job_id": job["id"], "hops": 0}

    def check() -> None:
        code = world.code(made["id"])
        assert (code["status"], code["paid_total"]["amount"]) == ("paid", "1250.00")
        payments = world.payments(made["id"])
        assert [payment["outcome"] for payment in payments] == ["under", "exact"]
        assert all(each["on_statement"] and each["in_provider_list"] for each in payments)
        done = world.job(job["id"])
        counts = Counter(done["result"]["counts"])
        assert (done["status"], done["done"], done["total"]) == ("succeeded", 3, 3)
        # Under a race the pull may tell of the second payment before its line is read.
        assert counts["agreed"] + counts["booked"] == 2
        assert counts["without_code"] == 1
        _ledger(world)
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("statement", message), check, mode) >= 10


@pytest.mark.parametrize("mode", MODES)
def test_mailing(bench: Bench, mode: str) -> None:
    world = bench.world
    made = world.call("POST", BASE, WISH, key="base").json()
    world.work()
    sent = world.call("POST", f"{BASE}/{made['id']}/send", {"channel": "email"}, key="m").json()
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        queue._messages = []
    bench.remember()
    message = {"v": 1, "tenant_id": _tenant(world), "mail_id": sent["mail_id"], "hops": 0}

    def check() -> None:
        assert bench.mailer.sent[sent["mail_id"]] <= 1
        (mail,) = [row for row in world.aws.rows("core") if row.get("kind") == "code_mail"]
        assert mail["state"] in ("sent", "unknown")
        if mail["state"] == "sent":
            assert bench.mailer.sent[sent["mail_id"]] == 1
            assert world.code(made["id"])["status"] == "sent"
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("mail", message), check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_report_of_a_mail(bench: Bench, mode: str) -> None:
    """A bounce for good: the mail, the code, the silent address and the attention, or nothing."""
    world = bench.world
    made = world.call("POST", BASE, WISH, key="base").json()
    world.work()
    sent = world.call("POST", f"{BASE}/{made['id']}/send", {"channel": "email"}, key="m").json()
    world.work()
    (row,) = [row for row in world.aws.rows("core") if row.get("kind") == "code_mail"]
    tags = {"kopru-tenant": [_tenant(world)], "kopru-code-mail": [sent["mail_id"]]}
    detail = {
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent"},
        "mail": {"messageId": row["provider_id"], "tags": tags},
    }
    message = {"detail-type": "Email Bounced", "source": "aws.ses", "detail": detail}
    world.aws.published("payment_codes.AttentionRaised.v1")
    bench.remember()

    def check() -> None:
        (mail,) = [row for row in world.aws.rows("core") if row.get("kind") == "code_mail"]
        assert mail["state"] == "bounced"
        assert len([row for row in world.aws.rows("core") if "#SUPPRESSED#" in row["pk"]]) == 1
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("report", message), check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_issuing_a_slice(bench: Bench, mode: str) -> None:
    world = bench.world
    documents = [{**WISH, "source": {"kind": "bill_batch", "id": f"B-{n}"}} for n in range(SLICE)]
    job = world.call("POST", f"{BASE}/batches", {"documents": documents}, key="b").json()
    (message,) = world.aws.messages("payment-codes-batch")
    bench.remember()

    def check() -> None:
        codes = [row for row in world.aws.rows("core") if row.get("kind") == "payment_code"]
        assert sorted(row["source_id"] for row in codes) == sorted(f"B-{n}" for n in range(SLICE))
        assert len({row["ident"] for row in codes}) == SLICE
        (row,) = [row for row in world.aws.rows("core") if row.get("id") == job["id"]]
        assert (row["status"], row["done"], row["n_issued"]) == ("succeeded", SLICE, SLICE)
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("batch", message), check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_taking_back_a_slice(bench: Bench, mode: str) -> None:
    world = bench.world
    documents = [{**WISH, "source": {"kind": "bill_batch", "id": f"B-{n}"}} for n in range(2)]
    batch = world.call("POST", f"{BASE}/batches", {"documents": documents}, key="b").json()
    world.work()
    job = world.call("POST", f"{BASE}/batches/{batch['id']}/undo").json()
    (read,) = world.aws.messages("payment-codes-batch")
    assert _invoke("batch", read)
    (message,) = world.aws.messages("payment-codes-batch")
    bench.remember()

    def check() -> None:
        codes = [row for row in world.aws.rows("core") if row.get("kind") == "payment_code"]
        assert [row["state"] for row in codes] == ["cancelled"] * 2
        # One history row says it, however often the slice came.
        undone = [
            row
            for row in world.aws.rows("core")
            if row.get("action") == "code.batch_undone" and row["sk"] != "META"
        ]
        assert len(undone) == 2
        (row,) = [row for row in world.aws.rows("core") if row.get("id") == job["id"]]
        assert (row["status"], row["done"], row["n_undone"]) == ("succeeded", 2, 2)
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("batch", message), check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_a_signed_document_event(bench: Bench, mode: str) -> None:
    world = bench.world
    path = f"{BASE}/organisation/document-event-secret"
    secret = str(world.call("POST", path, shows="the new secret").json()["secret"])
    document = {"id": "RO-1", "customer": CUSTOMER, "amount": WISH["amount"]}
    payload = json.dumps({"kind": "repair_order.ready_for_invoicing", "document": document})
    stamp = int(world.clock.now().timestamp())
    signed = signed_headers(key_of(Secret(secret)), "erp-1", stamp, payload.encode())
    message = {"v": 1, "tenant_id": _tenant(world), "headers": signed, "payload": payload}
    bench.remember()

    def check() -> None:
        codes = [row for row in world.aws.rows("core") if row.get("kind") == "payment_code"]
        assert [row["source_id"] for row in codes] == ["RO-1"]
        assert len([row for row in world.aws.rows("flow") if "#IN#" in row["pk"]]) == 1
        _no_outbox(world)

    assert bench.try_all(lambda: _invoke("event", message), check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_splitting_a_payment(bench: Bench, mode: str) -> None:
    world = bench.world
    codes = [
        world.call("POST", BASE, {**WISH, "source": {"kind": "repair_order", "id": name}}).json()
        for name in ("RO-1", "RO-2")
    ]
    world.work()
    world.pay("RF86912348100000000000001", "2500.00")
    world.clock.advance(ROUND)
    world.minute()
    (payment,) = world.unmatched()
    parts = [{"code_id": code["id"], "amount": WISH["amount"]} for code in codes]
    bench.remember()

    def act() -> bool:
        path = f"{BASE}/unmatched/{payment['id']}/split"
        return world.call("POST", path, {"parts": parts}).status in (200, 409)

    def check() -> None:
        assert [world.code(code["id"])["status"] for code in codes] == ["paid", "paid"]
        assert world.unmatched() == []
        _ledger(world)
        _no_outbox(world)

    assert bench.try_all(act, check, mode) >= 3


def _tenant(world: PaymentWorld) -> str:
    return world.principal().tenant_id
