"""Exact counts per use case: a new call must change ``budgets.json``, and be seen in review.

The ceilings are those of reliability.md §14 where we hold them; where we are above, the reason
stands beside the number.
"""

import json
from collections.abc import Callable

import pytest

from tests.budgets.committed import check_committed
from tests.budgets.counts import CALLS, CHARGES, FILE, NAMES, Counts, measure

pytestmark = pytest.mark.slow
GROWTH = 4.2
Ceiling = Callable[[int], dict[str, int]]


def up(lines: int, of: int) -> int:
    """Lines in groups, rounded up."""
    return -(-lines // of)


def committed() -> dict[str, dict[str, Counts]]:
    """Counts by use case and number of lines."""
    table: dict[str, dict[str, Counts]] = json.loads(FILE.read_text(encoding="utf-8"))
    return table


def calls(counts: Counts) -> int:
    """Calls of every kind together."""
    return sum(amount for kind, amount in counts.items() if kind in CALLS)


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_are_the_committed_ones_and_grow_with_the_lines(name: str) -> None:
    counts = measure(name)
    check_committed(FILE, name, counts)
    sizes = sorted(int(n) for n in counts)
    if len(sizes) > 1:
        first, middle, last = (calls(counts[str(n)]) for n in sizes)
        assert last / first <= GROWTH
        assert middle / first <= GROWTH / 2 + 0.1


# Above reliability.md §14 by design, each with its reason:
# * reads of a sending: contract, circuit, body, sealed credentials and the job beside the two
#   reads of the table there; contract and job are rows of their own, because the contract is what
#   the claim checks and the job is what a person looks at. What sends people also looks whether
#   anybody with a problem is left, because Today must say nothing that is over.
# * submit: the counters of the contract tell whether anything is ready, without reading anybody.
# * prepare: what is bound is read once more before it is frozen, so that the bytes sent are those
#   of the bound version; contributions also read their people twice (policy number).
CEILINGS: dict[str, Ceiling] = {
    "create employee": lambda _n: {"reads": 2, "transactions": 1, "kms": 0, "queue_bus": 0},
    "store credentials": lambda _n: {"reads": 2, "transactions": 1, "kms": 1, "queue_bus": 1},
    "submit people": lambda _n: {"reads": 3, "transactions": 1, "kms": 0, "queue_bus": 1},
    "prepare people": lambda n: {
        "reads": 4 + 4 * up(n, 100) + up(n, 100),
        "transactions": 3 + up(n, 10),
        "queue_bus": 1,
    },
    "prepare contributions": lambda n: {
        "reads": 8 + 4 * up(n, 100),
        "transactions": 3 + up(n, 10),
        "queue_bus": 1,
    },
    "send people": lambda n: {
        "reads": 7 + up(n, 100),
        "transactions": 3 + up(n, 10),
        "kms": 1,
        "insurer": 1,
        "queue_bus": 1 + up(n, 10),
    },
    "query people": lambda n: {
        "reads": 6 + up(n, 100),
        "transactions": 1 + n,
        "kms": 1,
        "insurer": 1,
        "queue_bus": up(n, 10),
    },
    "send contributions": lambda n: {
        "reads": 6 + up(n, 100),
        "transactions": 3 + up(n, 10),
        "kms": 1,
        "insurer": 1,
        "queue_bus": 1 + up(n, 10),
    },
    # One transaction a code by hand; by queue one for ten, one call of the counter for all of them,
    # and one transaction that closes the slice beside the one that closes the job.
    "issue code": lambda _n: {"reads": 3, "transactions": 1, "updates": 1, "queue_bus": 2},
    "issue codes by queue": lambda n: {
        "reads": 6,
        # Eight codes a transaction: each enters the search, too.
        "transactions": 2 + up(n, 8),
        "updates": 1,
        "queue_bus": 2 * up(n, 8),
        "outbox_marks": up(n, 8),
        "s3": 1,
    },
    # Reading a list of payment codes: above §14 by the organisation with its news, the state of the
    # connection, the code with its news twice, its booked payments (what must not shrink), and per
    # new payment the code, its sightings and the organisation, because each is a transaction alone.
    # The list that brought them is kept in one write; a list without news is not kept at all.
    "pull payments": lambda n: {
        "reads": 9 + 4 * n,
        "transactions": n,
        "updates": 1,
        "kms": 1,
        "queue_bus": n,
        "outbox_marks": n,
        "s3": 1,
    },
    "pull without news": lambda _n: {
        "reads": 9,
        "transactions": 0,
        "updates": 1,
        "kms": 1,
        "s3": 0,
    },
    # The owner of the organisation code, the organisation, the code by its reference; its copy.
    "take notification": lambda _n: {
        "reads": 4,
        "transactions": 1,
        "kms": 0,
        "queue_bus": 1,
        "s3": 1,
    },
    # Two lists of four shards and the bucket; taking tokens, giving back the rest, pushing the row.
    "ask for news": lambda _n: {"reads": 9, "transactions": 1, "updates": 3, "queue_bus": 1},
    "import statement": lambda n: {
        "reads": 4 + 6 * n,
        "transactions": n + 3,
        "updates": 1,
        "queue_bus": n + 1,
        "s3": 2,
    },
    "mail a code": lambda _n: {"reads": 5, "transactions": 2, "queue_bus": 0},
    "idle minute sweep": lambda _n: {"reads": 12, "transactions": 0, "updates": 0, "queue_bus": 0},
}


@pytest.mark.parametrize("name", list(CEILINGS))
def test_the_counts_stay_below_their_ceilings(name: str) -> None:
    for n, counts in committed()[name].items():
        over = {
            kind: (counts.get(kind, 0), limit)
            for kind, limit in CEILINGS[name](int(n)).items()
            if counts.get(kind, 0) > limit
        }
        assert not over, f"{name} of {n} lines: {over}"


def test_nothing_is_called_that_has_no_kind() -> None:
    for name, sizes in committed().items():
        for counts in sizes.values():
            assert not counts.keys() - CALLS - CHARGES, name
