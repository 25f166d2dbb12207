"""Parsed answers of an insurer: the judgement every dialect shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kernel.money import Money
from pensions.domain.outcome import (
    Ambiguous,
    Answered,
    AnswerWord,
    Fault,
    FaultEffect,
    FaultMeaning,
    ParsedAnswer,
    ParsedFault,
    ParsedLine,
    Sent,
    SentLine,
    TransmissionKind,
    VerdictKind,
    read_answer,
)

# The dialect of the cases.
_WORDS: Final[Mapping[str, AnswerWord]] = {
    "ACCEPTED": AnswerWord.ACCEPTED,
    "REJECTED": AnswerWord.REJECTED,
    "PROCESSING": AnswerWord.PROCESSING,
}
_FAULTS: Final[Mapping[str, FaultMeaning]] = {
    "AUTH_FAILED": FaultMeaning.AUTH_FAILED,
    "PERIOD_CLOSED": FaultMeaning.PERIOD_CLOSED,
}
_STATES: Final[Mapping[VerdictKind, str]] = {
    VerdictKind.ACCEPTED: "ACCEPTED",
    VerdictKind.REJECTED: "REJECTED",
    VerdictKind.PROCESSING: "UNKNOWN",
    VerdictKind.UNKNOWN: "UNKNOWN",
}


def run(case: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """State of every sent line and the incidents; "reject" when nothing of the answer is used."""
    sent, answer = case["input"]["sent"], case["input"]["answer"]
    outcome = read_answer(
        Sent(
            sent["reference"],
            TransmissionKind.COLLECTION,
            tuple(SentLine(line["key"], _money(line["amount"])) for line in sent["lines"]),
        ),
        _parsed(answer, {line["key"] for line in sent["lines"]}),
    )
    keys = [line["key"] for line in sent["lines"]]
    if isinstance(outcome, Answered):
        states = {key: _STATES[outcome.lines[key].kind] for key in keys}
        return "accept", {"lines": states, "incidents": [str(n.kind) for n in outcome.incidents]}
    if isinstance(outcome, Fault):
        state = "HELD" if outcome.effect is FaultEffect.HELD else "REJECTED"
        incidents = [str(note.kind) for note in outcome.incidents]
        return "accept", {"lines": dict.fromkeys(keys, state), "incidents": incidents}
    assert isinstance(outcome, Ambiguous)
    incidents = [str(note.kind) for note in outcome.incidents]
    return "reject", {"lines": dict.fromkeys(keys, "UNKNOWN"), "incidents": incidents}


def _parsed(answer: dict[str, Any], sent_keys: set[str]) -> ParsedAnswer:
    if answer.get("empty"):
        return ParsedAnswer(empty=True)
    if "fault" in answer:
        fault = ParsedFault(_FAULTS.get(answer["fault"]), raw=answer["fault"])
        return ParsedAnswer(answer.get("reference"), fault=fault)
    rows = tuple(
        ParsedLine(
            line["key"] if line["key"] in sent_keys else None,
            _WORDS.get(line["status"], AnswerWord.UNKNOWN),
            _money(line.get("amount")),
            raw=line["status"],
        )
        for line in answer["lines"]
    )
    return ParsedAnswer(answer.get("reference"), rows)


def _money(amount: str | None) -> Money | None:
    return None if amount is None else Money.from_api(amount, "TRY")
