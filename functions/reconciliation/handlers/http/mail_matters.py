"""Mails whose fate only a person can tell, and silenced addresses (REC-07)."""

from typing import Any, Final

from reconciliation.application.mail_matters import MailMatter
from reconciliation.domain.letter import LetterMail
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    page_reply,
    position_of,
    use_of,
)
from reconciliation.schemas import DecideMailIn, ReleaseIn
from toolkit.entrypoints.http import Reply, Request

_READ: Final = "reconciliation:letter:read"
_SEND: Final = "reconciliation:letter:send"
_CARD_READ: Final = "reconciliation:counterparty:read"
_LIFT: Final = "reconciliation:suppression:lift"
_MATTERS: Final = f"{BASE}/mail-matters"
_SILENCED: Final = f"{BASE}/counterparties/{{id}}/silenced-addresses"


@app.api("GET", _MATTERS, permission=_READ)
def list_mail_matters(request: Request) -> Reply:
    """Mails of letters and of the portal of which nobody knows whether they left, oldest first."""
    scope = cursor_scope(request, _MATTERS)
    found, following = use_of(request).list_matters()(
        limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([_matter(one) for one in found], following, scope)


@app.api("POST", f"{_MATTERS}/{{id}}/decide", permission=_SEND)
def decide_mail_matter(request: Request) -> Reply:
    """Say what became of such a mail, and how that is known.

    ``arrived``: the counterparty has it; ``send_again``: it has not and gets it once more;
    ``given_up``: it has not and need not. A suppressed mail can be sent again or given up.
    """
    use = use_of(request)
    use.list_matters().one(request.id())
    body = request.json(DecideMailIn)
    return Reply(_matter(use.decide_mail()(request.id(), body.decision, body.note)))


@app.api("GET", _SILENCED, permission=_CARD_READ)
def list_silenced_addresses(request: Request) -> Reply:
    """Addresses of an account card that get nothing, because mail bounced or they complained."""
    use = use_of(request)
    found = use.list_silenced()(use.store.counterparty(request.id()))
    items = [
        {"email": one.email.reveal("shown to whoever may read"), "reason": one.reason, "at": one.at}
        for one in found
    ]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", f"{_SILENCED}/release", permission=_LIFT)
def release_silenced_address(request: Request) -> Reply:
    """Let mails through to an address again; the note says who told that it works."""
    use = use_of(request)
    use.store.counterparty(request.id())
    body = request.json(ReleaseIn)
    use.lift_suppression()(request.id(), body.email, body.note)
    return Reply(None, 204)


def _matter(matter: MailMatter) -> dict[str, Any]:
    mail, card = matter.mail, matter.card
    of_letter = isinstance(mail, LetterMail)
    return {
        "id": mail.id,
        "kind": mail.kind if isinstance(mail, LetterMail) else mail.kind.value,
        "letter_id": mail.letter_id if isinstance(mail, LetterMail) else None,
        "about": "letter" if of_letter else "portal",
        "counterparty": None
        if card is None
        else {"id": card.id, "code": card.fields.code, "title": card.fields.title},
        "to": str(mail.to),
        "status": mail.state.value,
        "reason": mail.reason or None,
        "attempts": mail.attempts,
        "asked_at": mail.asked_at,
        "note": mail.note or None,
    }
