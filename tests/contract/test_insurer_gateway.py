"""What every implementation of ``InsurerGateway`` does: the fake, and each dialect over SOAP.

One suite for both sides, because a fake that drifts proves nothing. The insurers named here speak
one dialect each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from kernel.money import Money
from pensions.domain.member_status import MemberState, MemberStatus
from pensions.domain.outcome import (
    Absent,
    Ambiguous,
    AmbiguousReason,
    Answered,
    Fault,
    FaultEffect,
    FaultMeaning,
    Incident,
    NotSent,
    NotSentReason,
    Outcome,
    TransmissionKind,
    VerdictKind,
)
from pensions.ports import CollectionLine, EnrolmentLine, MemberRef
from tests.support.insurer_world import (
    CONTRACT_NO,
    World,
    enrolled,
    fake_world,
    identity_number,
    payment,
    payments,
    people,
    person,
    real_world,
)

pytestmark = pytest.mark.loopback

ENROL, COLLECT = TransmissionKind.ENROLMENT, TransmissionKind.COLLECTION
CODES = ("anadolu", "avivasa", "nn")


BATCHES = ("anadolu", "nn")
"""Insurers that take several lines a call and speak of each in a word of its own."""


def _opened(name: str, folder: Path) -> World:
    kind, _, code = name.partition("-")
    return fake_world(code) if kind == "fake" else real_world(code, folder)


@pytest.fixture(params=[f"{kind}-{code}" for kind in ("fake", "soap") for code in CODES])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    opened = _opened(request.param, tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=[f"{kind}-{code}" for kind in ("fake", "soap") for code in BATCHES])
def batches(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    opened = _opened(request.param, tmp_path)
    yield opened
    opened.close()


def enrol(world: World, lines: list[EnrolmentLine], reference: str = "T-1") -> Outcome:
    return world.gateway.enrol(world.connection(), reference, lines, deadline_seconds=20)


def collect(world: World, lines: list[CollectionLine], reference: str = "T-2") -> Outcome:
    return world.gateway.collect(world.connection(), reference, lines, deadline_seconds=20)


def ask(
    world: World,
    kind: TransmissionKind,
    lines: list[EnrolmentLine] | list[CollectionLine],
    reference: str,
) -> Outcome:
    return world.gateway.query(world.connection(), reference, kind, lines, deadline_seconds=20)


def settled(
    world: World,
    outcome: Outcome,
    kind: TransmissionKind,
    lines: list[EnrolmentLine] | list[CollectionLine],
    reference: str,
) -> Answered:
    """The final answer: at once, or by a question later where the insurer numbers later."""
    assert isinstance(outcome, Answered)
    if any(verdict.kind is VerdictKind.PROCESSING for verdict in outcome.lines.values()):
        world.clock.advance(timedelta(minutes=2))
        outcome = ask(world, kind, lines, reference)
        assert isinstance(outcome, Answered)
    return outcome


def kinds(outcome: Outcome) -> list[VerdictKind]:
    assert isinstance(outcome, Answered)
    return [verdict.kind for verdict in outcome.lines.values()]


# Credentials


def test_right_credentials_are_ok_and_change_nothing(world: World) -> None:
    check = world.gateway.check_credentials(world.connection(), deadline_seconds=10)
    assert (check.ok, check.code, check.refused) == (True, "credentials_ok", False)
    assert world.effects() == []


def test_wrong_credentials_are_refused_and_lock_after_three_tries(world: World) -> None:
    wrong = world.connection(password="wrong-1905")
    seen = [world.gateway.check_credentials(wrong, deadline_seconds=10) for _ in range(3)]
    assert [check.code for check in seen] == ["auth_failed", "auth_failed", "credentials_locked"]
    assert all(check.refused and not check.ok for check in seen)
    locked = world.gateway.check_credentials(world.connection(), deadline_seconds=10)
    assert locked.code == "credentials_locked"


def test_unreachable_insurer_says_nothing_about_credentials(world: World) -> None:
    world.script({"down": {"hours": 1}})
    check = world.gateway.check_credentials(world.connection(), deadline_seconds=10)
    assert (check.ok, check.code, check.refused) == (False, "insurer_unavailable", False)


def test_replaced_credentials_work_again(world: World) -> None:
    world.script({"account": {"username": "ws-ornek", "password": "yeni-parola"}})
    old = world.gateway.check_credentials(world.connection(), deadline_seconds=10)
    new = world.gateway.check_credentials(world.connection("yeni-parola"), deadline_seconds=10)
    assert (old.ok, new.ok) == (False, True)


# Enrolment


def test_everybody_gets_one_policy_of_his_own(world: World) -> None:
    lines = people(world.some)
    answer = settled(world, enrol(world, lines), ENROL, lines, "T-1")
    assert set(answer.lines) == {line.line_key for line in lines}
    assert set(kinds(answer)) == {VerdictKind.ACCEPTED}
    policies = [verdict.policy_no for verdict in answer.lines.values()]
    assert None not in policies
    assert len(set(policies)) == len(lines)
    assert answer.incidents == ()
    assert len(world.effects()) == len(lines)


def test_a_policy_that_comes_later_is_processing_until_then(world: World) -> None:
    lines = people(1)
    first = enrol(world, lines)
    immediate = world.provider.code != "nn"
    expected = VerdictKind.ACCEPTED if immediate else VerdictKind.PROCESSING
    assert kinds(first) == [expected]
    assert kinds(ask(world, ENROL, lines, "T-1")) == [expected]


def test_a_refused_person_is_rejected_with_our_code(world: World) -> None:
    lines = people(1)
    world.script({"reject": {"national_id": identity_number(1), "reason": "name"}})
    answer = enrol(world, lines)
    assert isinstance(answer, Answered)
    verdict = answer.lines[lines[0].line_key]
    assert (verdict.kind, verdict.code) == (VerdictKind.REJECTED, "name_mismatch")
    assert verdict.message_code == "name_mismatch"
    assert world.effects() == []


def test_a_corrected_person_is_taken(world: World) -> None:
    world.script({"reject": {"national_id": identity_number(1), "reason": "iban"}})
    enrol(world, people(1), "T-1")
    world.script({"accept": {"national_id": identity_number(1)}})
    lines = [person(1, line_key="L-corrected")]
    answer = settled(world, enrol(world, lines, "T-2"), ENROL, lines, "T-2")
    assert kinds(answer) == [VerdictKind.ACCEPTED]


def test_who_was_typed_in_elsewhere_is_accepted_as_external(world: World) -> None:
    typed = world.script(
        {"typed_in": {"contract_no": CONTRACT_NO, "national_id": identity_number(1)}}
    )
    lines = people(1)
    answer = settled(world, enrol(world, lines), ENROL, lines, "T-1")
    verdict = answer.lines[lines[0].line_key]
    assert (verdict.kind, verdict.external) == (VerdictKind.ACCEPTED, True)
    assert verdict.policy_no == typed["typed_in"]["policy_no"]
    assert len(world.effects()) == 1


def test_more_lines_than_the_insurer_takes_are_never_sent(world: World) -> None:
    outcome = enrol(world, people(world.provider.batch_size + 1))
    assert outcome == NotSent(NotSentReason.REQUEST_REFUSED)
    assert enrol(world, []) == NotSent(NotSentReason.REQUEST_REFUSED)
    assert world.calls("enrol") == 0


def test_one_transmission_is_one_call(world: World) -> None:
    enrol(world, people(world.some))
    assert world.calls("enrol") == 1


# Collection


def test_contributions_are_accepted_with_the_amount_we_sent(world: World) -> None:
    lines, policies = enrolled(world)
    sums = payments(lines, policies)
    answer = settled(world, collect(world, sums), COLLECT, sums, "T-2")
    assert set(kinds(answer)) == {VerdictKind.ACCEPTED}
    assert {verdict.amount for verdict in answer.lines.values()} == {Money(104_200, "TRY")}
    assert [kind for kind, _, _ in world.effects()].count("collection") == len(sums)


def test_only_who_echoes_our_keys_tells_two_payments_of_one_day_apart(batches: World) -> None:
    (line,), (policy,) = enrolled(batches, 1)
    wage, bonus = payment(line, policy), payment(line, policy, line_key="BONUS")
    outcome = collect(batches, [wage, bonus])
    if batches.provider.echoes_line_keys:
        assert isinstance(outcome, Answered)
        assert set(outcome.lines) == {"P0001", "BONUS"}
        return
    assert outcome == NotSent(NotSentReason.REQUEST_REFUSED)
    for reference, each in (("T-3", wage), ("T-4", bonus)):
        answer = settled(batches, collect(batches, [each], reference), COLLECT, [each], reference)
        assert kinds(answer) == [VerdictKind.ACCEPTED]


def test_no_contribution_without_the_persons_own_policy(world: World) -> None:
    sums = payments(people(1), ["XX99999999"])
    answer = collect(world, sums)
    assert isinstance(answer, Answered)
    assert answer.lines[sums[0].line_key].code == "policy_not_found"


def test_no_contribution_for_who_opted_out(world: World) -> None:
    lines, policies = enrolled(world, 1)
    world.script({"opt_out": {"national_id": identity_number(1), "on": "2026-05-05"}})
    sums = payments(lines, policies)
    answer = collect(world, sums)
    assert isinstance(answer, Answered)
    assert answer.lines[sums[0].line_key].code == "policy_not_active"


@pytest.mark.parametrize("by", [-1, 1])
def test_one_kurus_off_is_unknown_and_an_incident(world: World, by: int) -> None:
    lines, policies = enrolled(world, 1)
    sums = payments(lines, policies)
    outcome: Outcome
    if world.provider.code == "nn":
        collect(world, sums)
        world.clock.advance(timedelta(minutes=2))
        world.script({"kind": "wrong_amount", "by": by, "operation": "query"})
        outcome = ask(world, COLLECT, sums, "T-2")
    else:
        world.script({"kind": "wrong_amount", "by": by, "operation": "collect"})
        outcome = collect(world, sums)
    assert isinstance(outcome, Answered)
    verdict = outcome.lines[sums[0].line_key]
    assert (verdict.kind, verdict.amount) == (VerdictKind.UNKNOWN, Money(104_200 + by, "TRY"))
    assert [note.kind for note in outcome.incidents] == [Incident.AMOUNT_CONFLICT]


@pytest.mark.parametrize(("amount", "same"), [(104_200, True), (104_201, False)])
def test_a_payment_typed_in_elsewhere_counts_only_with_our_amount(
    world: World, amount: int, same: bool
) -> None:
    lines, policies = enrolled(world, 1)
    typed = {
        "contract_no": CONTRACT_NO,
        "national_id": identity_number(1),
        "policy_no": policies[0],
        "period": "2026-04",
        "paid_on": "2026-05-04",
        "amount": amount,
    }
    world.script({"typed_in": typed})
    sums = payments(lines, policies)
    outcome = collect(world, sums)
    assert isinstance(outcome, Answered)
    verdict = outcome.lines[sums[0].line_key]
    if same:
        assert (verdict.kind, verdict.external) == (VerdictKind.ACCEPTED, True)
    else:
        assert verdict.kind is VerdictKind.UNKNOWN
        assert [note.kind for note in outcome.incidents] == [Incident.AMOUNT_CONFLICT]


# Questions


def test_a_transmission_nobody_sent_is_absent(world: World) -> None:
    assert ask(world, ENROL, people(1), "T-none") == Absent()
    lines, policies = enrolled(world, 1)
    assert ask(world, COLLECT, payments(lines, policies), "T-none") == Absent()


def test_a_question_tells_about_its_own_transmission_only(world: World) -> None:
    world.script({"reject": {"national_id": identity_number(1), "reason": "name"}})
    enrol(world, people(1), "T-old")
    world.script({"accept": {"national_id": identity_number(1)}})
    enrol(world, people(1), "T-new")
    world.clock.advance(timedelta(minutes=2))
    assert kinds(ask(world, ENROL, people(1), "T-old")) == [VerdictKind.REJECTED]
    assert kinds(ask(world, ENROL, people(1), "T-new")) == [VerdictKind.ACCEPTED]


def test_a_question_has_no_effect(world: World) -> None:
    enrol(world, people(1))
    before = world.effects()
    for _ in range(3):
        ask(world, ENROL, people(1), "T-1")
    assert world.effects() == before


# Outcomes that are not answers


def test_unreachable_is_not_sent(world: World) -> None:
    world.script({"down": {"hours": 6}})
    assert enrol(world, people(1)) == NotSent(NotSentReason.UNREACHABLE)
    assert ask(world, ENROL, people(1), "T-1") == NotSent(NotSentReason.UNREACHABLE)
    assert world.calls("enrol") == 0


def test_an_outage_ends_with_its_hours(world: World) -> None:
    world.script({"down": {"hours": 6}})
    world.clock.advance(timedelta(hours=6, seconds=1))
    deadline_of_tests = 25
    for _ in range(deadline_of_tests):  # the simulator's listener needs a moment to come back
        outcome = enrol(world, people(1))
        if outcome != NotSent(NotSentReason.UNREACHABLE):
            break
        world.script({"clear": True})
    assert isinstance(outcome, Answered)


def test_a_lost_answer_is_ambiguous_and_a_question_finds_the_truth(world: World) -> None:
    lines = people(world.some)
    world.script({"kind": "lost_answer", "operation": "enrol"})
    assert enrol(world, lines) == Ambiguous(AmbiguousReason.CONNECTION_LOST)
    assert len(world.effects()) == len(lines)
    world.clock.advance(timedelta(minutes=2))
    assert set(kinds(ask(world, ENROL, lines, "T-1"))) == {VerdictKind.ACCEPTED}
    assert len(world.effects()) == len(lines)


def test_a_lost_request_is_ambiguous_too_and_absent_later(world: World) -> None:
    lines = people(world.some)
    world.script({"kind": "drop_request", "operation": "enrol"})
    assert enrol(world, lines) == Ambiguous(AmbiguousReason.CONNECTION_LOST)
    assert world.effects() == []
    assert ask(world, ENROL, lines, "T-1") == Absent()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html_error", AmbiguousReason.SERVER_ERROR),
        ("server_error", AmbiguousReason.SERVER_ERROR),
        ("empty", AmbiguousReason.EMPTY_ANSWER),
        ("garbage", AmbiguousReason.UNREADABLE_ANSWER),
    ],
)
def test_an_answer_that_says_nothing_is_ambiguous(
    world: World, kind: str, reason: AmbiguousReason
) -> None:
    world.script({"kind": kind, "operation": "enrol"})
    outcome = enrol(world, people(1))
    assert isinstance(outcome, Ambiguous)
    assert outcome.reason is reason
    assert len(world.effects()) == 1


@pytest.mark.parametrize(
    ("reason", "meaning", "effect"),
    [
        ("password", FaultMeaning.AUTH_FAILED, FaultEffect.HELD),
        ("locked", FaultMeaning.CREDENTIALS_LOCKED, FaultEffect.HELD),
        ("contract_unknown", FaultMeaning.CONTRACT_UNKNOWN, FaultEffect.HELD),
        ("contract_closed", FaultMeaning.CONTRACT_CLOSED, FaultEffect.HELD),
        ("maintenance", FaultMeaning.PROVIDER_CLOSED, FaultEffect.HELD),
        ("invalid", FaultMeaning.REQUEST_INVALID, FaultEffect.HELD),
        ("period_closed", FaultMeaning.PERIOD_CLOSED, FaultEffect.REJECTED),
    ],
)
def test_a_known_refusal_has_a_meaning_and_no_effect(
    world: World, reason: str, meaning: FaultMeaning, effect: FaultEffect
) -> None:
    world.script({"kind": "fault", "reason": reason, "operation": "enrol"})
    outcome = enrol(world, people(1))
    assert isinstance(outcome, Fault)
    assert (outcome.meaning, outcome.effect) == (meaning, effect)
    assert world.effects() == []


def test_busy_is_not_sent_with_the_insurers_own_advice(world: World) -> None:
    world.script({"kind": "fault", "reason": "busy", "operation": "enrol"})
    outcome = enrol(world, people(1))
    assert isinstance(outcome, NotSent)
    assert outcome.reason is NotSentReason.BUSY
    assert outcome.retry_after is not None


def test_an_unknown_refusal_is_ambiguous_and_an_incident(world: World) -> None:
    world.script({"kind": "fault", "reason": "Q12", "operation": "enrol"})
    outcome = enrol(world, people(1))
    assert isinstance(outcome, Ambiguous)
    assert outcome.reason is AmbiguousReason.UNKNOWN_FAULT
    assert [note.kind for note in outcome.incidents] == [Incident.UNKNOWN_FAULT]


def test_a_refusal_without_our_reference_is_not_believed(world: World) -> None:
    world.script({"kind": "silent_fault", "reason": "maintenance", "operation": "enrol"})
    assert enrol(world, people(1)) == Ambiguous(AmbiguousReason.REFERENCE_MISSING)


def test_a_wrong_password_is_a_fault_without_effect(world: World) -> None:
    outcome = world.gateway.enrol(
        world.connection(password="wrong"), "T-1", people(1), deadline_seconds=20
    )
    assert isinstance(outcome, Fault)
    assert outcome.meaning is FaultMeaning.AUTH_FAILED
    assert [note.kind for note in outcome.incidents] == [Incident.CREDENTIALS_INVALID]
    assert world.effects() == []


# Strange answers


def test_another_reference_makes_the_answer_foreign(world: World) -> None:
    world.script({"kind": "wrong_reference", "operation": "enrol"})
    outcome = enrol(world, people(1))
    assert isinstance(outcome, Ambiguous)
    assert outcome.reason is AmbiguousReason.FOREIGN_REFERENCE
    assert [note.kind for note in outcome.incidents] == [Incident.FOREIGN_ANSWER]


def test_a_status_nobody_knows_is_unknown_and_an_incident(batches: World) -> None:
    batches.script({"kind": "unknown_status", "operation": "enrol"})
    outcome = enrol(batches, people(1))
    assert isinstance(outcome, Answered)
    assert kinds(outcome) == [VerdictKind.UNKNOWN]
    assert [note.kind for note in outcome.incidents] == [Incident.UNKNOWN_STATUS]


def test_the_order_of_the_answer_does_not_matter(world: World) -> None:
    lines = people(world.some)
    world.script({"kind": "other_order", "operation": "query"})
    enrol(world, lines)
    world.clock.advance(timedelta(minutes=2))
    turned = ask(world, ENROL, lines, "T-1")
    straight = ask(world, ENROL, lines, "T-1")
    assert isinstance(turned, Answered)
    assert turned == straight


def test_each_line_of_a_partial_answer_has_its_own_end(batches: World) -> None:
    lines = people(10)
    batches.script({"kind": "partial", "reject": 2, "omit": 1, "operation": "enrol"})
    outcome = enrol(batches, lines)
    assert isinstance(outcome, Answered)
    assert kinds(outcome)[7:] == [VerdictKind.UNKNOWN, VerdictKind.REJECTED, VerdictKind.REJECTED]
    assert set(kinds(outcome)[:7]) <= {VerdictKind.ACCEPTED, VerdictKind.PROCESSING}
    assert {outcome.lines[line.line_key].code for line in lines[8:]} == {"system_error"}
    assert len(batches.effects()) == 8
    batches.clock.advance(timedelta(minutes=2))
    later = ask(batches, ENROL, lines[:8], "T-1")
    assert set(kinds(later)) == {VerdictKind.ACCEPTED}


def test_a_stranger_in_the_answer_is_quarantined(batches: World) -> None:
    batches.script({"kind": "unknown_person", "operation": "enrol"})
    lines = people(2)
    outcome = enrol(batches, lines)
    assert isinstance(outcome, Answered)
    assert set(outcome.lines) == {line.line_key for line in lines}
    assert set(kinds(outcome)) <= {VerdictKind.ACCEPTED, VerdictKind.PROCESSING}
    assert [note.kind for note in outcome.incidents] == [Incident.UNKNOWN_LINE]


def test_the_same_line_twice_counts_once(batches: World) -> None:
    batches.script({"kind": "duplicate", "operation": "enrol"})
    outcome = enrol(batches, people(2))
    assert isinstance(outcome, Answered)
    assert VerdictKind.UNKNOWN not in kinds(outcome)
    assert outcome.incidents == ()


def test_two_stories_about_one_line_are_unknown(batches: World) -> None:
    batches.script({"kind": "contradict", "operation": "enrol"})
    outcome = enrol(batches, people(2))
    assert isinstance(outcome, Answered)
    assert kinds(outcome)[0] is VerdictKind.UNKNOWN
    assert kinds(outcome)[1] is not VerdictKind.UNKNOWN
    assert [note.kind for note in outcome.incidents] == [Incident.CONTRADICTION]


# Resending


def test_only_who_promises_it_deduplicates(world: World) -> None:
    lines = people(1)
    enrol(world, lines, "T-1")
    enrol(world, lines, "T-1")
    taken = 1 if world.provider.deduplicates else 2
    assert [entry for entry in world.effects() if entry[1] == "T-1"] == [
        ("enrolment", "T-1", identity_number(1))
    ] * taken


# Members


def _members(world: World, count: int) -> tuple[MemberStatus, ...]:
    lines, policies = enrolled(world, count)
    world.script({"opt_out": {"national_id": identity_number(1), "on": "2026-05-20"}})
    world.script({"leave": {"national_id": identity_number(2), "on": "2026-05-21"}})
    world.script({"suspend": {"national_id": identity_number(3), "on": "2026-05-22"}})
    members = [
        MemberRef(line.line_key, line.national_id, policy)
        for line, policy in zip(lines, policies, strict=True)
    ]
    told = world.gateway.member_statuses(world.connection(), members, deadline_seconds=20)
    assert isinstance(told, tuple)
    return told


def test_opt_outs_leavers_and_pauses_are_told(world: World) -> None:
    told = _members(world, 4)
    assert [status.line_key for status in told] == ["L0001", "L0002", "L0003", "L0004"]
    assert [(status.state, status.effective_on) for status in told] == [
        (MemberState.OPTED_OUT, date(2026, 5, 20)),
        (MemberState.LEFT, date(2026, 5, 21)),
        (MemberState.SUSPENDED, date(2026, 5, 22)),
        (MemberState.ENROLLED, None),
    ]
    assert told[3].policy_no is not None


def test_whom_the_insurer_does_not_know_is_unknown(world: World) -> None:
    line = person(77)
    told = world.gateway.member_statuses(
        world.connection(),
        [MemberRef(line.line_key, line.national_id, None)],
        deadline_seconds=20,
    )
    assert told == (MemberStatus(line.line_key, MemberState.UNKNOWN),)


def test_a_word_nobody_knows_about_a_member_is_unknown_and_kept(world: World) -> None:
    lines, policies = enrolled(world, 1)
    world.script({"kind": "unknown_status", "operation": "members"})
    members = [MemberRef(lines[0].line_key, lines[0].national_id, policies[0])]
    told = world.gateway.member_statuses(world.connection(), members, deadline_seconds=20)
    assert told == (MemberStatus(lines[0].line_key, MemberState.UNKNOWN, raw_status="YENIDURUM"),)


def test_nobody_asked_nobody_told(world: World) -> None:
    told = world.gateway.member_statuses(world.connection(), [], deadline_seconds=20)
    assert tuple(told) == ()  # type: ignore[arg-type]
    assert world.calls("members") == 0
