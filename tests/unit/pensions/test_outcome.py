"""Reading an answer: the closed table of reliability.md section 4, and its properties."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from pensions.domain.outcome import (
    Absent,
    Ambiguous,
    AmbiguousReason,
    Answered,
    AnswerWord,
    Correlation,
    Fault,
    FaultEffect,
    FaultMeaning,
    Incident,
    IncidentNote,
    LineVerdict,
    NotSent,
    NotSentReason,
    ParsedAnswer,
    ParsedFault,
    ParsedLine,
    Sent,
    SentLine,
    TransmissionKind,
    VerdictKind,
    read_answer,
    safe_word,
)

ENROL, COLLECT = TransmissionKind.ENROLMENT, TransmissionKind.COLLECTION
A120 = Money(12_000, "TRY")


def enrolment(*keys: str, **changes: object) -> Sent:
    sent = {"reference": "T-1", "kind": ENROL, "lines": tuple(SentLine(key) for key in keys)}
    return Sent(**{**sent, **changes})  # type: ignore[arg-type]


def collection(*keys: str, **changes: object) -> Sent:
    lines = tuple(SentLine(key, A120, f"POL-{key}") for key in keys)
    sent = {"reference": "T-1", "kind": COLLECT, "lines": lines}
    return Sent(**{**sent, **changes})  # type: ignore[arg-type]


def accepted(key: str, **changes: object) -> ParsedLine:
    row = {"line_key": key, "word": AnswerWord.ACCEPTED, "policy_no": f"POL-{key}"}
    return ParsedLine(**{**row, **changes})  # type: ignore[arg-type]


def read(sent: Sent, *rows: ParsedLine) -> Answered:
    outcome = read_answer(sent, ParsedAnswer("T-1", rows))
    assert isinstance(outcome, Answered)
    return outcome


def incidents(outcome: Answered | Ambiguous) -> list[tuple[Incident, str | None]]:
    return [(note.kind, note.line_key) for note in outcome.incidents]


# The whole answer


def test_an_empty_answer_was_taken_not_accepted() -> None:
    outcome = read_answer(enrolment("a"), ParsedAnswer(empty=True))
    assert outcome == Ambiguous(AmbiguousReason.EMPTY_ANSWER)


@pytest.mark.parametrize("echo", ["T-0", "", "t-1", "T-1 "])
def test_any_other_reference_is_foreign(echo: str) -> None:
    outcome = read_answer(enrolment("a"), ParsedAnswer(echo, (accepted("a"),)))
    assert outcome == Ambiguous(
        AmbiguousReason.FOREIGN_REFERENCE, (IncidentNote(Incident.FOREIGN_ANSWER),)
    )


def test_no_reference_is_not_ours_either() -> None:
    outcome = read_answer(enrolment("a"), ParsedAnswer(None, (accepted("a"),)))
    assert outcome == Ambiguous(AmbiguousReason.REFERENCE_MISSING)


def test_absent_needs_our_reference_too() -> None:
    asked = enrolment("a", effect_free=True)
    assert read_answer(asked, ParsedAnswer("T-1", absent=True)) == Absent()
    assert read_answer(asked, ParsedAnswer(None, absent=True)) == Ambiguous(
        AmbiguousReason.REFERENCE_MISSING
    )


# Faults


@pytest.mark.parametrize("meaning", FaultMeaning)
def test_a_known_fault_with_our_reference_has_effect_and_actor(meaning: FaultMeaning) -> None:
    outcome = read_answer(
        enrolment("a"), ParsedAnswer("T-1", fault=ParsedFault(meaning, raw="AHE-901"))
    )
    assert outcome == Fault(meaning, "AHE-901")
    assert isinstance(outcome, Fault)
    assert outcome.code == meaning.value
    expected = FaultEffect.REJECTED if meaning is FaultMeaning.PERIOD_CLOSED else FaultEffect.HELD
    assert outcome.effect is expected
    assert outcome.actor in ("user", "operator", "provider")
    wrong = meaning in (FaultMeaning.AUTH_FAILED, FaultMeaning.CREDENTIALS_LOCKED)
    assert [note.kind for note in outcome.incidents] == (
        [Incident.CREDENTIALS_INVALID] if wrong else []
    )


def test_a_refused_order_is_believed_only_with_our_reference() -> None:
    fault = ParsedFault(FaultMeaning.AUTH_FAILED)
    assert read_answer(enrolment("a"), ParsedAnswer(None, fault=fault)) == Ambiguous(
        AmbiguousReason.REFERENCE_MISSING
    )


def test_a_refused_question_is_believed_without_it() -> None:
    fault = ParsedFault(FaultMeaning.AUTH_FAILED)
    asked = enrolment("a", effect_free=True)
    assert read_answer(asked, ParsedAnswer(None, fault=fault)) == Fault(FaultMeaning.AUTH_FAILED)


def test_an_unknown_fault_is_ambiguous_and_an_incident() -> None:
    outcome = read_answer(enrolment("a"), ParsedAnswer("T-1", fault=ParsedFault(raw="E-9999")))
    assert outcome == Ambiguous(
        AmbiguousReason.UNKNOWN_FAULT, (IncidentNote(Incident.UNKNOWN_FAULT, word="E-9999"),)
    )


def test_refused_before_reading_is_not_sent() -> None:
    fault = ParsedFault(not_sent=NotSentReason.BUSY, retry_after=60)
    assert read_answer(enrolment("a"), ParsedAnswer("T-1", fault=fault)) == NotSent(
        NotSentReason.BUSY, 60
    )
    assert read_answer(enrolment("a"), ParsedAnswer(None, fault=fault)) == Ambiguous(
        AmbiguousReason.REFERENCE_MISSING
    )


# Lines


def test_an_enrolment_is_accepted_with_its_policy() -> None:
    assert read(enrolment("a"), accepted("a")).lines["a"] == LineVerdict(
        VerdictKind.ACCEPTED, policy_no="POL-a"
    )


def test_an_enrolment_without_a_policy_is_not_accepted_yet() -> None:
    verdict = read(enrolment("a"), accepted("a", policy_no=None)).lines["a"]
    assert verdict.kind is VerdictKind.PROCESSING


def test_a_missing_line_is_unknown_not_rejected() -> None:
    outcome = read(enrolment("a", "b"), accepted("a"))
    assert outcome.lines["b"] == LineVerdict(VerdictKind.UNKNOWN)
    assert outcome.incidents == ()


def test_a_rejection_keeps_our_code_and_theirs() -> None:
    row = ParsedLine("a", AnswerWord.REJECTED, code="name_mismatch", raw="AHE-103")
    verdict = read(enrolment("a"), row).lines["a"]
    assert verdict == LineVerdict(
        VerdictKind.REJECTED, code="name_mismatch", provider_code="AHE-103"
    )
    assert verdict.message_code == "name_mismatch"


def test_a_status_nobody_knows_is_unknown_and_kept_safely() -> None:
    row = ParsedLine("a", AnswerWord.UNKNOWN, raw="KABUL <10000000146>")
    outcome = read(enrolment("a"), row)
    assert outcome.lines["a"].kind is VerdictKind.UNKNOWN
    assert outcome.incidents == (IncidentNote(Incident.UNKNOWN_STATUS, "a", "KABUL######"),)


def test_a_line_we_never_sent_is_quarantined() -> None:
    outcome = read(
        enrolment("a"), accepted("a"), accepted("z"), ParsedLine(None, AnswerWord.ACCEPTED)
    )
    assert set(outcome.lines) == {"a"}
    assert incidents(outcome) == [(Incident.UNKNOWN_LINE, None)] * 2


def test_identical_repeats_count_once_and_contradictions_not_at_all() -> None:
    assert read(enrolment("a"), accepted("a"), accepted("a")).incidents == ()
    torn = read(enrolment("a"), accepted("a"), accepted("a", policy_no="POL-x"))
    assert torn.lines["a"] == LineVerdict(VerdictKind.UNKNOWN)
    assert incidents(torn) == [(Incident.CONTRADICTION, "a")]


def test_one_policy_for_two_people_is_right_for_neither() -> None:
    outcome = read(
        enrolment("a", "b", "c"),
        accepted("a", policy_no="P"),
        accepted("b", policy_no="P"),
        accepted("c"),
    )
    assert [outcome.lines[key].kind for key in "abc"] == [
        VerdictKind.UNKNOWN,
        VerdictKind.UNKNOWN,
        VerdictKind.ACCEPTED,
    ]
    assert incidents(outcome) == [(Incident.POLICY_CONFLICT, "a"), (Incident.POLICY_CONFLICT, "b")]


@pytest.mark.parametrize("word", [AnswerWord.ACCEPTED, AnswerWord.EXISTS])
@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (A120, VerdictKind.ACCEPTED),
        (Money(11_999, "TRY"), VerdictKind.UNKNOWN),
        (Money(12_001, "TRY"), VerdictKind.UNKNOWN),
        (Money(12_000, "EUR"), VerdictKind.UNKNOWN),
        (None, VerdictKind.UNKNOWN),
    ],
)
def test_a_contribution_must_echo_the_amount(
    word: AnswerWord, amount: Money | None, kind: VerdictKind
) -> None:
    outcome = read(collection("a"), accepted("a", word=word, amount=amount))
    assert outcome.lines["a"].kind is kind
    assert outcome.lines["a"].external is (
        word is AnswerWord.EXISTS and kind is VerdictKind.ACCEPTED
    )
    expected = [] if kind is VerdictKind.ACCEPTED else [(Incident.AMOUNT_CONFLICT, "a")]
    assert incidents(outcome) == expected


def test_a_contribution_on_another_policy_is_unknown() -> None:
    outcome = read(collection("a"), accepted("a", amount=A120, policy_no="POL-b"))
    assert outcome.lines["a"].kind is VerdictKind.UNKNOWN
    assert incidents(outcome) == [(Incident.POLICY_CONFLICT, "a")]


def test_a_rejected_contribution_needs_no_amount() -> None:
    row = ParsedLine("a", AnswerWord.REJECTED, code="policy_not_active")
    assert read(collection("a"), row).lines["a"].kind is VerdictKind.REJECTED


# Answers by period


def by_period(*keys: str) -> Sent:
    return enrolment(*keys, correlation=Correlation.PERIOD, effect_free=True)


def test_a_period_lists_others_too_and_that_is_no_incident() -> None:
    outcome = read_answer(by_period("a", "b"), ParsedAnswer("T-1", (accepted("a"), accepted("z"))))
    assert isinstance(outcome, Answered)
    assert outcome.incidents == ()
    assert outcome.lines["b"].kind is VerdictKind.UNKNOWN


def test_a_period_without_any_of_our_lines_is_absent() -> None:
    assert read_answer(by_period("a"), ParsedAnswer("T-1", (accepted("z"),))) == Absent()
    assert read_answer(by_period("a"), ParsedAnswer("T-1")) == Absent()


# Properties


KEYS = st.sampled_from(["a", "b", "c", "d", None])
ROWS = st.lists(
    st.builds(
        ParsedLine,
        line_key=KEYS,
        word=st.sampled_from(AnswerWord),
        amount=st.sampled_from([None, A120, Money(1, "TRY")]),
        policy_no=st.sampled_from([None, "POL-a", "POL-b", "POL-c"]),
        code=st.sampled_from([None, "system_error"]),
        raw=st.sampled_from([None, "X"]),
    ),
    max_size=6,
)


@given(rows=ROWS, collecting=st.booleans())
def test_every_sent_line_has_exactly_one_verdict(rows: list[ParsedLine], collecting: bool) -> None:
    sent = collection("a", "b", "c") if collecting else enrolment("a", "b", "c")
    outcome = read(sent, *rows)
    assert list(outcome.lines) == ["a", "b", "c"]
    for key, verdict in outcome.lines.items():
        told = {row for row in rows if row.line_key == key}
        if verdict.kind is not VerdictKind.UNKNOWN:
            assert len(told) == 1
        if collecting and verdict.kind is VerdictKind.ACCEPTED:
            assert verdict.amount == A120


@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_never_matters(rows: list[ParsedLine], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    sent = collection("a", "b", "c")
    first, second = read(sent, *rows), read(sent, *shuffled)
    assert dict(first.lines) == dict(second.lines)
    assert sorted(map(repr, first.incidents)) == sorted(map(repr, second.incidents))


def test_all_short_permutations_agree() -> None:
    rows = [accepted("a"), accepted("b"), ParsedLine("c", AnswerWord.REJECTED, code="x")]
    told = {
        repr(sorted(read(enrolment("a", "b", "c"), *order).lines.items()))
        for order in itertools.permutations(rows)
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (None, None),
        ("", None),
        ("AHE-101", "AHE-101"),
        ("işlenmiş!", "ilenmi"),
        ("10000000146", "######"),
        ("x" * 50, "x" * 40),
        ("<b>1</b>", "b1b"),
        ("\n", None),
    ],
)
def test_words_of_others_are_made_safe(text: str | None, safe: str | None) -> None:
    assert safe_word(text) == safe
