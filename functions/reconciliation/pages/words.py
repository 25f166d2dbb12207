"""Words of this context: the reader's language, explanations, problems, states, headers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.errors import KopruError
from kernel.files import ExportCell
from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.mail_delivery import MailState
from kernel.masking import mask_tckn
from kernel.why import Why
from reconciliation.bootstrap import application
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, LetterState
from reconciliation.ports import MailLine
from toolkit.auth import Principal
from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.components import Flash, Person, Status, TenantChoice, Tone, View
from webkit.i18n import Language, choose_language, mark
from webkit.navigation import CONSOLE
from webkit.render import PageResponse, Renderer
from webkit.urls import link

LETTER: Final[Mapping[LetterState, tuple[str, Tone]]] = {
    LetterState.DRAFT: (mark("not sent"), Tone.NEUTRAL),
    LetterState.QUEUED: (mark("waiting to be sent"), Tone.WAITING),
    LetterState.SENT: (mark("sent"), Tone.INFO),
    LetterState.DELIVERED: (mark("delivered"), Tone.INFO),
    LetterState.BOUNCED: (mark("came back"), Tone.ERROR),
    LetterState.OPENED: (mark("opened"), Tone.INFO),
    LetterState.AGREED: (mark("agreed"), Tone.OK),
    LetterState.DISAGREED: (mark("not agreed"), Tone.WARNING),
    LetterState.EXPIRED: (mark("no answer"), Tone.WARNING),
    LetterState.WITHDRAWN: (mark("withdrawn"), Tone.NEUTRAL),
}
MAIL: Final[Mapping[MailState, tuple[str, Tone]]] = {
    MailState.QUEUED: (mark("waiting to be sent"), Tone.WAITING),
    MailState.SENDING: (mark("being handed over"), Tone.INFO),
    MailState.WITHDRAWN: (mark("not sent"), Tone.NEUTRAL),
    MailState.UNKNOWN: (mark("perhaps sent: nobody knows"), Tone.UNKNOWN),
    MailState.SENT: (mark("sent"), Tone.INFO),
    MailState.DELIVERED: (mark("delivered"), Tone.OK),
    MailState.OPENED: (mark("opened"), Tone.OK),
    MailState.BOUNCED: (mark("came back"), Tone.ERROR),
    MailState.COMPLAINED: (mark("the receiver complained"), Tone.ERROR),
    MailState.REFUSED: (mark("not sent: refused"), Tone.ERROR),
    MailState.SUPPRESSED: (mark("not sent: this address refuses mail"), Tone.ERROR),
}
REASON: Final[Mapping[str, str]] = {
    "window_closed": mark("the window closed first"),
    "address_changed": mark("the address is not on the account card any more"),
    "letter_answered": mark("it was answered before"),
    "letter_closed": mark("the letter was closed before"),
    "lease_ended": mark("its worker died"),
}
MAIL_KIND: Final[Mapping[str, str]] = {
    "letter": mark("Letter"),
    "reminder": mark("Reminder"),
    "correction": mark("Correction"),
    "copy": mark("Copy"),
    "subscription": mark("Subscription"),
}
BASIS: Final[Mapping[Basis, str]] = {
    Basis.FORM: mark("Documents the form lists"),
    Basis.ALL: mark("All documents, paper and electronic"),
}
MAILS_HEADER: Final = (
    mark("Code"),
    mark("Title"),
    mark("Form"),
    mark("Mail"),
    mark("Address"),
    mark("Sent"),
    mark("State"),
    mark("Reason"),
    mark("Documents"),
    mark("Amount without VAT"),
    mark("Letter"),
)
FORM: Final[Mapping[Form, str]] = {
    Form.BA: mark("Ba (purchases)"),
    Form.BS: mark("Bs (sales)"),
}

FIGURES_HEADER: Final = (
    mark("Code"),
    mark("Title"),
    mark("Tax or identity number"),
    mark("Documents on the form"),
    mark("Amount on the form"),
    mark("Documents the form can list"),
    mark("Their amount without VAT"),
    mark("All documents"),
    mark("Amount of all without VAT"),
    mark("On the form"),
    mark("Why"),
)


def renderer() -> Renderer:
    """Words of this context."""
    return application().renderer


def language_of(request: Request) -> str:
    """The language an answer is written in."""
    return choose_language(
        user=request.principal.language or request.query.get("lang"),
        accept_language=request.headers.get("accept-language"),
    )


def words_of(request: Request) -> Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


@dataclass(frozen=True, slots=True)
class Say:
    """What templates ask for in words instead of codes."""

    words: Language

    def letter(self, state: LetterState) -> Status:
        """Where a letter stands."""
        label, tone = LETTER[state]
        return Status(self.words.text(label), tone)

    def mail(self, state: MailState) -> Status:
        """Where a mail stands."""
        label, tone = MAIL[state]
        return Status(self.words.text(label), tone)

    def mail_kind(self, kind: str) -> str:
        """What a mail is, with its number if it has one."""
        name, _, number = kind.partition("-")
        label = self.words.text(MAIL_KIND[name])
        return f"{label} {number}" if number.isdigit() else label

    def reason(self, code: str) -> str:
        """Why a mail stands where it stands; the service's own word if we know no better."""
        return self.words.text(REASON[code]) if code in REASON else code

    def basis(self, basis: Basis) -> str:
        """Which figure is reconciled."""
        return self.words.text(BASIS[basis])

    def form(self, form: Form) -> str:
        """A form and what it is about."""
        return self.words.text(FORM[form])

    def party(self, party: LedgerParty) -> str:
        """A tax number, or an identity number as far as it may be shown."""
        return mask_tckn(party.number) if party.kind is PartyKind.TCKN else party.number

    def whys(self, whys: Iterable[Why]) -> list[str]:
        """Reasons as sentences."""
        return [self.words.why(why) for why in whys]

    def at(self, text: str) -> datetime | None:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text) if text else None

    def problem(self, code: str, message: str) -> str:
        """What is wrong with a field."""
        return self.words.problem(code) if self.words.knows("problem", code) else message


