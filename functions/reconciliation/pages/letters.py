"""Letters: the list of a month, one letter with its mails and answers, the report of mails."""

from collections.abc import Callable
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from reconciliation.application.letters import LetterSearch
from reconciliation.application.mail_report import MailSearch
from reconciliation.domain.letter import CLOSED, Letter
from reconciliation.pages.board import month_chips, month_in
from reconciliation.pages.kit import Kit, go, paging_of, position_in, use_of
from reconciliation.pages.mail_matters import DECIDABLE
from reconciliation.pages.words import FORM, LETTER, MAIL, MAIL_KIND, Say, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.actors import who
from webkit.components import Column, Option, TimelineEntry
from webkit.urls import link

LETTERS: Final = "reconciliation.letters"
MAILS: Final = "reconciliation.mails"
_READ: Final = "reconciliation:letter:read"
_SEND: Final = "reconciliation:letter:send"
_HERE: Final = "/reconciliation/letters"
_REPORT: Final = "/reconciliation/mails"
_ROWS: Final = 50


def _choice(request: Request, name: str, known: Any) -> str:
    value = request.query.get(name, "")
    return (
        value
        if value in {str(one.value if hasattr(one, "value") else one) for one in known}
        else ""
    )


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of letters."""

    @app.page("GET", _HERE, permission=_READ)
    def show_letters(request: Request) -> Reply:
        """Letters of a month by state, form and any fragment of code or title."""
        use, words = use_of(request), words_of(request)
        say, month = Say(words), month_in(request)
        state, form = _choice(request, "status", LETTER), _choice(request, "form", FORM)
        text = request.query.get("q", "")[:100]
        narrowed = {"period": str(month), "status": state, "form": form, "q": text}
        found, following = use.list_letters()(
            LetterSearch(month, state, form, text),
            limit=_ROWS,
            after=position_in(request, **narrowed),
        )
        return kit.draw(
            request,
            "letters/list.html",
            LETTERS,
            month=month,
            chips=month_chips(request, _HERE, month, status=state, form=form),
            states=[Option(one.value, say.letter(one).label) for one in LETTER],
            forms=[Option(one.value, say.form(one)) for one in FORM],
            state=state,
            form=form,
            letters=[{"id": letter.id, "letter": letter, "card": card} for letter, card in found],
            columns=(
                Column("title", words.text("Counterparty")),
                Column("form", words.text("Form")),
                Column("documents", words.text("Documents"), numeric=True),
                Column("total", words.text("Amount without VAT"), numeric=True),
                Column("sent", words.text("Sent")),
                Column("state", words.text("State")),
            ),
            paging=paging_of(request, len(found), following, **narrowed),
        )

    def draw(request: Request, letter: Letter, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say = Say(words)
        card = use.store.counterparties([letter.counterparty_id]).get(letter.counterparty_id)
        return kit.draw(
            request,
            "letters/letter.html",
            LETTERS,
            error=error,
            letter=letter,
            card=card,
            mails=[{"id": key, "mail": mail} for key, mail in letter.mails.items()],
            decidable=DECIDABLE,
            mail_columns=(
                Column("kind", words.text("Mail")),
                Column("to", words.text("Address")),
                Column("sent", words.text("Sent")),
                Column("state", words.text("State")),
            ),
            replies=[{"id": str(n), "reply": one} for n, one in enumerate(letter.replies)],
            reply_columns=(
                Column("at", words.text("When")),
                Column("who", words.text("Who")),
                Column("outcome", words.text("Answer")),
                Column("count", words.text("Their documents"), numeric=True),
                Column("total", words.text("Their amount"), numeric=True),
                Column("note", words.text("Note")),
            ),
            editions=use.store.editions(letter.id),
            entries=[
                TimelineEntry(
                    say.action(line.action),
                    at=say.at(line.at),
                    actor=who(line.actor, request.principal.id, words),
                    raw=dict(line.detail) or None,
                )
                for line in reversed(use.store.history(f"letter:{letter.id}"))
            ],
            may_send=request.principal.may(_SEND) and letter.state not in CLOSED,
        )

    @app.page("GET", f"{_HERE}/{{id}}", permission=_READ)
    def show_letter_page(request: Request) -> Reply:
        """One letter: what it reconciles, what became of its mails, what was answered."""
        return draw(request, use_of(request).store.letter(request.id()))

    @app.page("POST", f"{_HERE}/{{id}}/renew", permission=_SEND)
    def renew(request: Request) -> Reply:
        """Take the figures as they are now, and mail the correction."""
        return _act(request, "renew")

    @app.page("POST", f"{_HERE}/{{id}}/withdraw", permission=_SEND)
    def withdraw(request: Request) -> Reply:
        """Take the letter back."""
        return _act(request, "withdraw")

    @app.page("POST", f"{_HERE}/{{id}}/confirm-addressee", permission=_SEND)
    def confirm_addressee(request: Request) -> Reply:
        """Say that it goes to the right company."""
        return _act(request, "confirm_addressee")

    def _act(request: Request, what: str) -> Reply:
        use = use_of(request)
        commands: dict[str, Callable[[str, int], Letter]] = {
            "renew": use.renew_letter(),
            "withdraw": use.withdraw_letter(),
            "confirm_addressee": use.confirm_addressee(),
        }
        try:
            commands[what](request.id(), int(request.form().get("version") or 0))
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, use.store.letter(request.id()), error)
        return go(f"{_HERE}/{request.id()}", done=what)

    @app.page("GET", _REPORT, permission=_READ)
    def show_mails(request: Request) -> Reply:
        """The report of mails about a month, also as a spreadsheet."""
        use, words = use_of(request), words_of(request)
        say, month = Say(words), month_in(request)
        state, kind = _choice(request, "status", MAIL), _choice(request, "kind", MAIL_KIND)
        text = request.query.get("q", "")[:100]
        narrowed = {"period": str(month), "status": state, "kind": kind, "q": text}
        found, following = use.list_mails()(
            MailSearch(month, state, kind, text),
            limit=_ROWS,
            after=position_in(request, **narrowed),
        )
        return kit.draw(
            request,
            "letters/mails.html",
            MAILS,
            month=month,
            chips=month_chips(request, _REPORT, month, status=state, kind=kind),
            states=[Option(one.value, say.mail(one).label) for one in MAIL],
            kinds=[Option(one, words.text(label)) for one, label in MAIL_KIND.items()],
            state=state,
            kind=kind,
            lines=[{"id": line.mail.id, "line": line} for line in found],
            export=link("/v1/reconciliation/reports/mailings", format="xlsx", **narrowed),
            columns=(
                Column("title", words.text("Counterparty")),
                Column("kind", words.text("Mail")),
                Column("to", words.text("Address")),
                Column("sent", words.text("Sent")),
                Column("documents", words.text("Documents"), numeric=True),
                Column("total", words.text("Amount without VAT"), numeric=True),
                Column("state", words.text("State")),
            ),
            paging=paging_of(request, len(found), following, **narrowed),
        )
