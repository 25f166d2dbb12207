"""Composition root of workflow: the only module that knows both sides."""

from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.objects import FileStore
from toolkit.calendars import calendar
from toolkit.http.cursor import Cursors
from toolkit.platform import Platform
from webkit.assets import Assets
from webkit.render import Renderer
from workflow.adapters.dynamodb_rules import CONTEXT, DynamoDueDecisions, DynamoRulesStore
from workflow.adapters.s3_archive import S3DecisionArchive
from workflow.adapters.sealed_facts import SealedFacts
from workflow.adapters.sheet_files import TabularSheetFiles
from workflow.adapters.shipped_packs import shipped
from workflow.adapters.stopwatch import microseconds
from workflow.application.archive_decisions import ArchiveDecisions
from workflow.application.context import Scope
from workflow.application.draft_version import DraftVersion
from workflow.application.evaluate_rule import EvaluateRule
from workflow.application.publish_version import (
    CheckVersion,
    PublishVersion,
    RetireVersion,
    SubmitVersion,
    WithdrawVersion,
)
from workflow.application.record_parameter import RecordParameter
from workflow.application.replay_decision import ReplayDecision
from workflow.application.try_version import BackTestVersion, SimulateVersion, TryVersion
from workflow.ports import RulesStore, SheetFiles
from workflow.settings import WorkflowSettings

PAGES = Path(__file__).parent / "pages"


@dataclass
class Workflow:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> RulesStore:
        """Reads and units of work."""
        return DynamoRulesStore(self.application.platform.machinery, self.context)

    @cached_property
    def scope(self) -> Scope:
        """What the use cases are built from."""
        platform = self.application.platform
        return Scope(
            self.context.tenant_id,
            self.context.actor,
            self.context.correlation_id,
            self.store,
            platform.clock,
            platform.ids,
            shipped(),
            calendar("TR"),
            microseconds,
            SealedFacts(
                partial(platform.client, "kms"),
                platform.settings.credentials_key,
                platform.settings.stage,
                self.context.tenant_id,
            ),
        )

    def evaluate_rule(self) -> EvaluateRule:
        return EvaluateRule(self.scope)

    def replay_decision(self) -> ReplayDecision:
        return ReplayDecision(self.scope)

    def draft_version(self) -> DraftVersion:
        return DraftVersion(self.scope)

    def check_version(self) -> CheckVersion:
        return CheckVersion(self.scope)

    def submit_version(self) -> SubmitVersion:
        return SubmitVersion(self.scope)

    def publish_version(self) -> PublishVersion:
        return PublishVersion(self.scope, self.check_version())

    def withdraw_version(self) -> WithdrawVersion:
        return WithdrawVersion(self.scope)

    def retire_version(self) -> RetireVersion:
        return RetireVersion(self.scope)

    def try_version(self) -> TryVersion:
        return TryVersion(self.scope)

    @cached_property
    def sheets(self) -> SheetFiles:
        """Tables as workbooks, and the uploads of the tenant."""
        return TabularSheetFiles(self.application.platform.files, self.context.tenant_id)

    def simulate_version(self) -> SimulateVersion:
        return SimulateVersion(self.scope)

    def back_test_version(self) -> BackTestVersion:
        return BackTestVersion(self.scope)

    def record_parameter(self) -> RecordParameter:
        return RecordParameter(self.scope)


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: WorkflowSettings
    platform: Platform
    assets: Assets | None = None

    def for_tenant(self, context: TenantContext) -> Workflow:
        """The use cases for one tenant."""
        return Workflow(self, context)

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def renderer(self) -> Renderer:
        """Pages and words of this context."""
        return Renderer.for_pages(PAGES, assets=self.assets)

    def archive_decisions(self) -> ArchiveDecisions:
        """Decisions of all tenants into the archive."""
        platform = self.platform
        return ArchiveDecisions(
            DynamoDueDecisions(platform.database),
            S3DecisionArchive(FileStore(platform.client("s3"), self.settings.archive_bucket)),
            platform.clock,
            lambda tenant_id: self.for_tenant(TenantContext(tenant_id, "system:archive")).store,
        )

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(Keyspace(CONTEXT))


def build(
    settings: WorkflowSettings,
    *,
    platform: Platform | None = None,
    assets: Assets | None = None,
) -> Application:
    """Build the context; tests pass their own platform or assets."""
    return Application(settings, platform or Platform(settings.common), assets)


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(WorkflowSettings.from_environment())
