"""What the use cases of processes share: definitions, rules as judges, writing what happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from kernel.errors import PreconditionFailedError
from workflow.application.context import ZONE, Scope
from workflow.application.evaluate_rule import Decided, Question, decide
from workflow.domain.processes.definition import Definition
from workflow.domain.processes.engine import Journal
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import EventKind, Instance, fold
from workflow.domain.processes.judging import Verdict
from workflow.domain.processes.timers import late_at, waiting_timers
from workflow.domain.processes.versions import DefinitionVersion, Processes
from workflow.domain.rules.catalogue import Catalogue
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import Scopes
from workflow.ports import ProcessStore, ProcessUnit

APPROVAL_REQUESTED: Final = "workflow.ApprovalRequested.v1"
APPROVAL_WITHDRAWN: Final = "workflow.ApprovalWithdrawn.v1"
PROCESS_STARTED: Final = "workflow.ProcessStarted.v1"
STEP_STARTED: Final = "workflow.ProcessStepStarted.v1"
PROCESS_ENDED: Final = "workflow.ProcessEnded.v1"
ATTENTION_RAISED: Final = "workflow.AttentionRaised.v1"
ATTENTION_CLEARED: Final = "workflow.AttentionCleared.v1"
BUSINESS_ZONE: Final[tzinfo] = ZoneInfo(ZONE)
_ENDING: Final = frozenset({EventKind.FINISHED, EventKind.CANCELLED, EventKind.EXPIRED})
_RAISING: Final = frozenset({EventKind.REMINDED, EventKind.ESCALATED})


@dataclass(frozen=True)
class ProcessScope:
    """The world of a use case of processes."""

    rules: Scope
    store: ProcessStore
    shipped: Processes

    @property
    def now(self) -> datetime:
        """This moment."""
        return self.rules.clock.now()

    def processes(self) -> Processes:
        """Shipped processes and those of the company."""
        return self.shipped.plus(self.store.definitions())

    def version(self, version_id: str) -> DefinitionVersion:
        """A version by its id, shipped or own. Raises: NotFoundError."""
        return self.shipped.version(version_id) or self.store.definition(version_id)

    def judge(self, subject: str) -> "RulesJudge":
        """Who asks the rules for one subject."""
        return RulesJudge(self.rules, self.rules.today, subject, {}, {})


@dataclass
class RulesJudge:
    """``Judge`` over the rules of the company; keeps what was decided until it is written."""

    rules: Scope
    today: date
    subject: str
    decided: dict[str, Decided]
    catalogues: dict[str, Catalogue]

    def on(self, day: date) -> "RulesJudge":
        return replace(self, today=day)

    def decide(self, rule: str, facts: Mapping[str, Any]) -> Verdict:
        question = Question(rule, facts, valid_on=self.today, causation_id=self.subject)
        made = decide(self.rules, question, self._catalogue(self.rules.shipped.table_of(rule)))
        self.decided[made.record.id] = made
        return Verdict(made.record.result or {}, made.record.id, _reason(made))

    def parameter(self, key: str) -> Any:
        known = self._catalogue(key)
        world = self.rules.world(known, self.today, self.rules.clock.now(), Scopes())
        return world.parameter(key)

    def _catalogue(self, table: str) -> Catalogue:
        if table not in self.catalogues:
            self.catalogues[table] = self.rules.catalogue(table)
        return self.catalogues[table]


def _reason(made: Decided) -> Mapping[str, str]:
    """The words of the row that decided."""
    by_id = {row.id: row for row in made.table.rows}
    return next((by_id[hit].reason for hit in made.record.hits if by_id[hit].reason), {})


@dataclass
class Opened:
    """A process as it was read, and the journal of what is done to it now."""

    scope: ProcessScope
    head: Head
    version: DefinitionVersion
    instance: Instance
    judge: RulesJudge
    journal: Journal
    unit: ProcessUnit = field(init=False)

    def __post_init__(self) -> None:
        self.unit = self.scope.store.unit()

    @property
    def definition(self) -> Definition:
        """The definition it started with."""
        return self.version.definition

    @cached_property
    def after(self) -> Instance:
        """The process with what was added; asked for when nothing more is."""
        return self.journal.instance()

    def save(self, action: str) -> Head:
        """Write events, decisions and news in one unit, without committing it."""
        head = shortened(self.scope, self.head, self.definition, self.after)
        self.unit.save_process(self.head, head, self.journal.added, action)
        self._tell(head)
        return head

    def create(self) -> Head:
        """The same for a process that starts."""
        head = shortened(self.scope, self.head, self.definition, self.after)
        self.unit.add_process(head, self.journal.added)
        self.unit.publish(
            PROCESS_STARTED,
            f"process:{head.id}",
            {
                "process_id": head.id,
                "definition": head.definition_id,
                "subject": head.subject,
            },
        )
        self._tell(head)
        return head

    def _tell(self, head: Head) -> None:
        for record in self._records():
            self.unit.add_decision(record)
        subject = f"process:{head.id}"
        for event in self.journal.added:
            if event.kind is EventKind.STEP_STARTED:
                self.unit.publish(
                    STEP_STARTED,
                    subject,
                    {
                        "process_id": head.id,
                        "definition": head.definition_id,
                        "step": event.step,
                        "unit": self.definition.steps[event.step].unit,
                        "round": event.round,
                    },
                )
            elif event.kind in _ENDING:
                self.unit.publish(
                    PROCESS_ENDED,
                    subject,
                    {
                        "process_id": head.id,
                        "definition": head.definition_id,
                        "status": head.status.value,
                    },
                )
            elif event.kind is EventKind.APPROVAL_REQUESTED:
                self._ask(subject, event.detail)
        self._attention(subject)

    def _attention(self, subject: str) -> None:
        """The unit is alerted once per step, and no more once the step is over."""
        kinds = [event.kind for event in self.journal.added]
        raised = [kind for kind in kinds if kind in _RAISING]
        moved = not self.after.is_open or EventKind.STEP_STARTED in kinds
        if raised and not moved:
            self.unit.publish(
                ATTENTION_RAISED,
                subject,
                {
                    "key": subject,
                    "subject": subject,
                    "code": "process_late",
                    "severity": "high" if EventKind.ESCALATED in raised else "low",
                },
            )
        elif moved and self.instance.fired:
            self.unit.publish(ATTENTION_CLEARED, subject, {"key": subject})

    def _ask(self, subject: str, told: Mapping[str, Any]) -> None:
        """Ask for an approval; who decides is a rule's answer, or stages the definition names."""
        self.unit.publish(
            APPROVAL_REQUESTED,
            subject,
            {
                "request_id": told["request_id"],
                "kind": told["kind"],
                "rule": told["rule"],
                "stages": told["stages"],
                "facts": told["facts"],
                "content": told["content"],
                "requested_by": told["requested_by"],
            },
        )

    def _records(self) -> list[DecisionRecord]:
        named = dict.fromkeys(id_ for event in self.journal.added for id_ in event.decisions)
        return [self.judge.decided[id_].record for id_ in named]


