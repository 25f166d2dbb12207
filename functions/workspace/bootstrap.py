"""Composition root of the workspace: the only module that knows both sides."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.files import TableWriter
from kernel.links import Links
from kernel.sensitive import Email, Secret, Tckn
from toolkit.aws.limits import RateLimiter
from toolkit.aws.mail import MailService
from toolkit.aws.objects import FileStore
from toolkit.aws.unit_of_work import chain_hash
from toolkit.http.cursor import Cursors
from toolkit.platform import Platform
from toolkit.tabular.export_files import TabularExportFiles
from toolkit.tokens import RandomTokens, digest, webhook_secret
from webkit.assets import Assets
from workspace.adapters.agreement_texts import agreement
from workspace.adapters.due_rows import DynamoDueRows
from workspace.adapters.dynamodb_privacy import DynamoPrivacyDesk
from workspace.adapters.dynamodb_seals import DynamoSealDesk, LockedSealObjects
from workspace.adapters.dynamodb_unit import Workshop
from workspace.adapters.dynamodb_webhooks import DynamoWebhookStore, WebhookWorkshop
from workspace.adapters.dynamodb_workspace import DynamoSystemStore
from workspace.adapters.entity_writes import CONTEXT, SYSTEM
from workspace.adapters.field_register import read_field_register
from workspace.adapters.kms_second_factors import KmsSecondFactors
from workspace.adapters.own_sign_in import OwnSignIn
from workspace.adapters.s3_uploads import S3Uploads
from workspace.adapters.sqs_dead_letters import SqsDeadLetters
from workspace.application.accept_invitation import AcceptInvitation
from workspace.application.api_keys import ListApiKeys, ReadApiKey, RevokeApiKey
from workspace.application.cost_cards import ListCostCards, ReadCostCard
from workspace.application.create_tenant import CreateTenant
from workspace.application.dead_letters import (
    FindDeadLetter,
    ListDeadLetters,
    ListRedrives,
    ReadDeadLetters,
    RedriveDeadLetters,
)
from workspace.application.deadline_feed import (
    EndDeadlineFeed,
    RenewDeadlineFeed,
    ShowDeadlineFeed,
)
from workspace.application.deliver_webhooks import DeliverWebhooks
from workspace.application.end_session import EndSession
from workspace.application.entrance import Entrance
from workspace.application.fan_out_event import FanOutEvent, PutIntoLane
from workspace.application.finish_sign_in import FinishSignIn
from workspace.application.hosted_sign_in import FinishHostedSignIn, StartHostedSignIn
from workspace.application.identify_bearer import IdentifyBearer
from workspace.application.identify_key import IdentifyKey
from workspace.application.identify_session import IdentifySession
from workspace.application.identify_token import IdentifyToken
from workspace.application.incidents import (
    ListIncidents,
    ListOpenIncidents,
    ReadIncident,
    ResolveIncident,
)
from workspace.application.install_operator import InstallOperator
from workspace.application.install_user import InstallUser
from workspace.application.invite_again import InviteAgain
from workspace.application.invite_user import InviteUser
from workspace.application.issue_api_key import IssueApiKey, IssueOperatorKey, KeyMaker
from workspace.application.jobs import CancelJob, ListJobs, ReadJob
from workspace.application.list_events import ListEvents
from workspace.application.list_today import ListToday
from workspace.application.locate import Locate
from workspace.application.messages import ListMessages, ReadMessage
from workspace.application.oversee_companies import OverseeCompanies
from workspace.application.privacy import (
    AskAgain,
    HearPrivacyAnswer,
    ListPrivacyRequests,
    ReadCopy,
    ReadPrivacyRequest,
    RequestPrivacy,
    StartRetention,
)
from workspace.application.project_event import ProjectEvent
from workspace.application.read_account import ReadAccount
from workspace.application.read_timeline import ReadTimeline
from workspace.application.record_mail_event import RecordMailEvent
from workspace.application.recover_endpoint import ContinueRecovery, StartRecovery
from workspace.application.request_password_reset import RequestPasswordReset
from workspace.application.reset_password import ResetPassword
from workspace.application.save_preferences import SavePreferences
from workspace.application.saved_views import ListViews, ReadView, RemoveView, SaveView
from workspace.application.seal_audit import (
    ListChains,
    ListSeals,
    ReadSeal,
    SealAudit,
    StartSeals,
    VerifySeal,
)
from workspace.application.search_everything import SearchEverything
from workspace.application.second_factor import (
    ConfirmSecondFactor,
    FactorDesk,
    ProveAgain,
    ReadSecondFactor,
    RemoveSecondFactor,
    RenewRecoveryCodes,
    StartSecondFactor,
)
from workspace.application.send_mail import SendMail
from workspace.application.show_link import ShowLink
from workspace.application.sign_in import SignIn
from workspace.application.sign_out import SignOut, SignOutEverywhere
from workspace.application.signups import (
    ApproveSignup,
    ListSignups,
    Numbers,
    ReadSignup,
    RejectSignup,
    RequestSignup,
    SendActivationAgain,
)
from workspace.application.standing import Standing
from workspace.application.start_password_reset import StartPasswordReset
from workspace.application.start_upload import StartUpload
from workspace.application.stuck_items import ListStuckItems
from workspace.application.support import (
    AskForSupport,
    DecideSupport,
    ListSupport,
    UseSupport,
    VisitCompany,
)
from workspace.application.sweep_messages import SweepMessages
from workspace.application.sweep_webhooks import SweepWebhooks
from workspace.application.switch_tenant import SwitchTenant
from workspace.application.task_links import FollowTaskLink, ShowTaskLink
from workspace.application.tenants import ChangeTenant, ListTenants, ReadTenant
from workspace.application.users import ChangeUser, ListUsers, ReadUser, RemoveUser
from workspace.application.verify_audit import VerifyAudit
from workspace.application.wake_lanes import WakeLanes
from workspace.application.webhook_deliveries import (
    ListDeliveries,
    ReadDelivery,
    ReadEvent,
    ResendDelivery,
    ResendEvent,
    TryEndpoint,
)
from workspace.application.webhook_endpoints import (
    AddEndpoint,
    ChangeEndpoint,
    ListEndpoints,
    ReadEndpoint,
    RemoveEndpoint,
    RotateSecret,
)
from workspace.domain.cost_card import PriceList
from workspace.domain.field_register import FieldRegister
from workspace.domain.signup import Agreement
from workspace.ports import (
    IdentityProvider,
    Mailer,
    PasswordHasher,
    SecondFactorSecrets,
    SystemStore,
    Throttle,
    Tokens,
    WebhookSender,
    WebhookStore,
)
from workspace.settings import WorkspaceSettings

if TYPE_CHECKING:
    from toolkit.aws.privacy_keeper import PrivacyKeeper
    from webkit.render import Renderer

PAGES = Path(__file__).parent / "pages"
LIVE_STAGE = "prod"
SESSION_COOKIE = "kopru"
LANGUAGE_COOKIE = "kopru_language"
DEVICE_COOKIE = "kopru_device"
STEP_COOKIE = "kopru_step"
TRIP_COOKIE = "kopru_trip"


@dataclass
class Application:
    """The use cases of this context; each call makes a fresh one over shared plumbing."""

    settings: WorkspaceSettings
    platform: Platform
    tokens: Tokens
    assets: Assets | None = None
    own_hasher: PasswordHasher | None = None
    own_mailer: Mailer | None = None
    own_store: SystemStore | None = None
    own_throttle: Throttle | None = None
    own_webhook_sender: WebhookSender | None = None
    own_numbers: Numbers | None = None
    own_factors: SecondFactorSecrets | None = None
    own_provider: IdentityProvider | None = None

    # ------------------------------------------------------------------ plumbing

    @cached_property
    def workshop(self) -> Workshop:
        """What stores and units are made from."""
        return Workshop(
            self.platform.machinery, self.settings.queue_url("send-mail"), self._email_digest
        )

    def _email_digest(self, email: Email) -> str:
        """Under which key an address is found; case makes no difference when looking."""
        key = self.platform.app_secret.derive("email-index")
        text = email.reveal("look up an address").lower()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:40]

    def _numbers_digest(self, accountant_no: str, national_id: Tckn) -> str:
        """Under which key a pair of numbers is found; without the key it cannot be tried out."""
        key = self.platform.app_secret.derive("numbers-index")
        text = f"{accountant_no}/{national_id.reveal('look up an account by its numbers')}"
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:40]

    def code_digest(self, step_digest: str, code: str) -> str:
        """Keyed hash of a mailed code: of so few codes a plain one could be tried out."""
        key = self.platform.app_secret.derive("step-code")
        return hmac.new(key, f"{step_digest}/{code}".encode(), hashlib.sha256).hexdigest()

    @cached_property
    def factors(self) -> SecondFactorSecrets:
        """Secrets of authenticators."""
        return self.own_factors or KmsSecondFactors(self.platform.vault(CONTEXT))

    @cached_property
    def store(self) -> SystemStore:
        """All stores of the context hang on this one."""
        return self.own_store or DynamoSystemStore(self.workshop)

    @cached_property
    def throttle(self) -> Throttle:
        """Counters of sign-ins, resets and links."""
        return self.own_throttle or RateLimiter(self.platform.database, SYSTEM, self.platform.clock)

    @cached_property
    def numbers(self) -> Numbers:
        """Keyed hash by which people are found by their numbers."""
        return self.own_numbers or self._numbers_digest

    @cached_property
    def hasher(self) -> PasswordHasher:
        """Hashes of passwords; most functions never see one."""
        from toolkit.passwords import Argon2Passwords

        return self.own_hasher or Argon2Passwords()

    @cached_property
    def renderer(self) -> "Renderer":
        """Pages of this context."""
        from webkit.render import Renderer

        return Renderer.for_pages(PAGES, assets=self.assets)

    @cached_property
    def mailer(self) -> Mailer:
        """Mails of this context; they need no built assets."""
        from webkit.render import Renderer
        from workspace.adapters.ses_mailer import SesMailer

        return self.own_mailer or SesMailer(
            MailService(
                lambda: self.platform.client("sesv2"),
                self.settings.sender,
                self.settings.configuration_set,
            ),
            Renderer.for_pages(PAGES, assets=Assets({})),
        )

    @cached_property
    def cursors(self) -> Cursors:
        """Sealed paging cursors."""
        return Cursors(self.platform.cursor_key(CONTEXT))

    @cached_property
    def keys(self) -> KeyMaker:
        """Maker of API keys of this stage."""
        live = self.settings.common.stage == LIVE_STAGE
        return KeyMaker(self.platform.ids, self.tokens, digest, live)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by HTTPS: everywhere but on this machine."""
        return not self.settings.common.is_local

    def cookie(self, name: str) -> str:
        """Full name of a cookie.

        ``__Host-`` binds it to this host and to HTTPS. The local stack has neither; there the port
        goes into the name, because cookies of one machine do not know ports and several stacks may
        run side by side.
        """
        if self.secure:
            return f"__Host-{name}"
        port = self.settings.common.base_url.rpartition(":")[2]
        return f"{name}-{port}" if port.isdigit() else name

    # ------------------------------------------------------------------ identity

    def identify_key(self) -> IdentifyKey:
        return IdentifyKey(self.store, self.platform.clock, digest)

    def identify_session(self) -> IdentifySession:
        return IdentifySession(self.store, self.platform.clock, digest, self.standing())

    def identify_bearer(self) -> IdentifyBearer:
        return IdentifyBearer(self.identify_key(), self.identify_token())

    def identify_token(self) -> IdentifyToken:
        return IdentifyToken(self.store, self.provider, self.standing())

    def standing(self) -> Standing:
        return Standing(
            self.platform.clock,
            UseSupport(self.store, self.platform.clock),
            operators_prove_twice=not self.settings.common.is_local,
        )

    @cached_property
    def provider(self) -> IdentityProvider:
        """Who signs people in beside our own form; it keeps the keys of its issuer."""
        if self.own_provider is not None:
            return self.own_provider
        given = self.settings.identity_provider
        if not given:
            return OwnSignIn()
        from toolkit.http.client import HttpClient
        from toolkit.http.public_route import public_route
        from workspace.adapters.oidc_provider import MAX_ANSWER_BYTES, OidcProvider, OidcSettings

        return OidcProvider(
            OidcSettings(
                given["issuer"],
                given["client_id"],
                given["domain"],
                given["scope"],
                second_factor=given["second_factor"] == "yes",
            ),
            HttpClient(max_answer_bytes=MAX_ANSWER_BYTES, route=public_route()),
            self.platform.clock,
            self.settings.common.base_url,
        )

    def start_hosted_sign_in(self) -> StartHostedSignIn:
        return StartHostedSignIn(self.provider, self.tokens)

    def finish_hosted_sign_in(self) -> FinishHostedSignIn:
        return FinishHostedSignIn(self.entrance(), self.provider, self.throttle)

    def entrance(self) -> Entrance:
        return Entrance(
            self.store,
            self.platform.clock,
            self.platform.ids,
            self.hasher,
            self.tokens,
            digest,
        )

    def sign_in(self) -> SignIn:
        return SignIn(self.entrance(), self.throttle, self.numbers)

    def finish_sign_in(self) -> FinishSignIn:
        return FinishSignIn(self.entrance(), self.factors, self.throttle, self.code_digest)

    def end_session(self) -> EndSession:
        return EndSession(self.store)

    def factor_desk(self) -> FactorDesk:
        return FactorDesk(
            self.store, self.platform.clock, self.tokens, self.factors, self.throttle, digest
        )

    def read_second_factor(self) -> ReadSecondFactor:
        return ReadSecondFactor(self.store)

    def start_second_factor(self) -> StartSecondFactor:
        return StartSecondFactor(self.factor_desk())

    def confirm_second_factor(self) -> ConfirmSecondFactor:
        return ConfirmSecondFactor(self.factor_desk())

    def renew_recovery_codes(self) -> RenewRecoveryCodes:
        return RenewRecoveryCodes(self.factor_desk())

    def remove_second_factor(self) -> RemoveSecondFactor:
        return RemoveSecondFactor(self.factor_desk())

    def prove_again(self) -> ProveAgain:
        return ProveAgain(self.factor_desk(), self.hasher)

    def sign_out(self) -> SignOut:
        return SignOut(self.store)

    def sign_out_everywhere(self) -> SignOutEverywhere:
        return SignOutEverywhere(self.store)

    def switch_tenant(self) -> SwitchTenant:
        return SwitchTenant(self.store, self.platform.clock)

    def save_preferences(self) -> SavePreferences:
        return SavePreferences(self.store)

    def oversee_companies(self) -> OverseeCompanies:
        return OverseeCompanies(self.store, self.platform.clock)

    def list_views(self) -> ListViews:
        return ListViews(self.store)

    def read_view(self) -> ReadView:
        return ReadView(self.store)

    def save_view(self) -> SaveView:
        return SaveView(self.store, self.platform.ids)

    def remove_view(self) -> RemoveView:
        return RemoveView(self.store)

    def renew_deadline_feed(self) -> RenewDeadlineFeed:
        return RenewDeadlineFeed(self.store, self.tokens, digest)

    def end_deadline_feed(self) -> EndDeadlineFeed:
        return EndDeadlineFeed(self.store)

    def show_deadline_feed(self) -> ShowDeadlineFeed:
        return ShowDeadlineFeed(self.store, self.platform.clock, digest, self.throttle)

    def deadline_feed_link(self, token: Secret) -> str:
        """Address of a feed, shown once."""
        shown = token.reveal("shown once to its owner")
        return Links(self.settings.common.base_url).to(f"/deadlines/{shown}")

    def read_account(self) -> ReadAccount:
        return ReadAccount(self.store)

    def show_link(self) -> ShowLink:
        return ShowLink(self.store, self.platform.clock, digest)

    def show_task_link(self) -> ShowTaskLink:
        return ShowTaskLink(self.store, self.switch_tenant(), digest)

    def follow_task_link(self) -> FollowTaskLink:
        return FollowTaskLink(self.store, self.show_task_link(), self.throttle)

    def accept_invitation(self) -> AcceptInvitation:
        return AcceptInvitation(self.store, self.show_link(), self.hasher, self.throttle, digest)

    def request_password_reset(self) -> RequestPasswordReset:
        return RequestPasswordReset(self.store, self.platform.ids, self.throttle, digest)

    def start_password_reset(self) -> StartPasswordReset:
        return StartPasswordReset(self.store, self.platform.clock)

    def reset_password(self) -> ResetPassword:
        return ResetPassword(self.store, self.show_link(), self.hasher, self.throttle, digest)

    # ------------------------------------------------------------------ signing up

    def agreement(self, language: str) -> Agreement:
        """The service agreement in force."""
        return agreement(language)

    def request_signup(self) -> RequestSignup:
        return RequestSignup(
            self.store,
            self.platform.clock,
            self.platform.ids,
            self.throttle,
            digest,
            self.numbers,
            agreement,
        )

    def list_signups(self) -> ListSignups:
        return ListSignups(self.store)

    def read_signup(self) -> ReadSignup:
        return ReadSignup(self.store)

    def approve_signup(self) -> ApproveSignup:
        return ApproveSignup(self.store, self.platform.ids)

    def send_activation_again(self) -> SendActivationAgain:
        return SendActivationAgain(self.store, self.invite_again())

    def reject_signup(self) -> RejectSignup:
        return RejectSignup(self.store, self.platform.ids)

    # ------------------------------------------------------------------ support access

    def ask_for_support(self) -> AskForSupport:
        return AskForSupport(self.store, self.platform.clock, self.platform.ids)

    def decide_support(self) -> DecideSupport:
        return DecideSupport(self.store, self.platform.clock, self.platform.ids)

    def list_support(self) -> ListSupport:
        return ListSupport(self.store)

    def locate_support(self) -> Locate:
        return Locate(self.store.tenant_of_support)

    def visit_company(self) -> VisitCompany:
        return VisitCompany(self.store, self.platform.clock)

    # ------------------------------------------------------------------ companies and people

    def create_tenant(self) -> CreateTenant:
        return CreateTenant(self.store, self.platform.clock, self.platform.ids, self.keys)

    def read_tenant(self) -> ReadTenant:
        return ReadTenant(self.store)

    def list_tenants(self) -> ListTenants:
        return ListTenants(self.store)

    def change_tenant(self) -> ChangeTenant:
        return ChangeTenant(self.store)

    def list_users(self) -> ListUsers:
        return ListUsers(self.store)

    def read_user(self) -> ReadUser:
        return ReadUser(self.store)

    def invite_user(self) -> InviteUser:
        return InviteUser(self.store, self.platform.ids)

    def invite_again(self) -> InviteAgain:
        return InviteAgain(self.store, self.platform.ids)

    def change_user(self) -> ChangeUser:
        return ChangeUser(self.store, self.platform.clock)

    def remove_user(self) -> RemoveUser:
        return RemoveUser(self.store, self.platform.clock)

    def install_user(self) -> InstallUser:
        return InstallUser(self.store, self.platform.ids, self.hasher)

    def install_operator(self) -> InstallOperator:
        return InstallOperator(self.store, self.platform.ids, self.hasher)

    def issue_api_key(self) -> IssueApiKey:
        return IssueApiKey(self.store, self.platform.clock, self.keys)

    def issue_operator_key(self) -> IssueOperatorKey:
        return IssueOperatorKey(self.store, self.keys)

    def list_api_keys(self) -> ListApiKeys:
        return ListApiKeys(self.store)

    def read_api_key(self) -> ReadApiKey:
        return ReadApiKey(self.store)

    def revoke_api_key(self) -> RevokeApiKey:
        return RevokeApiKey(self.store)

    # ------------------------------------------------------------------ the spine

    def list_jobs(self) -> ListJobs:
        return ListJobs(self.store)

    def read_job(self) -> ReadJob:
        return ReadJob(self.store)

    def cancel_job(self) -> CancelJob:
        return CancelJob(self.store)

    def start_upload(self) -> StartUpload:
        return StartUpload(S3Uploads(self.platform.files), self.platform.ids)

    def read_timeline(self) -> ReadTimeline:
        return ReadTimeline(self.store)

    def search_everything(self) -> SearchEverything:
        return SearchEverything(self.store)

    def list_incidents(self) -> ListIncidents:
        return ListIncidents(self.store)

    def list_open_incidents(self) -> ListOpenIncidents:
        return ListOpenIncidents(self.store)

    def locate_incident(self) -> Locate:
        return Locate(self.store.tenant_of_incident)

    def read_incident(self) -> ReadIncident:
        return ReadIncident(self.store)

    def resolve_incident(self) -> ResolveIncident:
        return ResolveIncident(self.store, self.platform.clock)

    def list_messages(self) -> ListMessages:
        return ListMessages(self.store)

    def read_message(self) -> ReadMessage:
        return ReadMessage(self.store)

    def list_events(self) -> ListEvents:
        return ListEvents(self.store)

    def list_today(self) -> ListToday:
        return ListToday(self.store, self.platform.clock)

    def verify_audit(self) -> VerifyAudit:
        return VerifyAudit(self.store, chain_hash)

    # ------------------------------------------------------------------ seals

    @cached_property
    def seal_desk(self) -> DynamoSealDesk:
        """How far seals are."""
        return DynamoSealDesk(self.platform.machinery, self.settings.queue_url("seal-audit"))

    @cached_property
    def seal_objects(self) -> LockedSealObjects:
        """What was sealed."""
        bucket = self.settings.seal_bucket
        return LockedSealObjects(FileStore(self.platform.client("s3"), bucket))

    def start_seals(self) -> StartSeals:
        return StartSeals(self.store, self.seal_desk, self.platform.clock)

    def seal_audit(self) -> SealAudit:
        return SealAudit(self.store, self.seal_desk, self.seal_objects, self.platform.clock)

    def list_seals(self) -> ListSeals:
        return ListSeals(self.seal_desk)

    def read_seal(self) -> ReadSeal:
        return ReadSeal(self.seal_desk, self.seal_objects)

    def list_chains(self) -> ListChains:
        return ListChains(self.store)

    def verify_seal(self) -> VerifySeal:
        return VerifySeal(self.store, self.seal_desk, self.seal_objects)

    @cached_property
    def price_list(self) -> PriceList:
        """Dated prices of what is counted."""
        from workspace.adapters.price_list import read_price_list

        return read_price_list()

    def read_cost_card(self) -> ReadCostCard:
        return ReadCostCard(self.seal_desk, self.price_list, self.platform.clock)

    def list_cost_cards(self) -> ListCostCards:
        return ListCostCards(self.store, self.read_cost_card())

    # ------------------------------------------------------------------ operator tools

    @cached_property
    def dead_letters(self) -> SqsDeadLetters:
        """The dead-letter queues of this stack."""
        platform = self.platform
        return SqsDeadLetters(platform.client("sqs"), platform.database, self.settings.stack)

    def list_dead_letters(self) -> ListDeadLetters:
        return ListDeadLetters(self.dead_letters)

    def read_dead_letters(self) -> ReadDeadLetters:
        return ReadDeadLetters(self.dead_letters, self.store)

    def find_dead_letter(self) -> FindDeadLetter:
        return FindDeadLetter(self.dead_letters, self.read_dead_letters())

    def redrive_dead_letters(self) -> RedriveDeadLetters:
        return RedriveDeadLetters(self.dead_letters, self.store, self.platform.ids)

    def list_redrives(self) -> ListRedrives:
        return ListRedrives(self.store)

    def list_stuck_items(self) -> ListStuckItems:
        return ListStuckItems(DynamoDueRows(self.platform.database), self.platform.clock)

    # ------------------------------------------------------------------ privacy

    @cached_property
    def privacy_desk(self) -> DynamoPrivacyDesk:
        """Requests of people and runs of the retention clocks."""
        return DynamoPrivacyDesk(self.workshop, self.platform.files)

    @cached_property
    def field_register(self) -> FieldRegister:
        """What all contexts hold about people."""
        return read_field_register()

    @cached_property
    def table_writer(self) -> TableWriter:
        """Tables as files."""
        return TabularExportFiles("json, csv or xlsx")

    def request_privacy(self) -> RequestPrivacy:
        platform = self.platform
        return RequestPrivacy(
            self.store, self.privacy_desk, platform.clock, platform.ids, platform.person_key
        )

    def list_privacy_requests(self) -> ListPrivacyRequests:
        return ListPrivacyRequests(self.privacy_desk)

    def read_privacy_request(self) -> ReadPrivacyRequest:
        return ReadPrivacyRequest(self.privacy_desk)

    def read_copy(self) -> ReadCopy:
        return ReadCopy(self.privacy_desk)

    def hear_privacy_answer(self) -> HearPrivacyAnswer:
        return HearPrivacyAnswer(self.privacy_desk, self.platform.clock)

    def ask_again(self) -> AskAgain:
        return AskAgain(self.privacy_desk, self.platform.clock)

    def start_retention(self) -> StartRetention:
        return StartRetention(self.store, self.privacy_desk, self.platform.clock)

    # ------------------------------------------------------------------ events out

    @cached_property
    def webhooks(self) -> WebhookStore:
        """Targets, deliveries and lanes."""
        return DynamoWebhookStore(
            WebhookWorkshop(
                self.platform.machinery,
                self.settings.queue_url("send-mail"),
                self._email_digest,
                self.settings.queue_url("deliver-webhooks"),
                lambda: self.platform.vault(CONTEXT),
            )
        )

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        """Calls receivers at public addresses; of their answers only the beginning is read."""
        from toolkit.http.client import HttpClient, Timeouts
        from toolkit.http.public_route import public_route
        from workspace.adapters.http_webhooks import MAX_ANSWER_BYTES, HttpWebhookSender

        return self.own_webhook_sender or HttpWebhookSender(
            HttpClient(
                timeouts=Timeouts(connect=5.0, read=15.0),
                max_answer_bytes=MAX_ANSWER_BYTES,
                cut_answers=True,
                route=public_route(allow_loopback=self.settings.local_targets),
            ),
            self.platform.clock,
        )

    def add_endpoint(self) -> AddEndpoint:
        local = self.settings.local_targets
        return AddEndpoint(self.webhooks, self.platform.ids, webhook_secret, local)

    def list_endpoints(self) -> ListEndpoints:
        return ListEndpoints(self.webhooks)

    def read_endpoint(self) -> ReadEndpoint:
        return ReadEndpoint(self.webhooks)

    def change_endpoint(self) -> ChangeEndpoint:
        return ChangeEndpoint(self.webhooks, self.settings.local_targets)

    def rotate_secret(self) -> RotateSecret:
        return RotateSecret(self.webhooks, self.platform.clock, webhook_secret)

    def remove_endpoint(self) -> RemoveEndpoint:
        return RemoveEndpoint(self.webhooks)

    def list_deliveries(self) -> ListDeliveries:
        return ListDeliveries(self.webhooks)

    def read_delivery(self) -> ReadDelivery:
        return ReadDelivery(self.webhooks)

    def read_event(self) -> ReadEvent:
        return ReadEvent(self.webhooks)

    def put_into_lane(self) -> PutIntoLane:
        return PutIntoLane(self.platform.clock, self.platform.ids)

    def fan_out_event(self) -> FanOutEvent:
        return FanOutEvent(self.webhooks, self.put_into_lane())

    def try_endpoint(self) -> TryEndpoint:
        platform = self.platform
        return TryEndpoint(self.webhooks, platform.clock, platform.ids, self.put_into_lane())

    def resend_delivery(self) -> ResendDelivery:
        return ResendDelivery(self.webhooks, self.put_into_lane())

    def resend_event(self) -> ResendEvent:
        return ResendEvent(self.webhooks, self.fan_out_event())

    def start_recovery(self) -> StartRecovery:
        return StartRecovery(self.webhooks, self.platform.clock, self.platform.ids)

    def continue_recovery(self) -> ContinueRecovery:
        return ContinueRecovery(self.webhooks, self.put_into_lane())

    def deliver_webhooks(self) -> DeliverWebhooks:
        platform = self.platform
        return DeliverWebhooks(self.webhooks, platform.clock, platform.ids, self.webhook_sender)

    def wake_lanes(self) -> WakeLanes:
        return WakeLanes(self.webhooks, self.platform.clock)

    def sweep_webhooks(self) -> SweepWebhooks:
        return SweepWebhooks(self.webhooks, self.platform.clock)

    # ------------------------------------------------------------------ workers

    def send_mail(self) -> SendMail:
        return SendMail(
            self.store,
            self.platform.clock,
            self.platform.ids,
            self.tokens,
            digest,
            Links(self.settings.common.base_url),
            self.mailer,
            self.code_digest,
        )

    def record_mail_event(self) -> RecordMailEvent:
        return RecordMailEvent(self.store, self.platform.clock)

    def project_event(self) -> ProjectEvent:
        return ProjectEvent(self.store, self.platform.clock, self.platform.ids)

    def sweep_messages(self) -> SweepMessages:
        return SweepMessages(self.store, self.platform.clock, self.platform.ids)

    def keep_privacy(self) -> "PrivacyKeeper":
        """Copies for people, erasure and retention in this context."""
        from workspace.adapters.personal_data import ANSWERED, REGISTER
        from workspace.adapters.privacy_rows import AccountLookups, WorkCopies, rows_of_account

        database = self.platform.database
        return self.platform.privacy_keeper(
            REGISTER,
            ANSWERED,
            self.settings.queue_url("privacy"),
            lookups=AccountLookups(database, self._email_digest),
            beside=rows_of_account,
            house=WorkCopies(database, self.platform.files),
        )

    def relay_outbox(self) -> int:
        """Deliver outbox rows whose process died."""
        return self.platform.machinery.outbox.relay(SYSTEM)


def build(
    settings: WorkspaceSettings,
    *,
    platform: Platform | None = None,
    hasher: PasswordHasher | None = None,
    tokens: Tokens | None = None,
    assets: Assets | None = None,
    mailer: Mailer | None = None,
    store: SystemStore | None = None,
    throttle: Throttle | None = None,
    numbers: Numbers | None = None,
    factors: SecondFactorSecrets | None = None,
    provider: IdentityProvider | None = None,
) -> Application:
    """Build the context; tests pass their own parts."""
    return Application(
        settings=settings,
        platform=platform or Platform(settings.common),
        own_hasher=hasher,
        tokens=tokens or RandomTokens(),
        assets=assets,
        own_mailer=mailer,
        own_store=store,
        own_throttle=throttle,
        own_numbers=numbers,
        own_factors=factors,
        own_provider=provider,
    )


@cache
def application() -> Application:
    """The context of this process, built at its first use."""
    return build(WorkspaceSettings.from_environment())
