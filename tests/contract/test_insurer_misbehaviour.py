"""Every way a simulated insurer can misbehave, against the real adapters over the real network.

The table says what each misbehaviour must end in; a kind without a row fails the first test.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from infra.local.simulators.insurers.behaviour import KINDS
from kernel.exchange import Direction
from pensions.domain.outcome import (
    Ambiguous,
    AmbiguousReason,
    Answered,
    Fault,
    FaultMeaning,
    Incident,
    NotSent,
    NotSentReason,
    Outcome,
    TransmissionKind,
    VerdictKind,
)
from tests.support.insurer_world import (
    USUAL,
    World,
    enrolled,
    payments,
    people,
    real_world,
)

pytestmark = pytest.mark.loopback

CODES = ("anadolu", "avivasa", "nn")
BATCHES = ("anadolu", "nn")


@dataclass(frozen=True)
class Expected:
    """What a misbehaviour ends in, and whether the insurer did the work."""

    judge: Callable[[Outcome], bool]
    effect: bool
    codes: tuple[str, ...] = CODES


def ambiguous(reason: AmbiguousReason, *incidents: Incident) -> Callable[[Outcome], bool]:
    def judge(outcome: Outcome) -> bool:
        return (
            isinstance(outcome, Ambiguous)
            and outcome.reason is reason
            and tuple(note.kind for note in outcome.incidents) == incidents
        )

    return judge


def answered(*incidents: Incident, unknown: bool = False) -> Callable[[Outcome], bool]:
    def judge(outcome: Outcome) -> bool:
        if not isinstance(outcome, Answered):
            return False
        kinds = {verdict.kind for verdict in outcome.lines.values()}
        told = tuple(note.kind for note in outcome.incidents)
        return (VerdictKind.UNKNOWN in kinds) is unknown and set(told) == set(incidents)

    return judge


def fault(meaning: FaultMeaning) -> Callable[[Outcome], bool]:
    return lambda outcome: isinstance(outcome, Fault) and outcome.meaning is meaning


R = AmbiguousReason
TABLE = {
    "slow": Expected(ambiguous(R.TIMEOUT), effect=True),
    "drip": Expected(ambiguous(R.TIMEOUT), effect=True),
    "stall": Expected(ambiguous(R.TIMEOUT), effect=False),
    "fault": Expected(fault(FaultMeaning.PROVIDER_CLOSED), effect=False),
    "silent_fault": Expected(ambiguous(R.REFERENCE_MISSING), effect=False),
    "server_fault": Expected(ambiguous(R.UNKNOWN_FAULT, Incident.UNKNOWN_FAULT), effect=True),
    "lost_answer": Expected(ambiguous(R.CONNECTION_LOST), effect=True),
    "drop_request": Expected(ambiguous(R.CONNECTION_LOST), effect=False),
    "partial": Expected(answered(unknown=True), effect=True, codes=BATCHES),
    "duplicate": Expected(answered(), effect=True),
    "contradict": Expected(
        answered(Incident.CONTRADICTION, unknown=True), effect=True, codes=BATCHES
    ),
    "unknown_person": Expected(answered(Incident.UNKNOWN_LINE), effect=True, codes=BATCHES),
    "other_order": Expected(answered(), effect=True),
    "wrong_amount": Expected(
        answered(Incident.AMOUNT_CONFLICT, unknown=True), effect=True, codes=("anadolu", "avivasa")
    ),
    "wrong_policy": Expected(
        answered(Incident.POLICY_CONFLICT, unknown=True), effect=True, codes=("anadolu", "avivasa")
    ),
    "wrong_reference": Expected(
        ambiguous(R.FOREIGN_REFERENCE, Incident.FOREIGN_ANSWER), effect=True
    ),
    "no_reference": Expected(
        # An empty reference is one, and it is not ours.
        lambda outcome: (
            isinstance(outcome, Ambiguous)
            and outcome.reason in (R.FOREIGN_REFERENCE, R.REFERENCE_MISSING)
        ),
        effect=True,
    ),
    "unknown_status": Expected(
        answered(Incident.UNKNOWN_STATUS, unknown=True), effect=True, codes=BATCHES
    ),
    "unknown_code": Expected(answered(), effect=False, codes=BATCHES),
    "wrong_password": Expected(fault(FaultMeaning.AUTH_FAILED), effect=False),
    "html_error": Expected(ambiguous(R.SERVER_ERROR), effect=True),
    "server_error": Expected(ambiguous(R.SERVER_ERROR), effect=True),
    "empty": Expected(ambiguous(R.EMPTY_ANSWER), effect=True),
    "garbage": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "truncated": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "doctype": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "two_bodies": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "comment": Expected(answered(), effect=True),
    "multipart": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "oversized": Expected(ambiguous(R.ANSWER_TOO_LARGE), effect=True),
    "bomb": Expected(ambiguous(R.ANSWER_TOO_LARGE), effect=True),
    "new_field": Expected(ambiguous(R.UNREADABLE_ANSWER), effect=True),
    "redirect": Expected(ambiguous(R.SERVER_ERROR), effect=True),
    "cookie": Expected(answered(), effect=True),
}
ARRANGED = {"stale", "wrong_contract"}
"""They need more than one call: tests of their own, below."""
PARAMETERS: dict[str, dict[str, object]] = {
    "slow": {"seconds": 4},
    "drip": {"seconds": 0.02},
    "stall": {"seconds": 4},
    "partial": {"omit": 1},
}
IMPATIENT = 1.5


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    opened = real_world(request.param, tmp_path)
    yield opened
    opened.close()


def test_every_misbehaviour_has_a_row() -> None:
    assert set(TABLE) | ARRANGED == set(KINDS)


@pytest.mark.parametrize(
    ("world", "kind"),
    [(code, kind) for kind, row in TABLE.items() for code in row.codes],
    indirect=["world"],
)
def test_a_misbehaviour_ends_as_the_table_says(world: World, kind: str) -> None:
    lines = people(world.some)
    collecting = kind in ("wrong_amount", "wrong_policy")
    operation = "collect" if collecting else "enrol"
    world.gateway.check_credentials(world.connection(), deadline_seconds=20)  # everything loaded
    connection, seconds = world.connection(), IMPATIENT if kind in PARAMETERS else 20
    script: dict[str, object] = {"kind": kind, "operation": operation, **PARAMETERS.get(kind, {})}
    started = time.monotonic()
    if collecting:
        sums = payments(*enrolled(world, 1))
        world.script(script)
        outcome = world.gateway.collect(connection, "T-1", sums, deadline_seconds=seconds)
    else:
        world.script(script)
        outcome = world.gateway.enrol(connection, "T-1", lines, deadline_seconds=seconds)
    assert TABLE[kind].judge(outcome), outcome
    assert bool([line for line in world.effects() if line[1] == "T-1"]) is TABLE[kind].effect
    if kind in ("slow", "drip", "stall"):
        assert time.monotonic() - started < 2 * IMPATIENT


@pytest.mark.parametrize("world", CODES, indirect=True)
def test_after_any_misbehaviour_the_next_call_works(world: World) -> None:
    for number, kind in enumerate(sorted(TABLE), start=1):
        if kind in PARAMETERS:
            continue
        world.script({"kind": kind, "operation": "enrol"})
        world.gateway.enrol(
            world.connection(), f"B-{number}", people(1, 100 + number), deadline_seconds=20
        )
        fine = world.gateway.enrol(
            world.connection(), f"G-{number}", people(1, 500 + number), deadline_seconds=20
        )
        assert answered()(fine), (kind, fine)


@pytest.mark.parametrize("world", CODES, indirect=True)
def test_no_misbehaviour_brings_a_secret_into_the_evidence(world: World) -> None:
    for number, kind in enumerate(sorted(TABLE), start=1):
        if kind in PARAMETERS:
            continue
        world.script({"kind": kind, "operation": "enrol"})
        world.gateway.enrol(
            world.connection(), f"B-{number}", people(1, number), deadline_seconds=20
        )
    requests = [raw for _, half, raw in world.evidence.kept if half is Direction.REQUEST]
    assert len(requests) == len(TABLE) - len(PARAMETERS)
    assert not [raw for _, _, raw in world.evidence.kept if USUAL.encode() in raw]


@pytest.mark.parametrize("world", BATCHES, indirect=True)
def test_an_earlier_answer_is_foreign(world: World) -> None:
    world.gateway.enrol(world.connection(), "T-1", people(1), deadline_seconds=20)
    world.script({"kind": "stale", "operation": "enrol"})
    outcome = world.gateway.enrol(world.connection(), "T-2", people(1, 5), deadline_seconds=20)
    assert ambiguous(R.FOREIGN_REFERENCE, Incident.FOREIGN_ANSWER)(outcome)


@pytest.mark.parametrize("world", ["nn"], indirect=True)
def test_a_period_of_another_contract_is_foreign(world: World) -> None:
    lines = people(2)
    world.gateway.enrol(world.connection(), "T-1", lines, deadline_seconds=20)
    world.script({"kind": "wrong_contract", "operation": "query"})
    outcome = world.gateway.query(
        world.connection(), "T-1", TransmissionKind.ENROLMENT, lines, deadline_seconds=20
    )
    assert ambiguous(R.FOREIGN_REFERENCE, Incident.FOREIGN_ANSWER)(outcome)


@pytest.mark.parametrize("world", ["avivasa"], indirect=True)
@pytest.mark.parametrize("kind", ["lost_answer", "html_error", "empty", "garbage", "doctype"])
def test_whatever_befalls_the_log_in_nothing_was_sent(world: World, kind: str) -> None:
    world.script({"kind": kind, "operation": "login"})
    outcome = world.gateway.enrol(world.connection(), "T-1", people(1), deadline_seconds=20)
    assert outcome == NotSent(NotSentReason.SESSION_REFUSED)
    assert world.effects() == []


@pytest.mark.parametrize("world", ["avivasa"], indirect=True)
def test_an_expired_session_is_not_sent(world: World) -> None:
    world.script({"kind": "fault", "reason": "session", "operation": "enrol"})
    outcome = world.gateway.enrol(world.connection(), "T-1", people(1), deadline_seconds=20)
    assert outcome == NotSent(NotSentReason.SESSION_REFUSED)


@pytest.mark.parametrize("world", ["avivasa"], indirect=True)
def test_people_who_were_not_reached_in_time_are_unknown(world: World) -> None:
    from pensions.domain.member_status import MemberState
    from pensions.ports import MemberRef

    lines, policies = enrolled(world, 3)
    members = [
        MemberRef(line.line_key, line.national_id, policy)
        for line, policy in zip(lines, policies, strict=True)
    ]
    world.script(
        {
            "next": [
                {"kind": "cookie", "operation": "members"},
                {"kind": "lost_answer", "operation": "members"},
            ]
        }
    )
    told = world.gateway.member_statuses(world.connection(), members, deadline_seconds=20)
    assert isinstance(told, tuple)
    assert [status.state for status in told] == [
        MemberState.ENROLLED,
        MemberState.UNKNOWN,
        MemberState.UNKNOWN,
    ]


@pytest.mark.parametrize("world", CODES, indirect=True)
@pytest.mark.parametrize("kind", ["html_error", "empty", "garbage", "lost_answer", "fault"])
def test_asking_for_people_never_raises(world: World, kind: str) -> None:
    from pensions.ports import MemberRef

    world.script({"kind": kind, "operation": "members"})
    line = people(1)[0]
    told = world.gateway.member_statuses(
        world.connection(), [MemberRef(line.line_key, line.national_id, None)], deadline_seconds=20
    )
    assert isinstance(told, (Ambiguous, Fault))


@pytest.mark.parametrize("world", ["anadolu"], indirect=True)
def test_without_evidence_nothing_is_sent(world: World) -> None:
    world.evidence.fail = frozenset({Direction.REQUEST})
    outcome = world.gateway.enrol(world.connection(), "T-1", people(1), deadline_seconds=20)
    assert outcome == NotSent(NotSentReason.NOT_RECORDED)
    assert world.calls("enrol") == 0


@pytest.mark.parametrize("world", ["nn"], indirect=True)
def test_two_lines_that_cannot_be_told_apart_are_never_sent(world: World) -> None:
    from dataclasses import replace

    one = people(1)[0]
    twice = [one, replace(one, line_key="L-other")]
    outcome = world.gateway.enrol(world.connection(), "T-1", twice, deadline_seconds=20)
    assert outcome == NotSent(NotSentReason.REQUEST_REFUSED)
    assert world.calls("enrol") == 0


@pytest.mark.parametrize("world", CODES, indirect=True)
def test_down_for_hours_costs_no_call(world: World) -> None:
    world.script({"down": {"hours": 6, "mode": "refuse"}})
    for _ in range(5):
        outcome = world.gateway.enrol(world.connection(), "T-1", people(1), deadline_seconds=20)
        assert outcome == NotSent(NotSentReason.UNREACHABLE)
    assert world.calls("enrol") == 0
    world.script({"up": True, "down": {"hours": 1, "mode": "unavailable"}})
    told = world.gateway.check_credentials(world.connection(), deadline_seconds=20)
    assert (told.ok, told.code) == (False, "insurer_unavailable")
    world.clock.advance(timedelta(hours=2))
    assert world.gateway.check_credentials(world.connection(), deadline_seconds=20).ok


@pytest.mark.parametrize("world", CODES, indirect=True)
def test_nothing_of_a_connection_stays_behind(world: World) -> None:
    lines, policies = enrolled(world, 1)
    world.gateway.collect(world.connection(), "T-1", payments(lines, policies), deadline_seconds=20)
    world.gateway.check_credentials(world.connection(), deadline_seconds=20)
    world.evidence.kept.clear()
    personal = (USUAL, lines[0].national_id.reveal("to look for it"), policies[0])
    left = [text for text in _texts_held_by(world.gateway) if any(p in text for p in personal)]
    assert left == []
    assert USUAL in set(_texts_held_by([{"a": world.connection()}]))  # it would have been found


def _texts_held_by(root: object) -> Iterator[str]:
    """Every text an object keeps alive, without following classes, modules and functions."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, (type, ModuleType, FunctionType)):
            continue
        seen.add(id(each))
        if isinstance(each, str):
            yield each
        elif isinstance(each, bytes):
            yield each.decode("utf-8", "replace")
        else:
            waiting.extend(gc.get_referents(each))


@pytest.mark.parametrize("world", CODES, indirect=True)
def test_the_libraries_keep_quiet(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for kind in ("cookie", "html_error", "garbage", "fault", "lost_answer"):
        world.script({"kind": kind, "operation": "enrol"})
        world.gateway.enrol(world.connection(), f"T-{kind}", people(1), deadline_seconds=20)
    noisy = ("zeep", "httpx", "httpcore", "urllib3")
    assert [record for record in caplog.records if record.name.startswith(noisy)] == []
    assert USUAL not in caplog.text
    assert people(1)[0].national_id.reveal("to look for it") not in caplog.text
