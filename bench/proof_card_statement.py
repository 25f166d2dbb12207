"""Proof with a real statement: n lines of a file against n open receivables, through every step.

``python -m bench.proof_card_statement [--lines 100000]`` posts the receivables, uploads one file
and lets the import worker do its work over an account in memory: it reads the file twice, stores
the lines, matches them, and writes every match with its reasons, books and counters. It does so
with half of the lines and with all of them in one run; the ratio of the two must be at most 2.3.
Then it compares what is stored: no line and no receivable in two matches, debits equal credits,
every match explained, and the same file again changes nothing. It ends with 1 when something does
not hold. With ``--profile`` it prints where the time of the first size goes.

Units: ``calls`` are requests to DynamoDB. Seconds are those of this process, without its neighbours
on the machine; DynamoDB is emulated in it, so that most of them are the emulation's. What the
worker itself takes, and its memory, is measured by ``bench.card_worker``.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.card_matching import MOST_RATIO, receivables
from bench.card_worker import ACCOUNT, statement
from card_contracts.adapters.dynamodb_cards import DynamoUnit
from card_contracts.domain.open_payments import Expected
from card_contracts.domain.sale import LineKind, ReceivableLine
from card_contracts.handlers import run_import
from infra.local.settings import ROOT
from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds, derived_id
from tests.support.aws import START, aws_world, platform_of, stored_items
from tests.support.cards_world import BASE, TENANT, CardsWorld, cards_world
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from toolkit.aws.dynamodb import from_item

REPORT: Final = ROOT / "build" / "bench" / "proof_card_statement.json"
_RUN_MS: Final = 600_000


@dataclass(slots=True)
class Proof:
    """What one size came to."""

    lines: int
    seconds: float = 0.0
    runs: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Counting:
    """Counts requests before they are sent."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def hook(self, params: Any, event_name: str, **_: Any) -> None:
        """The botocore hook (``before-parameter-build``)."""
        if params:
            self.calls[event_name.rpartition(".")[2]] += 1


def receivable(one: Expected) -> ReceivableLine:
    """An open receivable as a posted sale leaves it."""
    identity = derived_id(f"proof/{one.key}")
    return ReceivableLine(
        origin=identity,
        sale_id=identity,
        kind=LineKind.SALE,
        no=1,
        document_no=one.document_no,
        contract_code=one.contract_code,
        bank_account_code=ACCOUNT,
        revision=1,
        raw=one.day,
        pay=one.day,
        currency=one.currency,
        gross=one.gross,
        deductions={"COM": one.kept},
        whys={},
    )


@contextmanager
def _world() -> Iterator[CardsWorld]:
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        yield stack.enter_context(cards_world(aws, platform, clock))


def _post(world: CardsWorld, count: int) -> None:
    body = {"code": ACCOUNT, "name": "Hesap", "kind": "deposit"}
    assert world.call("POST", f"{BASE}/bank-accounts", body).status == 201
    store = world.app.for_system(TENANT, "proof").store
    coming = receivables(count)
    while chunk := [receivable(one) for one in islice(coming, 100)]:
        unit = store.unit()
        assert isinstance(unit, DynamoUnit)
        unit.add_lines(chunk)
        unit.commit()


def _import(world: CardsWorld, file: bytes, proof: Proof) -> dict[str, Any]:
    use = world.app.for_system(TENANT, "proof")
    job_id = use.start_statement_import()(
        file=UploadedFile(file, "text/csv", "proof.csv"), account=ACCOUNT, profile="turkish"
    )
    while bodies := world.aws.messages("card-contracts-import"):
        for body in bodies:
            proof.runs += 1
            began = time.monotonic()

            class Passing(LambdaContext):
                """Time of a run goes by."""

                def get_remaining_time_in_millis(self, began: float = began) -> int:
                    return _RUN_MS - int((time.monotonic() - began) * 1000)

            answer = run_import.handler(queue_event(body), Passing())
            assert answer["batchItemFailures"] == []
    return world.job(job_id)


def prove(count: int, *, profile: bool = False) -> Proof:
    """One size, from the file to the comparison of everything that is stored."""
    proof, counting = Proof(count), Counting()
    file = "\r\n".join(statement(count)).encode()
    with _world() as world:
        _post(world, count)
        events = world.app.platform.database.client.meta.events
        events.register("before-parameter-build.dynamodb", counting.hook)
        watch = cProfile.Profile() if profile else None
        started = time.process_time()
        if watch is not None:
            watch.enable()
        job = _import(world, file, proof)
        if watch is not None:
            watch.disable()
        proof.seconds = round(time.process_time() - started, 1)
        events.unregister("before-parameter-build.dynamodb", counting.hook)
        proof.calls = dict(sorted(counting.calls.items()))
        if job["status"] != "succeeded":
            proof.wrong.append(f"the import {job['status']}: {job.get('problems')}")
            return proof
        proof.counts = dict(job["result"]["counts"])
        proof.wrong += _compare()
        again = _import(world, file, Proof(count))["result"]["counts"]
        known = {name: number for name, number in again.items() if name != "known"}
        if known or again["known"] != job["done"]:
            proof.wrong.append(f"the same file again changed something: {again}")
        if watch is not None:
            pstats.Stats(watch).sort_stats("cumulative").print_stats(60)
            pstats.Stats(watch).sort_stats("tottime").print_stats(40)
    return proof


def _compare() -> list[str]:
    """Everything that is stored, straight from the tables."""
    wrong: list[str] = []
    members: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    settled = matched = 0
    for row in _rows("core"):
        if row.get("kind") == "card_match":
            members.update(row["members"])
            moved.update(f"{row['account']}/{key}" for key in row["lines"])
            if not json.loads(row["why"]):
                wrong.append(f"match {row['id']} says no reason")
            if row["state"] == "confirmed":
                settled, matched = settled - len(row["members"]), matched - len(row["lines"])
        settled += row.get("status") == "settled"
        matched += row.get("line_state") == "matched"
    for name, counts in (("receivable", members), ("line", moved)):
        twice = [key for key, number in counts.items() if number > 1]
        wrong += [f"{name} {key} in two matches" for key in twice[:10]]
    if settled or matched:
        wrong.append(f"marks that belong to no match: {settled} receivables, {matched} lines")
    sums: Counter[str] = Counter()
    for row in _rows("ledger"):
        if row["sk"] != "BAL":
            sums[row["leg"]] += row["amount"]
    if sums["D"] != sums["C"]:
        wrong.append(f"debits {sums['D']} are not credits {sums['C']}")
    return wrong


def _rows(role: str) -> Iterator[dict[str, Any]]:
    return (from_item(item.to_json()["Attributes"]) for item in stored_items(role))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the figures, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.proof_card_statement", description=__doc__
    )
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path, default=REPORT, help="where the numbers go (JSON)")
    options = parser.parse_args(arguments)
    small = prove(options.lines // 2, profile=options.profile)
    _say(small)
    large = prove(options.lines)
    _say(large)
    ratio = large.seconds / small.seconds
    sys.stdout.write(f"{large.lines} to {small.lines} lines: ratio {ratio:.2f}\n")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"small": asdict(small), "large": asdict(large), "ratio": round(ratio, 3)}
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(bool(small.wrong or large.wrong) or ratio > MOST_RATIO)


def _say(proof: Proof) -> None:
    sys.stdout.write(
        f"{proof.lines} lines in {proof.seconds} s and {proof.runs} runs: {proof.counts}\n"
        f"  {proof.calls}\n" + "".join(f"  DOES NOT HOLD: {text}\n" for text in proof.wrong)
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
