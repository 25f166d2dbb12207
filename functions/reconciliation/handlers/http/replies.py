"""Answers to letters, and what their figures tell (REC-05)."""

from typing import Any, Final

from kernel.errors import ParseError
from kernel.periods import Period
from reconciliation.application.answers import Given
from reconciliation.domain.answer import Answer
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    page_reply,
    position_of,
    say_of,
    use_of,
    wrong_filter,
)
from reconciliation.schemas import AnswerIn, Say
from toolkit.entrypoints.http import Reply, Request

_READ: Final = "reconciliation:reply:read"
_WRITE: Final = "reconciliation:reply:write"
_REPLIES: Final = f"{BASE}/replies"


@app.api("GET", _REPLIES, permission=_READ)
def list_replies(request: Request) -> Reply:
    """Answers about a month, newest first, also those that change no letter: ``period``."""
    try:
        period = Period.parse(request.query.get("period", ""))
    except ParseError as error:
        raise wrong_filter("period", error.code.lower(), error.message) from None
    scope = cursor_scope(request, _REPLIES, period=str(period))
    found, following = use_of(request).store.answer_page(
        period, limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([_answer(one) for one in found], following, scope)


@app.api("GET", f"{_REPLIES}/{{id}}", permission=_READ)
def show_reply(request: Request) -> Reply:
    """One answer, what its figures tell beside those of its letter, and why."""
    use = use_of(request)
    answer = use.store.answer(request.id())
    judged = answer.judged(use.store.letter(answer.letter_id).edition)
    return Reply(_given(Given(answer, judged), say_of(request)))


@app.api("POST", f"{BASE}/letters/{{id}}/replies", permission=_WRITE)
def answer_letter(request: Request) -> Reply:
    """Write down what a counterparty said by telephone or on paper.

    ``finding`` says what its figures are: the same, those with or without electronic documents, or
    different.
    """
    use = use_of(request)
    letter = use.store.letter(request.id())
    body = request.json(AnswerIn)
    given = use.answer_for_them()(letter, body.to_fields(), body.edition)
    return Reply(_given(given, say_of(request)), 201)


def _given(given: Given, say: Say) -> dict[str, Any]:
    """An answer with what its figures tell."""
    judged = given.judgement
    gap = judged.total_difference
    return {
        **_answer(given.answer),
        "finding": judged.finding.value,
        "count_difference": judged.count_difference,
        "total_difference": None if gap is None else gap.to_api(),
        "why": say(judged.why),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    """An answer as the API shows it; where it came from stays in the evidence."""
    fields = answer.fields
    total = fields.their_total
    return {
        "id": answer.id,
        "letter_id": answer.letter_id,
        "counterparty_id": answer.counterparty_id,
        "period": str(answer.period),
        "form": answer.form.value,
        "edition": answer.edition,
        "at": answer.at,
        "outcome": fields.said.value,
        "name": fields.name,
        "note": fields.note,
        "their_count": fields.their_count,
        "their_total": None if total is None else total.to_api(),
        "channel": answer.source.channel.value,
        "status": answer.state.value,
        "reason": answer.reason,
    }
