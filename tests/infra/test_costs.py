"""The page about costs and the price list of the cost card are what their program writes, and the
model of the queues keeps its word.
"""

import json
from decimal import Decimal

from bench import costs
from bench.drain import DAY, Assumptions, Drain, Outage, behind_a_large_one, three_days
from bench.load import PRICES, dollars, sending_requests
from tests.infra import stack
from workspace.adapters.price_list import PATH, read_price_list
from workspace.domain.cost_card import CODES
from workspace.domain.seal import SEALED_AT


def test_the_page_is_up_to_date() -> None:
    """``make generate`` writes it anew."""
    assert costs.PAGE.read_text(encoding="utf-8") == costs.page()


def test_the_price_list_of_the_cost_card_is_up_to_date() -> None:
    assert costs.PRICE_LIST == PATH
    assert PATH.read_text(encoding="utf-8") == costs.price_list()
    assert set(costs.CARD) == set(CODES), "every line of the card has a price, and no other"


def test_a_card_adds_up_to_what_the_page_says() -> None:
    """A thousand of the same work: a person takes two acts after being added, a letter is made and
    mailed.
    """
    usd = {code: price.usd for code, price in read_price_list().prices.items()}
    content = json.loads(PRICES.read_text(encoding="utf-8"))
    for name, parts in {
        "employees sent and enrolled": ("people_added", "people_acts", "people_acts"),
        "contributions collected": (
            "contributions_added",
            "contributions_acts",
            "contributions_acts",
        ),
        "codes issued and mailed": ("codes_issued", "codes_mailed"),
        "payments booked": ("payments_booked",),
        "letters made and mailed": ("letters_made", "letters_mailed"),
        "card sales posted": ("card_sales",),
    }.items():
        difference = sum(usd[part] for part in parts) - dollars(name, content)
        assert abs(difference) < Decimal("0.00001"), name


def test_the_page_knows_when_the_night_seals() -> None:
    schedule = stack.source()["Resources"]["WorkspaceStartSealsFunction"]["Properties"]["Events"]
    (event,) = schedule.values()
    assert event["Properties"]["ScheduleExpression"] == (
        f"cron({SEALED_AT.minute} {SEALED_AT.hour} * * ? *)"
    )
    assert event["Properties"]["ScheduleExpressionTimezone"] == "Etc/UTC"


def test_everything_drains_and_the_same_seed_gives_the_same() -> None:
    few = Assumptions(accountants=2, companies=60)
    runs = [
        Drain(few, sending_requests()).run(three_days(few, 7)),
        Drain(few, sending_requests()).run(three_days(few, 7)),
    ]
    first, second = ([(t.done, t.calls, t.last, t.waits) for t in told] for told in runs)
    assert first == second
    assert all(told.done == told.transmissions and not told.dead for told in runs[0])


def test_an_outage_costs_probes_and_no_dead_letters() -> None:
    few = Assumptions(accountants=4, companies=200)
    down = Outage("anadolu", DAY + 10 * 3_600, DAY + 16 * 3_600)
    told = Drain(few, sending_requests(), down, providers=["anadolu"]).run(
        wish for wish in three_days(few, 7) if wish[1] == "anadolu"
    )
    assert [(one.done, one.dead) for one in told] == [(told[0].transmissions, 0)]
    assert 5 <= told[0].failed_calls <= 73 * told[0].provider.max_concurrency + 5


def test_a_small_company_does_not_wait_for_a_large_one() -> None:
    most, large = behind_a_large_one(7, small=5)
    assert large == 200
    assert most <= 20
