"""Composition root of reconciliation: the only module that knows both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from kernel.business_days import Calendar
from kernel.files import TableWriter
from reconciliation.adapters.dynamodb_reconciliation import (
    CONTEXT,
    DynamoDueWork,
    DynamoReconciliationStore,
)
from reconciliation.adapters.letter_pdf import ReportLabLetters
from reconciliation.adapters.no_access_links import NoAccessLinks
from reconciliation.adapters.ses_letter_mailer import SesLetterMailer
from reconciliation.adapters.table_files import TabularFiles
from reconciliation.adapters.ubl import UblInvoices
from reconciliation.application.context import Scope
from reconciliation.application.counterparties import (
    AddCounterparty,
    ChangeCounterparty,
    ListCounterparties,
    RemoveCounterparty,
)
from reconciliation.application.figures import ShowFigures
from reconciliation.application.imports import CorrectedWorkbook, RunImport, StartImport, StartUndo
from reconciliation.application.invoices import TakeInvoice
from reconciliation.application.ledger import ListEntries, PostEntries
from reconciliation.application.letters import ListLetters, RenewLetter, ShowPaper, WithdrawLetter
from reconciliation.application.mail_report import ListMails
from reconciliation.application.mailings import RunMailing, SaveMailingSettings, StartMailing
from reconciliation.application.parameters import SaveParameters
from reconciliation.application.record_mail_report import RecordMailReport
from reconciliation.application.send_letter import SendLetter
from reconciliation.application.sweep import Sweep
from reconciliation.application.templates import ApproveTemplate, DraftTemplate
from reconciliation.ports import (
    AccessLinks,
    LetterMailer,
    LetterPdf,
    ReconciliationStore,
)
from reconciliation.settings import ReconciliationSettings
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.mail import MailService
from toolkit.aws.tenant_files import TenantFiles
from toolkit.http.cursor import Cursors
from toolkit.platform import Platform
from toolkit.tabular.export_files import TabularExportFiles
from webkit.assets import Assets
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
        """Uploads of the tenant."""
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

    def draft_template(self) -> DraftTemplate:
        return DraftTemplate(self.scope)

    def approve_template(self) -> ApproveTemplate:
        return ApproveTemplate(self.scope, self.context.actor)

    def list_mails(self) -> ListMails:
        return ListMails(self.scope)

    def show_paper(self) -> ShowPaper:
        return ShowPaper(self.scope, self.application.letter_pdf, self.files)

    def send_letter(self) -> SendLetter:
        app = self.application
        return SendLetter(self.scope, app.letter_pdf, app.mailer, self.access_links, self.files)

    @cached_property
    def access_links(self) -> AccessLinks:
        """How counterparties get to their letters."""
        return NoAccessLinks()

    def start_import(self) -> StartImport:
        return StartImport(self.scope, self.files)

    def run_import(self) -> RunImport:
        return RunImport(self.scope, self.files, TabularFiles(), UblInvoices())

    def start_undo(self) -> StartUndo:
        return StartUndo(self.scope)

    def corrected_workbook(self) -> CorrectedWorkbook:
        return CorrectedWorkbook(self.scope, self.files)


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
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def table_writer(self) -> TableWriter:
        """How exports are written."""
        return TabularExportFiles("csv, xlsx or json")

    @cached_property
    def renderer(self) -> Renderer:
        """Words of this context."""
        return Renderer.for_pages(PAGES)

    @cached_property
    def _paper_renderer(self) -> Renderer:
        # Letters need words and no built assets.
        return Renderer.for_pages(PAGES, assets=Assets({}))

    @cached_property
    def letter_pdf(self) -> LetterPdf:
        """How letters come on paper."""
        return ReportLabLetters(self._paper_renderer)

    @cached_property
    def mailer(self) -> LetterMailer:
        """How letters leave."""
        return self.own_mailer or SesLetterMailer(
            MailService(
                lambda: self.platform.client("sesv2"),
                self.settings.sender,
                self.settings.configuration_set,
            ),
            self._paper_renderer,
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
