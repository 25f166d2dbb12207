"""Composition root of workflow: the only module that knows both sides."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.objects import FileStore
from toolkit.aws.tenant_files import TenantFiles
from toolkit.calendars import calendar
from toolkit.http.cursor import Cursors
from toolkit.platform import Platform
from webkit.assets import Assets
from workflow.adapters.dynamodb_approvals import DynamoApprovalsDue, DynamoApprovalsStore
from workflow.adapters.dynamodb_processes import DynamoDueWork
from workflow.adapters.dynamodb_rules import CONTEXT, DynamoDueDecisions
from workflow.adapters.dynamodb_subjects import DynamoMornings, DynamoSubjectStore
from workflow.adapters.kms_seal import KmsSeal
from workflow.adapters.s3_archive import S3DecisionArchive
from workflow.adapters.sealed_facts import SealedFacts
from workflow.adapters.shipped_packs import shipped
from workflow.adapters.shipped_processes import shipped_processes
from workflow.adapters.shipped_triggers import time_driven
from workflow.adapters.step_functions import StepFunctionsMachine
from workflow.adapters.stopwatch import microseconds
from workflow.application.advance_process import AdvanceProcess, HearApproval
from workflow.application.approvals.act_on_task import (
    ActOnTask,
    DecideTask,
    ReadSignature,
    StateDecision,
)
from workflow.application.approvals.context import ApprovalScope
from workflow.application.approvals.hear_request import HearRequest
from workflow.application.approvals.list_tasks import ListTasks, ReadApproval
from workflow.application.approvals.read_report import ReadReport
from workflow.application.approvals.request_approval import RequestApproval, WithdrawApproval
from workflow.application.approvals.substitutes import (
    EndDelegation,
    JoinColleagues,
    MakeDelegation,
)
from workflow.application.approvals.trust import EndTrust, RecordTrust
from workflow.application.approvals.wait_for_task import (
    DriveTask,
    KeepToken,
    ReachDeadline,
    SweepTasks,
)
from workflow.application.archive_decisions import ArchiveDecisions
from workflow.application.context import ZONE, Scope
from workflow.application.correct_process import CancelProcess, CorrectProcess
from workflow.application.decide_proposal import AcceptProposal, DismissProposal
from workflow.application.draft_version import DraftVersion
from workflow.application.evaluate_rule import EvaluateRule
from workflow.application.process_context import ProcessScope
from workflow.application.process_definitions import (
    CheckDefinition,
    DraftDefinition,
    MoveDefinition,
    PublishDefinition,
)
from workflow.application.process_timers import FireTimers, Sweep
from workflow.application.propose_work import ProposeWork, StartRun, StartRuns, TriggerScope
from workflow.application.publish_version import (
    CheckVersion,
    PublishVersion,
    RetireVersion,
    SubmitVersion,
    WithdrawVersion,
)
from workflow.application.record_parameter import RecordParameter
from workflow.application.replay_decision import ReplayDecision
from workflow.application.show_process import ShowProcess
from workflow.application.start_process import StartProcess
from workflow.application.tell_subjects import (
    RunSubjectImport,
    StartSubjectImport,
    TellSubjects,
)
from workflow.application.try_version import BackTestVersion, SimulateVersion, TryVersion
from workflow.domain.approvals.chain import WorkingTime
from workflow.ports import (
    ApprovalsStore,
    Machine,
    SheetFiles,
    Signatures,
    SubjectFiles,
    SubjectStore,
)
from workflow.settings import WorkflowSettings

if TYPE_CHECKING:
    from toolkit.aws.privacy_keeper import PrivacyKeeper
    from webkit.render import Renderer

PAGES = Path(__file__).parent / "pages"


@dataclass
class Workflow:
    """The use cases of this context for one tenant and one caller."""

    application: "Application"
    context: TenantContext

    @cached_property
    def store(self) -> SubjectStore:
        """Reads and units of work."""
        app = self.application
        return DynamoSubjectStore(app.platform.machinery, self.context, app.settings.queue_url)

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
        from workflow.adapters.sheet_files import TabularSheetFiles

        return TabularSheetFiles(self.application.platform.files, self.context.tenant_id)

    def simulate_version(self) -> SimulateVersion:
        return SimulateVersion(self.scope)

    def back_test_version(self) -> BackTestVersion:
        return BackTestVersion(self.scope)

    @cached_property
    def processes(self) -> ProcessScope:
        """What the use cases of processes are built from."""
        return ProcessScope(self.scope, self.store, shipped_processes())

    @cached_property
    def triggers(self) -> TriggerScope:
        """What the time-driven rules and their proposals are built from."""
        known = time_driven()
        return TriggerScope(
            self.processes,
            self.store,
            tuple(known.kinds.values()),
            known.triggers,
            known.units,
        )

    @cached_property
    def files(self) -> TenantFiles:
        """Uploads of the tenant."""
        return TenantFiles(self.application.platform.files, self.context.tenant_id)

    def tell_subjects(self) -> TellSubjects:
        return TellSubjects(self.triggers)

    def start_subject_import(self) -> StartSubjectImport:
        return StartSubjectImport(self.triggers, self.files)

    @cached_property
    def subject_files(self) -> SubjectFiles:
        """Subjects as workbooks."""
        from workflow.adapters.subject_files import TabularSubjectFiles

        return TabularSubjectFiles()

    def run_subject_import(self) -> RunSubjectImport:
        return RunSubjectImport(self.triggers, self.files, self.subject_files)

    def start_run(self) -> StartRun:
        return StartRun(self.triggers)

    def propose_work(self) -> ProposeWork:
        return ProposeWork(self.triggers)

    def accept_proposal(self) -> AcceptProposal:
        return AcceptProposal(self.triggers)

    def dismiss_proposal(self) -> DismissProposal:
        return DismissProposal(self.triggers)

    def start_process(self) -> StartProcess:
        return StartProcess(self.processes)

    def advance_process(self) -> AdvanceProcess:
        return AdvanceProcess(self.processes)

    def hear_approval(self) -> HearApproval:
        return HearApproval(self.processes)

    def correct_process(self) -> CorrectProcess:
        return CorrectProcess(self.processes)

    def cancel_process(self) -> CancelProcess:
        return CancelProcess(self.processes)

    def show_process(self) -> ShowProcess:
        return ShowProcess(self.processes)

    def fire_timers(self) -> FireTimers:
        return FireTimers(self.processes)

    def draft_definition(self) -> DraftDefinition:
        return DraftDefinition(self.processes)

    def check_definition(self) -> CheckDefinition:
        return CheckDefinition(self.processes)

    def publish_definition(self) -> PublishDefinition:
        return PublishDefinition(self.processes, self.check_definition())

    def move_definition(self) -> MoveDefinition:
        return MoveDefinition(self.processes)

    def record_parameter(self) -> RecordParameter:
        return RecordParameter(self.scope)

    # ------------------------------------------------------------------ approvals

    @cached_property
    def approvals(self) -> ApprovalsStore:
        """Reads and units of work of approvals."""
        app = self.application
        return DynamoApprovalsStore(
            app.platform.machinery,
            self.context,
            app.platform.vault(CONTEXT),
            app.settings.queue_url("approvals"),
        )

    @cached_property
    def approval_scope(self) -> ApprovalScope:
        """What the use cases of approvals are built from."""
        app = self.application
        return ApprovalScope(
            self.scope,
            self.approvals,
            WorkingTime(calendar("TR"), ZONE),
            app.machine,
            KmsSeal(app.platform.client, app.settings.evidence_key),
            signatures,
            self._identity_digest,
        )

    def _identity_digest(self, kind: str, value: str) -> str:
        """Keyed hash of a certificate's holder: identity numbers are few, a plain one gives in."""
        key = self.application.platform.app_secret.derive("signer-index", self.context.tenant_id)
        return hmac.new(key, f"{kind}:{value}".encode(), "sha256").hexdigest()

    def request_approval(self) -> RequestApproval:
        return RequestApproval(self.approval_scope)

    def hear_request(self) -> HearRequest:
        return HearRequest(self.approval_scope)

    def withdraw_approval(self) -> WithdrawApproval:
        return WithdrawApproval(self.approval_scope)

    def decide_task(self) -> DecideTask:
        return DecideTask(self.approval_scope)

    def state_decision(self) -> StateDecision:
        return StateDecision(self.approval_scope)

    def read_signature(self) -> ReadSignature:
        return ReadSignature(self.approval_scope)

    def act_on_task(self) -> ActOnTask:
        return ActOnTask(self.approval_scope)

    def list_tasks(self) -> ListTasks:
        return ListTasks(self.approval_scope)

    def read_approval(self) -> ReadApproval:
        return ReadApproval(self.approval_scope)

    def read_report(self) -> ReadReport:
        return ReadReport(self.approval_scope)

    def make_delegation(self) -> MakeDelegation:
        return MakeDelegation(self.approval_scope)

    def end_delegation(self) -> EndDelegation:
        return EndDelegation(self.approval_scope)

    def join_colleagues(self) -> JoinColleagues:
        return JoinColleagues(self.approval_scope)

    def record_trust(self) -> RecordTrust:
        return RecordTrust(self.approval_scope)

    def end_trust(self) -> EndTrust:
        return EndTrust(self.approval_scope)

    def keep_token(self) -> KeepToken:
        return KeepToken(self.approval_scope)

    def reach_deadline(self) -> ReachDeadline:
        return ReachDeadline(self.approval_scope)

    def drive_task(self) -> DriveTask:
        return DriveTask(self.approval_scope)


