"""The facade of the cloud half: opens, closes and connects its parts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from moto.moto_api._internal.models import moto_api_backend
from moto.stepfunctions.parser.asl.utils import boto_client as stepfunctions_clients

from infra.local.cloud import moto_patches
from infra.local.cloud.bus import EventBus
from infra.local.cloud.deployer import Deployer
from infra.local.cloud.dynamodb.front import DynamoDbFront
from infra.local.cloud.dynamodb.memory import ItemRecorder, restore_items
from infra.local.cloud.endpoint import Endpoint, Services
from infra.local.cloud.executions import EXECUTIONS, ExecutionJournal
from infra.local.cloud.http_server import HttpServer, Request, Response
from infra.local.cloud.journal import ItemJournal, ObjectFiles, Vault
from infra.local.cloud.mail import MailStore
from infra.local.cloud.model import (
    ACCOUNT_ID,
    Deployment,
    FunctionNotFoundError,
    InvokeOutcome,
    Invoker,
    LocalCloudError,
    Log,
    Now,
)
from infra.local.cloud.presigned import SECRET_KEY
from infra.local.cloud.s3_objects import S3Objects
from infra.local.cloud.secrets_store import save_secrets
from infra.local.cloud.sqs_engine import SqsEngine
from infra.local.cloud.sqs_wire import SqsWire
from infra.local.state import LocalState
from infra.local.template import Scope

_ACCESS_KEY: Final = "local"

_one_at_a_time = threading.Lock()


@cache
def _session() -> boto3.session.Session:
    """One session for all clients: it keeps the descriptions of services it has read."""
    return boto3.session.Session()


class _NoRuntime:
    """Stands in until the runtime half has attached itself."""

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        raise FunctionNotFoundError(f"{function_name} (no runtime for {len(payload)} bytes)")

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        self.invoke(function_name, payload)


class _Parts:
    """Everything that is opened and closed together with the data of a state folder."""

    def __init__(self, cloud: LocalCloud, data: Path) -> None:
        scope = Scope(cloud.region, cloud.account_id)
        self.items = ItemJournal(data / "items.sqlite")
        self.vault = Vault(data / "vault.sqlite")
        self.files = ObjectFiles(data / "objects")
        # Delays, visibility and retention follow the stack's clock, like everything else in time.
        self.sqs = SqsEngine(
            data / "queues.sqlite",
            region=cloud.region,
            now=lambda: cloud.now().timestamp(),
        )
        self.mail = MailStore(data / "mail.sqlite", region=cloud.region, now=cloud.now)
        self.executions = ExecutionJournal(data / "executions.sqlite")
        EXECUTIONS.open(self.executions, lambda: cloud.now().timestamp())
        self.recorder = ItemRecorder(self.items)
        self.objects = S3Objects(scope, self.files)
        self.bus = EventBus(
            region=cloud.region,
            sqs=self.sqs,
            start_execution=cloud.start_execution,
            invoker=cloud.invoker,
            now=cloud.now,
            log=cloud.log,
        )
        self.endpoint = Endpoint(
            Services(
                sqs=SqsWire(self.sqs),
                dynamodb=DynamoDbFront(scope, self.recorder),
                objects=self.objects,
                bus=self.bus,
                mail=self.mail,
                invoker=cloud.invoker,
                secrets_changed=lambda: save_secrets(scope, self.vault),
                log=cloud.log,
            )
        )
        self.deployer = Deployer(
            scope=scope,
            client=cloud.client,
            sqs=self.sqs,
            vault=self.vault,
            restore_table=self._restore_table,
            restore_bucket=self.objects.restore,
            restore_state_machine=lambda arn: EXECUTIONS.restore_finished(scope, arn),
            packages=cloud.packages,
        )
        self._scope = scope
        self._mail_started = False

    def _restore_table(self, name: str) -> None:
        with moto_patches.DYNAMODB_LOCK:
            restore_items(self._scope, name, self.items.read(name))
            self.recorder.forget()

    def deployed(self, deployment: Deployment) -> None:
        self.bus.use(deployment.buses, deployment.rules)
        self.mail.use_event_types(deployment.mail_event_types)
        if not self._mail_started:
            self._mail_started = True
            self.mail.start(self.bus.publish)

    def close(self) -> None:
        EXECUTIONS.close(self._scope)
        self.mail.stop()
        self.sqs.stop()
        for journal in (self.items, self.vault, self.files):
            journal.close()


class LocalCloud:
    """One local cloud. A process has one at a time, because moto's memory is the process's.

    ``packages`` is the dependency layer of a template that is deployed from built artifacts.

    Raises: LocalCloudError from :meth:`start` when the folder or the port is not to be had.
    """

    def __init__(
        self,
        state_dir: Path,
        region: str = "eu-central-1",
        port: int = 0,
        log: Log = print,
        *,
        now: Now | None = None,
        packages: Path | None = None,
    ) -> None:
        self.region = region
        self.account_id = ACCOUNT_ID
        self.log = log
        self.packages = packages
        self.state = LocalState(state_dir)
        self.deployment: Deployment | None = None
        self._now = now or (lambda: datetime.now(UTC))
        self._port = port
        self._started = False
        self._invoker: Invoker = _NoRuntime()
        self._server: HttpServer | None = None
        self._parts: _Parts | None = None
        self._template: tuple[Path, dict[str, str], str] | None = None
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    # ------------------------------------------------------------------ life cycle

    def start(self) -> str:
        """Take the state folder, open the endpoint; returns its URL."""
        if not _one_at_a_time.acquire(blocking=False):
            raise LocalCloudError("Another local cloud is running in this process.")
        self._started = True
        try:
            self.state.open()
        except BaseException:
            self.stop()
            raise
        moto_patches.install(moto_patches.Patch("executions-survive", EXECUTIONS.install))
        try:
            self._server = HttpServer(self._port, self._answer)
        except OSError as error:
            self.stop()
            raise LocalCloudError(
                f"Port {self._port} of this machine is taken ({error.strerror})."
            ) from error
        try:
            self._open()
        except BaseException:
            self.stop()
            raise
        self._server.start()
        return self.endpoint_url

    def stop(self) -> None:
        """Close everything; the folder is free afterwards."""
        # First of all the executions: what fails from here on is the end, not an outcome.
        EXECUTIONS.close(Scope(self.region, self.account_id))
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._clients.clear()
        self._close()
        self.state.close()
        if self._started:
            self._started = False
            moto_patches.uninstall()
            _one_at_a_time.release()

    def deploy(
        self, template_path: Path, parameters: Mapping[str, str], stack_name: str = "kopru"
    ) -> Deployment:
        """Deploy a template: makes what is missing, restores what survived, keeps the rest.

        Raises: TemplateError.
        """
        parts = self._running()
        deployment = parts.deployer.deploy(template_path, parameters, stack_name)
        self._template = (template_path, dict(parameters), stack_name)
        self.deployment = deployment
        parts.deployed(deployment)
        kinds = sorted({one.resource_type for one in deployment.declared_only})
        if kinds:
            self.log(f"declared, but not emulated here: {', '.join(kinds)}")
        return deployment

    def resume_executions(self) -> int:
        """Go on with the executions that ran when the last process ended; returns how many.

        Called once functions can be invoked, because the next step may be one.
        """
        self._running()
        return EXECUTIONS.resume(Scope(self.region, self.account_id), self.log)

    def executions_are_quiet(self) -> bool:
        """Whether every running execution waits for something that has not come yet."""
        return EXECUTIONS.quiet(Scope(self.region, self.account_id))

    def is_quiet(self) -> bool:
        """Whether nothing here goes on by itself: executions wait, mails have been reported."""
        return self._running().mail.reported() and self.executions_are_quiet()

    def stirrings(self) -> int:
        """A number that grows with everything that the cloud itself sets going."""
        parts = self._running()
        return parts.sqs.sent + parts.mail.count() + EXECUTIONS.woken

    def reset(self) -> None:
        """Delete all data and deploy the same template again.

        ``sqs``, ``mail`` and ``bus`` are new objects afterwards; pollers must have stopped.
        """
        self._close()
        self.state.reset()
        self._open()
        self._deploy_again()

    def save_snapshot(self, name: str) -> None:
        """Save everything under a name, while running."""
        parts = self._running()
        with moto_patches.DYNAMODB_LOCK:
            self.state.save_snapshot(
                name,
                {
                    "items.sqlite": parts.items.backup,
                    "vault.sqlite": parts.vault.backup,
                    "objects": parts.files.backup,
                    "queues.sqlite": parts.sqs.backup,
                    "mail.sqlite": parts.mail.backup,
                    "executions.sqlite": parts.executions.backup,
                },
            )

    def load_snapshot(self, name: str) -> None:
        """Replace all data by a snapshot; the same holds as for :meth:`reset`."""
        self._close()
        try:
            self.state.load_snapshot(name)
        finally:
            self._open()
            self._deploy_again()

    # ------------------------------------------------------------------ parts

    @property
    def endpoint_url(self) -> str:
        """Where every AWS client of the stack talks to."""
        if self._server is None:
            raise LocalCloudError("The local cloud is not running.")
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def sqs(self) -> SqsEngine:
        """All queues."""
        return self._running().sqs

    @property
    def mail(self) -> MailStore:
        """All captured mails."""
        return self._running().mail

    @property
    def bus(self) -> EventBus:
        """All event buses."""
        return self._running().bus

    def calls(self) -> dict[str, dict[str, int]]:
        """Requests to the endpoint since the start, by service and operation."""
        return self._running().endpoint.calls()

    def client(self, service: str) -> Any:
        """A boto3 client of this process against the endpoint (cached, any thread)."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = _session().client(  # type: ignore[call-overload]
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    aws_access_key_id=_ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=Config(
                        s3={"addressing_style": "path"},
                        retries={"total_max_attempts": 1},
                        max_pool_connections=32,
                    ),
                )
            return self._clients[service]

    def boto3_env(self) -> dict[str, str]:
        """What a function process needs to find this cloud instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def set_invoker(self, invoker: Invoker) -> None:
        """Attach the runtime half: who runs functions from now on."""
        self._invoker = invoker

    def invoker(self) -> Invoker:
        """Who runs functions at the moment."""
        return self._invoker

    def set_clock(self, now: Now) -> None:
        """Replace the clock that dates events and mails."""
        self._now = now

    def now(self) -> datetime:
        """The time of the stack."""
        return self._now()

    def start_execution(self, state_machine_arn: str, payload: str) -> None:
        """Start a state machine."""
        self.client("stepfunctions").start_execution(
            stateMachineArn=state_machine_arn, input=payload
        )

    # ------------------------------------------------------------------ inside

    def _open(self) -> None:
        moto_api_backend.reset()
        self._parts = _Parts(self, self.state.data)
        self._parts.sqs.use_base_url(self.endpoint_url)
        moto_patches.ITEM_CHANGES.listener = self._parts.recorder.note
        port = self.endpoint_url.rpartition(":")[2]
        stepfunctions_clients.moto_server_port = lambda: port

    def _close(self) -> None:
        if self._parts is not None:
            moto_patches.ITEM_CHANGES.listener = None
            self._parts.close()
            self._parts = None

    def _deploy_again(self) -> None:
        if self._template is not None:
            self.deploy(*self._template)

    def _running(self) -> _Parts:
        if self._parts is None:
            raise LocalCloudError("The local cloud is not running.")
        return self._parts

    def _answer(self, request: Request) -> Response:
        parts = self._parts
        if parts is None:
            return Response(503, b'{"__type": "ServiceUnavailable"}')
        return parts.endpoint(request)