def mail_cells(line: MailLine, say: Say) -> tuple[ExportCell, ...]:
    """One line of the mail report for a file; the address is masked there too."""
    mail, letter, card = line.mail, line.letter, line.card
    figure = letter.edition.figure if letter is not None else None
    return (
        card.fields.code if card is not None else "",
        card.fields.title if card is not None else "",
        say.form(letter.form) if letter is not None else "",
        say.mail_kind(mail.kind),
        str(mail.to),
        mail.sent_at,
        say.mail(mail.state).label,
        say.reason(mail.reason),
        figure.documents if figure is not None else "",
        figure.total if figure is not None else "",
        say.letter(letter.state).label if letter is not None else "",
    )


def visible_entries(principal: Principal) -> frozenset[str]:
    """Permissions of navigation entries that this principal holds."""
    wanted = {item.permission for group in CONSOLE for item in group.items if item.permission}
    return frozenset(permission for permission in wanted if principal.may(permission))


def view_of(
    app: HttpApp, request: Request, section: str = "", flashes: tuple[Flash, ...] = ()
) -> View:
    """The reader of a page."""
    principal = request.principal
    signed_in = principal.kind == "session"
    query = {name: value for name, value in request.query.items() if name != "done"}
    return View(
        url=link(request.path, **query),
        language=language_of(request),
        theme=principal.theme or "auto",
        zone=principal.zone or "Europe/Istanbul",
        csrf_token=app.csrf_token(principal) if signed_in else None,
        person=Person(principal.name, principal.email) if signed_in else None,
        tenant=TenantChoice(principal.tenant_id, principal.tenant_name)
        if principal.tenant_id
        else None,
        tenants=tuple(TenantChoice(*choice) for choice in principal.tenants),
        section=section,
        flashes=flashes,
        permissions=visible_entries(principal) if signed_in else None,
    )


def reply(response: PageResponse) -> Reply:
    """A rendered page as the answer of a route."""
    return Reply(
        response.body,
        response.status,
        response.headers,
        "text/html; charset=utf-8",
        response.cookies,
    )


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words; at a counterparty's doors without anything of the console."""
    view = view_of(app, request)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    portal = request.path.startswith(("/r/", "/portal"))
    return reply(
        renderer().error(view, status, detail=detail or None, trace_id=trace_id, portal=portal)
    )
