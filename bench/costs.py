"""Writes ``docs/costs.md``, what a month of a large accountant costs and where the floor is, and
the price list of the cost card that every company has in the product.

``python -m bench.costs`` makes both anew from the committed charges, the dated prices and the
templates; a test compares them, so they cannot grow old unseen.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

from bench.frame import ROOT
from bench.load import (
    GIGABYTES,
    PRICES,
    SECONDS_A_CALL,
    SECONDS_A_RUN,
    charges_of,
    dollars,
    priced,
)

PAGE: Final = ROOT / "docs" / "costs.md"
PRICE_LIST: Final = ROOT / "functions" / "workspace" / "adapters" / "price_list.json"
COMPANIES: Final = 500
PEOPLE: Final = 25_000
MINUTES: Final = 30 * 24 * 60
POLLS_A_MINUTE: Final = 15
"""Empty receives of one event source: five pollers, twenty seconds each (Lambda, SQS)."""
SWEEP_SECONDS: Final = Decimal("0.2")
SWEEP_READS: Final = 8
REQUESTS: Final = 100_000
"""Requests of people and programs to the API and the pages, an assumption."""
REQUEST_READS: Final = 6
REQUEST_SECONDS: Final = Decimal("0.1")
# Thousands a month of what a large accountant does.
WORK: Final[Mapping[str, str]] = {
    "contributions collected": "25",
    "employees sent and enrolled": "1.25",
    "letters made and mailed": "10",
    "codes issued and mailed": "5",
    "payments booked": "5",
    "card sales posted": "10",
    "decisions recorded": "10",
}

# Runs of use cases behind a thousand of each line of the cost card, and how many mails they send.
# A person is bound to a call, which is one act on them, and answered, which is another; a
# contribution as well: half of a sending each (``tests/integration/test_costs.py`` counts them).
CARD: Final[Mapping[str, tuple[Mapping[str, str], int]]] = {
    "people_added": ({"import people of 100": "10"}, 0),
    "people_acts": (
        {
            "submit people of 100": "5",
            "prepare people of 100": "5",
            "send people of 100": "5",
        },
        0,
    ),
    "contributions_added": ({"import month of 100": "10"}, 0),
    "contributions_acts": (
        {"prepare contributions of 80": "6.25", "send contributions of 80": "6.25"},
        0,
    ),
    "codes_issued": ({"issue codes by queue of 100": "10"}, 0),
    "codes_mailed": ({"mail a code": "1000"}, 1_000),
    "payments_booked": ({"pull payments of 10": "100"}, 0),
    "letters_made": ({"make one letter": "1000"}, 0),
    "letters_mailed": ({"send one letter": "1000", "one report of a mail": "1000"}, 1_000),
    "card_sales": ({"post a sale of 12 instalments": "1000"}, 0),
    # Mails of the workspace and of the portal take the way of a code's mail.
    "mails": ({"mail a code": "1000"}, 1_000),
    # The dearest small act there is a count of: state, history, audit and outbox of two items.
    "other_acts": ({"one report of a mail": "1000"}, 0),
}


def page() -> str:
    """The page as Markdown."""
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    work = [
        (f"{Decimal(times) * 1_000:,.0f} {name}", dollars(name, prices) * Decimal(times))
        for name, times in WORK.items()
    ]
    standing = _standing(prices)
    total = sum((cost for _, cost in (*work, *standing)), Decimal(0))
    lines = [
        "# What it costs and where the floor is",
        "",
        "Made by `python -m bench.costs` from what the tests hold each use case to",
        "(`tests/budgets/units.json`), from the templates, and from the price list of",
        f"{prices['region']} of {prices['as_of']} (`bench/prices.json`).",
        prices["note"],
        "Nothing here was billed by AWS; it is counted and multiplied. *Costs* (`GET /v1/costs`)",
        "shows every company its own months at these prices, counted by the nightly seals.",
        "",
        f"## A month of an accountant with {COMPANIES} companies and {PEOPLE:,} people",
        "",
        "| what | USD |",
        "|---|---:|",
        *(f"| {what} | {cost:.2f} |" for what, cost in work),
        *(f"| {what} | {cost:.2f} |" for what, cost in standing),
        f"| **together** | **{total:.2f}** |",
        "",
        "## A thousand of each",
        "",
        "| a thousand | USD |",
        "|---|---:|",
        *(f"| {name} | {dollars(name, prices):.3f} |" for name in WORK),
        "",
        _FLOOR,
    ]
    return "\n".join(lines)


def _standing(prices: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """What is paid although nobody does anything, and requests."""
    per = _each(prices)
    request = per["http_api_request"] + 2 * per["lambda_request"]
    request += REQUEST_SECONDS * GIGABYTES * per["lambda_arm_gb_second"]
    request += REQUEST_READS * per["dynamodb_read_unit"]
    return [
        (f"{REQUESTS:,} requests, authorizer included", REQUESTS * request),
        *((words.format(count), usd) for _, words, count, usd in _floor(prices)),
        (
            "10 GB of rows, 20 GB of objects, 5 GB of logs",
            _stored({key: Decimal(value) for key, value in prices["month"].items()}),
        ),
    ]


def _floor(prices: Mapping[str, Any]) -> list[tuple[str, str, int, Decimal]]:
    """What waiting costs a month: code, words around the count, count in the templates, USD."""
    per = _each(prices)
    month = {key: Decimal(value) for key, value in prices["month"].items()}
    sources = _count(r"Type: (?:AWS::Lambda::EventSourceMapping|SQS)$")
    sweeps = _count(r"ScheduleExpression: rate\(1 minute\)")
    alarms = _count(r"Type: AWS::CloudWatch::Alarm$")
    keys = _count(r"Type: AWS::KMS::Key$")
    secrets = _count(r"Type: AWS::SecretsManager::Secret$")
    sweep = per["lambda_request"] + SWEEP_SECONDS * GIGABYTES * per["lambda_arm_gb_second"]
    sweep += SWEEP_READS * per["dynamodb_read_unit"] + per["event"]
    held = keys * month["kms_key"] + secrets * month["secret"]
    return [
        ("sweeps", "{} sweeps a minute", sweeps, sweeps * MINUTES * sweep),
        (
            "queues",
            "{} queues waited at",
            sources,
            sources * MINUTES * POLLS_A_MINUTE * per["sqs_fair_request"],
        ),
        ("alarms", "{} alarms", alarms, alarms * month["alarm"]),
        ("keys", f"{keys} keys and {secrets} secrets", keys + secrets, held),
    ]


def _each(prices: Mapping[str, Any]) -> dict[str, Decimal]:
    return {key: Decimal(value) / 1_000_000 for key, value in prices["million"].items()}


def price_list() -> str:
    """The price list of the cost card as JSON. Units: USD and charges for a thousand of a line,
    USD a month for what stands.
    """
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    lines = {}
    for code, (uses, mails) in CARD.items():
        charges = charges_of(uses, mails=mails)
        found = {
            name: int(count.quantize(Decimal(1), ROUND_HALF_UP)) for name, count in charges.items()
        }
        lines[code] = {"usd": _text(priced(charges, prices), 6), "charges": found}
    standing = [
        {"code": code, "count": count, "usd": _text(usd, 2)}
        for code, _, count, usd in _floor(prices)
    ]
    head = {name: prices[name] for name in ("region", "as_of", "currency")}
    return json.dumps({**head, "lines": lines, "standing": standing}, indent=2) + "\n"


def _text(value: Decimal, digits: int) -> str:
    return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _stored(month: Mapping[str, Decimal]) -> Decimal:
    return 10 * month["dynamodb_gb"] + 20 * month["s3_gb"] + 5 * month["log_gb"]


def _count(pattern: str) -> int:
    """How often the templates have a line."""
    files = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]
    return sum(
        len(re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)) for file in files
    )


_FLOOR: Final = f"""## The floor, and where the time goes

