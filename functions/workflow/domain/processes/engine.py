"""How a process moves: start, complete a step, hear an approval, correct, cancel, expire.

Every act is a pure function that adds events to a journal, or refuses with everything that stands
in the way. Completing a step starts the next one in the same act.

Source: AYBS+ processes and rules, "İş Süreçleri" and "Onay Akışı"; rules R6, R9 to R17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

from kernel.clock import local_date
from kernel.errors import ConflictError, Problem, ValidationError
from kernel.ids import IdSource
from workflow.domain.processes.definition import (
    END,
    Branch,
    Definition,
    From,
    Step,
    Timer,
    TimerKind,
)
from workflow.domain.processes.instance import (
    PRODUCING,
    Event,
    EventKind,
    Instance,
    Status,
    fold,
    hash_of,
)
from workflow.domain.processes.judging import Examination, Finding, Judge, Obstacle

APPROVED: Final = "approved"
"""The outcome of an approval on which a process goes on; every other one sends it back."""


@dataclass
class Journal:
    """The new events of one act, with the ids and the time they get."""

    known: Sequence[Event]
    ids: IdSource
    at: datetime
    actor: str
    on_behalf_of: str = ""
    added: list[Event] = field(default_factory=list)

    def add(self, kind: EventKind, step: str = "", **more: Any) -> Event:
        """One more event; it is caused by the one before unless something else is named."""
        before = self.added[-1].id if self.added else ""
        event = Event(
            id=self.ids.new(),
            seq=len(self.known) + len(self.added) + 1,
            kind=kind,
            step=step,
            at=self.at,
            actor=self.actor,
            on_behalf_of=self.on_behalf_of,
            **{"causation_id": before, **more},
        )
        self.added.append(event)
        return event

    def instance(self) -> Instance:
        """The process with the new events."""
        return fold([*self.known, *self.added])


# ---------------------------------------------------------------------------- looking


def _examination(
    definition: Definition, data: Mapping[str, Any], judge: Judge, step: Step | None = None
) -> Examination:
    fields = dict(definition.fields)
    for one in step.inputs if step is not None else definition.cancellation.inputs:
        fields[one.name] = one
    places = {name: one.fact for name, one in fields.items()}
    labels = {name: one.label for name, one in fields.items()}
    return Examination(places, data, judge, labels)


def look_at_start(definition: Definition, given: Mapping[str, Any], judge: Judge) -> Finding:
    """What a start with this data would find."""
    looked = _examination(definition, {}, judge)
    looked.take(definition.start, given)
    return looked.finding(definition.start)


def look_at_step(
    definition: Definition,
    step: Step,
    data: Mapping[str, Any],
    given: Mapping[str, Any],
    judge: Judge,
) -> Finding:
    """What completing a step with this data would find, all of it."""
    looked = _examination(definition, data, judge, step)
    looked.take(step.inputs, given)
    looked.need(step.needs)
    looked.check(step.checks)
    looked.ask(step.guards)
    return looked.finding(step.outputs)


class RefusedError(ValidationError):
    """An act that cannot be done; ``obstacles`` say why in every language."""

    def __init__(self, code: str, text: str, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(code, text, problems=[one.to_problem() for one in obstacles])
        self.obstacles = tuple(obstacles)


def _refuse(code: str, text: str, obstacles: Sequence[Obstacle]) -> None:
    if obstacles:
        raise RefusedError(code, text, obstacles)


# ---------------------------------------------------------------------------- going forward


def start(
    definition: Definition, given: Mapping[str, Any], journal: Journal, judge: Judge, cause: str
) -> Finding:
    """Start a process and its first step. Raises: ValidationError("start_refused")."""
    found = look_at_start(definition, given, judge)
    _refuse("start_refused", "The process cannot start like this.", found.obstacles)
    journal.add(
        EventKind.STARTED,
        inputs=found.inputs,
        inputs_hash=hash_of(found.inputs),
        outputs=found.outputs,
        causation_id=cause,
    )
    journal.add(EventKind.STEP_STARTED, definition.first)
    return found


def step_for(definition: Definition, instance: Instance, command: str) -> Step:
    """The step that a command completes now.

    Raises: ValidationError("command_unknown"); ConflictError("process_closed"),
    ("approval_pending") or ("wrong_step"), which names the step that must be done first.
    """
    step = definition.step_of(command)
    if step is None:
        problem = Problem("/command", "unknown", "The process knows no such command.")
        raise ValidationError("command_unknown", "There is no such command.", problems=[problem])
    if not instance.is_open:
        text = f"The process is {instance.status.value}; nothing can be done any more."
        raise ConflictError("process_closed", text)
    if instance.status is Status.WAITING_APPROVAL:
        text = "The process waits for an approval; nothing goes on before it is decided."
        raise ConflictError("approval_pending", text)
    if step.key != instance.step:
        first = definition.steps[instance.step]
        text = f"{first.title['en']} ({first.command}) comes first."
        raise ConflictError(
            "wrong_step",
            "This command is not accepted at this stage; the stage did not change.",
            problems=[Problem("/command", "wrong_step", text)],
        )
    return step


def complete(
    definition: Definition,
    instance: Instance,
    step: Step,
    given: Mapping[str, Any],
    journal: Journal,
    judge: Judge,
) -> Finding:
    """Complete a step; the next one starts, or an approval is asked for, or the process ends.

    Raises: ValidationError("step_refused") with everything that is missing or does not fit.
    """
    found = look_at_step(definition, step, instance.data, given, judge)
    _refuse("step_refused", "The step cannot be completed like this.", found.obstacles)
    started = next(e for e in reversed(instance.events) if e.kind is EventKind.STEP_STARTED)
    journal.add(
        EventKind.STEP_COMPLETED,
        step.key,
        inputs=found.inputs,
        inputs_hash=hash_of(found.inputs),
        outputs=found.outputs,
        causation_id=started.id,
        decisions=found.decisions,
        round=instance.round,
    )
    if step.approval is None:
        _go_on(definition, step, journal, judge)
        return found
    looked = _examination(definition, journal.instance().data, judge, step)
    facts = {name: looked.value(source) for name, source in step.approval.facts.items()}
    detail = {"kind": step.approval.kind, "facts": facts}
    journal.add(EventKind.APPROVAL_REQUESTED, step.key, detail=detail, round=instance.round)
    return found


def _go_on(definition: Definition, step: Step, journal: Journal, judge: Judge) -> None:
    now = journal.instance()
    branch = _branch(definition, step, now.data, judge)
    if branch.to == END:
        journal.add(EventKind.FINISHED, round=now.round)
    else:
        journal.add(EventKind.STEP_STARTED, branch.to, round=now.round)


def _branch(definition: Definition, step: Step, data: Mapping[str, Any], judge: Judge) -> Branch:
    looked = _examination(definition, data, judge, step)
    return next(one for one in step.next if all(looked.holds(check) for check in one.when))


# ---------------------------------------------------------------------------- approvals


def open_request(instance: Instance) -> Event | None:
    """The approval that a process waits for."""
    if instance.status is not Status.WAITING_APPROVAL:
        return None
    kind = EventKind.APPROVAL_REQUESTED
    return next(event for event in reversed(instance.events) if event.kind is kind)


def hear_approval(
    definition: Definition,
    instance: Instance,
    request_id: str,
    outcome: str,
    journal: Journal,
    judge: Judge,
    *,
    detail: Mapping[str, Any],
    reason: str = "",
) -> bool:
    """Go on after an approval, or back: the step starts again in the next round (R17).

    Gives False for a decision that nobody waits for any more (heard already, cancelled).
    """
    request = open_request(instance)
    if request is None or request.detail.get("request_id") != request_id:
        return False
    step = definition.steps[request.step]
    more = {"causation_id": request.id, "reason": reason, "detail": detail}
    if outcome == APPROVED:
        journal.add(EventKind.APPROVED, step.key, round=instance.round, **more)
        _go_on(definition, step, journal, judge)
    else:
        journal.add(EventKind.REJECTED, step.key, round=instance.round, **more)
        journal.add(EventKind.STEP_STARTED, step.key, round=instance.round + 1)
    return True


# ---------------------------------------------------------------------------- correcting


def correct(
    definition: Definition,
    instance: Instance,
    event_id: str,
    given: Mapping[str, Any],
    reason: str,
    journal: Journal,
    judge: Judge,
    zone: tzinfo,
) -> None:
    """Correct what was given with an earlier event, as if it had been right from the start.

    Everything after it is looked at again with the corrected facts, as of its own day: what would
    have been refused, gone another way or been approved over other facts refuses the correction.
    What later steps derived from the facts is corrected along, each as its own event.
    Raises: ConflictError("process_closed") for a cancelled process; ValidationError
    ("correction_refused") with every reason.
    """
    event = instance.event(event_id)
    if event is None or event.kind not in PRODUCING or event not in _counting(instance):
        problem = Problem("/event_id", "not_correctable", "This event cannot be corrected.")
        raise ValidationError(
            "correction_refused", "The correction was refused.", problems=[problem]
        )
    if instance.status in (Status.CANCELLED, Status.EXPIRED):
        raise ConflictError("process_closed", "A cancelled process is not corrected.")
    obstacles: list[Obstacle] = []
    corrected = {**instance.inputs_of(event), **given}
    affected = [one for one in _counting(instance) if one.seq >= event.seq]
    first = ""
    for one in affected:
        now = journal.instance()
        inputs = corrected if one is event else now.inputs_of(one)
        found = _look_again(definition, now, one, inputs, judge, zone)
        obstacles += found.obstacles
        if found.obstacles:
            continue
        if one is event or found.outputs != now.outputs_of(one):
            made = journal.add(
                EventKind.CORRECTED,
                one.step,
                inputs={name: found.inputs[name] for name in given} if one is event else {},
                inputs_hash=hash_of(found.inputs),
                outputs=found.outputs,
                causation_id=first or event.id,
                corrects=one.id,
                reason=reason,
                decisions=found.decisions,
                round=instance.round,
            )
            first = first or made.id
        obstacles += _path(definition, journal.instance(), one, judge, zone)
    _refuse("correction_refused", "The correction was refused.", obstacles)


def _counting(instance: Instance) -> list[Event]:
    """Events whose outputs count: the start and the latest completion of every step."""
    return [instance.events[0], *instance.completed()]


def _look_again(
    definition: Definition,
    instance: Instance,
    event: Event,
    inputs: Mapping[str, Any],
    judge: Judge,
    zone: tzinfo,
) -> Finding:
    then = judge.on(local_date(event.at, zone))
    if event.kind is EventKind.STARTED:
        return look_at_start(definition, inputs, then)
    step = definition.steps[event.step]
    return look_at_step(definition, step, instance.data_before(event), inputs, then)


def _path(
    definition: Definition, instance: Instance, event: Event, judge: Judge, zone: tzinfo
) -> list[Obstacle]:
    """What a corrected fact would have changed after a step: its way, or what was approved."""
    step = definition.steps.get(event.step)
    if step is None:
        return []
    then = judge.on(local_date(event.at, zone))
    after = {**instance.data_before(event), **instance.outputs_of(event)}
    looked = _examination(definition, after, then, step)
    found: list[Obstacle] = []
    caused = [one for one in instance.events if one.causation_id == event.id]
    request = next((e for e in caused if e.kind is EventKind.APPROVAL_REQUESTED), None)
    if request is not None and step.approval is not None:
        facts = {name: looked.value(source) for name, source in step.approval.facts.items()}
        if facts != request.detail["facts"]:
            found.append(
                Obstacle(
                    "/data",
                    "approved",
                    step.key,
                    {
                        "tr": f"{step.title['tr']} bu verilerle onaya sunuldu; önce iptal edin.",
                        "el": f"{step.title['el']}: εγκρίθηκε με αυτά τα στοιχεία· ακυρώστε πρώτα.",
                        "en": f"{step.title['en']} was sent to approval like this; cancel first.",
                    },
                )
            )
    taken = _taken(instance, event)
    if taken is not None and _branch(definition, step, after, then).to != taken:
        found.append(
            Obstacle(
                "/data",
                "other_way",
                step.key,
                {
                    "tr": f"{step.title['tr']} adımından sonra süreç başka yoldan giderdi.",
                    "el": f"Μετά το βήμα «{step.title['el']}» η διαδικασία θα άλλαζε δρόμο.",
                    "en": f"After {step.title['en']} the process would have gone another way.",
                },
            )
        )
    return found


def _taken(instance: Instance, event: Event) -> str | None:
    """Where the process went after a completion; None while that is open or was refused."""
    cause = event.id
    for one in instance.events:
        if one.causation_id != cause or one.kind is EventKind.CORRECTED:
            continue
        if one.kind is EventKind.STEP_STARTED:
            return one.step
        if one.kind is EventKind.FINISHED:
            return END
        if one.kind is EventKind.REJECTED:
            return None
        cause = one.id
    return None


# ---------------------------------------------------------------------------- ending


def look_at_cancel(
    definition: Definition, instance: Instance, given: Mapping[str, Any], judge: Judge
) -> Finding:
    """What a cancellation would find: the guards on what depends on the process (R13 to R15)."""
    cancel = definition.cancellation
    looked = _examination(definition, instance.data, judge)
    looked.take(cancel.inputs, given)
    for guard in cancel.guards:
        looked.need(sorted(guard.needs - {one.name for one in cancel.inputs}))
    looked.ask(cancel.guards)
    return looked.finding(())


def cancel(
    definition: Definition,
    instance: Instance,
    given: Mapping[str, Any],
    reason: str,
    journal: Journal,
    judge: Judge,
) -> Finding:
    """Cancel without deleting: a cancellation, then one compensation per completed step.

    Raises: ConflictError("process_closed"); ValidationError("cancel_refused").
    """
    cancellation = definition.cancellation
    ended = instance.status is Status.FINISHED and cancellation.after_end
    if not instance.is_open and not ended:
        text = f"The process is {instance.status.value}; it cannot be cancelled."
        raise ConflictError("process_closed", text)
    found = look_at_cancel(definition, instance, given, judge)
    _refuse("cancel_refused", "The process cannot be cancelled.", found.obstacles)
    effect: Any = None
    if cancellation.effect is not None:
        source = cancellation.effect
        if source.kind is From.RULE:
            effect = found.results[source.name].get(source.output)
        else:
            effect = source.value
    journal.add(
        EventKind.CANCELLED,
        instance.step,
        inputs=found.inputs,
        inputs_hash=hash_of(found.inputs),
        causation_id=instance.last.id,
        reason=reason,
        decisions=found.decisions,
        round=instance.round,
        detail={"effect": effect} if effect else {},
    )
    _compensate(definition, instance, journal)
    return found


def _compensate(definition: Definition, instance: Instance, journal: Journal) -> None:
    ending = journal.added[-1].id
    for event in reversed(instance.completed()):
        if definition.steps[event.step].compensation:
            journal.add(
                EventKind.COMPENSATED,
                event.step,
                causation_id=ending,
                corrects=event.id,
                round=instance.round,
            )


def fire(
    definition: Definition, instance: Instance, timer: Timer, due: datetime, journal: Journal
) -> None:
    """Let a timer go off: a reminder and an escalation are noted, an expiry cancels."""
    kinds = {
        TimerKind.REMINDER: EventKind.REMINDED,
        TimerKind.ESCALATION: EventKind.ESCALATED,
        TimerKind.EXPIRY: EventKind.EXPIRED,
    }
    since = next(e for e in reversed(instance.events) if e.kind is EventKind.STEP_STARTED)
    journal.add(
        kinds[timer.kind],
        instance.step,
        causation_id=since.id,
        round=instance.round,
        detail={"timer": timer.key, "due": due.isoformat(), "unit": timer.unit},
    )
    if timer.kind is TimerKind.EXPIRY:
        _compensate(definition, instance, journal)
