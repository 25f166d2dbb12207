"""Proof with many codes: one file of 50,000 documents, issued by the queue, none twice.

``python -m bench.proof_50k_codes [--codes 50000]`` imports one CSV file through the real handlers
over an account in memory and delivers the messages the way a bad day would: shuffled, one in ten
twice, one in twenty broken off by a worker in the middle, and the reader's own message again in the
middle. It then compares what is stored: one code, one identification, one document and one message
to the provider each, and the totals of the job. It prints calls to AWS and write units per code and
writes ``build/bench/proof_50k_codes.json``. Counts decide whether the proof holds; seconds are for
information. What happens at the provider is not part of it.

Units: a write unit is a kilobyte begun of a row or of its place in an index, twice in a
transaction (Amazon DynamoDB, capacity modes); places in indexes count once.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import botocore.handlers
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from infra.local.settings import ROOT
from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from payment_codes.domain.source import SourceKind
from tests.support.aws import ACCOUNT, REGION, START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext, RunningOutContext
from tests.support.payment_world import TENANT, PaymentWorld, payment_world

REPORT: Final = ROOT / "build" / "bench" / "proof_50k_codes.json"
INDEXES: Final = ("by_pk", "due_pk")
_SAID_EVERY: Final = 50
_HEADER: Final = "Αριθμός αξιογράφου;Κωδικός πελάτη;Πελάτης;Ποσό;Ισχύει έως"


@dataclass(slots=True)
class Proof:
    """Everything that was measured."""

    codes: int
    seconds: float = 0.0
    deliveries: int = 0
    broken_off: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    calls_per_code: dict[str, float] = field(default_factory=dict)
    write_units_per_code: float = 0.0
    transactions_per_code: float = 0.0
    stored: int = 0
    doubled: dict[str, int] = field(default_factory=dict)
    told: int = 0
    job: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every document has exactly one code and the job says so."""
        whole = self.stored == self.told == self.codes and not any(self.doubled.values())
        return whole and self.job == {
            "status": "succeeded",
            "total": self.codes,
            "done": self.codes,
            "failed": 0,
            "issued": self.codes,
        }


