"""Composition root of the pensions context: the only module that knows both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from kernel.approval import GateKeeper
from kernel.business_days import Calendar
from pensions.adapters.bank_orders import BankOrderFiles
from pensions.adapters.dynamodb_pensions import CONTEXT, DynamoDueWork, DynamoPensionsStore
from pensions.adapters.field_parsers import API_PARSERS, FILE_PARSERS
from pensions.adapters.import_files import TabularImportFiles
from pensions.adapters.insurers.harmless import HARMLESS, SHELF
from pensions.application.cancel_job import CancelJob
from pensions.application.context import Scope
from pensions.application.contracts import ChangeContract, RegisterContract, RemoveContract
from pensions.application.contributions import (
    AddContribution,
    CalculateContributions,
    ChangeContribution,
    RemoveContribution,
)
from pensions.application.credentials import StoreCredentials, TestCredentials
from pensions.application.doubt_restored import DoubtRestored
from pensions.application.employees import (
    AddEmployee,
    ChangeEmployee,
    MarkDoneElsewhere,
    WithdrawEmployee,
)
from pensions.application.exports import ExportContributions, ExportPeople
from pensions.application.imports import RunImport, StartImport, UndoImport
from pensions.application.overview import ShowOverview
from pensions.application.prepare_submission import PrepareSubmission
from pensions.application.preview_import import PreviewImport
from pensions.application.problems import ListProblems
from pensions.application.read_exchanges import ReadExchanges
from pensions.application.refresh_status import PollStatus, RefreshStatus, StartStatusRefresh
from pensions.application.release_held import ReleaseHeld
from pensions.application.remittance_approval import AskSanction, CheckSanction
from pensions.application.remittances import MarkRemittancePaid, ShowRemittance
from pensions.application.resubmit_employees import ResubmitEmployees
from pensions.application.resume_after_incident import ResumeAfterIncident
from pensions.application.reveal_person import RevealPerson
from pensions.application.send_to_insurer import SendToInsurer
from pensions.application.submissions import SubmitContributions, SubmitEmployees
from pensions.application.sweep import Sweep
from pensions.application.watch_deadlines import WatchDeadlines
from pensions.ports import FileAccess, InsurerGateway, PensionsStore
from pensions.settings import PensionsSettings
from toolkit.auth import TenantContext
from toolkit.aws.approval_gates import ApprovalGates
from toolkit.aws.due import waiting
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.exchange_archive import ExchangeArchive
from toolkit.aws.objects import FileStore
from toolkit.aws.tenant_files import TenantFiles
from toolkit.http.cursor import Cursors
from toolkit.platform import Platform
from toolkit.tabular.export_files import TabularExportFiles

if TYPE_CHECKING:
    from toolkit.aws.privacy_keeper import PrivacyKeeper

GatewayOf = Callable[[TenantContext], InsurerGateway]


@dataclass
class Pensions:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> PensionsStore:
        """Reads and units of work."""
        app = self.application
        return DynamoPensionsStore(
            app.platform.machinery,
            self.context,
            vault=app.platform.vault(CONTEXT),
            index_key=lambda tenant_id: app.platform.app_secret.derive("person-index", tenant_id),
            queue_url=app.settings.queue_url,
        )

    @cached_property
    def scope(self) -> Scope:
        """What the use cases are built from."""
        platform = self.application.platform
        return Scope(self.store, platform.clock, platform.ids, self.application.calendar)

    @cached_property
    def files(self) -> FileAccess:
        """Uploads and exports of the tenant."""
        return TenantFiles(self.application.platform.files, self.context.tenant_id, name="payroll")

    @cached_property
    def gateway(self) -> InsurerGateway:
        """All insurers; only workers and the credentials test use it."""
        return self.application.gateway_of(self.context)

    def register_contract(self) -> RegisterContract:
        return RegisterContract(self.scope)

    def change_contract(self) -> ChangeContract:
        return ChangeContract(self.scope)

    def remove_contract(self) -> RemoveContract:
        return RemoveContract(self.scope)

    def store_credentials(self) -> StoreCredentials:
        return StoreCredentials(self.scope)

    def test_credentials(self) -> TestCredentials:
        return TestCredentials(self.scope, self.gateway)

    def add_employee(self) -> AddEmployee:
        return AddEmployee(self.scope, API_PARSERS)

    def change_employee(self) -> ChangeEmployee:
        return ChangeEmployee(self.scope, API_PARSERS)

    def withdraw_employee(self) -> WithdrawEmployee:
        return WithdrawEmployee(self.scope)

    def mark_done_elsewhere(self) -> MarkDoneElsewhere:
        return MarkDoneElsewhere(self.scope)

    def reveal_person(self) -> RevealPerson:
        return RevealPerson(self.scope)

    def read_exchanges(self) -> ReadExchanges:
        return ReadExchanges(self.scope, exchange_archive(self.application.platform, self.context))

    def resubmit_employees(self) -> ResubmitEmployees:
        return ResubmitEmployees(self.scope, API_PARSERS)

    def list_problems(self) -> ListProblems:
        return ListProblems(self.scope)

    def show_overview(self) -> ShowOverview:
        return ShowOverview(self.scope)

    def preview_import(self) -> PreviewImport:
        return PreviewImport(self.scope, self.files, TabularImportFiles())

    def start_import(self) -> StartImport:
        return StartImport(self.scope, self.files)

    def run_import(self) -> RunImport:
        return RunImport(self.scope, self.files, TabularImportFiles(), FILE_PARSERS)

    def undo_import(self) -> UndoImport:
        return UndoImport(self.scope, API_PARSERS)

    def submit_employees(self) -> SubmitEmployees:
        return SubmitEmployees(self.scope)

    def submit_contributions(self) -> SubmitContributions:
        return SubmitContributions(self.scope)

    def prepare_submission(self) -> PrepareSubmission:
        return PrepareSubmission(self.scope)

    def cancel_job(self) -> CancelJob:
        return CancelJob(self.scope)

    def resume_after_incident(self) -> ResumeAfterIncident:
        return ResumeAfterIncident(self.scope)

    def release_held(self) -> ReleaseHeld:
        return ReleaseHeld(self.scope)

    def send_to_insurer(self) -> SendToInsurer:
        return SendToInsurer(self.scope, self.gateway)

    def start_status_refresh(self) -> StartStatusRefresh:
        return StartStatusRefresh(self.scope)

    def refresh_status(self) -> RefreshStatus:
        return RefreshStatus(self.scope, self.gateway)

    def calculate_contributions(self) -> CalculateContributions:
        return CalculateContributions(self.scope)

    def add_contribution(self) -> AddContribution:
        return AddContribution(self.scope)

    def change_contribution(self) -> ChangeContribution:
        return ChangeContribution(self.scope)

    def remove_contribution(self) -> RemoveContribution:
        return RemoveContribution(self.scope)

    def export_people(self) -> ExportPeople:
        return ExportPeople(self.scope, TabularExportFiles())

    def export_contributions(self) -> ExportContributions:
        return ExportContributions(self.scope, TabularExportFiles())

    def show_remittance(self) -> ShowRemittance:
        return ShowRemittance(self.scope, lambda: self.application.settings.insurer_accounts)

    def mark_remittance_paid(self) -> MarkRemittancePaid:
        return MarkRemittancePaid(self.scope, self.show_remittance(), self.check_sanction())

    @cached_property
    def gates(self) -> GateKeeper:
        """What waits for an approval of workflow."""
        return ApprovalGates(
            self.application.platform.machinery,
            Keyspace(CONTEXT, self.context.tenant_id),
            self.context,
            "pensions.ApprovalRequested.v1",
        )

    def check_sanction(self) -> CheckSanction:
        return CheckSanction(self.scope, self.gates)

    def ask_sanction(self) -> AskSanction:
        return AskSanction(self.check_sanction(), self.gates)

    def bank_orders(self, payer_name: str) -> BankOrderFiles:
        return BankOrderFiles(
            payer_name=payer_name,
            now=self.application.platform.clock.now,
            calendar=self.scope.calendar(),
        )


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: PensionsSettings
    platform: Platform
    gateway_of: GatewayOf
    calendar: Callable[[], Calendar]

    def for_tenant(self, context: TenantContext) -> Pensions:
        """The use cases for one tenant."""
        return Pensions(self, context)

    def for_system(self, tenant_id: str, what: str) -> Pensions:
        """The use cases for work that no person started."""
        return self.for_tenant(TenantContext(tenant_id, f"system:{what}"))

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.app_secret.derive("cursor", CONTEXT))

    def sweep(self) -> Sweep:
        """The minute sweep over all tenants."""
        return Sweep(
            DynamoDueWork(self.platform.database),
            self.platform.clock,
            lambda tenant_id: self.for_system(tenant_id, "sweep").scope,
        )

    def doubt_restored(self) -> DoubtRestored:
        """What an operator runs after tables were restored."""
        database = self.platform.database
        return DoubtRestored(
            lambda: waiting(database, "core", Keyspace(CONTEXT), waits_for="DUE"),
            lambda tenant_id: self.for_system(tenant_id, "restore").scope,
        )

    def poll_status(self) -> PollStatus:
        """The scheduled status poll over all tenants."""
        return PollStatus(
            DynamoDueWork(self.platform.database),
            self.platform.clock,
            lambda tenant_id: self.for_system(tenant_id, "poll").scope,
        )

    def watch_deadlines(self) -> WatchDeadlines:
        """The daily look at legal deadlines over all tenants."""
        return WatchDeadlines(
            DynamoDueWork(self.platform.database),
            self.platform.clock,
            lambda tenant_id: self.for_system(tenant_id, "deadlines").scope,
        )

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from pensions.adapters.personal_data import ANSWERED, REGISTER
        from pensions.adapters.privacy_rows import PersonLookups, rows_of_imports

        derive = self.platform.app_secret.derive
        return self.platform.privacy_keeper(
            REGISTER,
            ANSWERED,
            self.settings.queue_url("privacy"),
            raw=FileStore(self.platform.client("s3"), self.settings.common.raw_bucket),
            lookups=PersonLookups(lambda tenant_id: derive("person-index", tenant_id)),
            beside=rows_of_imports,
        )

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(Keyspace(CONTEXT))


def build(
    settings: PensionsSettings,
    *,
    platform: Platform | None = None,
    gateway_of: GatewayOf | None = None,
    calendar: Callable[[], Calendar] | None = None,
) -> Application:
    """Build the context; tests pass their own platform, gateway or calendar."""
    chosen = platform or Platform(settings.common)
    return Application(
        settings=settings,
        platform=chosen,
        gateway_of=gateway_of or _registry(settings, chosen),
        calendar=calendar or _turkish_calendar,
    )


def _registry(settings: PensionsSettings, platform: Platform) -> GatewayOf:
    def gateway_of(context: TenantContext) -> InsurerGateway:
        from pensions.adapters.insurers.registry import InsurerRegistry

        return InsurerRegistry(settings.insurer_endpoints, exchange_archive(platform, context))

    return gateway_of


def exchange_archive(platform: Platform, context: TenantContext) -> ExchangeArchive:
    """Copies of what insurers were sent and answered, of one company."""
    return ExchangeArchive(
        platform.client("s3"),
        platform.settings.raw_bucket,
        context.tenant_id,
        platform.ids,
        shelf=SHELF,
        harmless=HARMLESS,
    )


def _turkish_calendar() -> Calendar:
    from toolkit.calendars import calendar

    return calendar("TR")


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(PensionsSettings.from_environment())
