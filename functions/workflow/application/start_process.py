"""Start a process on a subject (WFL-03)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import Problem, ValidationError
from kernel.storing import CommandIdentity, Remembered
from workflow.application.context import once
from workflow.application.process_context import Opened, ProcessScope
from workflow.domain.processes.engine import Journal, start
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Status, fold

_REFUSED: Final = "The process cannot start like this."


@dataclass(frozen=True, slots=True)
class Start:
    """What a caller states.

    Shapes: ``subject`` is ``<kind>:<reference>``; ``cause`` is the proposal it comes from.
    """

    definition: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    cause: str = ""


class StartProcess:
    """Start by the definition in force today; the instance keeps that version.

    Raises: NotFoundError("process_unknown"), ("no_version"); ValidationError("start_refused") with
    everything that is missing.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, wanted: Start, command: CommandIdentity | None = None) -> Head:
        """With a command, a repetition gets the process of the first time."""
        store = self._scope.store
        return once(
            store,
            command,
            lambda first: store.process(str(first.body["process_id"])),
            lambda: self._start(wanted, command),
        )

    def _start(self, wanted: Start, command: CommandIdentity | None) -> Head:
        opened = self.begin(wanted)
        head = opened.create()
        if command is not None:
            opened.unit.remember(command, Remembered(201, {"process_id": head.id}, {}))
        opened.unit.commit()
        return self._scope.store.process(head.id)

    def begin(self, wanted: Start) -> Opened:
        """A started process that is not written yet."""
        scope = self._scope
        version = scope.processes().current(wanted.definition, scope.rules.today, scope.now)
        kind = version.definition.subject
        if wanted.subject.partition(":")[0] != kind:
            problem = Problem("/subject", "subject_kind", f"This process is about {kind}:….")
            raise ValidationError("start_refused", _REFUSED, problems=[problem])
        process_id = scope.rules.ids.new()
        journal = Journal((), scope.rules.ids, scope.now, scope.rules.actor, wanted.on_behalf_of)
        judge = scope.judge(f"process-{process_id}")
        start(version.definition, wanted.data, journal, judge, wanted.cause)
        head = Head(
            id=process_id,
            definition_key=version.key,
            definition_id=version.id,
            subject=wanted.subject,
            status=Status.RUNNING,
            step="",
            step_since=None,
            round=1,
            started_at=scope.now,
            events=0,
            cause=wanted.cause,
        )
        return Opened(scope, head, version, fold(()), judge, journal)
