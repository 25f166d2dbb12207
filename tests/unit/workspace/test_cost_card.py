"""The cost card: what lies between two seals, at dated prices, and what it says when unsure."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kernel.clock import FixedClock
from kernel.money import Money
from kernel.periods import Period
from tests.support.fakes.seals import MemorySealDesk
from toolkit.auth import TenantContext
from workspace.adapters.price_list import read_price_list
from workspace.application.cost_cards import ReadCostCard
from workspace.application.seal_audit import seal_id
from workspace.domain.cost_card import (
    CODES,
    CardFigures,
    CostCard,
    Price,
    PriceList,
    Standing,
    card_of,
)
from workspace.domain.seal import Head, Seal, Tally, added_up

JUNE = Period(2026, 6)
ACT = Price(Decimal("0.020000"), {"write_units": 10})
PRICES = PriceList(
    "us-east-1",
    "2026-06-01",
    "USD",
    dict.fromkeys(CODES, ACT),
    (Standing("queues", 53, Decimal("17.17")), Standing("alarms", 2, Decimal("0.205"))),
)


def _seal(day: date, tally: Tally | None) -> Seal:
    at = f"{day.isoformat()}T00:15:02Z"
    return Seal(seal_id("T", day), "T", day, root="r", sealed_at=at, tally=tally)


BASE = _seal(date(2026, 6, 1), {"pen/employee": (10, 25), "wsp/user": (2, 3)})
END = _seal(
    date(2026, 6, 20),
    {
        "pen/employee": (14, 40),
        "pen/transmission": (1, 3),
        "wsp/user": (2, 4),
        "wsp/message": (5, 20),
        "rec/portal_mail": (1, 4),
        "new/kind": (1, 6),
    },
)


def _numbers(card: CostCard) -> dict[str, int]:
    return {line.code: line.number for line in card.lines if line.number}


def test_heads_are_added_up_by_context_and_kind() -> None:
    heads = [Head("pen", "employee:1", 3, "h"), Head("pen", "employee:2", 1, "h")]
    gone = Head("wsp", "user:1", 0, "")
    first = added_up({}, heads)
    assert first == {"pen/employee": (2, 4)}
    assert added_up(first, [gone]) == {"pen/employee": (2, 4), "wsp/user": (1, 0)}
    assert first == {"pen/employee": (2, 4)}, "the tally before is untouched"


def test_the_card_is_the_difference_of_two_seals() -> None:
    card = card_of(JUNE, BASE, END, PRICES)
    assert (card.state, card.since, card.until) == (
        CardFigures.COUNTED,
        "2026-06-01T00:15:02Z",
        "2026-06-20T00:15:02Z",
    )
    # Calls to insurers are in the price of their people; a kind nobody knows is an act like others.
    assert _numbers(card) == {"people_added": 4, "people_acts": 11, "mails": 6, "other_acts": 7}
    assert [line.code for line in card.lines] == list(CODES)
    assert card.fallen == ()


def test_a_company_without_an_earlier_seal_is_counted_from_its_beginning() -> None:
    card = card_of(JUNE, None, END, PRICES)
    assert (card.since, _numbers(card)["people_added"], _numbers(card)["people_acts"]) == (
        "",
        14,
        26,
    )
    assert card.lines[0].why[0].key == "workspace.why.cost_begun_all"


def test_amounts_keep_four_decimals_and_the_sum_is_rounded_once() -> None:
    tally = {"pen/employee": (3, 3), "pay/payment": (1, 1), "crd/card_sale": (246, 246)}
    card = card_of(JUNE, None, _seal(date(2026, 6, 20), tally), PRICES)
    amounts = {line.code: line.amount for line in card.lines if line.number}
    assert amounts == {
        "people_added": Decimal("0.0001"),
        "payments_booked": Decimal("0.0000"),
        "card_sales": Decimal("0.0049"),
    }
    assert card.exact == Decimal("0.0050")
    assert card.total == Money(1, "USD"), "half a cent is one, although no line is"


def test_the_reasons_name_number_span_rate_and_prices() -> None:
    line = card_of(JUNE, BASE, END, PRICES).lines[0]
    counted, amount, price = line.why
    assert counted.params == {
        "number": 4,
        "since": "2026-06-01T00:15:02Z",
        "until": "2026-06-20T00:15:02Z",
    }
    assert amount.params == {"number": 4, "usd": "0.020000", "amount": "0.0001"}
    assert price.params == {"region": "us-east-1", "as_of": "2026-06-01", "write_units": 10}


@pytest.mark.parametrize(
    ("base", "end", "state"),
    [
        (None, None, CardFigures.NOTHING),
        (BASE, BASE, CardFigures.NOTHING),
        (replace(BASE, tally=None), END, CardFigures.NO_BASE),
        (BASE, replace(END, tally=None), CardFigures.NO_BASE),
    ],
)
def test_without_two_counted_seals_there_are_no_figures(
    base: Seal | None, end: Seal | None, state: CardFigures
) -> None:
    card = card_of(JUNE, base, end, PRICES)
    assert (card.state, card.lines, card.total) == (state, (), Money.zero("USD"))


@pytest.mark.parametrize("later", [(9, 30), (12, 26), (10, 24)])
def test_what_is_fewer_than_before_is_named_and_never_negative(later: tuple[int, int]) -> None:
    end = _seal(date(2026, 6, 20), {"pen/employee": later, "wsp/user": (2, 4)})
    card = card_of(JUNE, BASE, end, PRICES)
    assert card.fallen == ("pen/employee",)
    assert _numbers(card) == {"other_acts": 1}


def test_a_kind_that_is_gone_is_named() -> None:
    end = _seal(date(2026, 6, 20), {"pen/employee": (10, 25)})
    assert card_of(JUNE, BASE, end, PRICES).fallen == ("wsp/user",)


def test_what_stands_is_summed_and_rounded_once() -> None:
    assert PRICES.standing_total == Money(1738, "USD")


def test_months_meet_at_the_seal_of_the_first_night_and_lose_nothing() -> None:
    """May ends where June begins; a night without a seal moves the border for both alike."""
    desk = MemorySealDesk()
    context = TenantContext("T", "user:p")
    seals = desk.company(context)
    for day, people in ((date(2026, 5, 20), 1), (date(2026, 5, 31), 4), (date(2026, 6, 2), 9)):
        seals.begin(_seal(day, {"pen/employee": (people, people)}))
    read = ReadCostCard(desk, PRICES, FixedClock(datetime(2026, 6, 2, 9, tzinfo=UTC)))
    added = {
        month: _numbers(read(context, Period(2026, month))).get("people_added", 0)
        for month in (4, 5, 6, 7)
    }
    assert added == {4: 0, 5: 4, 6: 5, 7: 0}
    assert read(context).period == JUNE
    assert read(TenantContext("other", "user:p")).state is CardFigures.NOTHING


def test_the_shipped_list_prices_every_line() -> None:
    prices = read_price_list()
    assert set(prices.prices) == set(CODES)
    assert all(price.usd > 0 for price in prices.prices.values())
    assert {each.code for each in prices.standing} == {"sweeps", "queues", "alarms", "keys"}
