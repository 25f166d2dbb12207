"""Answers the control pages from the parts of a running stack.

Reading never waits for a command. Commands that change everything (the clock, a reset, snapshots)
exclude each other: the second one is refused, not queued, because its sender should know.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.client import RunningStack
from infra.local.cloud.mail import Mail, Outcome
from infra.local.cloud.model import last_arn_part
from infra.local.dashboard.controls import BusyError, QueueView
from infra.local.gateway import LoggedRequest
from infra.local.log_book import Line
from infra.local.packs import pack as packs
from infra.local.scheduler import Advance, Run, Scheduler, ScheduleStatus
from infra.local.seeding import SEED_SNAPSHOT
from infra.local.shelves import Shelves

if TYPE_CHECKING:
    from infra.local.stack import LocalStack


class ControlRoom:
    """Implements ``infra.local.dashboard.controls.Controls`` over one stack."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._busy = threading.Lock()

    # -- reading

    def overview(self) -> Mapping[str, Any]:
        """Addresses, functions, outputs and what is only declared, as plain data."""
        deployment = self._stack.deployment
        functions = []
        for status in self._stack.functions.statuses():
            facts = asdict(status)
            functions.append({**facts, **facts.pop("stats")})
        declared = deployment.declared_only if deployment else ()
        return {
            "base_url": self._stack.base_url,
            "aws_endpoint": self._stack.cloud.endpoint_url,
            "folder": str(self._stack.cloud.state.folder),
            "functions": functions,
            "outputs": dict(deployment.outputs) if deployment else {},
            "declared_only": dict(sorted(Counter(one.resource_type for one in declared).items())),
        }

    def requests(self) -> Sequence[LoggedRequest]:
        """The latest requests, newest first."""
        return self._stack.gateway.requests()

    def lines(self, source: str | None) -> Sequence[Line]:
        """The latest log lines of one function or of all, oldest first."""
        return self._stack.log.latest(source)

    def mails(self, limit: int, before_id: int | None, search: str) -> Sequence[Mail]:
        """Captured mails, newest first."""
        return self._stack.cloud.mail.list(limit, before_id=before_id, search=search)

    def mail(self, mail_id: int) -> Mail | None:
        """One mail."""
        return self._stack.cloud.mail.get(mail_id)

    def mail_count(self) -> int:
        """How many mails were captured."""
        return self._stack.cloud.mail.count()

    def queues(self) -> Sequence[QueueView]:
        """Every queue of the template."""
        deployment, pump = self._stack.deployment, self._stack.pump
        if deployment is None or pump is None:
            return []
        consumers = {status.queue: status for status in pump.statuses()}
        engine = self._stack.cloud.sqs
        found = []
        for name in deployment.queues:
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

    def messages(self, queue: str) -> Sequence[Mapping[str, Any]]:
        """Messages of a queue as they wait. Raises: LookupError."""
        deployment = self._stack.deployment
        if deployment is None or queue not in deployment.queues:
            raise LookupError(queue)
        found = []
        for message in self._stack.cloud.sqs.peek(queue):
            sent = datetime.fromtimestamp(int(message.attributes["SentTimestamp"]) / 1000, UTC)
            received = int(message.attributes.get("ApproximateReceiveCount", "0"))
            found.append(
                {
                    "queue": queue,
                    "id": message.message_id,
                    "sent_at": sent,
                    "receives": received,
                    "body": message.body,
                }
            )
        return found

    def tables(self) -> Mapping[str, int]:
        """Every table with the number of its rows."""
        return self._shelves().tables()

    def rows(self, table: str, search: str) -> Sequence[Mapping[str, Any]]:
        """Rows of a table, at most 200. Raises: LookupError."""
        return self._shelves().rows(table, search)

    def files(self) -> Sequence[Mapping[str, Any]]:
        """Every stored file, newest first, at most 500."""
        return self._shelves().files()

    def scenarios(self) -> Sequence[Mapping[str, Any]]:
        """Every scenario pack."""
        found = [packs.find(name) for name in packs.names()]
        return [
            {"name": f"{pack.context}/{pack.name}", "title": pack.title, "story": pack.story}
            for pack in found
        ]

    def play(self, name: str) -> Mapping[str, Any]:
        """Play a pack on this stack. Raises: LookupError."""
        # Only who plays pays for the import.
        from infra.local.commands.stories import player_of
        from infra.local.packs.player import StoryError, Told

        try:
            pack = packs.find(name)
        except packs.PackError as error:
            raise LookupError(str(error)) from None
        steps: list[Told] = []
        stack = RunningStack(0, self._stack.base_url, self._stack.cloud.endpoint_url)
        player = player_of(stack, self._stack.credentials)
        player.listener = steps.append
        failed, company = None, None
        try:
            company = player.play(pack).company
        except StoryError as error:
            failed = str(error)
        told = [asdict(each) for each in steps]
        return {"pack": name, "company": company, "steps": told, "failed": failed}

    def _shelves(self) -> Shelves:
        return Shelves(self._stack.cloud)

    def calls(self) -> Mapping[str, Mapping[str, int]]:
        """Requests to the AWS endpoint since the start, by service and operation."""
        return self._stack.cloud.calls()

    def now(self) -> datetime:
        """The present instant of the stack."""
        return self._stack.clock.now()

    def clock_offset(self) -> int:
        """Seconds by which the stack is ahead of the wall."""
        return self._stack.clock.offset_seconds

    def clock_frozen(self) -> bool:
        """Whether time stands still."""
        return self._stack.clock.frozen

    def schedules(self) -> Sequence[ScheduleStatus]:
        """Every schedule."""
        scheduler = self._stack.scheduler
        return scheduler.statuses() if scheduler is not None else []

    def simulators(self) -> Mapping[str, str]:
        """Address per running simulator."""
        return self._stack.simulators.endpoints()

    def describe_simulator(self, name: str) -> Mapping[str, Any]:
        """State of a simulator. Raises: UnknownSimulatorError."""
        return self._stack.simulators.describe(name)

    def snapshots(self) -> Sequence[str]:
        """Names of saved snapshots."""
        return self._stack.cloud.state.snapshots()

    # -- commands

    def simulate_mail(self, mail_id: int, outcome: Outcome) -> None:
        """Report what became of a mail. Raises: LookupError."""
        self._stack.cloud.mail.simulate(mail_id, outcome)

    def script_simulator(self, name: str, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Script a simulator. Raises: UnknownSimulatorError, ValueError."""
        return self._stack.simulators.script(name, behaviour)

    def run_schedules(self, name: str) -> Sequence[Run]:
        """Run schedules now. Raises: UnknownScheduleError, BusyError."""
        return self._scheduler().run_now(name)

    def advance(self, by: timedelta) -> Advance:
        """Move the clock with everything that falls due. Raises: BusyError."""
        with self._alone():
            started = time.monotonic()
            with self._stack.functions.kept_warm():
                report = self._scheduler().advance(by)
            seconds = time.monotonic() - started
            self._stack.log.note(
                "clock", f"moved by {by}: {len(report.runs)} runs, {seconds:.1f} s"
            )
            return report

    def freeze_clock(self, still: bool) -> None:
        """Let time stand still, or pass again. Raises: BusyError."""
        with self._alone():
            if still:
                self._stack.clock.freeze()
            else:
                self._stack.clock.thaw()

    def reset(self, *, keep_seed: bool = False) -> Mapping[str, Any]:
        """Wipe everything and seed anew, or go back to the seed.

        Raises: BusyError, LocalCloudError when there is no seed to go back to.
        """
        with self._alone():
            if keep_seed:
                self._stack.load_snapshot(SEED_SNAPSHOT)
            else:
                self._stack.reset()
        return {"base_url": self._stack.base_url, "now": self.now().isoformat()}

    def save_snapshot(self, name: str) -> None:
        """Save everything under a name. Raises: BusyError, LocalCloudError."""
        with self._alone():
            self._stack.save_snapshot(name)

    def load_snapshot(self, name: str) -> None:
        """Replace everything by a snapshot. Raises: BusyError, LocalCloudError."""
        with self._alone():
            self._stack.load_snapshot(name)

    # -- inside

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise BusyError("the clock is moving, or the stack is being reset")
        try:
            yield
        finally:
            self._busy.release()

    def _scheduler(self) -> Scheduler:
        scheduler = self._stack.scheduler
        if scheduler is None:
            raise BusyError("the stack is starting or being reset")
        return scheduler
