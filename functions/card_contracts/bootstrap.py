"""Composition root of card contracts: the only module that knows both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from card_contracts.adapters.dynamodb_cards import CONTEXT, DynamoCardsStore, DynamoDueWork
from card_contracts.adapters.feed_tokens import DerivedFeedTokens
from card_contracts.adapters.sale_files import TabularSaleFiles, parse_row
from card_contracts.application.calendars import ChangeDay, RenewFeed, RestoreDay, ShowFeed
from card_contracts.application.change_approval import PublishChange
from card_contracts.application.company import RenewSaleEventSecret, SaveSettings
from card_contracts.application.context import CalendarOf, Scope
from card_contracts.application.contracts import (
    ChangeContract,
    CheckContract,
    LockContract,
    RegisterContract,
    RemoveContract,
)
from card_contracts.application.imports import RunSalesImport, StartSalesImport
from card_contracts.application.lookups import RemoveLookup, SaveLookup
from card_contracts.application.matches import (
    ConfirmMatch,
    MatchByHand,
    SetLinesAside,
    Settle,
    TakeLinesBack,
    UndoMatch,
    WatchDrift,
)
from card_contracts.application.plans import CompareContracts, PreviewDraft, PreviewPlan
from card_contracts.application.receivables import (
    ExportReceivables,
    ListReceivables,
    ShowCashCalendar,
)
from card_contracts.application.sale_events import (
    DismissSaleEvent,
    ReceiveSaleEvent,
    RetrySaleEvent,
)
from card_contracts.application.sales import CancelSale, PostSale, RefundSale
from card_contracts.application.statements import (
    ImportStatement,
    LookAgain,
    StartStatementImport,
)
from card_contracts.application.sweep import Sweep
from card_contracts.application.undo_import import StartUndo, UndoSales
from card_contracts.ports import CardsStore, FileAccess
from card_contracts.settings import CardContractsSettings
from kernel.approval import GateKeeper
from kernel.business_days import Calendar
from kernel.files import TableWriter
from kernel.links import Links
from kernel.signed_events import EVENT_LIFETIME
from toolkit.auth import TenantContext
from toolkit.aws.approval_gates import ApprovalGates
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.tenant_files import TenantFiles
from toolkit.http.cursor import Cursors
from toolkit.http.signing_keys import DerivedSigningKeys
from toolkit.platform import Platform
from toolkit.statements.uploads import StatementUploads
from toolkit.tabular.export_files import TabularExportFiles
from webkit.assets import Assets

if TYPE_CHECKING:
    from toolkit.aws.privacy_keeper import PrivacyKeeper
    from webkit.render import Renderer

PAGES = Path(__file__).parent / "pages"


@dataclass
class CardContracts:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> CardsStore:
        """Reads and units of work."""
        app = self.application
        return DynamoCardsStore(
            app.platform.machinery, self.context, queue_url=app.settings.queue_url
        )

    @cached_property
    def scope(self) -> Scope:
        """What the use cases are built from."""
        app = self.application
        platform = app.platform
        return Scope(
            self.context.tenant_id, self.store, platform.clock, platform.ids, app.calendar_of
        )

    @cached_property
    def files(self) -> FileAccess:
        """Uploads of the tenant."""
        return TenantFiles(self.application.platform.files, self.context.tenant_id)

    @cached_property
    def statement_files(self) -> StatementUploads:
        """Statements of the tenant."""
        return StatementUploads(self.application.platform.files, self.context.tenant_id)

    def check_contract(self) -> CheckContract:
        return CheckContract(self.scope)

    def register_contract(self) -> RegisterContract:
        return RegisterContract(self.scope)

    def change_contract(self) -> ChangeContract:
        return ChangeContract(self.scope)

    @cached_property
    def gates(self) -> GateKeeper:
        """What waits for an approval of workflow."""
        return ApprovalGates(
            self.application.platform.machinery,
            Keyspace(CONTEXT, self.context.tenant_id),
            self.context,
            "card_contracts.ApprovalRequested.v1",
        )

    def publish_change(self) -> PublishChange:
        return PublishChange(self.scope, self.gates, self.change_contract())

    def lock_contract(self) -> LockContract:
        return LockContract(self.scope)

    def remove_contract(self) -> RemoveContract:
        return RemoveContract(self.scope)

    def save_lookup(self) -> SaveLookup:
        return SaveLookup(self.scope)

    def remove_lookup(self) -> RemoveLookup:
        return RemoveLookup(self.scope)

    def preview_plan(self) -> PreviewPlan:
        return PreviewPlan(self.scope)

    def preview_draft(self) -> PreviewDraft:
        return PreviewDraft(self.scope)

    def compare_contracts(self) -> CompareContracts:
        return CompareContracts(self.scope)

    def post_sale(self) -> PostSale:
        return PostSale(self.scope)

    def refund_sale(self) -> RefundSale:
        return RefundSale(self.scope)

    def cancel_sale(self) -> CancelSale:
        return CancelSale(self.scope)

    def retry_sale_event(self) -> RetrySaleEvent:
        return RetrySaleEvent(self.scope)

    def dismiss_sale_event(self) -> DismissSaleEvent:
        return DismissSaleEvent(self.scope)

    def save_settings(self) -> SaveSettings:
        return SaveSettings(self.scope)

    def renew_sale_event_secret(self) -> RenewSaleEventSecret:
        return RenewSaleEventSecret(self.scope, self.application.event_keys)

    def start_sales_import(self) -> StartSalesImport:
        return StartSalesImport(self.scope, self.files)

    def run_sales_import(self) -> RunSalesImport:
        return RunSalesImport(self.scope, self.files, TabularSaleFiles(), parse_row)

    def start_sales_undo(self) -> StartUndo:
        return StartUndo(self.scope, self.files)

    def undo_sales(self) -> UndoSales:
        return UndoSales(self.scope, self.files, TabularSaleFiles(), parse_row)

    def start_statement_import(self) -> StartStatementImport:
        return StartStatementImport(self.scope, self.statement_files)

    def import_statement(self) -> ImportStatement:
        return ImportStatement(self.scope, self.statement_files)

    def look_again(self) -> LookAgain:
        return LookAgain(self.scope)

    def set_lines_aside(self) -> SetLinesAside:
        return SetLinesAside(self.scope)

    def take_lines_back(self) -> TakeLinesBack:
        return TakeLinesBack(self.scope)

    def settle(self) -> Settle:
        return Settle(self.scope)

    def confirm_match(self) -> ConfirmMatch:
        return ConfirmMatch(self.scope)

    def undo_match(self) -> UndoMatch:
        return UndoMatch(self.scope)

    def match_by_hand(self) -> MatchByHand:
        return MatchByHand(self.scope)

    def watch_drift(self) -> WatchDrift:
        return WatchDrift(self.scope)

    def list_receivables(self) -> ListReceivables:
        return ListReceivables(self.scope)

    def export_receivables(self) -> ExportReceivables:
        return ExportReceivables(self.scope)

    def show_cash_calendar(self) -> ShowCashCalendar:
        return ShowCashCalendar(self.scope)

    def change_day(self) -> ChangeDay:
        return ChangeDay(self.scope)

    def restore_day(self) -> RestoreDay:
        return RestoreDay(self.scope)

    def renew_feed(self) -> RenewFeed:
        return RenewFeed(self.scope, self.application.feed_tokens)

    def feed_link(self, token: str) -> str:
        """Address of the secret feed."""
        return self.application.links.to(f"/cash-calendar/{token}")


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: CardContractsSettings
    platform: Platform
    calendar_of: CalendarOf
    assets: Assets | None = None

    def for_tenant(self, context: TenantContext) -> CardContracts:
        """The use cases for one tenant."""
        return CardContracts(self, context)

    def for_system(self, tenant_id: str, what: str) -> CardContracts:
        """The use cases for work that no person started."""
        return self.for_tenant(TenantContext(tenant_id, f"system:{what}"))

    def _scope_of(self, what: str) -> Callable[[str], Scope]:
        return lambda tenant_id: self.for_system(tenant_id, what).scope

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def links(self) -> Links:
        """Absolute addresses."""
        return Links(self.settings.common.base_url)

    @cached_property
    def feed_tokens(self) -> DerivedFeedTokens:
        """Tokens of cash calendar feeds."""
        return DerivedFeedTokens(self.platform.app_secret.derive)

    @cached_property
    def event_keys(self) -> DerivedSigningKeys:
        """Secrets that ERP systems sign sale events with."""
        oldest = int(EVENT_LIFETIME.total_seconds())
        derive = self.platform.app_secret.derive
        return DerivedSigningKeys(derive, "sale-events", oldest_seconds=oldest)

    def receive_sale_event(self) -> ReceiveSaleEvent:
        """The door of signed sale events."""
        return ReceiveSaleEvent(self._scope_of("sale-event"), self.event_keys)

    @cached_property
    def table_writer(self) -> TableWriter:
        """How exports are written."""
        return TabularExportFiles("csv, xlsx or json")

    @cached_property
    def renderer(self) -> "Renderer":
        """Pages and words of this context."""
        from webkit.render import Renderer

        return Renderer.for_pages(PAGES, assets=self.assets)

    def show_feed(self) -> ShowFeed:
        """The cash calendar behind a secret address."""
        return ShowFeed(self._scope_of("feed"), self.feed_tokens)

    def sweep(self) -> Sweep:
        """The minute sweep over all tenants."""
        work = DynamoDueWork(self.platform.database)
        return Sweep(work, self.platform.clock, self._scope_of("sweep"))

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from card_contracts.adapters.personal_data import ANSWERED, REGISTER

        queue = self.settings.queue_url("privacy")
        return self.platform.privacy_keeper(REGISTER, ANSWERED, queue)

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(Keyspace(CONTEXT))


def build(
    settings: CardContractsSettings,
    *,
    platform: Platform | None = None,
    calendar_of: CalendarOf | None = None,
    assets: Assets | None = None,
) -> Application:
    """Build the context; tests pass their own platform or calendars."""
    chosen = platform or Platform(settings.common)
    return Application(settings, chosen, calendar_of or _calendar, assets)


def _calendar(name: str) -> Calendar:
    from toolkit.calendars import calendar

    return calendar(name)


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(CardContractsSettings.from_environment())
