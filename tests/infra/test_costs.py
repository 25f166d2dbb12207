"""The page about costs is what its program writes, and the model of the queues keeps its word."""

from bench import costs
from bench.drain import DAY, Assumptions, Drain, Outage, behind_a_large_one, three_days
from bench.load import sending_requests


def test_the_page_is_up_to_date() -> None:
    """``make generate`` writes it anew."""
    assert costs.PAGE.read_text(encoding="utf-8") == costs.page()


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
