"""Exact AWS calls of reconciliation per use case, committed in ``reconciliation.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from reconciliation.domain.ledger import MAX_TOGETHER
from tests.budgets.counts import count
from tests.support.aws import START, aws_world, platform_of
from tests.support.faults import switched_on
from tests.support.letters_world import LettersDesk
from tests.support.reconciliation_builders import api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import ReconciliationWorld, reconciliation_world

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("reconciliation.json")
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
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(world: ReconciliationWorld, name: str) -> None:
    act = MEASURES[name](world)
    counts = count(lambda: act(world))
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if os.environ.get("KOPRU_WRITE_BUDGETS"):
        FILE.write_text(json.dumps({**known, name: counts}, indent=2) + "\n", encoding="utf-8")
        return
    assert counts == known[name]


def test_lines_cost_a_transaction_per_fifteen() -> None:
    """Fifteen lines are one transaction, also when all of them move; known lines cost none."""
    counts = json.loads(FILE.read_text(encoding="utf-8"))
    assert counts["record 15 lines"]["transactions"] == 1
    assert counts["move 15 lines to another month"]["transactions"] == 1
    assert "transactions" not in counts["record 15 known lines"]
    assert counts["import 100 lines"]["transactions"] == 8
    assert counts["figures of a month"] == {"reads": 3}