* **Waiting costs more than working.** Queues that are waited at, sweeps and alarms are paid by the
  month, not by the person; they are shared by all accountants of one installation.
* **Writes are what a person costs.** Each line is state, history, audit and outbox in one
  transaction, and a transaction is charged twice. Ten lines share one, so a hundred people need
  ten, not a hundred; below that there is only writing less, which would be forgetting something.
* **Mail has a price of its own**, a hundredth of a cent each, whatever we do.
* **Money is booked alone**: one transaction per payment, because two payments that fail together
  would have to be told apart again.
* **Time belongs to the insurer.** A call of a hundred lines is assumed to take 20 seconds; our part
  of it is about 15 ms of processor time, of which zeep alone needs four fifths. Functions are
  billed while they wait: {SECONDS_A_CALL} s for a run that calls an insurer, {SECONDS_A_RUN} s for
  any other, which is high. Three days of a thousand such accountants are sent in 67 to 73 h
  (`make bench AREA=load`): the calls an insurer takes at once decide that, not our functions.
* **A start is mostly boto3.** The smallest useful function, boto3 with one client, is the unit that
  `make bench AREA=cold` measures in; answering functions take 1.2 to 1.35 of it, pages included.

What was not measured: latencies of AWS and of real insurers. `make bench` repeats everything else;
`build/bench/report.md` has figure, peer, goal and verdict of each goal.
"""


def main() -> int:
    """Write the page and the price list."""
    PAGE.parent.mkdir(exist_ok=True)
    for path, content in ((PAGE, page()), (PRICE_LIST, price_list())):
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{Path(path).relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
