"""Mails whose fate only a person can tell: the list, and what to say of one (REC-07)."""

from typing import Final

from kernel.errors import KopruError, NotFoundError
from kernel.mail_delivery import MailState
from reconciliation.application.mail_matters import MailMatter
from reconciliation.domain.letter import LetterMail
from reconciliation.domain.mail_matter import MAX_NOTE, Decision, can_be_decided
from reconciliation.pages.kit import Kit, go, paging_of, position_in, use_of
from reconciliation.pages.words import Say, words_of
from reconciliation.schemas import DecideMailIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.actors import who
from webkit.components import Column
from webkit.urls import link

SECTION: Final = "reconciliation.mails"
DECIDABLE: Final = frozenset({MailState.UNKNOWN, MailState.SUPPRESSED})
"""States in which a letter's page leads here; whether there is something to decide is said here."""
_READ: Final = "reconciliation:letter:read"
_SEND: Final = "reconciliation:letter:send"
_HERE: Final = "/reconciliation/mail-matters"
_ROWS: Final = 50


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of mails that wait for a person."""

    @app.page("GET", _HERE, permission=_READ)
    def show_mail_matters(request: Request) -> Reply:
        """Mails of unknown fate, oldest first."""
        use, words = use_of(request), words_of(request)
        found, following = use.list_matters()(limit=_ROWS, after=position_in(request))
        return kit.draw(
            request,
            "letters/matters.html",
            SECTION,
            matters=[{"id": one.mail.id, "matter": one} for one in found],
            columns=(
                Column("title", words.text("Counterparty")),
                Column("kind", words.text("Mail")),
                Column("to", words.text("Address")),
                Column("asked", words.text("Asked for")),
                Column("reason", words.text("Reason")),
            ),
            paging=paging_of(request, len(found), following),
        )

    def draw(
        request: Request, matter: MailMatter, error: KopruError | None = None, note: str = ""
    ) -> Reply:
        mail, say = matter.mail, Say(words_of(request))
        subject = f"{'letter' if isinstance(mail, LetterMail) else 'portal'}_mail:{mail.id}"
        return kit.draw(
            request,
            "letters/matter.html",
            SECTION,
            error=error,
            matter=matter,
            mail=mail,
            letter_href=link(f"/reconciliation/letters/{mail.letter_id}")
            if isinstance(mail, LetterMail)
            else "",
            never_left=mail.state is MailState.SUPPRESSED,
            note=note,
            max_note=MAX_NOTE,
            may_decide=can_be_decided(mail) and request.principal.may(_SEND),
            lines=[
                (
                    say.at(line.at),
                    say.mail_action(line.action),
                    who(line.actor, request.principal.id, words_of(request)),
                )
                for line in reversed(use_of(request).store.history(subject))
            ],
        )

    @app.page("GET", f"{_HERE}/{{id}}", permission=_READ)
    def show_mail_matter(request: Request) -> Reply:
        """One mail, what is known of it, and what can be said."""
        return draw(request, use_of(request).list_matters().one(request.id()))

    @app.page("POST", f"{_HERE}/{{id}}/decide", permission=_SEND)
    def decide_mail(request: Request) -> Reply:
        """Say what became of it."""
        use, form = use_of(request), request.form()
        stated = {"decision": form.get("decision", ""), "note": form.get("note", "").strip()}
        try:
            body = parse_model(DecideMailIn, stated)
            use.decide_mail()(request.id(), Decision(body.decision), body.note)
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, use.list_matters().one(request.id()), error, stated["note"])
        return go(_HERE, done="mail_decided")
