"""Words of this context outside of templates: renderer, reader, states and outcomes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import KopruError
from kernel.mail_delivery import MailState
from payment_codes.bootstrap import application
from payment_codes.domain.organisation import ConnectionState
from payment_codes.domain.payment import Outcome
from payment_codes.domain.payment_code import CodeStatus
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Status, Tone
from webkit.i18n import Language, choose_language, mark
from webkit.reader import language_of, reply, view_of
from webkit.render import Renderer

ZONE: Final = "Europe/Athens"
"""Where a reader of payment codes lives who never said so: DIAS is Greek."""
STATUS: Final[Mapping[CodeStatus, tuple[str, Tone]]] = {
    CodeStatus.ISSUED: (mark("issued"), Tone.INFO),
    CodeStatus.SENT: (mark("sent"), Tone.WAITING),
    CodeStatus.PARTIALLY_PAID: (mark("partially paid"), Tone.WARNING),
    CodeStatus.PAID: (mark("paid"), Tone.OK),
    CodeStatus.OVERPAID: (mark("overpaid"), Tone.WARNING),
    CodeStatus.CANCELLED: (mark("cancelled"), Tone.NEUTRAL),
    CodeStatus.EXPIRED: (mark("expired"), Tone.NEUTRAL),
}
OUTCOME: Final[Mapping[Outcome, tuple[str, Tone]]] = {
    Outcome.EXACT: (mark("exact"), Tone.OK),
    Outcome.UNDER: (mark("too little"), Tone.WARNING),
    Outcome.OVER: (mark("too much"), Tone.WARNING),
    Outcome.DUPLICATE: (mark("listed twice, booked once"), Tone.NEUTRAL),
    Outcome.LATE: (mark("too late"), Tone.WARNING),
    Outcome.UNMATCHED: (mark("not matched"), Tone.ERROR),
    Outcome.REVERSAL: (mark("reversal"), Tone.ERROR),
}
CONNECTION: Final[Mapping[ConnectionState, tuple[str, Tone]]] = {
    ConnectionState.OFFLINE: (mark("codes are issued offline"), Tone.NEUTRAL),
    ConnectionState.UNTESTED: (mark("not asked yet"), Tone.INFO),
    ConnectionState.UP: (mark("connected"), Tone.OK),
    ConnectionState.DOWN: (mark("not reachable"), Tone.ERROR),
    ConnectionState.REFUSED: (mark("the key was refused"), Tone.ERROR),
}
MAIL: Final[Mapping[MailState, tuple[str, Tone]]] = {
    MailState.QUEUED: (mark("waiting"), Tone.WAITING),
    MailState.SENDING: (mark("being handed over"), Tone.INFO),
    MailState.UNKNOWN: (mark("perhaps sent: nobody knows"), Tone.WARNING),
    MailState.WITHDRAWN: (mark("not sent: withdrawn"), Tone.NEUTRAL),
    MailState.SENT: (mark("sent"), Tone.INFO),
    MailState.DELIVERED: (mark("delivered"), Tone.OK),
    MailState.OPENED: (mark("opened"), Tone.OK),
    MailState.BOUNCED: (mark("came back"), Tone.ERROR),
    MailState.COMPLAINED: (mark("the customer complained"), Tone.ERROR),
    MailState.REFUSED: (mark("not sent: refused"), Tone.ERROR),
    MailState.SUPPRESSED: (mark("not sent: this address refuses mail"), Tone.ERROR),
}
SOURCE: Final[Mapping[str, str]] = {
    "repair_order": mark("Repair order"),
    "counter_invoice": mark("Counter invoice"),
    "vehicle_order": mark("Vehicle order"),
    "bill_batch": mark("Bill batch"),
}
REASON: Final[Mapping[str, str]] = {
    "unknown_code": mark("a code we never issued"),
    "other_organisation": mark("a code of another organisation"),
    "invalid_code": mark("not a valid code"),
    "other_code": mark("listed under another code"),
    "foreign_currency": mark("another currency"),
    "not_positive": mark("an amount that is not positive"),
    "absurd_amount": mark("an amount nobody pays"),
    "reversal_of_unknown": mark("reversal of a payment we do not have"),
    "reversal_too_large": mark("reversal larger than its payment"),
    "amount_differs": mark("the provider has this payment with another amount"),
    "date_differs": mark("the provider has this amount some days off"),
    "several_codes": mark("several payment codes in one line"),
    "reversal_of_debit": mark("a return that was taken back"),
    "damaged_code": mark("looks like a payment code, but its check digits are wrong"),
}
LINE: Final[Mapping[str, tuple[str, Tone]]] = {
    "booked": (mark("booked from the statement"), Tone.OK),
    "agreed": (mark("agrees with the provider"), Tone.OK),
    "known": (mark("known from an earlier statement"), Tone.NEUTRAL),
    "differs": (mark("differs"), Tone.ERROR),
    "unmatched": (mark("not matched"), Tone.WARNING),
    "outgoing": (mark("paid to others"), Tone.NEUTRAL),
    "without_code": (mark("without payment code"), Tone.NEUTRAL),
    "with_code": (mark("with payment code"), Tone.INFO),
}
PROFILE: Final[Mapping[str, str]] = {
    "greek": mark("Greek headers, UTF-8"),
    "greek_cp1253": mark("Greek headers, Windows-1253"),
    "turkish": mark("Turkish headers, UTF-8"),
    "turkish_cp1254": mark("Turkish headers, Windows-1254"),
    "english": mark("English headers, comma, UTF-8"),
}
ACTION: Final[Mapping[str, str]] = {
    "code.issued": mark("Code issued"),
    "code.registered": mark("Known at the provider"),
    "code.differs": mark("The provider answered with another code"),
    "code.refused_there": mark("Refused by the provider"),
    "code.sent": mark("Mailed to the customer"),
    "code.payment": mark("Payment booked"),
    "code.expired": mark("Expired"),
    "code.cancelled": mark("Cancelled"),
    "code.batch_undone": mark("Cancelled: its batch was taken back"),
    "code.cancelled_there": mark("Withdrawn at the provider"),
    "code.superseded": mark("Replaced by a new code"),
    "code.list_shrank": mark("The provider's list lost payments"),
    "payment.exact": mark("Booked: exact"),
    "payment.under": mark("Booked: too little"),
    "payment.over": mark("Booked: too much"),
    "payment.late": mark("Booked: too late"),
    "payment.duplicate": mark("Listed twice, booked once"),
    "payment.reversal": mark("Reversal booked"),
    "payment.reversed": mark("Taken back by the bank"),
    "payment.unmatched": mark("Not matched"),
    "payment.assigned": mark("Given to a code"),
    "payment.part_assigned": mark("Part given to a code"),
    "payment.matched": mark("Reversal found its payment"),
    "payment.split": mark("Split among several codes"),
    "payment.returned": mark("Return noted"),
    "payment.listed": mark("Found in the provider's list"),
    "payment.on_statement": mark("Seen on a bank statement"),
    "code.list_whole": mark("The provider's list is whole again"),
    "exchange.revealed": mark("What was sent and answered was shown in clear"),
}
JOB: Final[Mapping[str, tuple[str, Tone]]] = {
    "queued": (mark("waiting"), Tone.WAITING),
    "running": (mark("running"), Tone.INFO),
    "succeeded": (mark("done"), Tone.OK),
    "partially_succeeded": (mark("done, with problems"), Tone.WARNING),
    "failed": (mark("failed"), Tone.ERROR),
    "cancelled": (mark("stopped"), Tone.NEUTRAL),
}
ROW_OUTCOME: Final[Mapping[str, tuple[str, Tone]]] = {
    "issued": (mark("Codes issued"), Tone.OK),
    "exists": (mark("Had their code already"), Tone.INFO),
    "valid": (mark("Ready to issue"), Tone.OK),
    "refused": (mark("Refused"), Tone.ERROR),
    "undoable": (mark("Can be taken back"), Tone.INFO),
    "undone": (mark("Taken back"), Tone.OK),
    "kept": (mark("Stay: used since"), Tone.WARNING),
    "gone": (mark("Cancelled, replaced or expired before"), Tone.NEUTRAL),
}
FIELD: Final[Mapping[str, str]] = {
    "document": mark("Document number"),
    "customer_id": mark("Customer number"),
    "customer_name": mark("Customer"),
    "amount": mark("Amount"),
    "email": mark("Mail address"),
    "language": mark("Language of the customer"),
    "description": mark("Purpose"),
    "valid_until": mark("Valid until"),
    "kind": mark("Kind of document"),
}
_ACTION_TONES: Final = {
    "code.payment": Tone.OK,
    "code.differs": Tone.ERROR,
    "code.refused_there": Tone.ERROR,
    "code.list_shrank": Tone.ERROR,
    "code.expired": Tone.WARNING,
}


def renderer() -> Renderer:
    """The page renderer of this context."""
    return application().renderer


def words_of(request: Request) -> Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


class Say:
    """The words of this context in one language, as templates and routes use them."""

    def __init__(self, words: Language) -> None:
        self.words = words

    def status(self, status: CodeStatus) -> Status:
        """Where a code stands."""
        label, tone = STATUS[status]
        return Status(self.words.text(label), tone)

    def outcome(self, outcome: Outcome) -> Status:
        """What became of a payment."""
        label, tone = OUTCOME[outcome]
        return Status(self.words.text(label), tone)

    def mail(self, state: MailState) -> Status:
        """What became of a mail."""
        label, tone = MAIL[state]
        return Status(self.words.text(label), tone)

    def connection(self, state: ConnectionState) -> Status:
        """How the connection to the provider is."""
        label, tone = CONNECTION[state]
        return Status(self.words.text(label), tone)

    def line(self, outcome: str) -> Status:
        """What a line of a statement was."""
        label, tone = LINE[outcome]
        return Status(self.words.text(label), tone)

    def job(self, status: str) -> Status:
        """Where a job stands."""
        label, tone = JOB[status]
        return Status(self.words.text(label), tone)

    def row_outcome(self, name: str) -> str:
        """What became of rows of a batch."""
        return self.words.text(ROW_OUTCOME[name][0])

    def row_tone(self, name: str) -> str:
        """How an outcome of rows looks."""
        return ROW_OUTCOME[name][1].value

    def field(self, name: str) -> str:
        """A field of a batch."""
        return self.words.text(FIELD[name]) if name in FIELD else name

    def source(self, kind: str) -> str:
        """A kind of document."""
        return self.words.text(SOURCE[kind])

    def reason(self, reason: str) -> str:
        """Why a payment is not matched."""
        return self.words.text(REASON[reason]) if reason in REASON else reason

    def action(self, action: str) -> str:
        """One line of history."""
        if action in ACTION:
            return self.words.text(ACTION[action])
        return action.replace("_", " ")

    def problem(self, code: str, message: str) -> str:
        """What is wrong with a field."""
        return self.words.problem(code) if self.words.knows("problem", code) else message

    def at(self, text: str) -> datetime | None:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text) if text else None


def action_tone(action: str) -> Tone:
    """How an action looks in a history."""
    return _ACTION_TONES.get(action, Tone.NEUTRAL)


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words; on the payer's page without anything of the console."""
    view = view_of(app, request, zone=ZONE)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    portal = request.path.startswith("/pay/")
    return reply(
        renderer().error(view, status, detail=detail or None, trace_id=trace_id, portal=portal)
    )
