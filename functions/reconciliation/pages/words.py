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
from reconciliation.domain.counterparty import Origin
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, LetterState, Outcome
from reconciliation.domain.parameters import Key
from reconciliation.ports import MailLine
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Status, Tone
from webkit.i18n import Language, choose_language, mark
from webkit.reader import language_of, reply, view_of
from webkit.render import Renderer

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
    "letter_disowned": mark("the receiver says that it is not the company meant"),
    "lease_ended": mark("its worker died"),
    "address_suppressed": mark("the address bounced or complained before"),
    "told_by_person": mark("a person knows that it arrived"),
    "given_up": mark("a person gave it up"),
    "superseded": mark("what it was about is over"),
}
SILENCED: Final[Mapping[str, str]] = {
    "bounced": mark("came back for good"),
    "complained": mark("the receiver complained"),
}
MAIL_KIND: Final[Mapping[str, str]] = {
    "letter": mark("Letter"),
    "reminder": mark("Reminder"),
    "correction": mark("Correction"),
    "copy": mark("Copy"),
    "subscription": mark("Subscription"),
}
PORTAL_MAIL_KIND: Final[Mapping[str, str]] = {
    "invitation": mark("Invitation"),
    "confirm": mark("Question to a new address"),
    "statement": mark("Our statement"),
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
LANGUAGES: Final[Mapping[str, str]] = {
    "tr": mark("Turkish"),
    "el": mark("Greek"),
    "en": mark("English"),
}
PARAMETER: Final[Mapping[Key, str]] = {
    Key.THRESHOLD: mark("Threshold in lira, without VAT, per counterparty and month"),
    Key.E_DOCUMENTS: mark("Electronic documents on the form"),
    Key.EMPTY_FORM: mark("Form without any row"),
    Key.KINDS: mark("Kinds of documents in scope"),
    Key.DUE_ROLL: mark("Due day on which tax offices are closed"),
}
OUTCOME: Final[Mapping[Outcome, tuple[str, Tone]]] = {
    Outcome.AGREED: (mark("agreed"), Tone.OK),
    Outcome.DISAGREED: (mark("not agreed"), Tone.WARNING),
}
WHERE: Final[Mapping[str, str]] = {
    "staff": mark("added on a page by staff"),
    "program": mark("added by a program"),
    "import": mark("came with an import"),
    "books": mark("came from the books"),
    "counterparty": mark("added by the counterparty itself"),
    "": mark("was there before this was noted"),
}
ACTION: Final[Mapping[str, str]] = {
    "counterparty.added": mark("Added"),
    "counterparty.changed": mark("Changed"),
    "counterparty.removed": mark("Taken off the list"),
    "counterparty.restored": mark("Back on the list"),
    "counterparty.address_released": mark("A silenced address gets mail again"),
    "counterparty.undone": mark("An import was taken back"),
    "letter.drafted": mark("The letter was made"),
    "letter.queued": mark("Mails were asked for"),
    "letter.renewed": mark("New figures; a correction was asked for"),
    "letter.withdrawn": mark("Taken back"),
    "letter.reminded": mark("A reminder was asked for"),
    "letter.expired": mark("The time for an answer is over"),
    "letter.agreed": mark("The counterparty agrees"),
    "letter.disagreed": mark("The counterparty does not agree"),
    "letter.mail.sent": mark("A mail left"),
    "letter.sent": mark("The mail service has it"),
    "letter.delivered": mark("Delivered"),
    "letter.opened": mark("Opened"),
    "letter.bounced": mark("Came back"),
    "letter.complained": mark("The receiver complained"),
    "letter.refused": mark("The mail service refused it"),
    "letter.mail.unknown": mark("A mail perhaps left; nobody knows"),
    "letter.mail.not_sent": mark("The mail service was away; it is tried again"),
    "letter.mail.refused": mark("The mail service refused a mail"),
    "letter.mail.suppressed": mark("Not sent: this address refuses mail"),
    "letter.mail.queued_again": mark("A mail is sent once more"),
    "letter.mail.given_to_person": mark("A mail of unknown fate waits for a person"),
    "letter.mail_withdrawn": mark("A mail was not sent"),
    "letter.mail.arrived": mark("A person knows that a mail arrived"),
    "letter.mail.send_again": mark("A person has a mail sent again"),
    "letter.mail.given_up": mark("A person gave a mail up"),
    "letter.disowned": mark("The receiver says that it is not the company meant"),
    "letter.put_off": mark("The receiver will answer later; the next reminder waits"),
    "letter.addressee_confirmed": mark("Somebody made sure that it goes to the right company"),
}
MAIL_ACTION: Final[Mapping[str, str]] = {
    "queued": mark("A mail was asked for"),
    "claimed": mark("Taken up to be sent"),
    "withdrawn": mark("A mail was not sent"),
}
JOB: Final[Mapping[str, tuple[str, Tone]]] = {
    "queued": (mark("waiting"), Tone.WAITING),
    "running": (mark("running"), Tone.INFO),
    "succeeded": (mark("done"), Tone.OK),
    "partially_succeeded": (mark("done in part"), Tone.WARNING),
    "failed": (mark("failed"), Tone.ERROR),
    "cancelled": (mark("stopped"), Tone.NEUTRAL),
}
COUNT: Final[Mapping[str, str]] = {
    "added": mark("New"),
    "changed": mark("Changed"),
    "unchanged": mark("Known already"),
    "valid": mark("Right rows"),
    "refused": mark("Wrong rows"),
    "undone": mark("Taken back"),
    "kept": mark("Left as they are: changed since"),
    "drafted": mark("New letters"),
    "known": mark("Known letters"),
    "queued": mark("Mails asked for"),
    "reminded": mark("Reminders"),
    "expired": mark("Closed without an answer"),
    "without_text": mark("No released text in their language"),
    "without_address": mark("Without an address"),
    "outdated": mark("Sent with other figures than now"),
    "removed": mark("Off the list"),
}
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

    def any_mail_kind(self, kind: str) -> str:
        """What a mail is, one of letters or one of the portal."""
        if kind in PORTAL_MAIL_KIND:
            return self.words.text(PORTAL_MAIL_KIND[kind])
        return self.mail_kind(kind)

    def reason(self, code: str) -> str:
        """Why a mail stands where it stands; the service's own word if we know no better."""
        return self.words.text(REASON[code]) if code in REASON else code

    def silenced(self, reason: str) -> str:
        """Why an address gets nothing."""
        return self.words.text(SILENCED[reason]) if reason in SILENCED else reason

    def outcome(self, outcome: Outcome) -> Status:
        """What was answered."""
        label, tone = OUTCOME[outcome]
        return Status(self.words.text(label), tone)

    def origin(self, origin: Origin) -> str:
        """Who added an address, where and when."""
        where = self.words.text(WHERE.get(origin.where, origin.where))
        at = self.at(origin.at)
        return f"{where} · {self.words.formats.date(at.date())}" if at is not None else where

    def action(self, action: str) -> str:
        """One line of history."""
        return self.words.text(ACTION[action]) if action in ACTION else action.replace("_", " ")

    def mail_action(self, action: str) -> str:
        """One line of the history of a mail, in the words its letter has for it."""
        what = action.rpartition(".")[2]
        known = (
            MAIL_ACTION.get(what),
            ACTION.get(f"letter.mail.{what}"),
            ACTION.get(f"letter.{what}"),
        )
        label = next((one for one in known if one), "")
        return self.words.text(label) if label else what.replace("_", " ")

    def job(self, status: str) -> Status:
        """How far a job is."""
        label, tone = JOB[status]
        return Status(self.words.text(label), tone)

    def counts(self, counts: Mapping[str, Any]) -> list[tuple[str, int]]:
        """What a job counted, in the order of the page."""
        return [
            (self.words.text(label), int(counts[name]))
            for name, label in COUNT.items()
            if isinstance(counts.get(name), int) and not isinstance(counts.get(name), bool)
        ]

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


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words; at a counterparty's doors without anything of the console."""
    view = view_of(app, request)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    portal = request.path.startswith(("/r/", "/portal"))
    return reply(
        renderer().error(view, status, detail=detail or None, trace_id=trace_id, portal=portal)
    )
