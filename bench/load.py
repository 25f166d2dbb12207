"""The three days of all accountants, an outage, a large neighbour, and what it costs (P12).

``bench.drain`` plays the queues in virtual time. A cost is what the tests hold a use case to, in
units that AWS charges (``tests/budgets/units.json``), times published prices
(``bench/prices.json``, dated). Storage, logs and what is paid by the month are not in it; they are
in ``docs/costs.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bench.drain import DAY, Assumptions, Drain, Outage, Told, behind_a_large_one, three_days
from bench.frame import ROOT, Report
from pensions.domain.circuit import PROBE_EVERY
from tests.budgets.counts import requests

WINDOW: Final = 3 * DAY
SEED: Final = 2026
MOST_BEFORE: Final = 20
BUDGETS: Final = ROOT / "tests" / "budgets"
PRICES: Final = Path(__file__).with_name("prices.json")


# A thousand of each: committed charges (``tests/budgets/units.json``) and how often they occur.
THOUSAND: Final[Mapping[str, Mapping[str, str]]] = {
    "employees sent and enrolled": {
        "import people of 100": "10",
        "submit people of 100": "10",
        "prepare people of 100": "10",
        "send people of 100": "10",
    },
    "contributions collected": {
        "import month of 100": "10",
        "prepare contributions of 80": "12.5",
        "send contributions of 80": "12.5",
    },
    "codes issued and mailed": {"issue codes by queue of 100": "10", "mail a code": "1000"},
    "payments booked": {"pull payments of 10": "100"},
    "letters made and mailed": {
        "make one letter": "1000",
        "send one letter": "1000",
        "one report of a mail": "1000",
    },
    "card sales posted": {"post a sale of 12 instalments": "1000"},
    "decisions recorded": {"decide": "1000"},
}
MAILS: Final = frozenset({"codes issued and mailed", "letters made and mailed"})
SECONDS_A_RUN: Final = Decimal("1.5")
"""Time of a function billed for one run of a use case, an assumption on the high side."""
SECONDS_A_CALL: Final = Decimal(22)
"""The same of a run that waits for an insurer."""
CALLING: Final = frozenset({"send people of 100", "send contributions of 80"})
GIGABYTES: Final = Decimal("0.5")
REQUESTS_A_MESSAGE: Final = 3
"""Sent, received, deleted."""
PRICE_OF: Final[Mapping[str, str]] = {
    "write_units": "dynamodb_write_unit",
    "read_units": "dynamodb_read_unit",
    "messages": "sqs_fair_request",
    "events": "event",
    "kms": "kms_request",
    "s3_puts": "s3_put",
    "runs": "lambda_request",
    "gigabyte_seconds": "lambda_arm_gb_second",
    "mails": "mail",
}
"""What is charged, and the price in ``prices.json`` it is charged at."""


def measure(report: Report, known: Assumptions | None = None) -> None:
    """P12."""
    known = known or Assumptions()
    sending = sending_requests()
    told = Drain(known, sending).run(three_days(known, SEED))
    _drained(report, known, told)
    _outage(report, known, sending)
    most, large = behind_a_large_one(SEED)
    report.add(
        "P12",
        "messages of a large company that start while a small one waits, at most",
        f"{most} of {large}",
        goal=f"at most {MOST_BEFORE}",
        holds=most <= MOST_BEFORE,
    )
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    for name in THOUSAND:
        report.add(
            "P12",
            f"1,000 {name}",
            f"{dollars(name, prices):.3f} USD",
            peer=f"prices of {prices['region']}, {prices['as_of']}",
            holds=None,
        )


def sending_requests() -> dict[int, int]:
    """Requests to AWS of one sending, by its number of lines."""
    table = json.loads((BUDGETS / "budgets.json").read_text(encoding="utf-8"))
    return {
        int(size): requests(counts) - counts["insurer"]
        for size, counts in table["send contributions"].items()
    }


def _drained(report: Report, known: Assumptions, told: list[Told]) -> None:
    for one in told:
        late = one.last - WINDOW
        report.add(
            "P12",
            f"{one.provider.code} and {one.alike - 1} alike: {one.transmissions} calls each, "
            f"{one.provider.batch_size} lines, {one.provider.max_concurrency} at once",
            f"drained after {one.last / 3_600:.1f} h; wait p50 {one.wait(0.5) / 60:.0f}, "
            f"p99 {one.wait(0.99) / 60:.0f}, most {one.wait(1) / 60:.0f} min; "
            f"{one.messages / max(1, one.transmissions):.2f} messages a call; {one.dead} dead",
            goal=f"{known.accountants} accountants x {known.companies} x {known.people} "
            "within 72 h, no dead letter",
            holds=late <= 0 and one.done == one.transmissions and one.dead == 0,
        )


def _outage(report: Report, known: Assumptions, sending: Mapping[int, int]) -> None:
    """Six hours without one insurer, in the middle of the second day."""
    outage = Outage("anadolu", DAY + 10 * 3_600, DAY + 16 * 3_600)
    told = Drain(known, sending, outage, providers=["anadolu", "garanti"]).run(
        wish for wish in three_days(known, SEED) if wish[1] == "anadolu"
    )
    one = next(each for each in told if each.provider.code == "anadolu")
    probes = int((outage.end - outage.start) / PROBE_EVERY.total_seconds()) + 1
    most = probes * one.provider.max_concurrency + 5
    report.add(
        "P12",
        f"6 h without {outage.provider}: calls that did not arrive",
        f"{one.failed_calls}, {one.dead} dead letters, at most {one.receives} receives, "
        f"{one.done} of {one.transmissions} done after {one.last / 3_600:.1f} h",
        goal=f"at most {most} calls (a probe each {PROBE_EVERY.seconds // 60} minutes), 0 dead",
        holds=one.dead == 0 and one.failed_calls <= most and one.done == one.transmissions,
    )


def dollars(name: str, prices: Mapping[str, Any]) -> Decimal:
    """What a thousand cost: committed charges times prices."""
    return priced(charges_of(THOUSAND[name], mails=1_000 if name in MAILS else 0), prices)


def charges_of(uses: Mapping[str, str], *, mails: int = 0) -> dict[str, Decimal]:
    """What some runs of use cases are charged for, as committed. Units: ``gigabyte_seconds`` of
    functions; ``messages`` are requests to a queue.
    """
    committed = json.loads((BUDGETS / "units.json").read_text(encoding="utf-8"))
    found = dict.fromkeys(PRICE_OF, Decimal(0))
    found["mails"] += mails
    for use, times in uses.items():
        run = Decimal(times)
        seconds = SECONDS_A_CALL if use in CALLING else SECONDS_A_RUN
        found["runs"] += run
        found["gigabyte_seconds"] += run * seconds * GIGABYTES
        for unit, count in committed[use].items():
            each = REQUESTS_A_MESSAGE if unit == "messages" else 1
            found[unit] += run * count * each
    return found


def priced(charges: Mapping[str, Decimal], prices: Mapping[str, Any]) -> Decimal:
    """The same in USD."""
    per = {key: Decimal(value) / 1_000_000 for key, value in prices["million"].items()}
    return sum((count * per[PRICE_OF[unit]] for unit, count in charges.items()), Decimal(0))
