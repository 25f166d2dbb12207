"""All contexts answering requests of people, and ways to look for a person everywhere."""

import importlib
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import bus_event, queue_event
from tests.support.fault_bench import buckets
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import PaymentWorld, payment_world
from tests.support.pensions_desk import Desk, open_desk
from tests.support.reconciliation_world import ReconciliationWorld, reconciliation_world
from tests.support.rules_world import rules_world
from toolkit.auth import Principal
from toolkit.platform import Platform
from workspace.domain.catalogue import CONTEXTS

REQUESTED: Final = "workspace.PrivacyRequested.v1"
SHOWN: Final = "the copy for a person shows what is held in clear"


@dataclass
class PrivacyWorld:
    """One company in all contexts."""

    aws: AwsWorld
    clock: FixedClock
    workspace: WorkspaceWorld
    pensions: Desk
    reconciliation: ReconciliationWorld
    payments: PaymentWorld
    company: Company
    answered: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> Principal:
        """The company's key."""
        assert self.company.key_principal is not None
        return self.company.key_principal

    # ------------------------------------------------------------------ requests

    def ask(self, what: str, person: Any, reason: str = "letter of the person") -> str:
        """A request; gives its id."""
        body = {"person": person, "reason": reason}
        answer = self.workspace.call("POST", f"/v1/privacy/{what}", self.key, body=body)
        assert answer.status == 202, answer.body
        assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
        return str(answer.json()["id"])

    def finished(self, what: str, person: Any) -> dict[str, Any]:
        """A request worked off; the request as it is shown."""
        request_id = self.ask(what, person)
        self.work()
        return self.show(request_id)

    def show(self, request_id: str) -> dict[str, Any]:
        """A request as the API shows it."""
        answer = self.workspace.call("GET", f"/v1/privacy/requests/{request_id}", self.key)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def copy(self, request_id: str) -> list[dict[str, Any]]:
        """The copy that a request collected."""
        path = f"/v1/privacy/exports/{request_id}/copy"
        answer = self.workspace.call("POST", path, self.key, body={}, shows=SHOWN)
        assert answer.status == 200, answer.body
        return list(answer.json()["items"])

    def collected(self, person: Any) -> list[dict[str, Any]]:
        """Everything that all contexts hold about a person."""
        return self.copy(self.finished("exports", person)["id"])

    # ------------------------------------------------------------------ the platform

    def work(
        self,
        remaining_ms: int = 60_000,
        *,
        twice: bool = False,
        contexts: tuple[str, ...] = CONTEXTS,
    ) -> None:
        """Let the bus and the queues of privacy come to rest; ``twice`` delivers all again."""
        for _ in range(200):
            events = self.aws.published()
            for event in events:
                self._deliver(event, contexts, remaining_ms, twice=twice)
            moved = [self._continue(context, remaining_ms) for context in contexts]
            if not events and not any(moved):
                return
        raise AssertionError("the requests do not come to rest")

    def work_a_little(self) -> None:
        """One delivery of everything, to functions whose time is nearly over."""
        for event in self.aws.published():
            self._deliver(event, CONTEXTS, 5_000, twice=False)
        for context in CONTEXTS:
            self._continue(context, 5_000)

    def _deliver(
        self, event: dict[str, Any], contexts: tuple[str, ...], remaining_ms: int, *, twice: bool
    ) -> None:
        if event["type"] == REQUESTED:
            for context in contexts:
                for _ in range(2 if twice else 1):
                    keep(context, queue_event(bus_event(event)), remaining_ms)
        elif ".PrivacyAnswered." in event["type"]:
            self.answered.append(event)
            on_events = importlib.import_module("workspace.handlers.on_events")
            for _ in range(2 if twice else 1):
                answer = on_events.handler(queue_event(bus_event(event)), LambdaContext())
                assert answer == {"batchItemFailures": []}

    def _continue(self, context: str, remaining_ms: int) -> bool:
        bodies = self.aws.messages(f"{context.replace('_', '-')}-privacy")
        for body in bodies:
            keep(context, queue_event(body), remaining_ms)
        return bool(bodies)

    # ------------------------------------------------------------------ looking everywhere

    def places_of(self, *values: str) -> list[str]:
        """Where any of these values stands, in every table and bucket."""
        found = []
        for role in ("core", "ledger", "flow", "secrets", "audit", "edge"):
            for row in self.aws.rows(role):
                text = stored_text(row)
                found += [f"{role}: {row['pk']} / {row['sk']}" for one in values if one in text]
        for name, content in objects():
            text = content.decode("utf-8", "replace")
            found += [f"object {name}" for one in values if one in text or one in name]
        return found

    def ledger(self) -> list[dict[str, Any]]:
        """Every entry and balance."""
        return self.aws.rows("ledger")

    def audit_is_intact(self) -> bool:
        """Whether every chain of the company verifies, to the end."""
        query: dict[str, str] = {}
        while True:
            answer = self.workspace.call("GET", "/v1/audit/verify", self.key, query=query)
            report = answer.json()
            if report["status"] != "intact":
                return False
            if report["next_cursor"] is None:
                return bool(report["complete"])
            query = {"cursor": report["next_cursor"]}


def keep(context: str, event: dict[str, Any], remaining_ms: int = 60_000) -> None:
    """One delivery to the privacy function of a context."""
    module = importlib.import_module(f"{context}.handlers.keep_privacy")
    answer = module.handler(event, LambdaContext(remaining_ms=remaining_ms))
    assert answer == {"batchItemFailures": []}, context


def stored_text(row: dict[str, Any]) -> str:
    """A row as text; what is packed is unpacked."""

    def plain(value: Any) -> str:
        if isinstance(value, bytes):
            try:
                return zlib.decompress(value).decode()
            except zlib.error:
                return value.decode("utf-8", "replace")
        return str(value)

    return json.dumps(row, ensure_ascii=False, default=plain)


def objects() -> Iterator[tuple[str, bytes]]:
    """Every object of every bucket, past the product's own access."""
    for bucket in buckets():
        for key in bucket.keys.values():
            yield f"{bucket.name}/{key.name}", bytes(key.value)


@contextmanager
def privacy_world(
    aws: AwsWorld,
    platform: Platform,
    clock: FixedClock,
    folder: Path,
    insurers: tuple[str, ...] = (),
) -> Iterator[PrivacyWorld]:
    """All contexts of this process on ``platform``, for one company."""
    with ExitStack() as stack:
        enter: Callable[..., Any] = stack.enter_context
        workspace = enter(workspace_world(aws, platform, clock))
        company = workspace.company(roles=("owner", "viewer"))
        desk = enter(open_desk(aws, platform, clock, folder, insurers, company.id))
        books = enter(reconciliation_world(aws, platform, clock))
        payments = enter(payment_world(aws, platform, clock))
        enter(rules_world(aws, platform, clock))
        cards = importlib.import_module("card_contracts.bootstrap")
        cards.application.cache_clear()
        cards.application().platform = platform
        stack.callback(cards.application.cache_clear)
        yield PrivacyWorld(aws, clock, workspace, desk, books, payments, company)
