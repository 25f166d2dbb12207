"""The whole local stack: cloud, functions, gateway, pollers, schedules and simulators as one.

This is the only place that knows all parts. It decides their order (what must exist before what,
what must stop before what) and is what the control pages control.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from infra.local.clock import OFFSET_VARIABLE, LocalClock
from infra.local.cloud import LocalCloud
from infra.local.cloud.bus import matches
from infra.local.cloud.mail import Mail, Outcome
from infra.local.cloud.model import (
    Deployment,
    LocalCloudError,
    Schedule,
    ThrottledError,
    function_name_of,
    last_arn_part,
)
from infra.local.dashboard import Dashboard, QueueView
from infra.local.dashboard.controls import BusyError
from infra.local.dashboard.pages import Pages, built_stylesheets
from infra.local.functions import FunctionHost
from infra.local.gateway import Gateway, LoggedRequest
from infra.local.http_api import HttpApi, RouteTable
from infra.local.log_book import Line, LogBook
from infra.local.pump import Pump
from infra.local.reload import Reloader
from infra.local.scheduler import Advance, Delivered, Run, Scheduler, ScheduleStatus
from infra.local.settings import LocalSettings
from infra.local.simulators_host import SimulatorsHost, StartAll
from infra.local.static_files import StaticFiles

ENDPOINTS_VARIABLE: Final = "KOPRU_INSURER_ENDPOINTS"
PAYMENT_ENDPOINTS_VARIABLE: Final = "KOPRU_PAYMENT_ENDPOINTS"
CREDENTIALS_FILE: Final = "credentials.json"

SEED_ERROR: Final = "seed_error"

_SEEDING: Final = "seeding"
_SIMULATORS: Final = "simulators"
_CLOCK_FILE: Final = "clock.json"
_OCCUPIED: Final = "the clock is moving, or the stack is being reset"
_MOVE_GRACE_SECONDS: Final = 20.0
_SETTLE_SECONDS: Final = 60.0
_SCHEDULE_RETRIES: Final = 2
_PLATFORM: Final = {
    # There is no X-Ray daemon to trace to, and no instance to ask for credentials.
    "POWERTOOLS_TRACE_DISABLED": "true",
    "AWS_XRAY_SDK_ENABLED": "false",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Seed(Protocol):
    """Fills an empty stack and says with which keys and passwords it can be used."""

    def __call__(self, base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
        """Seed once; gives the content of the credentials file."""
        ...


class LocalStack:
    """One running stack on one folder.

    Raises: LocalCloudError from :meth:`start` for a port or folder that is not to be had, and for
    a template that cannot be deployed.
    """

    def __init__(
        self,
        settings: LocalSettings,
        *,
        seed: Seed | None,
        start_simulators: StartAll,
    ) -> None:
        self._settings = settings
        self._seed = seed
        self._log = LogBook(settings.folder / "stack.log", verbose=settings.verbose)
        self._busy = threading.Lock()
        self._said: set[tuple[str, str]] = set()
        self.clock = LocalClock(settings.folder / "data" / _CLOCK_FILE)
        self.cloud = LocalCloud(settings.folder, log=self._log.noting("cloud"), now=self.clock.now)
        self.functions = FunctionHost(
            log=self._log.note,
            complain=self._complain,
            platform_variables=self._variables,
            dead_letter=self._dead_letter,
        )
        self._simulators = SimulatorsHost(
            start_simulators, settings.folder / "data" / _SIMULATORS, self.clock.now
        )
        self._gateway = self._bind()
        self._front: tuple[str, ...] = ()
        self._deployment: Deployment | None = None
        self._pump: Pump | None = None
        self._scheduler: Scheduler | None = None
        self._reloader: Reloader | None = None
        self.credentials: dict[str, Any] = {}

    @property
    def base_url(self) -> str:
        """Where people and integrators find the product."""
        return f"http://localhost:{self._gateway.port}"

    # -- life

    def start(self) -> None:
        """Start everything; the product answers when this returns."""
        try:
            self._gateway.start()
            self.cloud.start()
            self._log.open()
            self.cloud.set_invoker(self.functions)
            self._drop_half_a_seed()
            self._run_product()
            self._watch_code()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, children included; the state is already on disk."""
        if self._reloader is not None:
            self._reloader.stop()
        self._gateway.stop()
        self._halt_triggers()
        # The cloud goes first: an execution that waits for a function must find itself stopped,
        # not its function failed.
        self.cloud.stop()
        self.functions.stop()
        self._simulators.stop()
        self._log.close()

    def say(self, text: str) -> None:
        """Tell the person in front of the terminal."""
        self._log.say(text)

    def _bind(self) -> Gateway:
        port = self._settings.port
        try:
            return Gateway(
                port=port,
                static=StaticFiles(self._settings.assets),
                dashboard=Dashboard(self, Pages(built_stylesheets(self._settings.assets))),
                log=self._log.noting("gateway"),
                now=self.clock.now,
            )
        except OSError as error:
            raise LocalCloudError(
                f"port {port} is taken ({error.strerror}); choose another with PORT=…"
            ) from None

    def _run_product(self) -> None:
        self._simulators.start()
        self.functions.set_variables({OFFSET_VARIABLE: str(self.clock.offset_seconds)})
        parameters = {"Stage": "local", "BaseUrl": self.base_url}
        deployment = self.cloud.deploy(
            self._settings.template, parameters, self._settings.stack_name
        )
        self._deployment = deployment
        self.functions.deploy(deployment.functions)
        api = self._http_api(deployment)
        self.cloud.sqs.release_in_flight()
        pump = Pump(
            self.cloud.sqs,
            self.functions,
            region=self.cloud.region,
            log=self._complain_of("pump"),
            matches=matches,
        )
        self._pump = pump
        pump.start(deployment.event_source_mappings)
        self._scheduler = Scheduler(
            deployment.schedules,
            clock=self.clock,
            stack=self,
            deliver=self._deliver,
            log=self._complain_of("scheduler"),
            aliases=self._names_of_target,
        )
        if self._settings.schedules:
            self._scheduler.start()
        self.cloud.resume_executions()
        self._fill()
        self._gateway.connect(api)

    def _http_api(self, deployment: Deployment) -> HttpApi | None:
        if deployment.http_api_body is None:
            return None
        table = RouteTable.from_openapi(deployment.http_api_body)
        # The next page needs the authorizer and the function of the default route.
        routes = [route for route in table.routes if route.authorizer is not None][-1:]
        for route in routes:
            if route.authorizer is not None:
                self._front = (route.authorizer.function, route.function)
        self.functions.warm(self._front)
        return HttpApi(
            table,
            self.functions,
            api_id=deployment.http_api_id,
            log=self._log.noting("gateway"),
        )

    def _halt_product(self) -> None:
        self._halt_triggers()
        self.functions.deploy(())
        self._simulators.stop()

    def _halt_triggers(self) -> None:
        self._gateway.connect(None)
        if self._scheduler is not None:
            self._scheduler.stop()
            self._scheduler = None
        if self._pump is not None:
            self._pump.stop()
            self._pump = None

    def _fill(self) -> None:
        """Seed an empty stack and put its credentials where people look for them.

        The product does not answer yet: who waits for it sees it complete.

        The file inside the data belongs to them (a reset or a snapshot takes it along), the one
        in the folder is for people and tools.
        """
        kept = self.cloud.state.data / CREDENTIALS_FILE
        if kept.exists():
            credentials = json.loads(kept.read_text(encoding="utf-8"))
        elif self._settings.seed and self._seed is not None:
            marker = self.cloud.state.data / _SEEDING
            marker.touch()
            credentials = self._seeded(self._seed)
            _write_private(kept, credentials)
            marker.unlink()
        else:
            credentials = {}
        self.credentials = {**credentials, "base_url": self.base_url} if credentials else {}
        public = self._settings.folder / CREDENTIALS_FILE
        if self.credentials:
            _write_private(public, self.credentials)
        else:
            public.unlink(missing_ok=True)

    def _seeded(self, seed: Seed) -> dict[str, Any]:
        try:
            return dict(seed(self.base_url, self.cloud))
        except Exception as error:
            self._log.note("seed", traceback.format_exc())
            self.say(f"the seed failed: {error!r}; see {self._settings.folder / 'stack.log'}")
            return {SEED_ERROR: repr(error)}

    def _drop_half_a_seed(self) -> None:
        if (self.cloud.state.data / _SEEDING).exists():
            self.say("the first start was interrupted while seeding; beginning anew")
            self.clock.reset()
            self.cloud.reset()

    def _watch_code(self) -> None:
        if not self._settings.reload or self._deployment is None:
            return
        folders = {
            folder
            for spec in self._deployment.functions
            for folder in (spec.code_dir, *spec.layer_dirs)
        }
        template = self._settings.template
        templates = {template, *template.parent.glob("infra/*.yaml")}
        states = template.parent / "infra" / "state_machines"
        roots = {*folders, *templates, *([states] if states.is_dir() else ())}
        self._reloader = Reloader(sorted(roots), self._code_changed)
        self._reloader.start()

    def _code_changed(self, changed: Mapping[Path, set[Path]]) -> None:
        if self._deployment is None:
            return
        names = set()
        restart = set()
        for root, files in changed.items():
            users = [
                spec
                for spec in self._deployment.functions
                if root == spec.code_dir or root in spec.layer_dirs
            ]
            if not users:
                restart |= files
            for spec in users:
                if root in spec.layer_dirs or _belongs_to(spec.handler, root, files):
                    names.add(spec.name)
        replaced = self.functions.recycle(names)
        if replaced:
            self.say(f"code changed: new processes for {', '.join(sorted(replaced))}")
        for path in sorted(restart):
            self.say(f"{path.name} changed: restart needed")

    # -- what functions and schedules need

    def _variables(self) -> Mapping[str, str]:
        return {
            **_PLATFORM,
            **self.cloud.boto3_env(),
            ENDPOINTS_VARIABLE: json.dumps(self._simulators.endpoints()),
            PAYMENT_ENDPOINTS_VARIABLE: json.dumps(self._simulators.endpoints()),
        }

    def _dead_letter(self, dlq_arn: str, payload: bytes) -> None:
        self.cloud.sqs.send(last_arn_part(dlq_arn), payload.decode())

    def _complain(self, source: str, text: str) -> None:
        """Say a complaint aloud once; its repetitions only go to the log."""
        key = (source, text.partition("RequestId")[0][:200])
        if key in self._said:
            self._log.note(source, text)
        else:
            self._said.add(key)
            self.say(f"{source}: {text}")

    def _complain_of(self, source: str) -> Callable[[str], None]:
        return lambda text: self._complain(source, text)

    def _names_of_target(self, schedule: Schedule) -> Iterator[str]:
        if self._deployment is None or ":lambda:" not in schedule.target.arn:
            return
        spec = self._deployment.function(function_name_of(schedule.target.arn))
        yield spec.logical_id
        yield spec.logical_id.removesuffix("Function")
        yield spec.name
        yield spec.name.removeprefix(f"{self._deployment.stack_name}-")

    def _deliver(self, schedule: Schedule, payload: bytes) -> Delivered:
        target = schedule.target
        if ":lambda:" not in target.arn:
            ok = self.cloud.bus.deliver(target, json.loads(payload))
            return Delivered(ok=ok, detail="" if ok else "not delivered; see the log")
        delivered = Delivered(ok=False)
        for attempt in range(1 + min(target.maximum_retries, _SCHEDULE_RETRIES)):
            if attempt:
                time.sleep(0.5 * attempt)
            try:
                outcome = self.functions.invoke(function_name_of(target.arn), payload)
            except ThrottledError as error:
                delivered = Delivered(ok=False, detail=str(error))
                continue
            text = outcome.payload.decode("utf-8", "replace")
            delivered = Delivered(ok=outcome.function_error is None, detail=text[:2000])
            if delivered.ok:
                return delivered
        if target.dlq_arn is not None:
            self._dead_letter(target.dlq_arn, payload)
        return delivered

    def move_clock(self, offset_seconds: int) -> None:
        """Let running functions finish, then move the clock of everything."""
        with self.functions.held(_MOVE_GRACE_SECONDS) as drained:
            if not drained:
                self._log.note("clock", "functions were still running when the clock moved")
            self.clock.set_offset(offset_seconds)
            self.functions.set_variables({OFFSET_VARIABLE: str(offset_seconds)})

    def settle(self) -> bool:
        """Wait until queues are drained and no function runs."""
        end = time.monotonic() + _SETTLE_SECONDS
        while self._pump is not None and self._pump.settle(max(0.0, end - time.monotonic())):
            if not self.functions.in_flight:
                return True
            time.sleep(0.02)
        return False

    # -- what the control pages ask (``infra.local.dashboard.controls.Controls``)

    def overview(self) -> Mapping[str, Any]:
        """Addresses, functions, outputs and what is only declared, as plain data."""
        deployment = self._deployment
        functions = []
        for status in self.functions.statuses():
            facts = asdict(status)
            functions.append({**facts, **facts.pop("stats")})
        declared = deployment.declared_only if deployment else ()
        return {
            "base_url": self.base_url,
            "aws_endpoint": self.cloud.endpoint_url,
            "folder": str(self._settings.folder),
            "functions": functions,
            "outputs": dict(deployment.outputs) if deployment else {},
            "declared_only": dict(sorted(Counter(one.resource_type for one in declared).items())),
        }

    def requests(self) -> Sequence[LoggedRequest]:
        """The latest requests, newest first."""
        return self._gateway.requests()

    def lines(self, source: str | None) -> Sequence[Line]:
        """The latest log lines of one function or of all, oldest first."""
        return self._log.latest(source)

    def mails(self, limit: int, before_id: int | None, search: str) -> Sequence[Mail]:
        """Captured mails, newest first."""
        return self.cloud.mail.list(limit, before_id=before_id, search=search)

    def mail(self, mail_id: int) -> Mail | None:
        """One mail."""
        return self.cloud.mail.get(mail_id)

    def mail_count(self) -> int:
        """How many mails were captured."""
        return self.cloud.mail.count()

    def simulate_mail(self, mail_id: int, outcome: Outcome) -> None:
        """Report what became of a mail."""
        self.cloud.mail.simulate(mail_id, outcome)

    def queues(self) -> Sequence[QueueView]:
        """Every queue of the template."""
        if self._deployment is None or self._pump is None:
            return []
        consumers = {status.queue: status for status in self._pump.statuses()}
        engine = self.cloud.sqs
        found = []
        for name in self._deployment.queues:
            counts = engine.counts(name)
            policy = json.loads(engine.attributes(name).get("RedrivePolicy") or "{}")
            target = policy.get("deadLetterTargetArn")
            found.append(
                QueueView(
                    name=name,
                    visible=counts.visible,
                    in_flight=counts.in_flight,
                    delayed=counts.delayed,
                    oldest_age_seconds=counts.oldest_age_seconds,
                    dead_letters=last_arn_part(target) if target else None,
                    is_dead_letter_queue=bool(engine.sources_of(name)),
                    consumer=consumers.get(name),
                )
            )
        return found

    def calls(self) -> Mapping[str, Mapping[str, int]]:
        """Requests to the AWS endpoint since the start, by service and operation."""
        return self.cloud.calls()

    def now(self) -> datetime:
        """The present instant of the stack."""
        return self.clock.now()

    def clock_offset(self) -> int:
        """Seconds by which the stack is ahead of the wall."""
        return self.clock.offset_seconds

    def advance(self, by: timedelta) -> Advance:
        """Move the clock with everything that falls due. Raises: BusyError."""
        with self._alone(_OCCUPIED):
            started = time.monotonic()
            report = self._running_scheduler().advance(by)
            self.functions.warm(self._front)
            seconds = time.monotonic() - started
            self._log.note("clock", f"moved by {by}: {len(report.runs)} runs, {seconds:.1f} s")
            return report

    def schedules(self) -> Sequence[ScheduleStatus]:
        """Every schedule."""
        return self._scheduler.statuses() if self._scheduler is not None else []

    def run_schedules(self, name: str) -> Sequence[Run]:
        """Run schedules now. Raises: UnknownScheduleError."""
        return self._running_scheduler().run_now(name)

    def simulators(self) -> Mapping[str, str]:
        """Address per running simulator."""
        return self._simulators.endpoints()

    def describe_simulator(self, name: str) -> Mapping[str, Any]:
        """State of a simulator. Raises: UnknownSimulatorError."""
        return self._simulators.describe(name)

    def script_simulator(self, name: str, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Script a simulator. Raises: UnknownSimulatorError, ValueError."""
        return self._simulators.script(name, behaviour)

    def reset(self) -> Mapping[str, Any]:
        """Wipe everything and seed anew. Raises: BusyError."""
        with self._alone(_OCCUPIED):
            self._halt_product()
            self.clock.reset()
            self.cloud.reset()
            self._run_product()
        return {"base_url": self.base_url, "now": self.clock.now().isoformat()}

    def snapshots(self) -> Sequence[str]:
        """Names of saved snapshots."""
        return self.cloud.state.snapshots()

    def save_snapshot(self, name: str) -> None:
        """Save everything under a name. Raises: BusyError, LocalCloudError."""
        with self._alone(_OCCUPIED), self.functions.held(_MOVE_GRACE_SECONDS) as drained:
            if not drained:
                raise BusyError("functions are still running; try again in a moment")
            self.cloud.save_snapshot(name)
            data = self.cloud.state.data
            saved = self._settings.folder / "snapshots" / name
            shutil.copytree(data / _SIMULATORS, saved / _SIMULATORS, dirs_exist_ok=True)
            for extra in (_CLOCK_FILE, CREDENTIALS_FILE):
                if (data / extra).exists():
                    shutil.copy2(data / extra, saved / extra)

    def load_snapshot(self, name: str) -> None:
        """Replace everything by a snapshot. Raises: BusyError, LocalCloudError."""
        with self._alone(_OCCUPIED):
            self._halt_product()
            try:
                self.cloud.load_snapshot(name)
            finally:
                self.clock.reload()
                self._run_product()

    @contextmanager
    def _alone(self, otherwise: str) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise BusyError(otherwise)
        try:
            yield
        finally:
            self._busy.release()

    def _running_scheduler(self) -> Scheduler:
        if self._scheduler is None:
            raise BusyError("the stack is starting or being reset")
        return self._scheduler


def seed_product(base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
    """Fill an empty stack with the companies, people and keys of the product."""
    # The product's own code is imported by the first start only.
    from infra.local.seed import seed

    return seed(base_url, cloud)


def _write_private(path: Path, document: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(document, out, ensure_ascii=False, indent=2)
        out.write("\n")
    draft.replace(path)


def _belongs_to(handler: str, root: Path, files: set[Path]) -> bool:
    """Whether one of the files lies in the handler's own package below its import root."""
    package = handler.partition(".")[0]
    for path in files:
        parts = path.relative_to(root).parts
        if len(parts) == 1 or parts[0] == package:
            return True
    return False
