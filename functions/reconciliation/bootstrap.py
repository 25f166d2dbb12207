"""Composition root of reconciliation: the only module that knows both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kernel.business_days import Calendar
from kernel.files import TableWriter, UploadedFile
from kernel.links import Links
from kernel.signed_events import EVENT_LIFETIME, Members
from reconciliation.adapters.dynamodb_access import (
    SYSTEM,
    DynamoAccessDirectory,
    DynamoAccessStore,
)
from reconciliation.adapters.dynamodb_reconciliation import (
    CONTEXT,
    DynamoDueWork,
    DynamoReconciliationStore,
)
from reconciliation.adapters.evidence_files import archive
from reconciliation.adapters.letter_pdf import ReportLabLetters
from reconciliation.adapters.portal_tokens import (
    LETTER,
    SUBSCRIPTION,
    RandomUserNames,
    SealedInvitations,
    SealedTriples,
)
from reconciliation.adapters.ses_letter_mailer import SesLetterMailer
from reconciliation.adapters.ses_portal_mailer import SesPortalMailer
from reconciliation.adapters.statement_files import (
    GzipMatches,
    StatementFiles,
    TabularStatements,
)
from reconciliation.adapters.table_files import TabularFiles
from reconciliation.adapters.ubl import UblInvoices
from reconciliation.application.access import (
    GiveLink,
    LinkMaker,
    PrepareAccess,
    RevokeAccess,
)
from reconciliation.application.account import ReadAccount, ReadMonths
from reconciliation.application.answers import AnswerForThem, GiveAnswer, TakeAnswer
from reconciliation.application.book_events import (
    ReceiveBookEvent,
    RenewEventSecret,
    SettleBookEvent,
    Stated,
    TakeBookEvent,
)
from reconciliation.application.contacts import CopyLetter, OpenConfirmation, Wishes
from reconciliation.application.context import Scope
from reconciliation.application.counterparties import (
    AddCounterparty,
    ChangeCounterparty,
    ListCounterparties,
    RemoveCounterparty,
)
from reconciliation.application.differences import (
    CompareStatements,
    LedgerChanged,
    ReadStatement,
    Room,
    SendStatement,
    ShowDifferences,
)
from reconciliation.application.evidence import CollectEvidence
from reconciliation.application.figures import ShowFigures
from reconciliation.application.imports import CorrectedWorkbook, RunImport, StartImport, StartUndo
from reconciliation.application.invoices import TakeInvoice
from reconciliation.application.ledger import ListEntries, PostEntries
from reconciliation.application.letter_page import OpenLetter
from reconciliation.application.letters import (
    ConfirmAddressee,
    ListLetters,
    RenewLetter,
    ShowPaper,
    WithdrawLetter,
)
from reconciliation.application.mail_matters import DecideMail, ListMatters
from reconciliation.application.mail_report import ListMails
from reconciliation.application.mailings import RunMailing, SaveMailingSettings, StartMailing
from reconciliation.application.parameters import SaveParameters
from reconciliation.application.portal_entry import (
    AcceptInvitation,
    Forgotten,
    Recognise,
    ShowInvitation,
    SignIn,
    Stores,
)
from reconciliation.application.portal_mails import RecordPortalMailReport, SendPortalMail
from reconciliation.application.portal_users import Invite, ListSubscriptions, ListUsers
from reconciliation.application.record_mail_report import RecordMailReport
from reconciliation.application.send_letter import SendLetter
from reconciliation.application.suppressions import LiftSuppression, ListSilenced
from reconciliation.application.sweep import Sweep
from reconciliation.application.templates import ApproveTemplate, DraftTemplate
from reconciliation.ports import (
    AccessDirectory,
    AccessStore,
    InvitationTokens,
    LetterMailer,
    LetterPdf,
    LetterTokens,
    PasswordHasher,
    PortalMailer,
    ReconciliationStore,
    SubscriptionTokens,
    Throttle,
)
from reconciliation.settings import ReconciliationSettings
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.limits import RateLimiter
from toolkit.aws.mail import MailService
from toolkit.aws.tenant_files import TenantFiles
from toolkit.http.cursor import Cursors
from toolkit.http.signing_keys import DerivedSigningKeys
from toolkit.platform import Platform
from toolkit.tabular.export_files import TabularExportFiles
from toolkit.tokens import RandomTokens, digest
from webkit.assets import Assets

if TYPE_CHECKING:
    from toolkit.aws.privacy_keeper import PrivacyKeeper
    from webkit.render import Renderer

_WAYS: Final = {"user": "staff", "key": "program"}
PAGES = Path(__file__).parent / "pages"


@dataclass
class Reconciliation:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> ReconciliationStore:
        """Reads and units of work."""
        app = self.application
        return DynamoReconciliationStore(
            app.platform.machinery,
            self.context,
            queue_url=app.settings.queue_url,
            index_key=lambda tenant_id: app.platform.app_secret.derive("party-index", tenant_id),
        )

    @cached_property
    def scope(self) -> Scope:
        """What the use cases are built from."""
        platform = self.application.platform
        return Scope(
            self.context.tenant_id,
            self.store,
            platform.clock,
            platform.ids,
            self.application.calendar,
            self.context.actor,
            _WAYS.get(self.context.actor.partition(":")[0], "import"),
        )

    @cached_property
    def files(self) -> TenantFiles:
        """Files of the tenant: uploads, exports, and what is kept for good."""
        return TenantFiles(self.application.platform.files, self.context.tenant_id)

    def add_counterparty(self) -> AddCounterparty:
        return AddCounterparty(self.scope)

    def change_counterparty(self) -> ChangeCounterparty:
        return ChangeCounterparty(self.scope)

    def remove_counterparty(self) -> RemoveCounterparty:
        return RemoveCounterparty(self.scope)

    def list_counterparties(self) -> ListCounterparties:
        return ListCounterparties(self.scope)

    def post_entries(self) -> PostEntries:
        return PostEntries(self.scope)

    def list_entries(self) -> ListEntries:
        return ListEntries(self.scope)

    def take_invoice(self) -> TakeInvoice:
        return TakeInvoice(self.scope, UblInvoices())

    def take_book_event(self) -> TakeBookEvent:
        return TakeBookEvent(self.scope, UblInvoices())

    def settle_book_event(self, members: Members, stated: Stated) -> SettleBookEvent:
        return SettleBookEvent(self.take_book_event(), members, stated)

    def renew_event_secret(self) -> RenewEventSecret:
        return RenewEventSecret(self.scope, self.application.event_keys)

    def show_figures(self) -> ShowFigures:
        return ShowFigures(self.scope)

    def save_parameters(self) -> SaveParameters:
        return SaveParameters(self.scope)

    def save_mailing_settings(self) -> SaveMailingSettings:
        return SaveMailingSettings(self.scope)

    def start_mailing(self) -> StartMailing:
        return StartMailing(self.scope)

    def run_mailing(self) -> RunMailing:
        return RunMailing(self.scope)

    def list_letters(self) -> ListLetters:
        return ListLetters(self.scope)

    def renew_letter(self) -> RenewLetter:
        return RenewLetter(self.scope)

    def withdraw_letter(self) -> WithdrawLetter:
        return WithdrawLetter(self.scope)

    def confirm_addressee(self) -> ConfirmAddressee:
        return ConfirmAddressee(self.scope)

    def draft_template(self) -> DraftTemplate:
        return DraftTemplate(self.scope)

    def approve_template(self) -> ApproveTemplate:
        return ApproveTemplate(self.scope, self.context.actor)

    def list_mails(self) -> ListMails:
        return ListMails(self.scope)

    def list_matters(self) -> ListMatters:
        return ListMatters(self.scope)

    def decide_mail(self) -> DecideMail:
        return DecideMail(self.scope)

    def list_silenced(self) -> ListSilenced:
        return ListSilenced(self.scope)

    def lift_suppression(self) -> LiftSuppression:
        return LiftSuppression(self.scope)

    def show_paper(self) -> ShowPaper:
        return ShowPaper(self.scope, self.application.letter_pdf, self.files)

    def send_letter(self) -> SendLetter:
        app = self.application
        return SendLetter(self.scope, app.letter_pdf, app.mailer, self.access_links, self.files)

    def start_import(self) -> StartImport:
        return StartImport(self.scope, self.files)

    def run_import(self) -> RunImport:
        return RunImport(self.scope, self.files, TabularFiles(), UblInvoices())

    def start_undo(self) -> StartUndo:
        return StartUndo(self.scope)

    def corrected_workbook(self) -> CorrectedWorkbook:
        return CorrectedWorkbook(self.scope, self.files)

    def read_account(self) -> ReadAccount:
        return ReadAccount(self.scope)

    def read_months(self) -> ReadMonths:
        return ReadMonths(self.scope)

    def give_answer(self) -> GiveAnswer:
        return GiveAnswer(self.scope)

    def take_answer(self) -> TakeAnswer:
        return TakeAnswer(self.scope)

    def answer_for_them(self) -> AnswerForThem:
        return AnswerForThem(self.scope)

    def send_statement(self) -> SendStatement:
        return SendStatement(self.scope, self.files)

    def read_statement(self) -> ReadStatement:
        return ReadStatement(self.scope, self.files, TabularStatements())

    def compare_statements(self) -> CompareStatements:
        return CompareStatements(self.scope, self.files, TabularStatements(), GzipMatches())

    def show_differences(self) -> ShowDifferences:
        return ShowDifferences(self.scope, self.files, GzipMatches())

    def difference_room(self) -> Room:
        return Room(self.scope)

    def ledger_changed(self) -> LedgerChanged:
        return LedgerChanged(self.scope)

    # ------------------------------------------------------------------ access

    @cached_property
    def access(self) -> AccessStore:
        """Accesses of counterparties."""
        return DynamoAccessStore(self.application.platform.machinery, self.context)

    def prepare_access(self) -> PrepareAccess:
        return PrepareAccess(self.access, RandomUserNames())

    def wishes(self) -> Wishes:
        return Wishes(self.scope, digest, self.application.portal.throttle)

    def copy_letter(self) -> CopyLetter:
        return CopyLetter(self.scope, digest)

    def send_portal_mail(self) -> SendPortalMail:
        return SendPortalMail(
            self.scope,
            self.application.portal_mailer,
            self.give_link(),
            self.access_links,
            StatementFiles(self.application.paper_renderer).write,
        )

    def evidence_archive(self, letter_id: str) -> UploadedFile:
        """The evidence of a letter as an archive."""
        collect = CollectEvidence(self.scope, self.access, self.files, self.show_paper())
        return archive(collect(letter_id), f"evidence-{letter_id}")

    def invite(self) -> Invite:
        return Invite(self.scope, self.access, self.prepare_access())

    def list_subscriptions(self) -> ListSubscriptions:
        return ListSubscriptions(self.scope)

    def list_users(self) -> ListUsers:
        return ListUsers(self.scope, self.access)

    @cached_property
    def access_links(self) -> LinkMaker:
        """``AccessLinks`` of the ports."""
        portal = self.application.portal
        return LinkMaker(
            self.context.tenant_id,
            self.give_link(),
            portal.letter_links,
            portal.subscription_links,
            digest,
            self.application.links,
        )

    def give_link(self) -> GiveLink:
        app = self.application
        return GiveLink(
            self.context.tenant_id,
            self.access,
            self.prepare_access(),
            app.portal.invitations,
            app.links,
            app.platform.clock,
        )

    def revoke_access(self) -> RevokeAccess:
        return RevokeAccess(self.access, self.store.counterparty)


@dataclass
class Portal:
    """The entry of counterparties, before anybody knows for which company."""

    application: "Application"
    hasher: PasswordHasher

    @cached_property
    def directory(self) -> AccessDirectory:
        """User names and sessions."""
        return DynamoAccessDirectory(self.application.platform.database)

    @cached_property
    def throttle(self) -> Throttle:
        """Counters of sign-ins and links."""
        platform = self.application.platform
        return RateLimiter(platform.database, SYSTEM, platform.clock)

    @cached_property
    def invitations(self) -> InvitationTokens:
        """Tokens of invitations."""
        return SealedInvitations(self._link_key)

    @cached_property
    def letter_links(self) -> LetterTokens:
        """Tokens of the pages of letters."""
        return SealedTriples(self._link_key, LETTER)

    @cached_property
    def subscription_links(self) -> SubscriptionTokens:
        """Tokens that confirm or end a subscription."""
        return SealedTriples(self._link_key, SUBSCRIPTION)

    def _link_key(self) -> bytes:
        return self.application.platform.app_secret.derive("portal-link")

    def csrf_key(self) -> bytes:
        """Key of the portal's form tokens, apart from those of staff."""
        return self.application.platform.app_secret.derive("portal-csrf")

    def of(self, tenant_id: str, actor: str) -> Reconciliation:
        """The use cases for one counterparty's company."""
        return self.application.for_tenant(TenantContext(tenant_id, actor))

    def _stores(self, tenant_id: str, actor: str) -> Stores:
        use = self.of(tenant_id, actor)
        return Stores(use.access, use.store)

    def show_invitation(self) -> ShowInvitation:
        return ShowInvitation(self.invitations, self._stores, self.application.platform.clock)

    def accept_invitation(self) -> AcceptInvitation:
        return AcceptInvitation(
            self.show_invitation(),
            self._stores,
            self.hasher,
            self.throttle,
            digest,
            self.application.platform.clock,
        )

    def sign_in(self) -> SignIn:
        return SignIn(
            self.directory,
            self._stores,
            self.hasher,
            RandomTokens(),
            self.throttle,
            digest,
            self.application.platform.clock,
        )

    def forgotten(self) -> Forgotten:
        return Forgotten(self.directory, self._order_invitation, self.throttle, digest)

    def _order_invitation(self, tenant_id: str, counterparty_id: str) -> None:
        unit = self.of(tenant_id, f"counterparty:{counterparty_id}").store.unit()
        unit.enqueue("portal", {"act": "invite", "counterparty_id": counterparty_id})
        unit.commit()

    def open_confirmation(self) -> OpenConfirmation:
        return OpenConfirmation(self.subscription_links)

    def open_letter(self) -> OpenLetter:
        return OpenLetter(self.letter_links, self._stores, self.application.platform.clock)

    def recognise(self) -> Recognise:
        return Recognise(self.directory, self._stores, digest, self.application.platform.clock)


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: ReconciliationSettings
    platform: Platform
    calendar: Callable[[], Calendar]
    own_mailer: LetterMailer | None = None

    def for_tenant(self, context: TenantContext) -> Reconciliation:
        """The use cases for one tenant."""
        return Reconciliation(self, context)

    def for_system(self, tenant_id: str, what: str) -> Reconciliation:
        """The use cases for work that no person started."""
        return self.for_tenant(TenantContext(tenant_id, f"system:{what}"))

    @cached_property
    def portal(self) -> Portal:
        """The entry of counterparties."""
        from toolkit.passwords import Argon2Passwords

        return Portal(self, Argon2Passwords())

    @cached_property
    def links(self) -> Links:
        """Links into this installation."""
        return Links(self.settings.common.base_url)

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def table_writer(self) -> TableWriter:
        """How exports are written."""
        return TabularExportFiles("csv, xlsx or json")

    @cached_property
    def renderer(self) -> "Renderer":
        """Words of this context."""
        from webkit.render import Renderer

        return Renderer.for_pages(PAGES)

    @cached_property
    def paper_renderer(self) -> "Renderer":
        """Words of letters and mails, which need no built assets."""
        from webkit.render import Renderer

        return Renderer.for_pages(PAGES, assets=Assets({}))

    @cached_property
    def letter_pdf(self) -> LetterPdf:
        """How letters come on paper."""
        return ReportLabLetters(self.paper_renderer)

    @cached_property
    def mailer(self) -> LetterMailer:
        """How letters leave."""
        return self.own_mailer or SesLetterMailer(self._mail_service(), self.paper_renderer)

    @cached_property
    def portal_mailer(self) -> PortalMailer:
        """How mails of the portal leave."""
        return SesPortalMailer(self._mail_service(), self.paper_renderer)

    def _mail_service(self) -> MailService:
        return MailService(
            lambda: self.platform.client("sesv2"),
            self.settings.sender,
            self.settings.configuration_set,
        )

    @cached_property
    def event_keys(self) -> DerivedSigningKeys:
        """Secrets that ERP systems sign events of the books with."""
        oldest = int(EVENT_LIFETIME.total_seconds())
        derive = self.platform.app_secret.derive
        return DerivedSigningKeys(derive, "book-events", oldest_seconds=oldest)

    def receive_book_event(self) -> ReceiveBookEvent:
        """The door of signed events of the books."""
        return ReceiveBookEvent(
            lambda tenant_id: self.for_system(tenant_id, "book-event").take_book_event(),
            self.event_keys,
        )

    def record_portal_mail_report(self) -> RecordPortalMailReport:
        """What became of mails of the portal."""
        return RecordPortalMailReport(
            lambda tenant_id: self.for_system(tenant_id, "mail-report").scope
        )

    def record_mail_report(self) -> RecordMailReport:
        """What became of mails with letters."""
        return RecordMailReport(lambda tenant_id: self.for_system(tenant_id, "mail-report").scope)

    def sweep(self) -> Sweep:
        """The minute sweep over all tenants."""
        work = DynamoDueWork(self.platform.database)
        return Sweep(
            work, self.platform.clock, lambda tenant_id: self.for_system(tenant_id, "sweep").scope
        )

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from reconciliation.adapters.personal_data import ANSWERED, REGISTER
        from toolkit.aws.refused_payloads import PAYLOADS

        queue = self.settings.queue_url("privacy")
        return self.platform.privacy_keeper(REGISTER, ANSWERED, queue, codec=PAYLOADS)

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(Keyspace(CONTEXT))


def build(
    settings: ReconciliationSettings,
    *,
    platform: Platform | None = None,
    calendar: Callable[[], Calendar] | None = None,
    mailer: LetterMailer | None = None,
) -> Application:
    """Build the context; tests pass their own platform, calendar or mailer."""
    chosen = platform or Platform(settings.common)
    return Application(settings, chosen, calendar or _calendar, mailer)


def _calendar() -> Calendar:
    from toolkit.calendars import calendar

    return calendar("TR")


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(ReconciliationSettings.from_environment())
