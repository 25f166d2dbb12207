"""Complete steps, and go on after approvals (WFL-03, WFL-05)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.errors import ConflictError
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from workflow.application.context import once
from workflow.application.process_context import Opened, ProcessScope, opened
from workflow.domain.processes.definition import Step
from workflow.domain.processes.engine import complete, hear_approval, open_request, step_for
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import EventKind, hash_of
from workflow.domain.processes.words import LANGUAGES
from workflow.domain.rules.facts import FactType

GOES_ON = frozenset({"approved", "not_required"})
_MONEY_FACTS = ("amount", "total")
_YES = {"tr": "evet", "el": "ναι", "en": "yes"}
_NO = {"tr": "hayır", "el": "όχι", "en": "no"}


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a caller with its data."""

    process_id: str
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    expected: int | None = None


class AdvanceProcess:
    """Complete the present step; what follows starts in the same write.

    Raises: NotFoundError; ConflictError("wrong_step"), ("approval_pending"), ("process_closed");
    ValidationError("step_refused") with everything that is missing or forbidden.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, wanted: Command, command: CommandIdentity | None = None) -> Head:
        """With a command identity, a repetition gets the process as it is and does nothing."""
        store = self._scope.store
        return once(
            store,
            command,
            lambda _first: store.process(wanted.process_id),
            lambda: self._advance(wanted, command),
        )

    def _advance(self, wanted: Command, command: CommandIdentity | None) -> Head:
        found = opened(
            self._scope,
            wanted.process_id,
            expected=wanted.expected,
            on_behalf_of=wanted.on_behalf_of,
        )
        step = step_for(found.definition, found.instance, wanted.name)
        complete(found.definition, found.instance, step, wanted.data, found.journal, found.judge)
        _state_request(found, step)
        found.save("process.step_completed")
        if command is not None:
            first = Remembered(200, {"process_id": wanted.process_id}, {})
            found.unit.remember(command, first)
        found.unit.commit()
        return self._scope.store.process(wanted.process_id)


def _state_request(found: Opened, step: Step) -> None:
    """Write into the event of a request everything that the approvers are told."""
    last = found.journal.added[-1]
    gate = step.approval
    if last.kind is not EventKind.APPROVAL_REQUESTED or gate is None:
        return
    data = found.journal.instance().data
    fields = found.definition.fields
    shown = [
        {"label": dict(fields[name].label), "value": _spoken(data[name])} for name in gate.shown
    ]
    priced = next(
        (name for name in _MONEY_FACTS
         if name in gate.shown and fields[name].fact.type is FactType.MONEY),
        None,
    )  # fmt: skip
    content = {
        "title": {
            language: f"{found.definition.title[language]}: {step.title[language]}"
            for language in LANGUAGES
        },
        "amount": {"amount": data[priced], "currency": "TRY"} if priced else None,
        "fields": shown,
        "href": f"/workflow/processes/{found.head.id}",
    }
    told = {
        "request_id": _request_id(found) or last.id,
        "kind": gate.kind,
        "facts": last.detail["facts"],
        "content": content,
        "requested_by": found.journal.actor,
        "rule": gate.rule or None,
        "stages": list(gate.stages) or None,
    }
    found.journal.added[-1] = replace(last, detail=told)


def _request_id(found: Opened) -> str:
    """The request that came back from its first stage, to be made again; else a new one."""
    for event in reversed(found.instance.events):
        if event.kind is EventKind.REJECTED and event.step == found.instance.step:
            again = event.detail["outcome"] == "returned"
            return str(event.detail["request_id"]) if again else ""
    return ""


def _spoken(value: Any) -> str | dict[str, str]:
    """A value as approvers read it: a text, or words in each language."""
    if isinstance(value, bool):
        return dict(_YES if value else _NO)
    return "" if value is None else str(value)


class HearApproval:
    """Take a decision about a step of ours; one that nobody waits for changes nothing."""

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, data: Mapping[str, Any]) -> bool:
        """Whether the process moved. Raises: ConflictError when others win again and again.

        Shapes: ``data`` is that of ``workflow.ApprovalDecided.v1``.
        """
        process_id = str(data["subject"]).partition(":")[2]
        for _ in range(3):
            try:
                return self._hear(process_id, data)
            except WriteRefusedError:
                continue
        raise ConflictError("conflict", "The process changes all the time; later again.")

    def _hear(self, process_id: str, data: Mapping[str, Any]) -> bool:
        found = opened(self._scope, process_id, on_behalf_of=str(data.get("on_behalf_of") or ""))
        decider = str(data.get("decided_by") or "")
        if decider:
            found.journal.actor = decider
        outcome = str(data["outcome"])
        goes_on = outcome in GOES_ON
        if goes_on and not _is_asked(found, data):
            return False
        moved = hear_approval(
            found.definition,
            found.instance,
            str(data["request_id"]),
            "approved" if goes_on else outcome,
            found.journal,
            found.judge,
            detail={
                "approval_id": str(data["approval_id"]),
                "request_id": str(data["request_id"]),
                "outcome": outcome,
                "stage": str(data.get("stage") or ""),
            },
            reason=str(data.get("reason") or ""),
        )
        if not moved:
            return False
        found.save("process.approval_heard")
        found.unit.commit()
        return True


def _is_asked(found: Opened, data: Mapping[str, Any]) -> bool:
    """Whether what was approved is what is asked; an approval of something else counts nothing."""
    request = open_request(found.instance)
    said = data.get("content_hash")
    return request is None or not said or said == hash_of(request.detail["content"])