def shortened(scope: ProcessScope, head: Head, definition: Definition, now: Instance) -> Head:
    """The head of a process as its events say."""
    timers = waiting_timers(definition, now, scope.rules.calendar, BUSINESS_ZONE)
    return replace(
        head,
        status=now.status,
        step=now.step,
        step_since=now.step_since,
        round=now.round,
        events=len(now.events),
        late_at=late_at(definition, now, BUSINESS_ZONE),
        due_at=timers[0][0] if timers else None,
    )


def opened(
    scope: ProcessScope, process_id: str, *, expected: int | None = None, on_behalf_of: str = ""
) -> Opened:
    """Read a process to do something to it.

    Raises: NotFoundError; PreconditionFailedError when somebody changed it since it was read.
    """
    head = scope.store.process(process_id)
    if expected is not None and expected != head.stamp.version:
        raise PreconditionFailedError("stale_version", "Somebody changed it; read it again.")
    # Fewer events than the head says would be a read that came too early: the write is refused
    # then, because the numbers of the events are taken.
    instance = fold(scope.store.events(process_id))
    journal = Journal(instance.events, scope.rules.ids, scope.now, scope.rules.actor, on_behalf_of)
    subject = f"process-{process_id}"
    version = scope.version(head.definition_id)
    return Opened(scope, head, version, instance, scope.judge(subject), journal)
