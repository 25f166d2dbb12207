"""Card contracts under a fault at every call: nothing lost, nothing doubled (reliability.md §10).

Each schedule is (use case, mode, n), as for payment codes. After the faults stop, what was not
acknowledged comes again and the minute schedule runs; then a document must be posted exactly once,
receivables must sum to the sale, debits equal credits, and the outbox be empty (C7, C9, I-1, I-2,
I-15).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import BASE, TENANT, CardsWorld, cards_world
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext

FILE = (
    "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı\r\n"
    "FTR-1;AXESS-26;28.04.2026;1.000,00;3\r\nFTR-2;AXESS-26;29.04.2026;10,00;1\r\n"
).encode()
REVERSALS = (
    "İşlem;Belge No;Satış Belge No;Sözleşme Kodu;Tarih;Tutar;Taksit Sayısı;Kesinti İadesi\r\n"
    "İade;I-1;FTR-1;;04.05.2026;400,00;;Oransal\r\n"
    "İptal;FTR-2;;;;;;\r\n"
).encode()


Bench = FaultBench[CardsWorld]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules, with one contract."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with cards_world(aws, platform, clock) as world, switched_on(clock):
            world.contract()
            made = Bench(world, clock)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _posted(bench: Bench) -> dict[str, Any]:
    """From here on there is a sale."""
    sale = bench.world.sale()
    bench.remember()
    return sale


def _sums(world: CardsWorld) -> Counter[str]:
    """Net minor units by document, of all receivables that are still expected."""
    found: Counter[str] = Counter()
    for row in world.aws.rows("core"):
        if "#RECEIVABLES#" in row["pk"] and row["status"] == "expected":
            found[row["document_no"]] += row["gross"] - sum(row["deductions"].values())
    return found


def _holds(world: CardsWorld) -> None:
    """I-1, I-2 and I-15 over everything that is stored."""
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
    # What arrived is no receivable any more, and what was booked for it says so.
    receivable = sum(
        value if name.startswith("D_") else -value
        for (_, name), value in sums.items()
        if name.endswith("card_receivable")
    )
    assert receivable == sum(_sums(world).values())
    waiting = [row for row in world.aws.rows("flow") if "#OUT#" in row["pk"] and "due_pk" in row]
    assert waiting == []


def _sales(world: CardsWorld) -> list[tuple[str, str]]:
    rows = [row for row in world.aws.rows("core") if row.get("kind") == "card_sale"]
    return sorted((row["document_no"], row["state"]) for row in rows)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("key", ["one", None])
def test_posting_a_sale(bench: Bench, mode: str, key: str | None) -> None:
    world = bench.world

    def act() -> bool:
        return world.call("POST", f"{BASE}/sales", api_sale(), key=key).status in (200, 201)

    def check() -> None:
        assert _sales(world) == [("FTR-1", "posted")]
        assert _sums(world) == {"FTR-1": 97_600}
        _holds(world)

    assert bench.try_all(act, check, mode) >= 4


def _signing(bench: Bench) -> bytes:
    """From here on there is a secret for events."""
    key = bench.world.event_key()
    bench.remember()
    return key


@pytest.mark.parametrize("mode", MODES)
def test_a_signed_sale_event(bench: Bench, mode: str) -> None:
    world = bench.world
    message = world.signed(_signing(bench), {"kind": "sale.closed", "sale": api_sale()})

    def check() -> None:
        assert _sales(world) == [("FTR-1", "posted")]
        assert len([row for row in world.aws.rows("flow") if "#IN#" in row["pk"]]) == 1
        _holds(world)

    assert bench.try_all(lambda: world.deliver(message), check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["sale.refunded", "sale.cancelled"])
def test_a_signed_reversal(bench: Bench, mode: str, kind: str) -> None:
    world = bench.world
    refund = {
        "document_no": "I-1",
        "refunded_on": "2026-05-04",
        "amount": {"amount": "400.00", "currency": "TRY"},
        "deductions": "kept",
    }
    event: dict[str, Any] = {"kind": kind, "document_no": "FTR-1"}
    event |= {"refund": refund} if kind == "sale.refunded" else {}
    state = "partly_refunded" if kind == "sale.refunded" else "cancelled"
    _posted(bench)
    message = world.signed(_signing(bench), event)

    def check() -> None:
        assert _sales(world) == [("FTR-1", state)]
        assert len([row for row in world.aws.rows("flow") if "#IN#" in row["pk"]]) == 1
        _holds(world)

    assert bench.try_all(lambda: world.deliver(message), check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_signed_sale_event_that_cannot_be_taken(bench: Bench, mode: str) -> None:
    world = bench.world
    event = {"kind": "sale.closed", "sale": api_sale(instalments=13)}
    message = world.signed(_signing(bench), event)

    def check() -> None:
        assert _sales(world) == []
        told = {e["id"] for e in world.aws.published("card_contracts.AttentionRaised.v1")}
        assert len(told) == 1
        kept = [row for row in world.aws.rows("core") if row.get("kind") == "refused_sale_event"]
        assert [row["state"] for row in kept] == ["waiting"]
        _holds(world)

    assert bench.try_all(lambda: world.deliver(message), check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_a_refund(bench: Bench, mode: str) -> None:
    world = bench.world
    body = {
        "document_no": "I-1",
        "refunded_on": "2026-05-04",
        "amount": {"amount": "400.00", "currency": "TRY"},
        "deductions": "proportional",
    }

    def check() -> None:
        assert _sales(world) == [("FTR-1", "partly_refunded")]
        assert _sums(world) == {"FTR-1": 97_600, "I-1": -39_040}
        _holds(world)

    sale = _posted(bench)
    path = f"{BASE}/sales/{sale['id']}/refunds"

    def act() -> bool:
        return world.call("POST", path, body, key="r").status == 201

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_cancellation(bench: Bench, mode: str) -> None:
    world = bench.world

    def check() -> None:
        assert _sales(world) == [("FTR-1", "cancelled")]
        assert _sums(world) == {}
        _holds(world)

    sale = _posted(bench)
    path = f"{BASE}/sales/{sale['id']}/cancel"
    assert bench.try_all(lambda: world.call("POST", path).status == 200, check, mode) >= 4


def _run_file(bench: Bench, file: bytes) -> tuple[str, Callable[[], bool]]:
    """Id of the job of a file, and one run of its worker."""
    from card_contracts.handlers import run_import

    world = bench.world
    answer = world.call("POST", f"{BASE}/sales/imports", file, headers={"content-type": "text/csv"})
    job_id = answer.json()["id"]
    bench.remember()
    message = {"v": 1, "tenant_id": TENANT, "job_id": job_id, "hops": 0}

    def act() -> bool:
        event = queue_event(message)
        answer = run_import.handler(event, LambdaContext(remaining_ms=300_000))
        return not answer["batchItemFailures"]

    return job_id, act


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_reversals(bench: Bench, mode: str) -> None:
    world = bench.world
    _posted(bench)
    world.sale("FTR-2", instalments=1)
    job_id, act = _run_file(bench, REVERSALS)

    def check() -> None:
        assert _sales(world) == [("FTR-1", "partly_refunded"), ("FTR-2", "cancelled")]
        job = world.job(job_id)
        assert (job["status"], job["result"], job["done"]) == ("succeeded", {"posted": 2}, 2)
        _holds(world)

    assert bench.try_all(act, check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_sales(bench: Bench, mode: str) -> None:
    world = bench.world
    job_id, act = _run_file(bench, FILE)

    def check() -> None:
        assert _sales(world) == [("FTR-1", "posted"), ("FTR-2", "posted")]
        job = world.job(job_id)
        assert (job["status"], job["result"], job["done"]) == ("succeeded", {"posted": 2}, 2)
        _holds(world)

    assert bench.try_all(act, check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_taking_a_file_of_sales_back(bench: Bench, mode: str) -> None:
    world = bench.world
    import_id, run = _run_file(bench, FILE)
    assert run()
    job_id = world.call("POST", f"{BASE}/sales/imports/{import_id}/undo").json()["id"]
    world.aws.messages("card-contracts-import")
    bench.remember()

    def check() -> None:
        assert _sales(world) == [("FTR-1", "cancelled"), ("FTR-2", "cancelled")]
        assert _sums(world) == {}
        job = world.job(job_id)
        assert (job["status"], job["result"], job["done"]) == ("succeeded", {"undone": 2}, 2)
        told = world.aws.published("card_contracts.SaleReversed.v1")
        assert len({event["id"] for event in told}) == 2
        _holds(world)

    assert bench.try_all(_work(job_id), check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_registering_a_contract(bench: Bench, mode: str) -> None:
    world = bench.world
    body = api_contract("NEXT", starts_on="2027-01-01", ends_on=None)

    def act() -> bool:
        # The second answer says that it exists, whoever made it.
        return world.call("POST", BASE, body).status in (201, 409)

    def check() -> None:
        rows = [row for row in world.aws.rows("core") if row.get("kind") == "card_contract"]
        assert sorted(row["id"] for row in rows) == ["AXESS-26", "NEXT"]
        pair = next(row for row in world.aws.rows("core") if "#PAIR#" in row["pk"])
        assert set(pair["holders"]) == {"AXESS-26", "NEXT"}
        _holds(world)

    assert bench.try_all(act, check, mode) >= 3


STATEMENT = (
    "Tarih;Valör;Tutar;IBAN;Açıklama\r\n"
    "01.06.2026;01.06.2026;325,34;;POS FTR-1\r\n"
    "29.06.2026;29.06.2026;323,33;;POS\r\n"
    "29.06.2026;29.06.2026;1,00;;HAVALE\r\n"
).encode()


def _account(bench: Bench, payments: int = 0) -> None:
    """From here on there is an account on which card money lands, and sales to be paid."""
    body = {"code": "102.01.001", "name": "Kart", "kind": "deposit"}
    assert bench.world.call("POST", f"{BASE}/bank-accounts", body).status == 201
    for number in range(payments):
        amount = {"amount": f"{100 + number}.00", "currency": "TRY"}
        bench.world.sale(f"F-{number}", amount=amount, instalments=1)


def _imported(world: CardsWorld, file: bytes) -> str:
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        file,
        headers={"content-type": "text/csv"},
        query="profile=turkish&bank_account_code=102.01.001",
    )
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


def _work(job_id: str) -> Callable[[], bool]:
    from card_contracts.handlers import run_import

    event = queue_event({"v": 1, "tenant_id": TENANT, "job_id": job_id, "hops": 0})

    def act() -> bool:
        answer = run_import.handler(event, LambdaContext(remaining_ms=300_000))
        return not answer["batchItemFailures"]

    return act


def _states(world: CardsWorld, attribute: str, part: str) -> Counter[str]:
    return Counter(row[attribute] for row in world.aws.rows("core") if part in row["pk"])


@pytest.mark.parametrize("mode", MODES)
def test_a_statement(bench: Bench, mode: str) -> None:
    world = bench.world
    _account(bench)
    world.sale()
    job_id = _imported(world, STATEMENT)
    bench.remember()

    def check() -> None:
        job = world.job(job_id)
        assert (job["status"], job["done"]) == ("succeeded", 3)
        assert job["result"]["counts"] == {"new": 3, "confirmed": 1, "suggested": 1}
        assert _states(world, "line_state", "#BANK-LINES#") == {
            "matched": 1,
            "suggested": 1,
            "open": 1,
        }
        assert _states(world, "status", "#RECEIVABLES#") == {"settled": 1, "expected": 2}
        told = {e["id"] for e in world.aws.published("card_contracts.StatementImported.v1")}
        assert len(told) == 1
        _holds(world)

    assert bench.try_all(_work(job_id), check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_a_match_of_more_payments_than_a_transaction_holds(bench: Bench, mode: str) -> None:
    """Settled in slices, then taken back in slices; whoever dies, the sweep goes on."""
    world = bench.world
    _account(bench, payments=100)
    owed = sum(_sums(world).values())
    text = f"Tarih;Valör;Tutar;Açıklama\r\n01.06.2026;01.06.2026;{owed // 100},{owed % 100:02d};X"
    world.job(_imported(world, text.encode()))
    world.work()
    (match,) = world.call("GET", f"{BASE}/matches", query="status=confirmed").json()["items"]
    bench.remember()
    path = f"{BASE}/matches/{match['id']}"

    def undone() -> bool:
        return world.call("POST", f"{path}/undo").status == 200

    def check_undone() -> None:
        assert world.call("GET", path).json()["status"] == "undone"
        assert _states(world, "status", "#RECEIVABLES#") == {"expected": 100}
        assert _states(world, "line_state", "#BANK-LINES#") == {"open": 1}
        _holds(world)

    assert bench.try_all(undone, check_undone, mode) >= 6
    bench.restore()
    assert undone()
    bench.remember()

    def confirmed() -> bool:
        return world.call("POST", f"{path}/confirm").status == 200

    def check_confirmed() -> None:
        assert world.call("GET", path).json()["status"] == "confirmed"
        assert _states(world, "status", "#RECEIVABLES#") == {"settled": 100}
        assert _states(world, "line_state", "#BANK-LINES#") == {"matched": 1}
        _holds(world)

    assert bench.try_all(confirmed, check_confirmed, mode) >= 6


@pytest.mark.parametrize("mode", MODES)
def test_lines_that_are_set_aside_and_taken_back(bench: Bench, mode: str) -> None:
    world = bench.world
    _account(bench)
    world.job(_imported(world, STATEMENT))
    world.work()
    lines = world.call("GET", f"{BASE}/matches", query="status=unmatched").json()["items"]
    body = {"line_ids": [line["id"] for line in lines]}
    bench.remember()

    def aside() -> bool:
        stated = {**body, "reason": "rent"}
        return world.call("POST", f"{BASE}/bank-lines/set-aside", stated).status == 200

    def check_aside() -> None:
        assert set(_states(world, "line_state", "#BANK-LINES#")) == {"aside"}
        assert _states(world, "state", "#CARD-ASIDE#") == {"aside": len(lines)}
        _holds(world)

    assert bench.try_all(aside, check_aside, mode) >= 3
    bench.restore()
    assert aside()
    bench.remember()

    def back() -> bool:
        return world.call("POST", f"{BASE}/bank-lines/take-back", body).status == 200

    def check_back() -> None:
        assert set(_states(world, "line_state", "#BANK-LINES#")) == {"open"}
        assert _states(world, "state", "#CARD-ASIDE#") == {"taken_back": len(lines)}
        _holds(world)

    assert bench.try_all(back, check_back, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_settings_that_are_changed(bench: Bench, mode: str) -> None:
    world = bench.world
    found = world.call("GET", f"{BASE}/settings").json()
    wished = {name: found[name] for name in ("matching", "drift", "legal_limits")}
    wished["matching"]["tolerance"] = "2.50"

    def act() -> bool:
        headers = {"if-match": '"v0"'}
        status = world.call("PUT", f"{BASE}/settings", wished, headers=headers).status
        return status in (200, 412)

    def check() -> None:
        stored = world.call("GET", f"{BASE}/settings").json()
        assert (stored["matching"]["tolerance"], stored["version"]) == ("2.50", 1)

    assert bench.try_all(act, check, mode) >= 2
