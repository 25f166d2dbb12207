"""Words of processes: states, events, actors, values; a definition's own words are its data."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from kernel.errors import KopruError, Problem, ValidationError
from kernel.money import Money
from webkit.actors import who
from webkit.components import Status, Tone
from webkit.i18n import mark
from workflow.domain.processes.definition import Definition, Field
from workflow.domain.processes.engine import RefusedError
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event, EventKind
from workflow.domain.processes.triggers import ProposalState
from workflow.domain.rules.facts import FactType
from workflow.pages.words import Say

_EVENTS: Final[Mapping[EventKind, tuple[str, Tone]]] = {
    EventKind.STARTED: (mark("Process started"), Tone.INFO),
    EventKind.STEP_STARTED: (mark("Step started"), Tone.WAITING),
    EventKind.STEP_COMPLETED: (mark("Step completed"), Tone.OK),
    EventKind.APPROVAL_REQUESTED: (mark("Approval asked for"), Tone.WAITING),
    EventKind.APPROVED: (mark("Approved"), Tone.OK),
    EventKind.REJECTED: (mark("Sent back: the step starts again"), Tone.WARNING),
    EventKind.CORRECTED: (mark("Corrected"), Tone.INFO),
    EventKind.REMINDED: (mark("Reminder"), Tone.WARNING),
    EventKind.ESCALATED: (mark("Escalated"), Tone.ERROR),
    EventKind.EXPIRED: (mark("Expired"), Tone.ERROR),
    EventKind.CANCELLED: (mark("Cancelled"), Tone.ERROR),
    EventKind.COMPENSATED: (mark("Undone"), Tone.WARNING),
    EventKind.FINISHED: (mark("Process finished"), Tone.OK),
}
_STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "running": (mark("in progress"), Tone.WAITING),
    "waiting_approval": (mark("waits for approval"), Tone.WAITING),
    "finished": (mark("finished"), Tone.OK),
    "cancelled": (mark("cancelled"), Tone.ERROR),
    "expired": (mark("expired"), Tone.ERROR),
}
_PROPOSALS: Final[Mapping[ProposalState, tuple[str, Tone]]] = {
    ProposalState.OPEN: (mark("to be decided"), Tone.WAITING),
    ProposalState.ACCEPTED: (mark("accepted"), Tone.OK),
    ProposalState.DISMISSED: (mark("dismissed"), Tone.NEUTRAL),
    ProposalState.OPENED: (mark("opened by Köprü"), Tone.INFO),
}
_CHOICES: Final[Mapping[str, str]] = {
    "REQUEST": mark("on request"),
    "DEBT": mark("for debt"),
    "DONE": mark("done"),
    "REPAIR_NEEDED": mark("repair needed"),
    "TECHNICAL_SERVICE": mark("technical service"),
    "OWN_CREW": mark("own crew"),
    "NONE": mark("none"),
    "DRAFT": mark("draft"),
    "FINAL": mark("final"),
    "REVERSING_INVOICE": mark("reversing invoice"),
    "CANCELLED": mark("cancelled"),
    "CANCELLED+RELEASE_BUDGET": mark("cancelled, the budget is released"),
    "STORNO_SAME_PERIOD": mark("reversal in the same period"),
    "STORNO_IN_OPEN_PERIOD": mark("reversal in the open period"),
    "WAITING_APPROVAL": mark("waits for approval"),
    "NOT_ELIGIBLE": mark("not old enough"),
    "NOTICE_REQUIRED": mark("notice required"),
    "REJECTED": mark("rejected"),
    "CREATE_TERMINATION_WORK_ORDER": mark("work order is created"),
    "CALIBRATION": mark("calibration"),
    "READING": mark("reading"),
    "CONSUMPTION_CHECK": mark("check of consumption"),
    "VERIFICATION_READING": mark("verification reading"),
    "SERVE_NOTICE": mark("serve notice"),
    "GAS": mark("gas"),
    "ELECTRICITY": mark("electricity"),
    "WATER": mark("water"),
    "RESIDENTIAL": mark("residential"),
    "COMMERCIAL": mark("commercial"),
    "INDUSTRIAL": mark("industrial"),
    "PUBLIC": mark("public"),
    "PREPAID": mark("prepaid"),
    "POSTPAID": mark("postpaid"),
}


class ProcessSay(Say):
    """The words that pages of processes and proposals need, in one language."""

    def problem(self, code: str, message: str) -> str:
        """An obstacle speaks for itself; other problems have their sentence."""
        return message if message else super().problem(code, message)

    def refused(self, code: str, message: str) -> str:
        """What is wrong with a row of a file, in the reader's language where it is known."""
        for known in (code, code.upper()):
            if self.words.code != "en" and self.words.knows("problem", known):
                return self.words.problem(known)
        return message

    def state(self, head: Head) -> Status:
        """Where a process stands."""
        label, tone = _STATES[head.status.value]
        return Status(self.words.text(label), tone)

    def proposal(self, state: ProposalState) -> Status:
        """Where a proposal stands."""
        label, tone = _PROPOSALS[state]
        return Status(self.words.text(label), tone)

    def event(self, event: Event, definition: Definition) -> str:
        """What happened, with the step where there is one."""
        said = self.words.text(_EVENTS[event.kind][0])
        step = definition.steps.get(event.step)
        return f"{said}: {self.of(step.title)}" if step is not None else said

    def tone(self, event: Event) -> Tone:
        """How an event feels."""
        return _EVENTS[event.kind][1]

    def actor(self, event: Event, me: str) -> str:
        """Who did it, without a name: ids are in the technical details."""
        reader = me.partition(":")[2]
        said = who(event.actor, reader, self.words)
        if event.on_behalf_of:
            other = who(event.on_behalf_of, reader, self.words)
            return self.words.text("%(who)s on behalf of %(other)s", who=said, other=other)
        return said

    def choice(self, value: str) -> str:
        """A member of a closed list; one of a company's own list as it is."""
        return self.words.text(_CHOICES[value]) if value in _CHOICES else value

    def value(self, field: Field | None, value: Any) -> str:
        """A fact for a reader."""
        formats = self.words.formats
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self.words.text("yes") if value else self.words.text("no")
        if field is None:
            return str(value)
        match field.fact.type:
            case FactType.MONEY:
                return formats.money(Money.from_decimal(Decimal(value), "TRY"))
            case FactType.DATE:
                return formats.value(value)
            case FactType.ENUM:
                return self.choice(str(value))
            case FactType.LIST:
                return ", ".join(
                    " ".join(map(str, member)) if isinstance(member, list) else str(member)
                    for member in value
                )
            case _:
                return str(value)

    def refusal(self, error: KopruError) -> KopruError:
        """A refusal with its obstacles in the reader's language, for the form it came from."""
        if not isinstance(error, RefusedError):
            return error
        problems = [Problem(one.pointer, one.code, self.of(one.text)) for one in error.obstacles]
        return ValidationError(error.code, error.message, problems=problems)
