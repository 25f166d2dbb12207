"""A morning over many subjects: once per rule, subject and period, whatever breaks off (WFL-06)."""

import tracemalloc

import pytest

from kernel.storing import WriteRefusedError
from tests.support.mornings import BrokenOffError, Morning, MorningStore, expected

COUNTS = {"meter": 170, "contract": 90, "invoice": 85}


def done(morning: Morning, name: str) -> None:
    """Deliver messages until the run is over; a worker that dies gets the message again."""
    for _ in range(60):
        if morning.store.runs[name].done:
            return
        try:
            morning.go(name)
        except BrokenOffError:
            continue
    raise AssertionError("the run does not end")


def test_one_proposal_for_each_rule_subject_and_period() -> None:
    morning = Morning(MorningStore(COUNTS))
    done(morning, morning.start("first"))
    store = morning.store
    run = store.runs["first"]
    assert store.proposals == store.distinct == run.proposed == expected(COUNTS)
    assert run.seen == sum(COUNTS.values())
    assert (run.incomplete, run.refused) == (COUNTS["contract"], 0)  # nobody told their debt's age
    assert len(store.selected) == 60
    done(morning, morning.start("again"))
    assert store.proposals == expected(COUNTS)
    assert store.runs["again"].proposed == 0
    assert store.told["workflow.AttentionRaised.v1"] == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_at_any_write_leaves_nothing_out_and_nothing_twice(after: bool) -> None:
    counts = {"meter": 30, "contract": 4, "invoice": 8}
    whole = Morning(MorningStore(counts))
    done(whole, whole.start())
    writes = whole.store.calls["commit"]
    assert writes > 12
    for number in range(1, writes + 1):
        morning = Morning(MorningStore(counts, dies_at=number, dies_after=after))
        done(morning, morning.start())
        store = morning.store
        assert store.proposals == store.distinct == expected(counts), number
        assert store.runs["run"].proposed == expected(counts), number
        assert sorted(store.selected) == sorted(whole.store.selected), number
        assert store.told["workflow.AttentionRaised.v1"] == 1, number


def test_without_time_a_worker_hands_the_rest_over() -> None:
    morning = Morning(MorningStore(COUNTS))
    name = morning.start()
    for number in range(1, 50):
        if morning.store.runs[name].done:
            break
        morning.go(name, remaining=0.0)
        assert len(morning.store.queued) <= number
    assert morning.store.proposals == expected(COUNTS)
    assert morning.store.queued[0] == {"run_id": name}


def test_two_workers_on_one_run_get_in_each_others_way_and_nothing_is_doubled() -> None:
    morning = Morning(MorningStore(COUNTS))
    name = morning.start()
    read = morning.store.run(name)
    morning.go(name, remaining=0.0)
    moved = morning.store.runs[name]
    morning.store.runs[name] = read  # the second one read before the first one wrote
    late = morning.worker()
    morning.store.runs[name] = moved
    with pytest.raises(WriteRefusedError):
        late._slice(read, more=True)
    done(morning, name)
    assert morning.store.proposals == morning.store.distinct == expected(COUNTS)


def test_ten_times_the_subjects_cost_ten_times_the_calls_and_no_more_memory() -> None:
    def measured(meters: int) -> tuple[int, int]:
        morning = Morning(MorningStore({"meter": meters}))
        name = morning.start()
        morning.go(name, remaining=0.0)  # what is read once is read
        tracemalloc.start()
        done(morning, name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return sum(morning.store.calls.values()), peak

    small, large = measured(320), measured(3200)
    assert large[0] <= 10.5 * small[0]
    assert large[1] <= 1.3 * small[1] + 100_000
