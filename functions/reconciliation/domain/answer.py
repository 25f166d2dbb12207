"""What a counterparty says to a letter, and what its own figures tell (REC-05).

An answer is written down first, as it was given; then it is taken over into the letter, or refused
because the figures changed or the time was over in between. Nothing that was said is ever lost.
Source: domain/reconciliation.md §3 and §6; reliability.md L9, L10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.money import Money, truncate_to_major
from kernel.periods import Period
from kernel.stamp import NEW, Stamp
from kernel.text import clean_free_text, clean_person_name
from kernel.why import Why
from reconciliation.domain.figures import Part
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, Edition, Outcome, Reply
from reconciliation.domain.parameters import HOME

MAX_NOTE: Final = 2000
MAX_COUNT: Final = 999_999


class Said(StrEnum):
    """What was chosen on the page; only the first two answer the letter."""

    AGREED = "agreed"
    DISAGREED = "disagreed"
    NOT_MINE = "not_mine"
    LATER = "later"

    @property
    def outcome(self) -> Outcome | None:
        """What it means for the letter."""
        return Outcome(self.value) if self in (Said.AGREED, Said.DISAGREED) else None


class AnswerState(StrEnum):
    """What became of an answer. ``NOTED``: it agrees to nothing and denies nothing; what it means
    for the letter's reminders is done, and people read it.
    """

    RECEIVED = "received"
    TAKEN = "taken"
    REFUSED = "refused"
    NOTED = "noted"


class Channel(StrEnum):
    """Where an answer came from."""

    LINK = "link"
    PORTAL = "portal"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Source:
    """Who answered from where, kept as evidence.

    Shapes: ``agent`` is what the browser calls itself, at most 200 characters.
    """

    channel: Channel
    ip: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AnswerFields:
    """What was filled in. Units: ``their_total`` without VAT in lira, at most two decimals."""

    said: Said
    name: str = field(default="", repr=False)
    note: str = field(default="", repr=False)
    their_count: int | None = None
    their_total: Money | None = None

    def problems(self) -> list[Problem]:
        """Everything that is wrong."""
        found: list[Problem] = []
        if self.said.outcome is not None and not self.name:
            found.append(Problem("/name", "required", "Say who answers."))
        if self.their_count is not None and not 0 <= self.their_count <= MAX_COUNT:
            found.append(Problem("/their_count", "range", "A count is 0 or more."))
        total = self.their_total
        if total is not None and (total.currency != HOME or total.minor < 0):
            found.append(Problem("/their_total", "range", "An amount in lira, 0 or more."))
        return found


def checked(fields: AnswerFields) -> AnswerFields:
    """The answer with tidy texts. Raises: ValidationError with everything that is wrong."""
    problems = fields.problems()

    def tidy(field_name: str, text: str, clean: Callable[[str], str]) -> str:
        try:
            return clean(text.strip()) if text.strip() else ""
        except ParseError as error:
            problems.append(Problem(f"/{field_name}", error.code.lower(), error.message))
            return ""

    name = tidy("name", fields.name, clean_person_name)
    note = tidy("note", fields.note, lambda text: clean_free_text(text, MAX_NOTE))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return replace(fields, name=name, note=note)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it is stored.

    Shapes: ``id`` is drawn with the form, so a form that is sent twice is one answer; ``edition``
    is the number of the figures that were shown; ``reason`` says why it was refused.
    """

    id: str
    letter_id: str
    counterparty_id: str
    period: Period
    form: Form
    edition: int
    at: str
    fields: AnswerFields
    source: Source
    state: AnswerState = AnswerState.RECEIVED
    reason: str = ""
    stamp: Stamp = NEW

    def judged(self, edition: Edition) -> Judgement:
        """What its figures tell beside those of an edition of its letter."""
        return judge(edition, self.fields.their_count, self.fields.their_total)

    def to_reply(self) -> Reply | None:
        """The answer in the words of the letter; None when it changes none."""
        outcome = self.fields.said.outcome
        if outcome is None:
            return None
        return Reply(
            outcome,
            self.edition,
            self.at,
            self.source.channel.value,
            self.fields.name,
            self.fields.note,
            self.fields.their_count,
            self.fields.their_total,
            self.id,
        )


# ---------------------------------------------------------------------------- their figures


class Finding(StrEnum):
    """What the other side's own figures are.

    ``E_DOCUMENTS_COUNTED``: they are all documents, and the letter is about those a form can list;
    ``E_DOCUMENTS_LEFT_OUT``: the other way round. Since July 2021 this is the usual reason why two
    companies that booked the same do not agree.
    """

    NONE = "none"
    SAME = "same"
    E_DOCUMENTS_COUNTED = "e_documents_counted"
    E_DOCUMENTS_LEFT_OUT = "e_documents_left_out"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Their figures beside ours. Units: differences are theirs minus ours, exact."""

    finding: Finding
    count_difference: int | None
    total_difference: Money | None
    why: tuple[Why, ...]


def judge(edition: Edition, count: int | None, total: Money | None) -> Judgement:
    """Compare what they state with both figures of the letter.

    Forms drop the kuruş, so an amount in whole lira equals one that has kuruş beyond it.
    """
    if count is None and total is None:
        return Judgement(Finding.NONE, None, None, ())
    ours = edition.figure
    other = edition.all_documents if edition.basis is Basis.FORM else edition.form
    count_gap = None if count is None else count - ours.documents
    total_gap = None if total is None else total - ours.total
    params = {
        "ours_count": ours.documents,
        "ours_total": ours.total.to_api(),
        "other_count": other.documents,
        "other_total": other.total.to_api(),
    }
    if _equals(ours, count, total):
        why = Why("reconciliation.why.reply_same", params)
        return Judgement(Finding.SAME, count_gap, total_gap, (why,))
    if _equals(other, count, total):
        if edition.basis is Basis.FORM:
            why = Why("reconciliation.why.reply_e_documents_counted", params)
            return Judgement(Finding.E_DOCUMENTS_COUNTED, count_gap, total_gap, (why,))
        why = Why("reconciliation.why.reply_e_documents_left_out", params)
        return Judgement(Finding.E_DOCUMENTS_LEFT_OUT, count_gap, total_gap, (why,))
    whys = []
    if count_gap:
        whys.append(Why("reconciliation.why.reply_count_differs", {"difference": count_gap}))
    if total_gap:
        gap = {"difference": total_gap.to_api()}
        whys.append(Why("reconciliation.why.reply_total_differs", gap))
    return Judgement(Finding.DIFFERENT, count_gap, total_gap, tuple(whys))


def _equals(part: Part, count: int | None, total: Money | None) -> bool:
    if count is not None and count != part.documents:
        return False
    if total is None:
        return True
    return total.minor in (part.total.minor, truncate_to_major(part.total.amount))
