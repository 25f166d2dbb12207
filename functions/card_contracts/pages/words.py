"""Words of this context outside of templates: renderer, reader, states, explanations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from card_contracts.bootstrap import application
from card_contracts.domain.contract import ContractState
from card_contracts.domain.matching import MatchKind
from card_contracts.domain.sale import LineStatus, SaleState
from kernel.errors import KopruError, Problem
from kernel.storing import HistoryLine
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.actors import who
from webkit.components import (
    FieldProblem,
    Status,
    TimelineEntry,
    Tone,
)
from webkit.i18n import Language, choose_language, mark
from webkit.reader import language_of, reply, view_of
from webkit.render import Renderer

CONTRACT: Final[Mapping[ContractState, tuple[str, Tone]]] = {
    ContractState.OPEN: (mark("open"), Tone.OK),
    ContractState.LOCKED: (mark("locked"), Tone.NEUTRAL),
    ContractState.REMOVED: (mark("removed"), Tone.NEUTRAL),
}
SALE: Final[Mapping[SaleState, tuple[str, Tone]]] = {
    SaleState.POSTED: (mark("posted"), Tone.OK),
    SaleState.PARTLY_REFUNDED: (mark("partly refunded"), Tone.WARNING),
    SaleState.REFUNDED: (mark("refunded"), Tone.NEUTRAL),
    SaleState.CANCELLED: (mark("cancelled"), Tone.NEUTRAL),
}
LINE: Final[Mapping[LineStatus, tuple[str, Tone]]] = {
    LineStatus.EXPECTED: (mark("expected"), Tone.WAITING),
    LineStatus.SETTLED: (mark("arrived"), Tone.OK),
    LineStatus.CANCELLED: (mark("cancelled"), Tone.NEUTRAL),
}
MATCH: Final[Mapping[str, tuple[str, Tone]]] = {
    "suggested": (mark("suggested"), Tone.WARNING),
    "unmatched": (mark("not matched"), Tone.WAITING),
    "confirmed": (mark("confirmed"), Tone.OK),
    "undone": (mark("turned down or taken back"), Tone.NEUTRAL),
    "set_aside": (mark("set aside"), Tone.NEUTRAL),
    "settling": (mark("being confirmed"), Tone.WAITING),
    "releasing": (mark("being taken back"), Tone.WAITING),
}
KIND: Final[Mapping[MatchKind, str]] = {
    MatchKind.EXACT: mark("Exactly one payment"),
    MatchKind.DIFFERENCE: mark("About one payment"),
    MatchKind.MERGED: mark("Several payments at once"),
    MatchKind.SPLIT: mark("A payment in parts"),
    MatchKind.MANUAL: mark("Put together by hand"),
}
JOB: Final[Mapping[str, tuple[str, Tone]]] = {
    "queued": (mark("waiting"), Tone.WAITING),
    "running": (mark("running"), Tone.WAITING),
    "succeeded": (mark("finished"), Tone.OK),
    "partially_succeeded": (mark("finished with problems"), Tone.WARNING),
    "failed": (mark("failed"), Tone.ERROR),
    "cancelled": (mark("cancelled"), Tone.NEUTRAL),
}
PROFILE: Final[Mapping[str, str]] = {
    "greek": mark("Greek columns"),
    "greek_cp1253": mark("Greek columns, Windows letters"),
    "turkish": mark("Turkish columns"),
    "turkish_cp1254": mark("Turkish columns, Windows letters"),
    "english": mark("English columns"),
}
ACTION: Final[Mapping[str, str]] = {
    "contract.registered": mark("Contract registered"),
    "contract.revised": mark("New revision"),
    "contract.locked": mark("Locked for collections"),
    "contract.opened": mark("Opened for collections"),
    "contract.removed": mark("Removed"),
    "sale.posted": mark("Sale posted"),
    "sale.refunded": mark("Refund posted"),
    "sale.cancelled": mark("Sale cancelled"),
    "sale.import_undone": mark("Sale cancelled: its import was taken back"),
    "match.suggested": mark("Match suggested"),
    "match.confirmed": mark("Match confirmed"),
    "match.undone": mark("Match taken back"),
    "match.settling": mark("Payments are being marked"),
    "match.releasing": mark("Payments are being freed"),
    "settings.changed": mark("Settings changed"),
    "settings.event_secret_renewed": mark("New secret for sale events"),
}


# Names of the columns of a file of sales.
ROW_FIELD: Final[Mapping[str, str]] = {
    "document_no": mark("Document"),
    "contract_code": mark("Contract"),
    "sold_on": mark("Date"),
    "amount": mark("Amount"),
    "currency": mark("Currency"),
    "instalments": mark("Instalments"),
    "kind": mark("Kind"),
    "sale_document_no": mark("Document of the sale"),
    "deductions": mark("Deductions of the bank"),
}


# Names of the fields of the contract editor.
FIELD: Final[Mapping[str, str]] = {
    "code": mark("Code"),
    "card_code": mark("Card"),
    "bank_account_code": mark("Bank account"),
    "starts_on": mark("Valid from"),
    "ends_on": mark("Valid until"),
    "business_day_rule": mark("When a payment falls on a holiday"),
    "remainder_on": mark("Where the remainder goes"),
    "from": mark("From"),
    "to": mark("To"),
    "skip_months": mark("Months to skip"),
    "skip_and_block": mark("Months and blockage together"),
    "value": mark("Value"),
    "strategy": mark("Reading of it"),
    "sequence": mark("Sequence"),
    "timing": mark("When"),
    "amount": mark("Amount"),
    "instalments": mark("Instalments"),
    "sold_on": mark("Sold on"),
}


# Choices of the contract editor, by field; the source's own words stand in the Turkish catalogue.
CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "calendar": {"TR": mark("Türkiye"), "GR": mark("Greece")},
    "business_day_rule": {
        "following": mark("next business day"),
        "none": mark("calendar day, never moved"),
    },
    "remainder_on": {"first": mark("first instalment"), "last": mark("last instalment")},
    "currency": {"TRY": "TRY", "EUR": "EUR"},
    "collection": {
        "deferred": mark("Deferred: split into instalments"),
        "single": mark("Single: everything at once"),
    },
    "blockage_kind": {"fixed_day": mark("Fixed day"), "added_days": mark("Added days")},
    "on_day": {"next_month": mark("next month"), "same_day": mark("the same day")},
    "skip_and_block": {
        "skip_then_block": mark("skip the months, then block"),
        "block_then_skip": mark("block, then skip the months"),
    },
    "maturity_kind": {
        "monthly": mark("Monthly"),
        "fixed_day": mark("Fixed day"),
        "added_days": mark("Added days"),
        "added_days_plus_one": mark("Added days (+1)"),
        "dynamic": mark("Dynamic value"),
    },
    "strategy": {
        "bands": mark("dynamic: bands of days"),
        "cutoff": mark("dynamic: cutoff day"),
        "calendar_day": mark("(+1): one calendar day"),
        "business_day": mark("(+1): one business day"),
    },
    "kind": {"rate": mark("percent"), "amount": mark("amount per sale")},
    "timing": {
        "per_instalment": mark("per instalment"),
        "first_collection": mark("first collection"),
    },
    "basis": {
        "gross": mark("gross"),
        "net": mark("net of earlier ones"),
        "on_deduction": mark("of a deduction"),
    },
}


# Choices of the lists, by field.
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "calendar": CHOICES["calendar"],
    "card_kind": {
        "credit": mark("credit card"),
        "debit": mark("debit card"),
        "prepaid": mark("prepaid card"),
    },
    "issuer": {"own": mark("the same bank"), "other_banks": mark("other banks")},
    "account_kind": {"deposit": mark("deposit account"), "card": mark("credit card account")},
    "deduction_type": {
        "commission": mark("commission"),
        "tax": mark("tax"),
        "contribution": mark("contribution"),
        "service": mark("service commission"),
        "reward": mark("points and rewards"),
        "other": mark("other"),
    },
    "day_kind": {
        "holiday": mark("a holiday"),
        "half_day": mark("a half day"),
        "working_day": mark("a working day"),
    },
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

    def contract(self, state: ContractState) -> Status:
        """Whether collections may use a contract."""
        label, tone = CONTRACT[state]
        return Status(self.words.text(label), tone)

    def sale(self, state: SaleState) -> Status:
        """Where a sale stands."""
        label, tone = SALE[state]
        return Status(self.words.text(label), tone)

    def line(self, status: LineStatus) -> Status:
        """What is known about a payment."""
        label, tone = LINE[status]
        return Status(self.words.text(label), tone)

    COUNTS: Final[Mapping[str, str]] = {
        "new": mark("New lines"),
        "known": mark("Known lines"),
        "confirmed": mark("Confirmed matches"),
        "suggested": mark("Suggested matches"),
        "lines": mark("Lines"),
        "posted": mark("Rows posted"),
        "unchanged": mark("Known sales"),
        "valid": mark("Right rows"),
        "refused": mark("Wrong rows"),
        "undoable": mark("Can be taken back"),
        "undone": mark("Taken back"),
        "kept": mark("Stay as they are"),
        "gone": mark("Cancelled before"),
    }

    def match(self, name: str) -> Status:
        """Where a match or a line stands."""
        label, tone = MATCH[name]
        return Status(self.words.text(label), tone)

    def kind(self, kind: MatchKind) -> str:
        """How a match fits."""
        return self.words.text(KIND[kind])

    def job(self, status: str) -> Status:
        """How far a job is."""
        label, tone = JOB[status]
        return Status(self.words.text(label), tone)

    def drift(self, *, beyond: bool) -> Status:
        """Whether somebody has to ask the bank."""
        if beyond:
            return Status(self.words.text("ask the bank"), Tone.WARNING)
        return Status(self.words.text("as agreed"), Tone.OK)

    def count(self, name: str) -> str:
        """What a number of an import counts."""
        return self.words.text(self.COUNTS[name])

    def action(self, action: str) -> str:
        """One line of history."""
        return self.words.text(ACTION[action]) if action in ACTION else action.replace("_", " ")

    def entry(self, line: HistoryLine, reader: str, *, raw: bool = False) -> TimelineEntry:
        """One line of history for a reader; people and programs are not called by their ids."""
        return TimelineEntry(
            self.action(line.action),
            at=self.at(line.at),
            actor=who(line.actor, reader, self.words),
            raw=(dict(line.detail) or None) if raw else None,
        )

    def at(self, text: str) -> datetime | None:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text) if text else None

    def problem(self, code: str, message: str) -> str:
        """What is wrong with a field."""
        return self.words.problem(code) if self.words.knows("problem", code) else message

    def row_place(self, problem: Mapping[str, Any]) -> str:
        """Where something stands in a file: its line, and the name of its field in a table."""
        parts = str(problem.get("pointer", "")).strip("/").split("/")
        line = str(problem.get("line") or (parts[1] if parts[0] == "rows" else ""))
        name = ROW_FIELD.get(parts[-1])
        return " · ".join(part for part in (line, self.words.text(name) if name else "") if part)

    def placed(self, problem: Problem) -> FieldProblem:
        """What is wrong, with the name of its field before it, and a way there."""
        text = self.problem(problem.code, problem.message)
        name = FIELD.get(problem.pointer.rpartition("/")[2])
        field = problem.pointer.strip("/").replace("/", "-")
        label = self.words.text(name) if name is not None else ""
        return FieldProblem(f"{label}: {text}" if label else text, field or None)


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words; on the public feed without anything of the console."""
    view = view_of(app, request)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    portal = request.path.startswith("/cash-calendar/")
    return reply(
        renderer().error(view, status, detail=detail or None, trace_id=trace_id, portal=portal)
    )
