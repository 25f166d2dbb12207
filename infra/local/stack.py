"""The whole local stack: cloud, functions, gateway, pollers, schedules and simulators as one.

This is the only place that knows all parts. It decides their order: what must exist before what,
and what must stop before what.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from infra.local.clock import FILE_VARIABLE, LocalClock
from infra.local.cloud import LocalCloud
from infra.local.cloud.bus import matches
from infra.local.cloud.model import (
    Deployment,
    LocalCloudError,
    Schedule,
    ThrottledError,
    function_name_of,
    last_arn_part,
)
from infra.local.control_room import ControlRoom
from infra.local.dashboard import Dashboard
from infra.local.dashboard.controls import BusyError
from infra.local.dashboard.pages import Pages, built_stylesheets
from infra.local.functions import FunctionHost
from infra.local.gateway import Gateway
from infra.local.http_api import HttpApi, RouteTable
from infra.local.log_book import LogBook
from infra.local.pump import Pump
from infra.local.reload import CodeWatch
from infra.local.scheduler import Delivered, Scheduler
from infra.local.seeding import (
    CREDENTIALS_FILE,
    SEED_ERROR,
    SEED_SNAPSHOT,
    Seed,
    Seeding,
)
from infra.local.settings import LocalSettings
from infra.local.simulators_host import SimulatorsHost, StartAll
from infra.local.static_files import StaticFiles

ENDPOINTS_VARIABLE: Final = "KOPRU_INSURER_ENDPOINTS"
PAYMENT_ENDPOINTS_VARIABLE: Final = "KOPRU_PAYMENT_ENDPOINTS"
ACCOUNTS_VARIABLE: Final = "KOPRU_INSURER_ACCOUNTS"

_SIMULATORS: Final = "simulators"
_CLOCK_FILE: Final = "clock.json"
_MOVE_GRACE_SECONDS: Final = 20.0
_SETTLE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.01
_SCHEDULE_RETRIES: Final = 2
_PLATFORM: Final = {
    # There is no X-Ray daemon to trace to, and no instance to ask for credentials.
    "POWERTOOLS_TRACE_DISABLED": "true",
    "AWS_XRAY_SDK_ENABLED": "false",
    "AWS_EC2_METADATA_DISABLED": "true",
}


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
        self.log = LogBook(settings.folder / "stack.log", verbose=settings.verbose)
        self._said: set[tuple[str, str]] = set()
        self.clock = LocalClock(settings.folder / "data" / _CLOCK_FILE)
        self.cloud = LocalCloud(
            settings.folder,
            log=self.log.noting("cloud"),
            now=self.clock.now,
            packages=settings.packages,
        )
        self.functions = FunctionHost(
            log=self.log.note,
            complain=self._complain,
            platform_variables=self._variables,
            dead_letter=self._dead_letter,
        )
        self.simulators = SimulatorsHost(
            start_simulators, settings.folder / "data" / _SIMULATORS, self.clock.now
        )
        self.gateway = self._bind()
        self._seeding = Seeding(settings.folder, settings.folder / "data", self.log)
        self._front: tuple[str, ...] = ()
        self.deployment: Deployment | None = None
        self.pump: Pump | None = None
        self.scheduler: Scheduler | None = None
        self._code_watch: CodeWatch | None = None
        self.credentials: dict[str, Any] = {}

    @property
    def base_url(self) -> str:
        """Where people and integrators find the product."""
        return f"http://localhost:{self.gateway.port}"

    # -- life

    def start(self) -> None:
        """Start everything; the product answers when this returns."""
        try:
            self.gateway.start()
            self.cloud.start()
            self.log.open()
            self.cloud.set_invoker(self.functions)
            if self._seeding.interrupted:
                self.say("the first start was interrupted while seeding; beginning anew")
                self.clock.reset()
                self.cloud.reset()
            self._run_product()
            self._watch_code()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, children included; the state is already on disk."""
        if self._code_watch is not None:
            self._code_watch.stop()
        self.gateway.stop()
        self._halt_triggers()
        # The cloud goes first: an execution that waits for a function must find itself stopped,
        # not its function failed.
        self.cloud.stop()
        self.functions.stop()
        self.simulators.stop()
        self.log.close()

    def say(self, text: str) -> None:
        """Tell the person in front of the terminal."""
        self.log.say(text)

    def _bind(self) -> Gateway:
        port = self._settings.port
        try:
            return Gateway(
                port=port,
                static=StaticFiles(self._settings.assets),
                dashboard=Dashboard(
                    ControlRoom(self), Pages(built_stylesheets(self._settings.assets))
                ),
                log=self.log.noting("gateway"),
                now=self.clock.now,
            )
        except OSError as error:
            raise LocalCloudError(
                f"port {port} is taken ({error.strerror}); choose another with PORT=…"
            ) from None

    def _run_product(self) -> None:
        self.simulators.start()
        self.functions.set_variables({FILE_VARIABLE: str(self.clock.announce())})
        parameters = {"Stage": "local", "BaseUrl": self.base_url}
        deployment = self.cloud.deploy(
            self._settings.template, parameters, self._settings.stack_name
        )
        self.deployment = deployment
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
        self.pump = pump
        pump.start(deployment.event_source_mappings)
        self.scheduler = Scheduler(
            deployment.schedules,
            clock=self.clock,
            stack=self,
            deliver=self._deliver,
            log=self._complain_of("scheduler"),
            aliases=self._names_of_target,
        )
        self.cloud.resume_executions()
        # The product does not answer yet: who waits for it sees it complete.
        seed = self._seed if self._settings.seed else None
        first = seed is not None and not self._seeding.done
        self.credentials = self._seeding.credentials(self.base_url, self.cloud, seed)
        if first and SEED_ERROR not in self.credentials:
            self.save_snapshot(SEED_SNAPSHOT)
        if self._settings.schedules:
            self.scheduler.start()
        self.gateway.connect(api)

    def _http_api(self, deployment: Deployment) -> HttpApi | None:
        if deployment.http_api_body is None:
            return None
        table = RouteTable.from_openapi(deployment.http_api_body)
        routes = [route for route in table.routes if route.authorizer is not None][-1:]
        for route in routes:
            if route.authorizer is not None:
                self._front = (route.authorizer.function, route.function)
        self.warm_front()
        return HttpApi(
            table,
            self.functions,
            api_id=deployment.http_api_id,
            log=self.log.noting("gateway"),
        )

    def _halt_product(self) -> None:
        self._halt_triggers()
        self.functions.deploy(())
        self.simulators.stop()

    def _halt_triggers(self) -> None:
        self.gateway.connect(None)
        if self.scheduler is not None:
            self.scheduler.stop()
            self.scheduler = None
        if self.pump is not None:
            self.pump.stop()
            self.pump = None

    def _watch_code(self) -> None:
        if self._settings.reload and self.deployment is not None:
            self._code_watch = CodeWatch(
                self.deployment.functions, self._settings.template, self.functions.recycle, self.say
            )
            self._code_watch.start()

    # -- what functions and schedules need

    def _variables(self) -> Mapping[str, str]:
        return {
            **_PLATFORM,
            **self.cloud.boto3_env(),
            ENDPOINTS_VARIABLE: json.dumps(self.simulators.endpoints()),
            PAYMENT_ENDPOINTS_VARIABLE: json.dumps(self.simulators.endpoints()),
            ACCOUNTS_VARIABLE: json.dumps(_accounts(self.simulators.endpoints())),
        }

    def _dead_letter(self, dlq_arn: str, payload: bytes) -> None:
        self.cloud.sqs.send(last_arn_part(dlq_arn), payload.decode())

    def _complain(self, source: str, text: str) -> None:
        """Say a complaint aloud once; its repetitions only go to the log."""
        key = (source, text.partition("RequestId")[0][:200])
        if key in self._said:
            self.log.note(source, text)
        else:
            self._said.add(key)
            self.say(f"{source}: {text}")

    def _complain_of(self, source: str) -> Callable[[str], None]:
        return lambda text: self._complain(source, text)

    def _names_of_target(self, schedule: Schedule) -> Iterator[str]:
        if self.deployment is None or ":lambda:" not in schedule.target.arn:
            return
        spec = self.deployment.function(function_name_of(schedule.target.arn))
        yield spec.logical_id
        yield spec.logical_id.removesuffix("Function")
        yield spec.name
        yield spec.name.removeprefix(f"{self.deployment.stack_name}-")

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

    def move_clock(self, instant: datetime) -> None:
        """Let running functions finish, then move the clock of everything."""
        with self.functions.held(_MOVE_GRACE_SECONDS) as drained:
            if not drained:
                self.log.note("clock", "functions were still running when the clock moved")
            self.clock.move_to(instant)
            self.simulators.follow_clock()

    def settle(self) -> bool:
        """Wait until queues are drained, no function runs, every mail has been reported and no
        execution is about to go on; false when that takes too long.
        """
        end = time.monotonic() + _SETTLE_SECONDS
        while self.pump is not None and time.monotonic() < end:
            before = self._stirrings()
            quiet = self.pump.idle() and self.functions.idle and self.cloud.is_quiet()
            # The parts are looked at one after the other: work that moved on meanwhile, behind the
            # back of the look, has set something going.
            if quiet and self._stirrings() == before:
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _stirrings(self) -> int:
        return self.functions.begun + self.cloud.stirrings()

    # -- commands that change everything (one at a time: ``ControlRoom`` sees to it)

    def warm_front(self) -> None:
        """Start what the next page needs: the authorizer and the function of the default route."""
        self.functions.warm(self._front)

    def reset(self) -> None:
        """Wipe everything and seed anew."""
        self._halt_product()
        self.clock.reset()
        self.cloud.reset()
        self._run_product()

    def save_snapshot(self, name: str) -> None:
        """Save everything under a name.

        Raises: BusyError while functions are running on, LocalCloudError for a bad name.
        """
        with self.functions.held(_MOVE_GRACE_SECONDS) as drained:
            if not drained:
                raise BusyError("functions are still running; try again in a moment")
            self.cloud.save_snapshot(name)
            data = self.cloud.state.data
            saved = self._settings.folder / "snapshots" / name
            self.simulators.backup(saved / _SIMULATORS)
            for extra in (_CLOCK_FILE, CREDENTIALS_FILE):
                if (data / extra).exists():
                    shutil.copy2(data / extra, saved / extra)

    def load_snapshot(self, name: str) -> None:
        """Replace everything by a snapshot. Raises: LocalCloudError when there is none."""
        self._halt_product()
        try:
            self.cloud.load_snapshot(name)
        finally:
            self.clock.reload()
            self._run_product()


def _accounts(names: Collection[str]) -> dict[str, str]:
    """Invented accounts of the simulated insurers: an order then has a payee."""
    if not names:
        return {}
    # A stack without insurers may run without the product on its path.
    from kernel.identifiers import iban

    return {
        name: iban.build("TR", "00001", str(1_000 + place))
        for place, name in enumerate(sorted(names))
    }