@cache
def signatures() -> Signatures:
    """What reads signatures of persons; loaded at the first one."""
    from workflow.adapters.cms_signatures import CmsSignatures

    return CmsSignatures()


@dataclass
class Application:
    """Everything of the context that does not belong to a tenant."""

    settings: WorkflowSettings
    platform: Platform
    assets: Assets | None = None

    def for_tenant(self, context: TenantContext) -> Workflow:
        """The use cases for one tenant."""
        return Workflow(self, context)

    def for_system(self, tenant_id: str, what: str) -> Workflow:
        """The use cases for work that no person started."""
        return self.for_tenant(TenantContext(tenant_id, f"system:{what}"))

    def approval_decided(self, tenant_id: str, data: Mapping[str, Any]) -> None:
        """Go on with, or back in, the process that asked for this approval."""
        self.for_system(tenant_id, "approvals").hear_approval()(data)

    def start_triggers(self) -> int:
        """Start the run of the day for every company with subjects."""
        return StartRuns(
            DynamoMornings(self.platform.database),
            lambda tenant: self.for_system(tenant, "triggers").triggers,
        )()

    def sweep_processes(self) -> Sweep:
        """The minute sweep of processes over all tenants."""
        work = DynamoDueWork(self.platform.database)
        return Sweep(
            work, self.platform.clock, lambda tenant: self.for_system(tenant, "sweep").processes
        )

    @cached_property
    def machine(self) -> Machine:
        """The state machine of approvals; only the function that drives it may call it."""
        client = self.platform.client("stepfunctions")
        return StepFunctionsMachine(client, self.settings.approval_machine)

    def sweep_tasks(self) -> SweepTasks:
        """The minute sweep over the tasks of all tenants."""
        return SweepTasks(
            DynamoApprovalsDue(self.platform.database),
            self.platform.clock,
            lambda tenant_id: self.for_system(tenant_id, "sweep").approval_scope,
        )

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def renderer(self) -> "Renderer":
        """Pages and words of this context."""
        from webkit.render import Renderer

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

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from workflow.adapters.personal_data import ANSWERED, PACKED, REGISTER

        queue = self.settings.queue_url("privacy")
        return self.platform.privacy_keeper(REGISTER, ANSWERED, queue, codec=PACKED)

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
