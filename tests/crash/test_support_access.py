"""Support access under a fault at every call: who looked is written down, or did not look.

The audit has one row per look, whatever happened to the process that wrote it.
"""

from collections.abc import Iterator

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Email, Secret
from tests.crash.test_entrance import Door
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Company, workspace_world
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.scanner import CANARY_PASSWORD
from workspace.application.entrance import SignedIn
from workspace.domain.user import Person

Bench = FaultBench[Door]
OFTEN = ("KA", "LR", "RC")
"""Modes of every run; the others are deep."""
modes = pytest.mark.parametrize(
    "mode",
    [pytest.param(mode, marks=() if mode in OFTEN else pytest.mark.deep) for mode in MODES],
)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Bench, Company, Person, str]]:
    """An operator's request that waits for the owner, and the operator's session."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            company = world.company(roles=("owner",))
            person = world.app.install_operator()(
                email=Email("op@op.example"),
                name="Destek Kişi",
                language="tr",
                password=Secret(CANARY_PASSWORD),
            )
            done = world.app.sign_in()(
                "op@op.example", Secret(CANARY_PASSWORD), source_ip="ip", user_agent=""
            )
            assert isinstance(done, SignedIn)
            made = world.app.ask_for_support()(
                person.id, company.id, reason="Sayılar tutmuyor", hours=1, correlation_id="c"
            )
            bench = Bench(Door(aws, world, world.operator()[1], secret=made.id), clock)
            bench.remember()
            yield bench, company, person, done.token.reveal("test")


def _looks(door: Door) -> int:
    return sum(row["action"] == "support_grant.used" for row in door.aws.rows("audit"))


@modes
def test_an_approval_is_one_however_often_it_is_tried(
    shared: tuple[Bench, Company, Person, str], mode: str
) -> None:
    bench, company, person, _ = shared
    with bench.kept():
        door = bench.world

        def act() -> bool:
            path = f"/v1/support-grants/{door.secret}/approve"
            answer = door.world.call("POST", path, company.owner)
            return answer.status == 200 or answer.json().get("code") == "support_decided"

        def check() -> None:
            door.quiet()
            (grant,) = door.kinds("support_grant")
            assert (grant["state"], grant["version"]) == ("granted", 2)
            books = door.world.app.store.company(company.context())
            assert books.support_of(person.id) is not None
            today = books.attention()
            assert {row.code for row in today if row.open} == {"support_in_force"}
            assert [row["mail"] for row in door.kinds("message")] == ["support_access"]

        assert bench.try_all(act, check, mode) >= 3


@modes
def test_every_look_is_in_the_audit(shared: tuple[Bench, Company, Person, str], mode: str) -> None:
    bench, company, _, token = shared
    with bench.kept():
        door = bench.world
        path = f"/v1/support-grants/{door.secret}/approve"
        assert door.world.call("POST", path, company.owner).status == 200
        bench.remember()
        seen = [0]

        def act() -> bool:
            identify = door.world.app.identify_session()
            principal = identify(Secret(token), company.id, "GET /people")
            assert principal is not None
            seen[0] += principal.roles == ("support",)
            return True

        def check() -> None:
            door.quiet()
            (grant,) = door.kinds("support_grant")
            # A look that was cut short may be written down without having been shown.
            assert grant["uses"] == _looks(door) >= 1

        assert bench.try_all(act, check, mode) >= 3
        assert seen[0] >= 1
