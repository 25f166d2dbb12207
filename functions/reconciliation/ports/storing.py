"""Where everything is kept: what one use case writes, and what it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kernel.identifiers.ledger_party import LedgerParty
from kernel.periods import Period
from kernel.sensitive import Email
from kernel.signed_events import RefusedEvent
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
from reconciliation.domain.access import PortalAccess
from reconciliation.domain.answer import Answer
from reconciliation.domain.book_event import EventSecret
from reconciliation.domain.contact import Contacts
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.difference import Case, LineNote, TheirStatement
from reconciliation.domain.e_invoice import EInvoice
from reconciliation.domain.ledger import Direction, EntryFields, Form, LedgerEntry
from reconciliation.domain.letter import Edition, Letter, LetterMail, LetterState
from reconciliation.domain.letter_template import LetterTemplate
from reconciliation.domain.mailing import MailingSettings
from reconciliation.domain.month_sums import MonthSums
from reconciliation.domain.parameters import OwnRows
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from reconciliation.domain.suppression import Suppression
from reconciliation.ports.books import JobView


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line belongs: its counterparty, its key there, and the month of its document."""

    counterparty_id: str
    key: str
    period: Period


@dataclass(frozen=True, slots=True)
class Located:
    """What is stored of a line: its current content, and the row at the place it belongs to now.

    Shapes: both are the same row while the document stays in its month; ``target`` may be what was
    left behind when it moved away before.
    """

    current: LedgerEntry | None
    target: LedgerEntry | None


@dataclass(frozen=True, slots=True)
class MailToSend:
    """What handing one mail over begins with, read at one moment."""

    mail: LetterMail
    letter: Letter
    settings: MailingSettings
    rules: OwnRows


class ReconciliationUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all.

    ``detail`` holds ids, codes, counts and minor units, never personal data. A ``save_…`` holds
    only while the entity is what was read.
    """

    def add_counterparty(self, counterparty: Counterparty) -> Counterparty:
        """Add an account card; its code is taken for ever."""
        ...

    def save_counterparty(
        self, before: Counterparty, after: Counterparty, action: str
    ) -> Counterparty: ...
    def add_invoice(self, invoice: EInvoice) -> EInvoice:
        """Add an e-invoice; its UUID is taken for ever in its direction."""
        ...

    def save_parameters(self, before: OwnRows, after: OwnRows) -> OwnRows: ...
    def note_batch(self, batch_id: str, detail: Mapping[str, Any]) -> None:
        """History and audit of the lines written beside it."""
        ...

    def know_months(self, known: Mapping[tuple[str, Period], Collection[Direction]]) -> None:
        """Directions of which lines of a card and month are known, read before lines are written.
        Refused (label ``sums``) when that changed meanwhile.
        """
        ...

    def write_entry(self, entry: LedgerEntry, located: Located) -> None:
        """Write a line; what it said before is kept, and marked in the month it moved from. The
        sums of the months move along.
        """
        ...

    # letters

    def add_letter(self, letter: Letter) -> None:
        """Add a letter; its id says what it is about, so it cannot be there twice."""
        ...

    def save_letter(
        self, before: Letter, after: Letter, action: str, detail: Mapping[str, Any] | None = None
    ) -> Letter:
        """Write a letter, its new edition if there is one, and how many there are by state."""
        ...

    def require_letter(self, letter: Letter) -> None:
        """Refused (label ``letter_changed``) when the letter is not what was read."""
        ...

    def require_counterparty(self, counterparty: Counterparty) -> None:
        """Refused (label ``counterparty_changed``) when the account card is not what was read."""
        ...

    def require_settings(self, settings: MailingSettings) -> None:
        """Refused (label ``settings_changed``) when the settings are not what was read."""
        ...

    def add_letter_mail(self, mail: LetterMail) -> None:
        """Add a mail; its id says letter, kind and address, so it cannot be there twice."""
        ...

    def save_letter_mail(
        self, before: LetterMail, after: LetterMail, action: str
    ) -> LetterMail: ...
    def require_not_suppressed(self, email: Email) -> None:
        """Refused (label ``suppressed``) when nothing may be mailed to this address."""
        ...

    def lift_suppression(self, found: Suppression, note: str) -> None:
        """Let mails through again, if the address is still silenced for that reason."""
        ...

    def suppress(self, email: Email, reason: str) -> None:
        """Mail nothing to this address any more."""
        ...

    def add_template(self, template: LetterTemplate) -> None: ...
    def save_template(self, before: LetterTemplate, after: LetterTemplate, action: str) -> None: ...
    def save_mailing_settings(
        self, before: MailingSettings, after: MailingSettings, next_run: datetime | None
    ) -> MailingSettings: ...
    def set_next_run(self, next_run: datetime | None) -> None:
        """When the company's letters leave by themselves the next time."""
        ...

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell other contexts, if and only if this commits."""
        ...

    # answers

    def add_answer(self, answer: Answer) -> None:
        """Write an answer down; refused when it is there already."""
        ...

    def save_answer(self, before: Answer, after: Answer, action: str) -> Answer: ...

    # differences

    def add_statement(self, statement: TheirStatement) -> None:
        """Write down that a statement came; refused when it is there already."""
        ...

    def save_statement(
        self, before: TheirStatement, after: TheirStatement, action: str
    ) -> TheirStatement: ...
    def add_case(self, case: Case) -> None:
        """Open the case of a letter; refused when there is one."""
        ...

    def save_case(self, before: Case, after: Case, action: str) -> Case: ...
    def add_line_note(self, letter_id: str, note: LineNote) -> None: ...

    # mails of the portal

    def save_access(
        self, before: PortalAccess, after: PortalAccess, action: str, detail: Mapping[str, Any]
    ) -> PortalAccess:
        """Change an access beside other writes."""
        ...

    def add_portal_mail(self, mail: PortalMail) -> None:
        """Add a mail; its id says what it is about, so it cannot be there twice."""
        ...

    def save_portal_mail(
        self, before: PortalMail, after: PortalMail, action: str
    ) -> PortalMail: ...
    def save_contacts(self, before: Contacts, after: Contacts, action: str) -> Contacts: ...
    def enqueue(self, queue: str, message: Mapping[str, Any]) -> None:
        """Give work to a queue: ``import``, ``mailing`` or ``mail``."""
        ...

    def create_job(
        self, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
    ) -> None: ...
    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None:
        """Close a job once, with how many rows it had and how many of them went wrong."""
        ...

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None: ...
    def received(self, source: str, event_id: str) -> None:
        """Note a signed event in the inbox (label ``inbox``)."""
        ...

    def add_refused_event(self, event: RefusedEvent) -> None: ...
    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent: ...
    def save_event_secret(self, before: EventSecret, after: EventSecret) -> None: ...
    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        """Store the answer of a command beside its effect."""
        ...

    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class ReconciliationStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> ReconciliationUnit: ...
    def entry_key(self, identity: Sequence[str]) -> str:
        """Key of a line within its counterparty."""
        ...

    def counterparty(self, counterparty_id: str) -> Counterparty:
        """One account card. Raises NotFoundError for an unknown, foreign or removed one."""
        ...

    def counterparties(self, ids: Iterable[str]) -> dict[str, Counterparty]:
        """Account cards by id, also removed ones."""
        ...

    def counterparties_by_code(self, codes: Iterable[str]) -> dict[str, Counterparty]:
        """Account cards by their code in the books, also removed ones; unknown codes are absent."""
        ...

    def counterparties_of(self, party: LedgerParty) -> list[Counterparty]:
        """Account cards with this tax or identity number, also removed ones; none for a number
        that stands for nobody.
        """
        ...

    def counterparty_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Counterparty], Position | None]:
        """Account cards that were not removed, oldest first."""
        ...

    def former(self, places: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str], EntryFields]:
        """What lines said before, by counterparty and key; asked for by version."""
        ...

    def locate(self, places: Sequence[Place]) -> dict[tuple[str, str], Located]:
        """What is stored of lines, by counterparty and key."""
        ...

    def entries(self, period: Period) -> Iterator[LedgerEntry]:
        """All rows of a month, streamed; memory stays flat."""
        ...

    def month_sums(self, period: Period) -> Iterator[MonthSums]:
        """Sums of a month by account card, streamed."""
        ...

    def known_months(
        self, months: Collection[tuple[str, Period]]
    ) -> dict[tuple[str, Period], Collection[Direction]]:
        """Directions of which lines of cards and months were ever recorded."""
        ...

    def entry_page(
        self, period: Period, counterparty_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[LedgerEntry], Position | None]:
        """Rows of a month, of one counterparty unless its id is empty."""
        ...

    def invoice(self, invoice_id: str) -> EInvoice:
        """Raises NotFoundError for an unknown or foreign e-invoice."""
        ...

    def invoice_of(self, direction: Direction, uuid: str) -> EInvoice | None: ...
    def invoices_of(
        self, counterparty_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[EInvoice], Position | None]:
        """E-invoices with one account card, newest first."""
        ...

    def invoice_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[EInvoice], Position | None]:
        """E-invoices, newest first."""
        ...

    def parameters(self) -> OwnRows: ...
    def was_received(self, source: str, event_id: str) -> bool:
        """Whether a signed event is in the inbox."""
        ...

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        """Signed events that wait for a person, oldest first."""
        ...

    def refused_event(self, event_id: str) -> RefusedEvent:
        """One refused event. Raises NotFoundError."""
        ...

    def event_secret(self) -> EventSecret:
        """Which secret events are signed with; version 0 when none was made yet."""
        ...

    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command; raises for its key with another body."""
        ...

    # letters

    def letter_id(self, period: Period, form: Form, merge_key: str) -> str:
        """Id of the one letter over a row of a form; keyed, so it tells no tax number."""
        ...

    def letter_mail_id(self, letter_id: str, kind: str, email: Email) -> str:
        """Id of the one mail of a kind to an address."""
        ...

    def letter(self, letter_id: str) -> Letter:
        """Raises NotFoundError for an unknown or foreign letter."""
        ...

    def letters(self, ids: Iterable[str]) -> dict[str, Letter]: ...
    def letter_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[Letter], Position | None]:
        """Letters of a month, by form."""
        ...

    def letters_of(self, period: Period) -> Iterator[Letter]:
        """All letters of a month, streamed."""
        ...

    def editions(self, letter_id: str) -> list[Edition]:
        """All editions of a letter, oldest first; their PDFs' hashes stand on the letter."""
        ...

    def letter_board(self, period: Period) -> dict[tuple[Form, LetterState], tuple[int, int]]:
        """Letters of a month by form and state: how many, and their sum in minor units of lira."""
        ...

    def mail_to_send(self, mail_id: str, letter_id: str) -> MailToSend | None:
        """A mail with its letter, in one request when ``letter_id`` is known; None without it."""
        ...

    def receiver_and_text(
        self, counterparty_id: str, template_id: str
    ) -> tuple[Counterparty, LetterTemplate]:
        """An account card, also a removed one, and a letter text. Raises NotFoundError."""
        ...

    def letter_mail(self, mail_id: str) -> LetterMail | None: ...
    def letter_mails(self, ids: Iterable[str]) -> dict[str, LetterMail]: ...
    def letter_mail_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[LetterMail], Position | None]:
        """Mails about a month, in the order in which they were asked for."""
        ...

    def mail_matters(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[LetterMail | PortalMail], Position | None]:
        """Mails whose fate only a person can tell, oldest first."""
        ...

    def suppressions(self, emails: Iterable[Email]) -> list[Suppression]:
        """Those of the addresses that are silenced."""
        ...

    def is_suppressed(self, email: Email) -> bool:
        """Whether nothing may be mailed to this address."""
        ...

    def mailing_settings(self) -> MailingSettings: ...
    def templates(self) -> list[LetterTemplate]:
        """All versions of the letter texts, by language and version."""
        ...

    def template(self, template_id: str) -> LetterTemplate:
        """Raises NotFoundError."""
        ...

    # answers

    def answer(self, answer_id: str) -> Answer:
        """Raises NotFoundError for an unknown or foreign answer."""
        ...

    def answers_of(self, letter_id: str) -> list[Answer]:
        """Answers to a letter, oldest first, also those that were refused."""
        ...

    def answer_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[Answer], Position | None]:
        """Answers about a month, newest first."""
        ...

    # differences

    def statement(self, statement_id: str) -> TheirStatement:
        """Raises NotFoundError for an unknown or foreign statement."""
        ...

    def statements_of(self, letter_id: str) -> list[TheirStatement]:
        """Statements about a letter, oldest first."""
        ...

    def case(self, letter_id: str) -> Case | None: ...
    def cases(self, letter_ids: Iterable[str]) -> dict[str, Case]: ...
    def open_cases(self) -> list[Case]:
        """Cases that are not closed, oldest first."""
        ...

    def line_notes(self, letter_id: str) -> list[LineNote]:
        """Remarks about the lines of a case, oldest first."""
        ...

    # mails of the portal

    def portal_mail_id(
        self, kind: PortalMailKind, counterparty_id: str, what: str, to: Email
    ) -> str:
        """Id of the one mail of a kind about something to an address."""
        ...

    def portal_mail(self, mail_id: str) -> PortalMail | None: ...
    def subscribers(self, counterparty_ids: Iterable[str]) -> dict[str, tuple[Email, ...]]:
        """Addresses that get the letter of every month, by counterparty; none are absent."""
        ...

    def contacts_of(self, counterparty_ids: Iterable[str]) -> dict[str, Contacts]:
        """Addresses counterparties added themselves, by counterparty; who added none is absent."""
        ...

    def contacts(self, counterparty_id: str) -> Contacts:
        """Addresses the counterparty added itself, possibly none."""
        ...

    def history(self, subject: str) -> list[HistoryLine]:
        """What happened to an item, oldest first, the latest hundred lines."""
        ...

    def job(self, job_id: str) -> JobView | None: ...
    def jobs(self, kinds: Collection[str], limit: int) -> list[JobView]:
        """The newest jobs of these kinds."""
        ...

    def start_job(self, job_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for its time. Shapes: ``kind`` is what the row is; of a job, its kind."""

    kind: str
    id: str
    tenant_id: str
    due_at: datetime


class DueWork(Protocol):
    """Finds what is due over all tenants (schedules only)."""

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Jobs that are not over, mails that wait, companies whose letters leave today; each was
        pushed forward by condition.
        """
        ...