class Counting:
    """Counts calls and write units of requests before they are sent."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.units = 0
        self.on = False

    def hook(self, params: Any, event_name: str, **_: Any) -> None:
        """The botocore hook (``before-parameter-build``)."""
        if not self.on or not isinstance(params, dict):
            return
        service, operation = event_name.split(".")[1:3]
        self.calls[f"{service}.{operation}"] += 1
        match operation:
            case "TransactWriteItems":
                for action in params["TransactItems"]:
                    kind, request = next(iter(action.items()))
                    self.units += _units(kind, request, 2)
            case "UpdateItem" | "PutItem":
                self.units += _units(operation, params, 1)
            case "BatchWriteItem":
                for writes in params["RequestItems"].values():
                    for write in writes:
                        # It leaves the index of due rows: one more write there.
                        self.units += _units("Put", write["PutRequest"], 1) + 1


def _units(kind: str, request: Mapping[str, Any], factor: int) -> int:
    """Units of one write: a whole row for a put, what is sent for an update of a narrow row."""
    row = request.get("Item") or request.get("ExpressionAttributeValues", {})
    size = len(json.dumps(row, ensure_ascii=False, default=str).encode())
    places = sum(name in row for name in INDEXES) if kind.startswith("Put") else 0
    return factor * -(-size // 1024) + places


def file_of(codes: int) -> bytes:
    """A file of documents of customers with ordinary names."""
    lines = (
        f"ΑΞ-{n:06d};30.{n % 5000:05d};Πελάτης Δοκιμή {n % 5000};"
        f"{n % 900 + 100},{n % 100:02d};31.12.2027"
        for n in range(codes)
    )
    return "\n".join([_HEADER, *lines]).encode()


@contextmanager
def _quick_world() -> Iterator[PaymentWorld]:
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        yield stack.enter_context(payment_world(aws, platform, clock))


def prove(codes: int, say: Any = print) -> Proof:
    """Run the whole proof."""
    proof, counting = Proof(codes), Counting()
    botocore.handlers.BUILTIN_HANDLERS.append(("before-parameter-build.*.*", counting.hook))
    try:
        with _quick_world() as world:
            _run(proof, world, counting, say)
            _compare(proof, world)
    finally:
        botocore.handlers.BUILTIN_HANDLERS.pop()
    return proof


def _run(proof: Proof, world: PaymentWorld, counting: Counting, say: Any) -> None:
    from payment_codes.handlers import issue_batch

    world.organisation("dias")
    use = world.app.for_system(TENANT, "proof")

    started = time.monotonic()
    counting.on = True
    file = UploadedFile(file_of(proof.codes), "text/csv", "proof.csv")
    job_id = use.start_batch().of_file(SourceKind.BILL_BATCH, file=file)
    (read,) = world.aws.messages("payment-codes-batch")
    told: Counter[str] = Counter()

    def deliver(body: Mapping[str, Any], *, breaks_off: bool = False) -> bool:
        proof.deliveries += 1
        context = RunningOutContext() if breaks_off else LambdaContext(remaining_ms=60_000)
        answer = issue_batch.handler(queue_event(dict(body)), context)
        _drain(told)
        return not answer["batchItemFailures"]

    deliver(read)
    counting.on = False
    waiting = world.aws.messages("payment-codes-batch")
    counting.on = True
    say(f"{len(waiting)} slices after {time.monotonic() - started:.0f} s")
    chance = random.Random(50_000)  # noqa: S311  (a schedule, no secret)
    twice = chance.sample(waiting, len(waiting) // 10)
    waiting += twice
    chance.shuffle(waiting)
    for number, body in enumerate(waiting):
        if chance.random() < 0.05 and not deliver(body, breaks_off=True):
            proof.broken_off += 1
        deliver(body)
        if number == len(waiting) // 2:
            deliver(read)
        if number % _SAID_EVERY == 0:
            say(f"{number} of {len(waiting)} deliveries, {time.monotonic() - started:.0f} s")
    counting.on = False
    proof.seconds = round(time.monotonic() - started, 1)
    proof.calls = dict(sorted(counting.calls.items()))
    proof.calls_per_code = {
        name: round(number / proof.codes, 4) for name, number in proof.calls.items()
    }
    proof.write_units_per_code = round(counting.units / proof.codes, 2)
    transactions = counting.calls["dynamodb.TransactWriteItems"]
    proof.transactions_per_code = round(transactions / proof.codes, 4)
    proof.told = len(told)
    proof.doubled["messages to the provider"] = sum(n - 1 for n in told.values())
    job = use.store.job(job_id)
    assert job is not None
    proof.job = {
        "status": job.status,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "issued": job.result.get("counts", {}).get("issued", 0),
    }


def _drain(told: Counter[str]) -> None:
    """Take out what the codes are told to; the queues of moto are slow when they are deep."""
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        if queue.name.endswith("payment-codes-issue"):
            told.update(json.loads(message.body)["code_id"] for message in queue._messages)
            queue._messages = []
        elif queue.name.endswith("bus-log"):
            queue._messages = []


def _compare(proof: Proof, world: PaymentWorld) -> None:
    """Every code against every other, straight from the tables."""
    tables = dynamodb_backends[ACCOUNT][REGION].tables
    seen: dict[str, Counter[str]] = {
        name: Counter() for name in ("code", "ident", "source_id", "id")
    }
    core: Any = tables[world.aws.settings.tables.name("core")].items
    for item in core.every_item():
        if item.attrs.get("kind") is not None and item.attrs["kind"].value == "payment_code":
            for name, values in seen.items():
                values[item.attrs[name].value] += 1
    proof.stored = sum(seen["id"].values())
    for name, values in seen.items():
        proof.doubled[name] = sum(n - 1 for n in values.values())


def report(proof: Proof) -> str:
    """The proof in words."""
    return "\n".join(
        [
            f"{proof.codes} codes in {proof.seconds} s, {proof.deliveries} deliveries,"
            f" {proof.broken_off} broken off",
            f"  transactions per code {proof.transactions_per_code},"
            f" write units per code {proof.write_units_per_code}",
            *(f"  {name}: {n} per code" for name, n in proof.calls_per_code.items()),
            f"  stored {proof.stored}, told {proof.told}, doubled {proof.doubled},"
            f" job {proof.job}: {'holds' if proof.holds else 'DOES NOT HOLD'}",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.proof_50k_codes")
    parser.add_argument("--codes", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=REPORT, help="where the numbers go (JSON)")
    options = parser.parse_args(arguments)
    proof = prove(options.codes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {**asdict(proof), "holds": proof.holds}
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(report(proof))
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())
