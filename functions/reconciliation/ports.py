"""What the use cases of reconciliation need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from kernel.errors import KopruError, Problem
from kernel.files import UploadedFile, UploadForm
from kernel.identifiers.ledger_party import LedgerParty
from kernel.mail_delivery import MailNews
from kernel.mailing import MailOutcome
from kernel.periods import Period
from kernel.sensitive import Email, Secret
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
from reconciliation.domain.access import PortalAccess, PortalSession
from reconciliation.domain.answer import Answer
from reconciliation.domain.contact import Contacts
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields
from reconciliation.domain.difference import Case, LineNote, TheirStatement
from reconciliation.domain.e_invoice import EInvoice, InvoiceView
from reconciliation.domain.ledger import Direction, EntryFields, Form, LedgerEntry
from reconciliation.domain.letter import Edition, Letter, LetterMail, LetterState
from reconciliation.domain.letter_template import LetterTemplate, LetterText
from reconciliation.domain.mailing import MailingSettings, Sender
from reconciliation.domain.month_sums import MonthSums
from reconciliation.domain.parameters import OwnRows
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from reconciliation.domain.statement_match import Match, StatementLine
from reconciliation.domain.visit import Visit


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its worker sees it."""

    id: str
    kind: str
    status: str
    private: Mapping[str, Any]
    total: int = 0
    done: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    created_at: str = ""


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

    def letter_mail(self, mail_id: str) -> LetterMail | None: ...
    def letter_mails(self, ids: Iterable[str]) -> dict[str, LetterMail]: ...
    def letter_mail_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[LetterMail], Position | None]:
        """Mails about a month, in the order in which they were asked for."""
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


# ---------------------------------------------------------------------------- letters

LETTER_MAIL_TAG: Final = "kopru-letter-mail"
"""Tag that every mail of a letter carries and every report about it brings back."""


@dataclass(frozen=True, slots=True)
class LetterPaper:
    """Everything a letter says, whether on paper or in a mail.

    Shapes: ``receiver`` is the account card that gets it; ``legal`` are references of verified
    parameter rows the letter may name; ``text`` is the approved wording, its places not filled.
    """

    letter: Letter
    sender: Sender
    receiver: Counterparty
    text: LetterText
    legal: tuple[str, ...] = ()


class PaperError(KopruError):
    """A letter could not be put on paper; that letter only (L11)."""


class LetterPdf(Protocol):
    """Makes the paper."""

    def render(self, paper: LetterPaper) -> bytes:
        """The letter as PDF bytes in its language; the same paper gives the same bytes.

        Raises: PaperError.
        """
        ...


class LetterMailer(Protocol):
    """Writes and hands over the mail with a letter."""

    def send(
        self,
        tenant_id: str,
        mail: LetterMail,
        paper: LetterPaper,
        pdf: bytes,
        *,
        link: str,
        unsubscribe: str,
    ) -> MailOutcome:
        """One attempt; never raises for what the service or the network did. An empty ``link``
        leaves the button out, an empty ``unsubscribe`` the way out of a subscription.
        """
        ...


class AccessLinks(Protocol):
    """How a counterparty gets to its letter and its account."""

    def link_for(self, counterparty: Counterparty, letter: Letter | None = None) -> str:
        """Address of the page that shows the letter, or of the counterparty's own entrance; empty
        when it has no access. The same link may be made again at any time.
        """
        ...

    def unsubscribe_for(self, counterparty: Counterparty, email: Email) -> str:
        """Address that ends a subscription of this address by one POST; empty when there is
        none.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailReport:
    """One report of the mail service, already understood."""

    tenant_id: str
    mail_id: str
    provider_id: str
    news: MailNews
    permanent: bool


@dataclass(frozen=True, slots=True)
class MailLine:
    """One line of the mail report: a mail, its letter as it is now, and the account card."""

    mail: LetterMail
    letter: Letter | None
    card: Counterparty | None


# ---------------------------------------------------------------------------- files


class FileAccess(Protocol):
    """Uploads of one tenant."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once; a repeated worker changes nothing."""
        ...

    def export(self, export_id: str) -> UploadedFile:
        """A generated file. Raises NotFoundError."""
        ...


ImportKind = Literal["counterparties", "ledger_entries", "e_invoices_sales", "e_invoices_purchase"]


class TableFiles(Protocol):
    """Reads tables of account cards and of ledger lines.

    Rows come as (line of the file, read it): reading a row raises ValidationError with everything
    that is wrong with it. A file that is no such table raises ValidationError at once.
    """

    def counterparties(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], CounterpartyFields]]]: ...
    def ledger_entries(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], EntryFields]]]: ...
    def documents(self, file: UploadedFile) -> Iterator[bytes]:
        """The documents of a file: itself, or the members of an archive. Raises ValidationError."""
        ...

    def returned(
        self,
        job_kind: str,
        file: UploadedFile,
        problems: Sequence[tuple[int, Problem]],
        *,
        language: str,
    ) -> bytes:
        """The table as a workbook, with what is wrong beside every row, by its line."""
        ...


class InvoiceReader(Protocol):
    """Reads electronic documents."""

    def read(self, content: bytes) -> InvoiceView:
        """The neutral view. Raises ValidationError with everything that is wrong."""
        ...


# ---------------------------------------------------------------------------- portal

Digest = Callable[[str], str]
"""One-way hash under which a token is stored."""


