"""Exact AWS calls of card contracts per use case, committed in ``card_contracts.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.budgets.day import Day
from tests.support.aws import START, aws_world, platform_of
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import BASE, CardsWorld, cards_world
from tests.support.faults import switched_on

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("card_contracts.json")


@pytest.fixture
def world() -> Iterator[CardsWorld]:
    """A company with one contract."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with cards_world(aws, platform, clock) as made, switched_on(clock):
            made.contract()
            # Derived keys are read once per process.
            made.call("GET", f"{BASE}/receivables", query="limit=1")
            yield made


def _plan(world: CardsWorld) -> Any:
    sale = api_sale(instalments=12)
    body = {name: sale[name] for name in ("sold_on", "amount", "instalments")}
    return world.call("POST", f"{BASE}/AXESS-26/plans", body)


def _post(world: CardsWorld) -> Any:
    return world.call("POST", f"{BASE}/sales", api_sale(instalments=12), key="k")


def _register(world: CardsWorld) -> Any:
    return world.call("POST", BASE, api_contract("NEXT", starts_on="2027-01-01", ends_on=None))


def _refund(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    sale = world.sale(instalments=12)
    body = {
        "document_no": "I-1",
        "refunded_on": "2026-05-04",
        "amount": {"amount": "400.00", "currency": "TRY"},
        "deductions": "kept",
    }
    return lambda world: world.call("POST", f"{BASE}/sales/{sale['id']}/refunds", body, key="r")


def _cancel(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    sale = world.sale(instalments=12)
    return lambda world: world.call("POST", f"{BASE}/sales/{sale['id']}/cancel")


def _calendar(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    for number in range(5):
        world.sale(f"F-{number}", instalments=12)
    query = "from=2026-01-01&to=2026-12-31"
    return lambda world: world.call("GET", f"{BASE}/cash-calendar", query=query)


def _event(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    key = world.event_key()
    event = {"kind": "sale.closed", "sale": api_sale(instalments=12)}
    message = world.signed(key, event)
    return lambda world: world.deliver(message)


def _refused_event(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    message = world.signed(world.event_key(), {"kind": "sale.closed"})
    return lambda world: world.deliver(message)


def _settings(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    found = world.call("GET", f"{BASE}/settings").json()
    wished = {name: found[name] for name in ("matching", "drift", "legal_limits")}
    wished["drift"]["points"] = "0.10"
    headers = {"if-match": '"v0"'}
    return lambda world: world.call("PUT", f"{BASE}/settings", wished, headers=headers)


def _aside(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    _statement(world)(world)
    lines = world.call("GET", f"{BASE}/matches", query="status=unmatched&limit=20").json()
    body = {"line_ids": [line["id"] for line in lines["items"]], "reason": "rent"}
    return lambda world: world.call("POST", f"{BASE}/bank-lines/set-aside", body)


def _same_file(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    _statement(world)(world)
    return _statement(world, again=True)


def _look_again(world: CardsWorld) -> Callable[[CardsWorld], Any]:
    _statement(world)(world)
    body = {"bank_account_code": "102.01.001"}
    assert world.call("POST", f"{BASE}/bank-lines/look-again", body).status == 202
    return lambda world: world.work()


def _statement(world: CardsWorld, *, again: bool = False) -> Callable[[CardsWorld], Any]:
    """A hundred lines of an account, ten of which pay a receivable."""
    body = {"code": "102.01.001", "name": "Kart", "kind": "deposit"}
    world.call("POST", f"{BASE}/bank-accounts", body)
    for number in range(0 if again else 10):
        amount = {"amount": f"{100 + number}.00", "currency": "TRY"}
        world.sale(f"F-{number}", amount=amount, instalments=1)
    rows = [f"01.06.2026;01.06.2026;{number},00;X" for number in range(500, 590)]
    nets = [(100 + number) * 100 - round((100 + number) * 2.4) for number in range(10)]
    rows += [f"01.06.2026;01.06.2026;{net // 100},{net % 100:02d};X" for net in nets]
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        "\r\n".join(("Tarih;Valör;Tutar;Açıklama", *rows)).encode(),
        headers={"content-type": "text/csv"},
        query="profile=turkish&bank_account_code=102.01.001",
    )
    assert answer.status == 202, answer.body
    return lambda world: world.work()


def _sweep(world: CardsWorld) -> Any:
    return world.minute()


MEASURES: Final[dict[str, Callable[[CardsWorld], Any]]] = {
    "register a contract": lambda _: _register,
    "plan 12 instalments": lambda _: _plan,
    "post a sale of 12 instalments": lambda _: _post,
    "post a sale by a signed event": _event,
    "keep a signed event that cannot be taken": _refused_event,
    "change the settings": _settings,
    "set 20 lines aside": _aside,
    "the same statement again": _same_file,
    "look again over 90 lines": _look_again,
    "refund a sale": _refund,
    "cancel a sale": _cancel,
    "cash calendar of a year": _calendar,
    "statement of 100 lines, 10 matched": _statement,
    "idle minute": lambda _: _sweep,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: CardsWorld, name: str) -> None:
    act = MEASURES[name](world)
    check_committed(FILE, name, count(lambda: act(world)))


# ---------------------------------------------------------------------------- one after the other

DAY: Final = Day(FILE)
FILES: Final = (2, 4, 8)


def test_the_counts_of_a_day_are_the_committed_ones(world: CardsWorld) -> None:
    lists(world)
    days(world)
    files(world)


def lists(world: CardsWorld) -> None:
    """An entry of a list is added, changed and removed."""
    cards = f"{BASE}/cards"
    body = {"code": "BONUS", "name": "Bonus"}
    made = DAY.counted("add an entry to a list", lambda: world.call("POST", cards, body))
    found = {"if-match": made.headers["etag"]}
    new = {**body, "name": "Bonus Plus"}
    path = f"{cards}/BONUS"
    changed = DAY.counted("change the entry", lambda: world.call("PUT", path, new, headers=found))
    found = {"if-match": changed.headers["etag"]}
    DAY.counted("remove the entry", lambda: world.call("DELETE", path, headers=found))


def days(world: CardsWorld) -> None:
    """A changed day, and the secret feed of the cash calendar."""
    path = f"{BASE}/calendars/TR/days/2026-07-28"
    day = {"kind": "holiday", "name": "İdari izin", "source": "RG 33000"}
    DAY.counted("change a day", lambda: world.call("PUT", path, day))
    DAY.counted("take the day back", lambda: world.call("DELETE", path))
    feed = f"{BASE}/calendar-feed"
    made = DAY.counted("make a secret feed", lambda: world.call("POST", feed, shows="the address"))
    token = made.json()["url"].rpartition("/")[2]
    world.sale("F-0", instalments=12)
    DAY.counted("show the secret feed", lambda: world.feed(token))


def files(world: CardsWorld) -> None:
    """Files of 2, 4 and 8 sales: tried, posted and taken back."""
    header = "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı\r\n"
    path = f"{BASE}/sales/imports"

    def done(path: str, content: bytes | None = None, query: str = "") -> str:
        headers = {"content-type": "text/csv"} if content else {}
        answer = world.call("POST", path, content, headers=headers, query=query)
        assert answer.status == 202, answer.body
        world.work()
        return str(answer.json()["id"])

    for size in FILES:
        rows = [f"{size}-{n};AXESS-26;28.04.2026;1.000,00;3" for n in range(size)]
        content = (header + "\r\n".join(rows)).encode()
        name = f"a file of {size} sales"
        DAY.counted(f"try {name}", partial(done, path, content, "dry_run=true"))
        posted = DAY.counted(f"post {name}", partial(done, path, content))
        back = f"{path}/{posted}/undo"
        DAY.counted(f"take back {name}", partial(done, back))
        assert world.job(posted)["result"] == {"posted": size}


@pytest.mark.parametrize("what", ["try", "post", "take back"])
def test_a_file_grows_with_its_rows_and_nothing_else(what: str) -> None:
    DAY.grows_by_the_line(f"{what} a file of {{}} sales", FILES)


def test_posting_a_sale_is_one_transaction() -> None:
    """reliability.md §14: one transaction, one message; reads are command, conditions, answer."""
    counts = json.loads(FILE.read_text(encoding="utf-8"))["post a sale of 12 instalments"]
    assert counts["transactions"] == 1
    assert counts["queue_bus"] == 1
    assert counts["reads"] <= 4
