"""The simulated insurers keep their side: WSDL, facts, books, scripts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from infra.local.simulators import start_all
from infra.local.simulators.insurers.facts import INSURERS
from infra.local.simulators.insurers.running import RunningInsurer, start_insurers
from kernel.clock import FixedClock
from kernel.sensitive import Secret
from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.period_async import client as period_async
from pensions.adapters.insurers.registry import InsurerRegistry
from pensions.adapters.insurers.session_single import client as session_single
from pensions.adapters.insurers.usernametoken_batch import client as usernametoken_batch
from pensions.domain.outcome import Answered, NotSent, NotSentReason, TransmissionKind
from pensions.domain.provider import Dialect
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import Connection
from tests.support.insurer_world import (
    CONTRACT_NO,
    START,
    USUAL,
    Evidence,
    World,
    enrolled,
    identity_number,
    payments,
    people,
    real_world,
    shared_http,
)

pytestmark = pytest.mark.loopback

WSDLS = {
    Dialect.USERNAMETOKEN_BATCH: usernametoken_batch.WSDL,
    Dialect.SESSION_SINGLE: session_single.WSDL,
    Dialect.PERIOD_ASYNC: period_async.WSDL,
}


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    opened = real_world(request.param, tmp_path)
    yield opened
    opened.close()


def test_all_listed_insurers_are_simulated_configured_and_known() -> None:
    assert set(INSURERS) == set(CONFIGS) == set(PROVIDERS)
    assert len(INSURERS) == 18


@pytest.mark.parametrize("code", PROVIDERS)
def test_what_the_product_believes_is_what_the_insurer_is(code: str) -> None:
    provider, config, facts = PROVIDERS[code], CONFIGS[code], INSURERS[code]
    assert provider.dialect == config.dialect == facts.dialect
    assert config.code_prefix == facts.code_prefix
    assert provider.batch_size == facts.batch_limit
    assert provider.deduplicates is facts.deduplicates
    assert set(config.genders) == facts.genders
    assert provider.settle_seconds >= facts.policy_delay


@pytest.mark.parametrize("world", PROVIDERS, indirect=True)
def test_the_whole_path_with_every_insurer(world: World) -> None:
    assert world.gateway.check_credentials(world.connection(), deadline_seconds=20).ok
    lines, policies = enrolled(world)
    assert len(set(policies)) == len(lines)
    for line, policy in zip(lines, policies, strict=True):
        sums = payments([line], [policy])
        reference = f"T-{line.line_key}"
        world.gateway.collect(world.connection(), reference, sums, deadline_seconds=20)
        world.clock.advance(timedelta(minutes=2))
        told = world.gateway.query(
            world.connection(), reference, TransmissionKind.COLLECTION, sums, deadline_seconds=20
        )
        assert isinstance(told, Answered)
        assert told.lines[sums[0].line_key].kind == "accepted"
    assert len(world.effects()) == 2 * len(lines)


@pytest.mark.parametrize("world", ["anadolu", "avivasa", "nn"], indirect=True)
def test_the_bundled_wsdl_is_the_one_the_insurer_publishes(world: World, tmp_path: Path) -> None:
    (running,) = start_insurers(tmp_path / "other", world.clock.now, (world.provider.code,))
    published = shared_http().exchange("GET", f"{running.url}?wsdl", deadline_seconds=5).body
    running.stop()
    assert published == WSDLS[world.provider.dialect].read()


@pytest.mark.parametrize("world", ["garanti", "axa"], indirect=True)
def test_a_thousand_people_are_as_many_calls_as_batches(world: World) -> None:
    size, everybody = world.provider.batch_size, people(1_000)
    for start in range(0, len(everybody), size):
        outcome = world.gateway.enrol(
            world.connection(), f"T-{start}", everybody[start : start + size], deadline_seconds=20
        )
        assert isinstance(outcome, Answered)
        assert {verdict.kind for verdict in outcome.lines.values()} == {"accepted"}
    assert world.calls("enrol") == ceil(1_000 / size)
    assert len({line[2] for line in world.effects()}) == len(world.effects()) == 1_000


@pytest.mark.parametrize("world", ["vakif"], indirect=True)
def test_calls_at_the_same_time_do_not_disturb_each_other(world: World) -> None:
    def send(number: int) -> object:
        lines = people(20, first=1 + number * 20)
        return world.gateway.enrol(world.connection(), f"T-{number}", lines, deadline_seconds=20)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(send, range(8)))
    assert all(isinstance(outcome, Answered) for outcome in outcomes)
    assert len(world.effects()) == 160


@pytest.mark.parametrize("world", ["anadolu", "avivasa", "nn"], indirect=True)
def test_text_that_looks_like_markup_stays_text(world: World) -> None:
    strange = "K</SOZNO>&<x a='1'>"
    connection = Connection(world.provider.code, strange, "<1>", "user&co", Secret("a<b>&c]]>"))
    lines = people(1)
    assert world.gateway.check_credentials(connection, deadline_seconds=20).ok
    outcome = world.gateway.enrol(connection, "T-1", lines, deadline_seconds=20)
    assert isinstance(outcome, Answered)
    assert not [raw for _, _, raw in world.evidence.kept if b"a&lt;b&gt;&amp;c" in raw]
    told = world.gateway.query(
        connection, "T-1", TransmissionKind.ENROLMENT, lines, deadline_seconds=20
    )
    assert isinstance(told, Answered)


def test_an_insurer_without_address_or_unknown_is_not_sent() -> None:
    registry = InsurerRegistry({}, Evidence(), http=shared_http)
    for code in ("anadolu", "nobody"):
        connection = Connection(code, "K", "1", "u", Secret("p"))
        assert registry.enrol(connection, "T", people(1), deadline_seconds=5) == NotSent(
            NotSentReason.NO_ENDPOINT
        )
        assert registry.check_credentials(connection, deadline_seconds=5).code == "no_endpoint"
        assert registry.member_statuses(connection, [], deadline_seconds=5) == ()


@pytest.mark.parametrize(
    "address", ["http://insurer.example.invalid/", "ftp://127.0.0.1/", "https://", "insurer", "//x"]
)
def test_an_address_that_would_show_passwords_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="neither https nor this machine"):
        InsurerRegistry({"anadolu": address}, Evidence(), http=shared_http)


def test_one_process_hosts_all_under_their_own_addresses(tmp_path: Path) -> None:
    clock = FixedClock(START)
    everybody = start_all(tmp_path, clock.now)
    running = [each for each in everybody if isinstance(each, RunningInsurer)]
    try:
        assert [each.name for each in everybody] == [*PROVIDERS, "dias"]
        assert [each.name for each in running] == list(PROVIDERS)
        assert len({each.url for each in running}) == 18
        assert all(each.url.endswith(f"/insurers/{each.name}") for each in running)
        registry = InsurerRegistry(
            {each.name: each.url for each in running}, Evidence(), http=shared_http
        )
        for each in running:
            connection = Connection(each.name, CONTRACT_NO, "1", "u", Secret(USUAL))
            assert registry.check_credentials(connection, deadline_seconds=20).ok
    finally:
        for simulator in everybody:
            simulator.stop()


# The book


_CHILD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from infra.local.simulators.insurers.running import start_insurers
now = datetime(2026, 5, 4, 9, tzinfo=UTC)
(running,) = start_insurers(Path(sys.argv[1]), lambda: now, ("anadolu",))
running.script({"reject": {"national_id": "10000000146"}})
print(running.url, flush=True)
time.sleep(60)
"""


