"""Composition root of payment codes: the only module that knows both sides."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.business_days import Calendar
from kernel.errors import NotFoundError
from kernel.links import Links
from kernel.sensitive import Email
from kernel.signed_events import EVENT_LIFETIME
from kernel.statement_jobs import StatementFiles
from payment_codes.adapters.derived_tokens import DerivedPayLinks
from payment_codes.adapters.dias.harmless import HARMLESS, SHELF
from payment_codes.adapters.dynamodb_codes import CONTEXT, DynamoDueWork, DynamoPaymentsStore
from payment_codes.adapters.metrics import ServiceMeter
from payment_codes.adapters.offline_provider import OfflineProvider
from payment_codes.adapters.s3_batches import S3BatchSlices
from payment_codes.application.context import Scope
from payment_codes.application.document_events import TakeDocumentEvent
from payment_codes.application.import_statement import ImportStatement, StartStatementImport
from payment_codes.application.issue_batch import (
    CloseBatch,
    IssueSlice,
    PrepareBatch,
    SliceWork,
    StartBatch,
    WorkOnSlice,
)
from payment_codes.application.issue_code import CancelCode, IssueCode
from payment_codes.application.organisations import (
    RenewEventSecret,
    RenewNotificationSecret,
    SaveOrganisation,
)
from payment_codes.application.pay_page import ShowPayPage
from payment_codes.application.post_line import PostLine, ResolveDifference
from payment_codes.application.pull_payments import PullOrganisation, PullPayments, RefreshCode
from payment_codes.application.read_exchanges import ReadExchanges
from payment_codes.application.receive_document_event import (
    DismissRefusedEvent,
    ReceiveDocumentEvent,
    RetryRefusedEvent,
)
from payment_codes.application.receive_notification import ReceiveNotification
from payment_codes.application.record_mail_report import RecordMailReport
from payment_codes.application.register_code import RegisterCode
from payment_codes.application.send_code import SendCode, SendMail
from payment_codes.application.split_payment import SplitPayment
from payment_codes.application.sweep import AskForNews, Sweep
from payment_codes.application.undo_batch import StartUndo, UndoSlice
from payment_codes.application.unmatched import AssignPayment, ReturnPayment
from payment_codes.domain.batch import JOB_KIND, UNDO_KIND
from payment_codes.domain.organisation import ProviderKind
from payment_codes.domain.statement_line import Settlement
from payment_codes.ports import (
    BatchFiles,
    BatchSlices,
    CodeMailer,
    FileAccess,
    Meter,
    PaymentProvider,
    PaymentsStore,
)
from payment_codes.settings import PaymentCodesSettings
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.mail import MailService
from toolkit.aws.objects import FileStore
from toolkit.aws.tenant_files import TenantFiles
from toolkit.http.cursor import Cursors
from toolkit.http.signing_keys import DerivedSigningKeys
from toolkit.platform import Platform
from toolkit.statements.uploads import StatementUploads
from webkit.assets import Assets

if TYPE_CHECKING:
    from toolkit.aws.exchange_archive import ExchangeArchive
    from toolkit.aws.privacy_keeper import PrivacyKeeper
    from webkit.render import Renderer

PAGES = Path(__file__).parent / "pages"
ProviderOf = Callable[[ProviderKind], PaymentProvider]


@dataclass
class PaymentCodes:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> PaymentsStore:
        """Reads and units of work."""
        app = self.application
        return DynamoPaymentsStore(
            app.platform.machinery,
            self.context,
            vault=app.platform.vault(CONTEXT),
            queue_url=app.settings.queue_url,
            address_digest=app.address_digest,
        )

    @cached_property
    def scope(self) -> Scope:
        """What the use cases are built from."""
        platform = self.application.platform
        return Scope(self.context.tenant_id, self.store, platform.clock, platform.ids)

    @cached_property
    def files(self) -> FileAccess:
        """Uploads and generated files of the tenant."""
        return TenantFiles(self.application.platform.files, self.context.tenant_id, name="batch")

    @property
    def slices(self) -> BatchSlices:
        """Slices of the tenant's batches."""
        return S3BatchSlices(self.application.platform.files, self.context.tenant_id)

    @property
    def exchanges(self) -> "ExchangeArchive":
        """Copies of what the payment network was sent and answered."""
        from toolkit.aws.exchange_archive import ExchangeArchive

        platform = self.application.platform
        return ExchangeArchive(
            platform.client("s3"),
            platform.settings.raw_bucket,
            self.context.tenant_id,
            platform.ids,
            shelf=SHELF,
            harmless=HARMLESS,
        )

    def read_exchanges(self) -> ReadExchanges:
        return ReadExchanges(self.scope, self.exchanges)

    @property
    def provider(self) -> PaymentProvider:
        """The payment network of this company; only workers call it."""
        return self.application.provider_of(self.scope.organisation().provider)

    def save_organisation(self) -> SaveOrganisation:
        return SaveOrganisation(self.scope)

    def renew_notification_secret(self) -> RenewNotificationSecret:
        return RenewNotificationSecret(self.scope, self.application.notification_keys)

    def issue_code(self) -> IssueCode:
        return IssueCode(self.scope)

    def start_batch(self) -> StartBatch:
        return StartBatch(self.scope, self.files, self.slices)

    def prepare_batch(self) -> PrepareBatch:
        return PrepareBatch(self.scope, self.files, self.slices, self.application.batch_files)

    def work_on_slice(self) -> WorkOnSlice:
        closing = CloseBatch(self.scope, self.files, self.slices, self.application.batch_files)
        works: Mapping[str, SliceWork] = {
            JOB_KIND: IssueSlice(self.scope, self.slices),
            UNDO_KIND: UndoSlice(self.scope, self.slices),
        }
        return WorkOnSlice(self.scope, closing, works)

    def undo_batch(self) -> StartUndo:
        return StartUndo(self.scope, self.slices)

    def take_document_event(self) -> TakeDocumentEvent:
        return TakeDocumentEvent(self.scope)

    def renew_event_secret(self) -> RenewEventSecret:
        return RenewEventSecret(self.scope, self.application.event_keys)

    def retry_refused_event(self) -> RetryRefusedEvent:
        return RetryRefusedEvent(self.scope)

    def dismiss_refused_event(self) -> DismissRefusedEvent:
        return DismissRefusedEvent(self.scope)

    def cancel_code(self) -> CancelCode:
        return CancelCode(self.scope)

    def refresh_code(self) -> RefreshCode:
        return RefreshCode(self.scope)

    def send_code(self) -> SendCode:
        return SendCode(self.scope)

    def assign_payment(self) -> AssignPayment:
        return AssignPayment(self.scope)

    def split_payment(self) -> SplitPayment:
        return SplitPayment(self.scope)

    def return_payment(self) -> ReturnPayment:
        return ReturnPayment(self.scope)

    def register_code(self) -> RegisterCode:
        return RegisterCode(self.scope, self.provider, self.exchanges)

    def pull_payments(self) -> PullPayments:
        app = self.application
        return PullPayments(self.scope, self.provider, app.meter, app.settlement, self.exchanges)

    def pull_organisation(self) -> PullOrganisation:
        meter = self.application.meter
        pull = self.pull_payments()
        return PullOrganisation(self.scope, self.provider, pull, meter, self.exchanges)

    @cached_property
    def statement_files(self) -> StatementFiles:
        """Uploaded bank statements of the tenant."""
        return StatementUploads(self.application.platform.files, self.context.tenant_id)

    def start_statement_import(self) -> StartStatementImport:
        return StartStatementImport(self.scope, self.statement_files)

    def post_line(self) -> PostLine:
        return PostLine(self.scope, self.application.settlement)

    def import_statement(self) -> ImportStatement:
        return ImportStatement(self.scope, self.statement_files, self.post_line())

    def resolve_difference(self) -> ResolveDifference:
        return ResolveDifference(self.scope, self.post_line())

    def send_mail(self) -> SendMail:
        app = self.application
        return SendMail(self.scope, app.mailer, app.pay_links, app.links)

    def pay_link(self, code_id: str) -> str:
        """Address of the public page of a code."""
        token = self.application.pay_links.token(self.context.tenant_id, code_id)
        return self.application.links.to(f"/pay/{token}")


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: PaymentCodesSettings
    platform: Platform
    own_provider: PaymentProvider | None = None
    own_mailer: CodeMailer | None = None
    assets: Assets | None = None

    def for_tenant(self, context: TenantContext) -> PaymentCodes:
        """The use cases for one tenant."""
        return PaymentCodes(self, context)

    def for_system(self, tenant_id: str, what: str) -> PaymentCodes:
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
    def pay_links(self) -> DerivedPayLinks:
        """Tokens of payer pages."""
        return DerivedPayLinks(self.platform.app_secret.derive)

    def address_digest(self, email: Email) -> str:
        """Under which key an address is found; case makes no difference when looking."""
        key = self.platform.app_secret.derive("code-mail-addresses")
        text = email.reveal("look up an address").lower()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:40]

    @cached_property
    def notification_keys(self) -> DerivedSigningKeys:
        """Secrets of notifications."""
        return DerivedSigningKeys(self.platform.app_secret.derive, "webhook-in")

    @cached_property
    def settlement(self) -> Settlement:
        """Days on which banks book payments; computed when the first one is asked for."""

        def both() -> tuple[Calendar, ...]:
            from toolkit.calendars import calendar

            return (calendar("GR"), calendar("XECB"))

        return Settlement(both)

    @cached_property
    def event_keys(self) -> DerivedSigningKeys:
        """Secrets that ERP systems sign document events with."""
        oldest = int(EVENT_LIFETIME.total_seconds())
        derive = self.platform.app_secret.derive
        return DerivedSigningKeys(derive, "document-events", oldest_seconds=oldest)

    @cached_property
    def meter(self) -> Meter:
        """Metrics of this context."""
        return ServiceMeter()

    @cached_property
    def batch_files(self) -> BatchFiles:
        """Reader of uploaded batches; the spreadsheet code loads when a file comes."""
        from payment_codes.adapters.batch_files import TabularBatchFiles

        return TabularBatchFiles()

    @cached_property
    def renderer(self) -> "Renderer":
        """Pages and words of this context."""
        from webkit.render import Renderer

        return Renderer.for_pages(PAGES, assets=self.assets)

    @cached_property
    def mailer(self) -> CodeMailer:
        """How mails leave; letters need words and no built assets."""
        from payment_codes.adapters.ses_code_mailer import SesCodeMailer
        from webkit.render import Renderer

        return self.own_mailer or SesCodeMailer(
            MailService(
                lambda: self.platform.client("sesv2"),
                self.settings.sender,
                self.settings.configuration_set,
            ),
            Renderer.for_pages(PAGES, assets=Assets({})),
        )

    @cached_property
    def _gateway(self) -> PaymentProvider:
        from payment_codes.adapters.dias.client import DiasGateway
        from toolkit.http.client import HttpClient

        url = self.settings.endpoints.get(ProviderKind.DIAS.value)
        if url is None:
            raise NotFoundError("provider_unknown", "This provider has no address here.")
        return DiasGateway(url, HttpClient())

    def provider_of(self, kind: ProviderKind) -> PaymentProvider:
        """The adapter of a provider."""
        if self.own_provider is not None:
            return self.own_provider
        return OfflineProvider() if kind is ProviderKind.OFFLINE else self._gateway

    def record_mail_report(self) -> RecordMailReport:
        """What became of mails with codes."""
        return RecordMailReport(self._scope_of("mail-report"))

    def receive_notification(self) -> ReceiveNotification:
        """The door of the providers."""
        return ReceiveNotification(
            DynamoDueWork(self.platform.database),
            self._scope_of("notification"),
            self.notification_keys,
            self.meter,
            lambda tenant_id: self.for_system(tenant_id, "notification").exchanges,
        )

    def receive_document_event(self) -> ReceiveDocumentEvent:
        """The queue of ERP systems."""
        return ReceiveDocumentEvent(self._scope_of("document-event"), self.event_keys, self.meter)

    def show_pay_page(self) -> ShowPayPage:
        """The page of the payers."""
        return ShowPayPage(self._scope_of("pay-page"), self.pay_links)

    def sweep(self) -> Sweep:
        """The minute sweep over all tenants."""
        work = DynamoDueWork(self.platform.database)
        return Sweep(work, self.platform.clock, self._scope_of("sweep"))

    def ask_for_news(self) -> AskForNews:
        """The scheduled pull over all tenants."""
        work = DynamoDueWork(self.platform.database)
        return AskForNews(work, self.platform.clock, self._scope_of("refresh"), self.meter)

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from payment_codes.adapters.personal_data import ANSWERED, REGISTER
        from toolkit.aws.refused_payloads import PAYLOADS

        queue = self.settings.queue_url("privacy")
        raw = FileStore(self.platform.client("s3"), self.settings.common.raw_bucket)
        return self.platform.privacy_keeper(REGISTER, ANSWERED, queue, codec=PAYLOADS, raw=raw)

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(Keyspace(CONTEXT))


def build(
    settings: PaymentCodesSettings,
    *,
    platform: Platform | None = None,
    provider: PaymentProvider | None = None,
    mailer: CodeMailer | None = None,
    assets: Assets | None = None,
) -> Application:
    """Build the context; tests pass their own platform, provider or mailer."""
    chosen = platform or Platform(settings.common)
    return Application(settings, chosen, provider, mailer, assets)


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(PaymentCodesSettings.from_environment())
