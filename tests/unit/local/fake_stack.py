"""A local stack without machinery: what the control pages and the command line talk to in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.cloud.mail import Attachment, Mail, Outcome
from infra.local.cloud.model import LocalCloudError
from infra.local.dashboard import QueueView
from infra.local.dashboard.controls import BusyError
from infra.local.gateway import LoggedRequest
from infra.local.log_book import Line
from infra.local.pump import PumpStatus
from infra.local.scheduler import Advance, Coalesced, Run, ScheduleStatus, UnknownScheduleError
from infra.local.simulators_host import UnknownSimulatorError

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def mail(number: int, **values: Any) -> Mail:
    empty: dict[str, Any] = {
        "message_id": f"message-{number}",
        "at": "2026-03-02T12:00:00.000Z",
        "sender": "kopru@example.com",
        "subject": "",
        "text": "",
        "html": "",
        "configuration_set": "",
        "tags": {},
        "raw": "",
    }
    lists = dict.fromkeys(("to", "cc", "bcc", "reply_to", "headers", "attachments"), ())
    return Mail(**{"id": number, **empty, **lists, **values})


class World:
    """A stack without machinery."""

    def __init__(self) -> None:
        self.moved: list[timedelta] = []
        self.scripted: list[Mapping[str, Any]] = []
        self.resets = 0
        self.busy = False
        self.frozen = False
        self.played: list[str] = []
        self.kept_seed = False
        self.saved: list[str] = []
        self.loaded: list[str] = []
        self.settled = True
        self.outcomes: list[tuple[int, str]] = []
        self.inbox = [
            mail(
                2,
                to=("ada@example.com", "bora@example.com"),
                subject="Hoş geldiniz <b>",
                text="Open http://localhost:8000/activate?t=1.\nOr http://localhost:8000/help",
                html='<p>Open <a href="http://localhost:8000/activate?t=1&amp;x=2">this</a></p>'
                "<script>alert(1)</script>",
                attachments=(Attachment("mutabakat ığ.pdf", "application/pdf", b"%PDF"),),
            ),
            mail(1, to=("cem@example.com",), subject="Second"),
        ]

    def overview(self) -> Mapping[str, Any]:
        return {
            "base_url": "http://localhost:8000",
            "functions": [
                {
                    "logical_id": "WorkspaceApiFunction",
                    "handler": "workspace.handlers.api.handler",
                    "invocations": 3,
                    "errors": 1,
                    "timeouts": 0,
                    "throttles": 0,
                    "cold_starts": 1,
                    "idle": 1,
                    "busy": 0,
                }
            ],
            "outputs": {"ApiEndpoint": "x"},
            "declared_only": {"AWS::CloudWatch::Alarm": 3},
        }

    def requests(self) -> Sequence[LoggedRequest]:
        return [LoggedRequest(NOON, "GET", "/today", 200, 4.2)]

    def lines(self, source: str | None) -> Sequence[Line]:
        lines = [Line(NOON, "WorkspaceApiFunction", "one"), Line(NOON, "stack", "two")]
        return [line for line in lines if source in (None, line.source)]

    def mails(self, limit: int, before_id: int | None, search: str) -> Sequence[Mail]:
        wanted = search.lower()
        return [
            mail
            for mail in self.inbox
            if mail.id < (before_id or 10**9)
            and wanted in f"{mail.to}{mail.subject}{mail.text}".lower()
        ][:limit]

    def mail(self, mail_id: int) -> Mail | None:
        return next((mail for mail in self.inbox if mail.id == mail_id), None)

    def mail_count(self) -> int:
        return len(self.inbox)

    def simulate_mail(self, mail_id: int, outcome: Outcome) -> None:
        self.outcomes.append((mail_id, outcome))

    def queues(self) -> Sequence[QueueView]:
        consumer = PumpStatus("work", "WorkerFunction", 2, 1, 5, 9, 1)
        return [
            QueueView("work", 3, 1, 0, 12.34, "dead", False, consumer),
            QueueView("dead", 1, 0, 0, 99.0, None, True, None),
        ]

    def messages(self, queue: str) -> Sequence[Mapping[str, Any]]:
        if queue != "work":
            raise LookupError(queue)
        return [{"queue": queue, "id": "m-1", "sent_at": NOON, "receives": 2, "body": '{"v": 1}'}]

    def tables(self) -> Mapping[str, int]:
        return {"kopru-core": 2}

    def rows(self, table: str, search: str) -> Sequence[Mapping[str, Any]]:
        if table != "kopru-core":
            raise LookupError(table)
        rows = [{"pk": "wsp#T#1", "sk": "META", "name": "Ege"}, {"pk": "wsp#T#2", "sk": "META"}]
        return [row for row in rows if search in row["pk"]]

    def files(self) -> Sequence[Mapping[str, Any]]:
        return [{"bucket": "kopru-files", "key": "T/1/a.csv", "size": 12, "at": NOON}]

    def scenarios(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "pensions/ok", "title": "All is well", "story": "It ends well."}]

    def play(self, name: str) -> Mapping[str, Any]:
        if name != "pensions/ok":
            raise LookupError(f"there is no pack {name}")
        self.played.append(name)
        return {
            "pack": name,
            "company": {"id": "1", "name": "Ege"},
            "steps": [{"number": "1", "say": "A step", "seconds": 0.1}],
            "failed": None,
        }

    def now(self) -> datetime:
        return NOON

    def clock_offset(self) -> int:
        return 3600

    def clock_frozen(self) -> bool:
        return self.frozen

    def freeze_clock(self, still: bool) -> None:
        self.frozen = still

    def advance(self, by: timedelta) -> Advance:
        if self.busy:
            raise BusyError("the clock is already moving")
        self.moved.append(by)
        run = Run("Morning", NOON, ok=True, detail='{"due": 2}')
        return Advance(NOON, NOON + by, 7200, (run,), (Coalesced("Sweep", 60, 1),), self.settled)

    def schedules(self) -> Sequence[ScheduleStatus]:
        return [ScheduleStatus("Morning", "arn", "cron(0 8 * * ? *)", "UTC", True, NOON, None)]

    def run_schedules(self, name: str) -> Sequence[Run]:
        if name == "nobody":
            raise UnknownScheduleError(name)
        return [Run("Morning", NOON, ok=name != "Broken", detail="{}")]

    def calls(self) -> Mapping[str, Mapping[str, int]]:
        return {"dynamodb": {"GetItem": 3}}

    def simulators(self) -> Mapping[str, str]:
        return {"anadolu": "http://127.0.0.1:4000"}

    def describe_simulator(self, name: str) -> Mapping[str, Any]:
        if name != "anadolu":
            raise UnknownSimulatorError(name)
        return {"accepted": len(self.scripted)}

    def script_simulator(self, name: str, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        self.describe_simulator(name)
        if "explode" in behaviour:
            raise ValueError("unknown behaviour explode")
        self.scripted.append(behaviour)
        return {"queued": len(self.scripted)}

    def reset(self, *, keep_seed: bool = False) -> Mapping[str, Any]:
        self.resets += 1
        self.kept_seed = keep_seed
        return {"base_url": "http://localhost:8000"}

    def snapshots(self) -> Sequence[str]:
        return sorted(self.saved)

    def save_snapshot(self, name: str) -> None:
        self.saved.append(name)

    def load_snapshot(self, name: str) -> None:
        if name not in self.saved:
            raise LocalCloudError(f"There is no snapshot {name!r}")
        self.loaded.append(name)
