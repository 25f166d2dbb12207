"""What pages of people and of calls say alike: lines of history, and looking at clear values."""

from typing import Final

from kernel.ids import is_id
from kernel.storing import HistoryLine
from pensions.domain.employee import RevealReason
from pensions.pages.kit import use_of
from pensions.pages.words import Say, action_tone, words_of
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Request
from webkit.actors import who
from webkit.components import Option, TimelineEntry
from webkit.exchanges import TITLE
from webkit.i18n import mark
from webkit.urls import link

EXCHANGES: Final = "pensions:submission:read"
"""Who may read what was sent to an insurer and answered, masked."""
_REASONS: Final = {
    RevealReason.PERSON_ASKED: mark("The person asked"),
    RevealReason.PAYROLL_CHECK: mark("Checking the payroll"),
    RevealReason.INSURER_INQUIRY: mark("Question of the insurer"),
    RevealReason.AUDIT: mark("Audit"),
}


def reveal_reasons(request: Request) -> list[Option]:
    """Why somebody looks at clear values, as a form offers it."""
    words = words_of(request)
    return [Option(code.value, words.text(text)) for code, text in _REASONS.items()]


def prove(request: Request, return_to: str) -> None:
    """Looking at clear values asks for a fresh proof. Raises: ProofRequiredError."""
    require_fresh(request.principal, use_of(request).scope.clock.now(), return_to)


def history_entry(request: Request, say: Say, line: HistoryLine) -> TimelineEntry:
    """One line of the history of a person or of a call."""
    words = words_of(request)
    fields = line.detail.get("fields")
    facts = []
    if isinstance(fields, list) and fields:
        names = ", ".join(say.field(str(name)) for name in fields)
        facts.append((words.text("Fields"), names))
    called = line.detail.get("transmission_id")
    links: tuple[tuple[str, str], ...] = ()
    if is_id(called) and request.principal.may(EXCHANGES):
        label = words.text(TITLE)
        links = ((label, link(f"/pensions/transmissions/{called}")),)
    return TimelineEntry(
        title=say.action(line.action),
        at=say.at(line.at),
        actor=who(line.actor, request.principal.id, words),
        tone=action_tone(line.action),
        detail=_detail(request, say, line) or None,
        facts=tuple(facts),
        links=links,
    )


def _detail(request: Request, say: Say, line: HistoryLine) -> str:
    """Why it happened: for somebody who looked in clear, what that person said."""
    reason = str(line.detail.get("reason") or "")
    if line.action.rpartition(".")[2] == "revealed" and reason in set(RevealReason):
        return words_of(request).text(_REASONS[RevealReason(reason)])
    return say.reason(reason)
