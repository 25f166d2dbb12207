"""Take what counterparties answer: written down at once, then taken over into the letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import ConflictError, KopruError
from kernel.parsing import format_instant
from kernel.storing import WriteRefusedError
from reconciliation.application.attention import letter_attention
from reconciliation.application.context import TRIES, Scope
from reconciliation.application.differences import open_case
from reconciliation.application.portal_mails import ask_mail
from reconciliation.domain.answer import (
    Answer,
    AnswerFields,
    AnswerState,
    Channel,
    Judgement,
    Said,
    Source,
    checked,
)
from reconciliation.domain.letter import Letter, Outcome, answered, disowned, put_off
from reconciliation.domain.portal_mail import PortalMailKind
from reconciliation.ports import ReconciliationUnit

CLOSED_CODES: Final = frozenset({"letter_closed", "letter_outdated"})


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, and what its figures tell."""

    answer: Answer
    judgement: Judgement


class GiveAnswer:
    """Write an answer down and order that it is taken over.

    What a page shows is checked first, so that whoever answers hears of changed figures or a closed
    month at once; what happens in between is seen when the answer is taken over.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        letter: Letter,
        counterparty_id: str,
        fields: AnswerFields,
        source: Source,
        *,
        answer_id: str,
        edition: int,
    ) -> Given:
        """The same ``answer_id`` again is the same answer.

        Raises: ValidationError; ConflictError("letter_outdated" | "letter_closed").
        """
        answer = Answer(
            id=answer_id,
            letter_id=letter.id,
            counterparty_id=counterparty_id,
            period=letter.period,
            form=letter.form,
            edition=edition,
            at=format_instant(self._scope.clock.now()),
            fields=checked(fields),
            source=source,
        )
        _with(letter, answer, self._scope)
        unit = self._scope.store.unit()
        unit.add_answer(answer)
        unit.enqueue("portal", {"act": "take_answer", "answer_id": answer.id})
        try:
            unit.commit()
        except WriteRefusedError:
            answer = self._scope.store.answer(answer.id)
            if answer.letter_id != letter.id:
                raise
        return Given(answer, answer.judged(letter.edition))


def _with(letter: Letter, answer: Answer, scope: Scope) -> Letter:
    """What an answer makes of its letter. Raises: ConflictError; ValidationError."""
    reply = answer.to_reply()
    if reply is not None:
        return answered(letter, reply)
    if answer.fields.said is Said.NOT_MINE:
        return disowned(letter, answer.at)
    return put_off(letter, scope.today())


_NOTED: Final = {Said.NOT_MINE: "letter.disowned", Said.LATER: "letter.put_off"}


class TakeAnswer:
    """Take one answer over into its letter, once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, answer_id: str) -> Answer:
        """Idempotent. Raises: NotFoundError; ConflictError("too_much_contention")."""
        store = self._scope.store
        for _ in range(TRIES):
            answer = store.answer(answer_id)
            if answer.state is not AnswerState.RECEIVED:
                return answer
            letter = store.letter(answer.letter_id)
            unit = store.unit()
            try:
                after = _with(letter, answer, self._scope)
            except KopruError as error:
                refused = replace(answer, state=AnswerState.REFUSED, reason=error.code)
                saved = unit.save_answer(answer, refused, "portal_answer.refused")
            else:
                saved = self._taken(unit, answer, letter, after)
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return saved
        raise ConflictError("too_much_contention", "Others keep changing this letter.")

    def _taken(
        self, unit: ReconciliationUnit, answer: Answer, letter: Letter, after: Letter
    ) -> Answer:
        """Write the letter and the answer, and what follows of them."""
        outcome, said = answer.fields.said.outcome, answer.fields.said
        detail = {"answer_id": answer.id, "edition": answer.edition}
        action = _NOTED[said] if outcome is None else f"letter.{outcome.value}"
        unit.save_letter(letter, after, action, detail)
        letter_attention(unit, letter, after)
        if outcome is Outcome.DISAGREED:
            case = open_case(self._scope, letter)
            if case is not None:
                unit.add_case(case)
                self._our_statement(unit, letter)
        state = AnswerState.NOTED if outcome is None else AnswerState.TAKEN
        return unit.save_answer(
            answer, replace(answer, state=state), f"portal_answer.{state.value}"
        )

    def _our_statement(self, unit: ReconciliationUnit, letter: Letter) -> None:
        """Our statement goes out by itself with the first disagreement, once to each address."""
        card = self._scope.store.counterparties([letter.counterparty_id])[letter.counterparty_id]
        for to in card.fields.emails:
            ask_mail(self._scope, unit, card, PortalMailKind.STATEMENT, to, letter.id)


class AnswerForThem:
    """Write down what a counterparty said by telephone or on paper; staff answers for it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, letter: Letter, fields: AnswerFields, edition: int | None) -> Given:
        """Raises: ValidationError; ConflictError like the page of the letter."""
        given = GiveAnswer(self._scope)(
            letter,
            letter.counterparty_id,
            fields,
            Source(Channel.STAFF),
            answer_id=self._scope.ids.new(),
            edition=letter.edition.number if edition is None else edition,
        )
        return replace(given, answer=TakeAnswer(self._scope)(given.answer.id))


def latest_first(answers: Sequence[Answer]) -> list[Answer]:
    """Answers as people read them."""
    return sorted(answers, key=lambda one: (one.at, one.id), reverse=True)