def test_what_was_accepted_survives_a_kill(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{root}:{root / 'layers' / 'common'}"},
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        registry = InsurerRegistry({"anadolu": url}, Evidence(), http=shared_http)
        connection = Connection("anadolu", CONTRACT_NO, "001", "u", Secret(USUAL))
        outcome = registry.enrol(connection, "T-1", people(5, first=10), deadline_seconds=20)
        assert isinstance(outcome, Answered)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    clock = FixedClock(START)
    (again,) = start_insurers(tmp_path, clock.now, ("anadolu",))
    try:
        assert len(again.effects()) == 5
        assert again.calls() == {"enrol": 1}
        registry = InsurerRegistry({"anadolu": again.url}, Evidence(), http=shared_http)
        told = registry.query(
            connection, "T-1", TransmissionKind.ENROLMENT, people(5, first=10), deadline_seconds=20
        )
        assert told == outcome
        refused = registry.enrol(connection, "T-2", people(1), deadline_seconds=20)
        assert isinstance(refused, Answered)
        assert {verdict.code for verdict in refused.lines.values()} == {"person_not_found"}
    finally:
        again.stop()


@pytest.fixture
def anadolu(tmp_path: Path) -> Iterator[RunningInsurer]:
    (running,) = start_insurers(tmp_path, FixedClock(START).now, ("anadolu",))
    yield running
    running.stop()


def test_its_description_is_plain_data_without_identity_numbers(
    anadolu: RunningInsurer,
) -> None:
    registry = InsurerRegistry({"anadolu": anadolu.url}, Evidence(), http=shared_http)
    connection = Connection("anadolu", CONTRACT_NO, "001", "u", Secret(USUAL))
    registry.enrol(connection, "T-1", people(2), deadline_seconds=20)
    anadolu.script({"kind": "slow", "seconds": 1})
    text = json.dumps(anadolu.describe())
    assert identity_number(1) not in text
    told: dict[str, Any] = json.loads(text)
    assert told["accepted"] == {"enrolments": 2, "collections": 0, "collected": "0.00"}
    assert told["doubled"] == 0
    assert told["calls"] == {"enrol": 1}
    assert [each["kind"] for each in told["queued"]] == ["slow"]


@pytest.mark.parametrize(
    "script",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "slow", "operation": "nonsense"},
        {"kind": "slow", "nonsense": 1},
        {"nonsense": 1},
        {"down": {}},
        {"down": {"hours": 1, "mode": "nonsense"}},
        {"reject": {}},
        {"opt_out": "somebody"},
        {"typed_in": {"contract_no": "K"}},
    ],
)
def test_a_script_nobody_understands_is_refused(
    anadolu: RunningInsurer, script: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        anadolu.script(script)


def test_misbehaviour_waits_for_its_operation_and_its_times(anadolu: RunningInsurer) -> None:
    registry = InsurerRegistry({"anadolu": anadolu.url}, Evidence(), http=shared_http)
    connection = Connection("anadolu", CONTRACT_NO, "001", "u", Secret(USUAL))
    anadolu.script(
        {"next": [{"kind": "lost_answer", "operation": "collect"}, {"kind": "empty", "times": 2}]}
    )
    kinds = [
        type(registry.enrol(connection, f"T-{n}", people(1, n), deadline_seconds=20)).__name__
        for n in range(1, 4)
    ]
    assert kinds == ["Ambiguous", "Ambiguous", "Answered"]
    anadolu.script({"clear": True})
    assert anadolu.describe()["queued"] == []