@dataclass(frozen=True, slots=True)
class AccessLink:
    """Where a mail leads its reader.

    Shapes: an invitation lets the counterparty choose its password and ends at ``expires_at``;
    otherwise the link is the sign-in page with the user name filled in, and never ends.
    """

    url: str
    user_name: str
    is_invitation: bool
    expires_at: datetime | None = None


class EvidenceFiles(Protocol):
    """Uploads, and files that are kept for good."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def exists(self, upload_id: str) -> None:
        """Raises NotFoundError for an unknown upload."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_evidence(self, name: str, file: UploadedFile) -> None:
        """Keep a file for good; a repeated worker changes nothing."""
        ...

    def evidence(self, name: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser's own form sends one file; afterwards it goes on at ``back_to``."""
        ...


class StatementReader(Protocol):
    """Reads statements of counterparties."""

    def lines(self, file: UploadedFile) -> Iterator[tuple[int, Callable[[], StatementLine | None]]]:
        """Rows as (line of the file, read it); None is a row that is no movement.

        Raises: ValidationError for a file that is no such table; so does reading a wrong row.
        """
        ...


class MatchFiles(Protocol):
    """Lists of differences as files."""

    def write(self, matches: Iterable[Match]) -> bytes:
        """Equal lists give equal bytes."""
        ...

    def read(self, content: bytes) -> Iterator[Match]: ...


class InvitationTokens(Protocol):
    """Tokens of invitations; nothing of them is stored."""

    def token(self, tenant_id: str, access: PortalAccess) -> str: ...
    def read(self, token: str) -> tuple[str, str, int] | None:
        """Tenant, counterparty and generation; None for whatever was not made here."""
        ...


@dataclass(frozen=True, slots=True)
class PortalMailText:
    """What a mail of the portal is filled with.

    Shapes: ``link`` is its button; ``until`` is when an invitation ends; ``letter`` and ``file``
    belong to our statement after a disagreement.
    """

    counterparty: Counterparty
    sender: str
    link: str
    until: datetime | None = None
    letter: Letter | None = None
    file: UploadedFile | None = None


class PortalMailer(Protocol):
    """Writes and hands over mails of the portal."""

    def send(self, tenant_id: str, mail: PortalMail, text: PortalMailText) -> MailOutcome:
        """One attempt; never raises for what the service or the network did."""
        ...


class LetterTokens(Protocol):
    """Tokens of the pages that show one letter; nothing of them is stored."""

    def token(self, tenant_id: str, letter_id: str, counterparty_id: str, /) -> str: ...
    def read(self, token: str) -> tuple[str, str, str] | None:
        """Tenant, letter and counterparty; None for whatever was not made here."""
        ...


class SubscriptionTokens(Protocol):
    """Tokens that confirm or end a subscription; nothing of them is stored."""

    def token(self, tenant_id: str, counterparty_id: str, address: str, /) -> str: ...
    def read(self, token: str) -> tuple[str, str, str] | None:
        """Tenant, counterparty and digest of the address; None for what was not made here."""
        ...


class Tokens(Protocol):
    """Unguessable texts."""

    def new(self) -> Secret:
        """A new token of 256 bits, URL-safe."""
        ...


class UserNames(Protocol):
    """Names by which counterparties sign in."""

    def new(self) -> str:
        """A name nobody can guess from another one; taken ones are refused when they are stored."""
        ...


class PasswordHasher(Protocol):
    """Makes and checks password hashes."""

    def hash(self, password: Secret) -> str: ...
    def verify(self, password_hash: str | None, password: Secret) -> bool:
        """Whether they belong together; takes as long without a hash as with one."""
        ...


class Throttle(Protocol):
    """Counts acts per subject and window."""

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        """Raises TooManyRequestsError above the limit."""
        ...

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None: ...


class AccessStore(Protocol):
    """Accesses of one tenant's counterparties."""

    def access(self, counterparty_id: str) -> PortalAccess | None: ...
    def accesses(self, counterparty_ids: Iterable[str]) -> dict[str, PortalAccess]:
        """By counterparty; who has none is absent."""
        ...

    def add(self, accesses: Sequence[PortalAccess]) -> None:
        """Add up to twenty, all or none. Raises: WriteRefusedError when one exists already, or
        somebody has its user name.
        """
        ...

    def save(
        self, before: PortalAccess, after: PortalAccess, action: str, detail: Mapping[str, Any]
    ) -> PortalAccess:
        """Raises: WriteRefusedError when it is not what was read."""
        ...

    def note_seen(self, counterparty_id: str, at: datetime) -> None:
        """When the counterparty was here last; no change of the access."""
        ...

    def note_visit(self, subject: str, visit: Visit) -> None:
        """Keep one visit a minute and kind of visitor, so that a storm of visits stays small."""
        ...

    def visits(self, subject: str) -> list[Visit]:
        """Oldest first, at most two hundred."""
        ...


class AccessDirectory(Protocol):
    """What is known before anybody knows the tenant: user names and sessions."""

    def owner_of(self, user_name: str) -> tuple[str, str] | None:
        """Tenant and counterparty."""
        ...

    def session(self, digest: str) -> PortalSession | None: ...
    def open_session(self, session: PortalSession) -> None: ...
    def touch_session(self, digest: str, at: datetime) -> None: ...
    def close_session(self, digest: str) -> None: ...
