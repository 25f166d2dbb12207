"""Processes on the screen: the list, one process with its picture and forms, one event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    ParseError,
    Problem,
    ValidationError,
)
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column, Option, TimelineEntry, Tone
from webkit.i18n import mark
from workflow.application.advance_process import Command
from workflow.application.correct_process import Cancel, Correction
from workflow.application.show_process import Shown
from workflow.application.start_process import Start
from workflow.domain.processes.definition import END, Definition, Field
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import (
    PRODUCING,
    Event,
    EventKind,
    Status,
    causes,
    effects,
)
from workflow.domain.processes.versions import DefinitionVersion
from workflow.pages.fact_forms import controls, typed
from workflow.pages.kit import Kit, go, paging_of, position_in, use_of
from workflow.pages.process_picture import picture
from workflow.pages.process_words import ProcessSay
from workflow.pages.words import words_of
from workflow.schemas import event_out, read_subject

SECTION: Final = "workflow.processes"
READ: Final = "workflow:process:read"
WRITE: Final = "workflow:process:write"
CORRECT: Final = "workflow:process:correct"
_CANCEL: Final = "cancel-"
"""The form that cancels may ask for the same facts as the one that completes a step."""
DONE: Final[Mapping[str, str]] = {
    "started": mark("The process started."),
    "step": mark("The step is complete."),
    "corrected": mark("The correction is recorded; what was said before stays visible."),
    "cancelled": mark("The process is cancelled; nothing was deleted."),
}


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """One process in the list."""

    id: str
    title: str
    reference: str
    step: str
    unit: str
    head: Head
    age_seconds: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step in the table beside the picture."""

    title: str
    unit: str
    expects: str
    state: str
    tone: Tone
    event: Event | None


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of processes."""

    @app.page("GET", "/workflow/processes", permission=READ)
    def show_processes(request: Request) -> Reply:
        """Processes in progress, the longest in their step first, or those that ended."""
        use, say = use_of(request), ProcessSay(words_of(request))
        is_open = request.query.get("state") != "closed"
        state = "open" if is_open else "closed"
        found, following = use.store.processes(
            is_open=is_open, limit=50, after=position_in(request, state=state)
        )
        words = say.words
        columns = (
            Column("process", words.text("Process")),
            Column("subject", words.text("About")),
            Column("step", words.text("Waits at")),
            Column("unit", words.text("Unit")),
            Column("age", words.text("Since")),
            Column("state", words.text("State")),
        )
        chips = (
            Chip(words.text("In progress"), "/workflow/processes", active=is_open),
            Chip(words.text("Ended"), "/workflow/processes?state=closed", active=not is_open),
        )
        return kit.draw(
            request,
            "processes/list.html",
            SECTION,
            done=DONE,
            say=say,
            lines=_lines(use.processes.version, found, say, use.processes.now),
            columns=columns,
            chips=chips,
            is_open=is_open,
            paging=paging_of(request, len(found), following, state=state),
        )

    # ------------------------------------------------------------------ start

    def start_form(
        request: Request, form: Mapping[str, str], error: KopruError | None = None
    ) -> Reply:
        use, say = use_of(request), ProcessSay(words_of(request))
        known = _startable(use.processes.processes().by_key)
        version = known.get(form.get("definition", ""))
        options = [Option(key, say.of(one.definition.title)) for key, one in known.items()]
        fields: tuple[Field, ...] = version.definition.start if version is not None else ()
        return kit.draw(
            request,
            "processes/new.html",
            SECTION,
            error=say.refusal(error) if error is not None else None,
            say=say,
            options=options,
            definition=form.get("definition", ""),
            subject=form.get("subject", ""),
            kind=version.definition.subject if version is not None else "",
            controls=controls(fields, say, typed(fields, form)),
        )

    @app.page("GET", "/workflow/processes/new", permission=WRITE)
    def show_start(request: Request) -> Reply:
        """Choose a process, then what it needs to start."""
        return start_form(request, request.query)

    @app.page("POST", "/workflow/processes/new", permission=WRITE)
    def start(request: Request) -> Reply:
        """Start it, or show what is missing."""
        form, use = request.form(), use_of(request)
        known = _startable(use.processes.processes().by_key)
        version = known.get(form.get("definition", ""))
        if version is None:
            raise NotFoundError("not_found", "There is no such process.")
        definition = version.definition
        try:
            name = f"{definition.subject}:{form.get('subject', '').strip()}"
            data = typed(definition.start, form)
            head = use.start_process()(Start(version.key, _subject(name), data))
        except ValidationError as error:
            return start_form(request, form, error)
        return go(f"/workflow/processes/{head.id}", done="started")

    # ------------------------------------------------------------------ one process

    def one(
        request: Request,
        form: Mapping[str, str] | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        use, say = use_of(request), ProcessSay(words_of(request))
        shown = use.show_process()(request.id())
        definition, instance = shown.definition, shown.instance
        labels = {key: say.of(step.title) for key, step in definition.steps.items()}
        labels[END] = say.words.text("End")
        steps = _steps(shown, say)
        tones = {key: line.tone for key, line in zip(definition.steps, steps, strict=True)}
        if shown.head.status is Status.FINISHED:
            tones[END] = Tone.OK
        title = say.words.text("The steps of this process")
        step = shown.step if instance.status is Status.RUNNING else None
        fields: tuple[Field, ...] = step.inputs if step is not None else ()
        cancel_fields = definition.cancellation.inputs
        ended = shown.head.status is Status.FINISHED and definition.cancellation.after_end
        return kit.draw(
            request,
            "processes/process.html",
            SECTION,
            error=say.refusal(error) if error is not None else None,
            done=DONE,
            say=say,
            shown=shown,
            head=shown.head,
            title=say.of(definition.title),
            facts=[
                (say.of(field.label), say.value(field, instance.data[name]))
                for name, field in definition.fields.items()
                if name in instance.data
            ],
            picture=picture(definition, labels, tones, title, _described(steps)),
            steps=steps,
            step_columns=(
                Column("step", say.words.text("Step")),
                Column("unit", say.words.text("Unit")),
                Column("expects", say.words.text("What it expects")),
                Column("state", say.words.text("State")),
                Column("when", say.words.text("When and who")),
            ),
            step=step,
            controls=controls(fields, say, typed(fields, form or {})),
            missing=[say.of(obstacle.text) for obstacle in shown.missing],
            timers=[(at, say.of(timer.text)) for at, timer in shown.timers],
            events=instance.events,
            event_columns=(
                Column("event", say.words.text("What happened")),
                Column("at", say.words.text("When")),
                Column("who", say.words.text("Who")),
                Column("more", say.words.text("More")),
            ),
            cancel_controls=controls(
                cancel_fields, say, typed(cancel_fields, form or {}, _CANCEL), _CANCEL
            ),
            may_cancel=(shown.head.is_open or ended) and request.principal.may(CORRECT),
            me=request.tenant.actor,
            reason=(form or {}).get("reason", ""),
        )

    @app.page("GET", "/workflow/processes/{id}", permission=READ)
    def show_process(request: Request) -> Reply:
        """Where it stands, what it waits for, everything that happened."""
        return one(request)

    @app.page("POST", "/workflow/processes/{id}/complete", permission=WRITE)
    def complete(request: Request) -> Reply:
        """Complete the present step, or show everything that is missing."""
        use, form = use_of(request), request.form()
        shown = use.show_process()(request.id())
        step = shown.definition.step_of(form.get("command", ""))
        fields: tuple[Field, ...] = step.inputs if step is not None else ()
        wanted = Command(request.id(), form.get("command", ""), typed(fields, form))
        try:
            use.advance_process()(wanted)
        except (ValidationError, ConflictError) as error:
            return one(request, form, error)
        return go(f"/workflow/processes/{request.id()}", done="step")

    @app.page("POST", "/workflow/processes/{id}/cancel", permission=CORRECT)
    def cancel(request: Request) -> Reply:
        """Cancel it, or show what forbids that."""
        use, form = use_of(request), request.form()
        shown = use.show_process()(request.id())
        data = typed(shown.definition.cancellation.inputs, form, _CANCEL)
        try:
            use.cancel_process()(Cancel(request.id(), form.get("reason", ""), data))
        except ConflictError as error:
            return one(request, form, error)
        except ValidationError as error:
            return one(request, form, _pointed(ProcessSay(words_of(request)).refusal(error)))
        return go(f"/workflow/processes/{request.id()}", done="cancelled")

    # ------------------------------------------------------------------ one event

    def event_page(
        request: Request,
        form: Mapping[str, str] | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        use, say = use_of(request), ProcessSay(words_of(request))
        shown = use.show_process()(request.id())
        event = _event(shown, (form or request.query).get("event", ""))
        fields = _correctable(shown, event)
        given = shown.instance.inputs_of(event)
        me = request.tenant.actor
        return kit.draw(
            request,
            "processes/event.html",
            SECTION,
            error=say.refusal(error) if error is not None else None,
            say=say,
            head=shown.head,
            title=say.event(event, shown.definition),
            entry=[_entry(shown, event, say, me, raw=True)],
            before=[_entry(shown, one, say, me) for one in _back(shown, event)],
            after=[_entry(shown, one, say, me) for one in _forth(shown, event)],
            event=event,
            controls=controls(fields, say, typed(fields, form) if form else given),
            may_correct=bool(fields) and request.principal.may(CORRECT),
            reason=(form or {}).get("reason", ""),
        )

    @app.page("GET", "/workflow/processes/{id}/event", permission=READ)
    def show_event(request: Request) -> Reply:
        """One event, ``?event=`` or the first: what led to it, and what it led to."""
        return event_page(request)

    @app.page("POST", "/workflow/processes/{id}/correct", permission=CORRECT)
    def correct(request: Request) -> Reply:
        """Correct what was given, or show what would not stand any more."""
        use, form = use_of(request), request.form()
        shown = use.show_process()(request.id())
        event = _event(shown, form.get("event", ""))
        given = shown.instance.inputs_of(event)
        said = typed(_correctable(shown, event), form)
        data = {name: value for name, value in said.items() if value != given.get(name)}
        wanted = Correction(request.id(), event.id, form.get("reason", ""), data or said)
        try:
            use.correct_process()(wanted)
        except (ValidationError, ConflictError) as error:
            return event_page(request, form, error)
        return go(f"/workflow/processes/{request.id()}", done="corrected")


def _pointed(error: KopruError) -> KopruError:
    """A refused cancellation, for the controls of its own form."""
    problems = [
        Problem(one.pointer.replace("/data/", "/cancel/", 1), one.code, one.message)
        for one in error.problems
    ]
    return ValidationError(error.code, error.message, problems=problems)


def _subject(text: str) -> str:
    """A subject from a form. Raises: ValidationError at its control."""
    try:
        return read_subject(text)
    except ParseError as error:
        problem = error.at("/subject")
        raise ValidationError("invalid_input", error.message, problems=[problem]) from None


def _startable(
    by_key: Mapping[str, tuple[DefinitionVersion, ...]],
) -> dict[str, DefinitionVersion]:
    """The newest published version of every process."""
    return {
        key: [version for version in versions if version.decides][-1]
        for key, versions in by_key.items()
        if any(version.decides for version in versions)
    }


def _lines(
    version_of: Callable[[str], DefinitionVersion],
    heads: list[Head],
    say: ProcessSay,
    now: datetime,
) -> list[ProcessLine]:
    known: dict[str, Definition] = {}
    lines = []
    for head in heads:
        if head.definition_id not in known:
            known[head.definition_id] = version_of(head.definition_id).definition
        definition = known[head.definition_id]
        step = definition.steps.get(head.step)
        since = head.step_since or head.started_at
        lines.append(
            ProcessLine(
                head.id,
                say.of(definition.title),
                head.subject.partition(":")[2],
                say.of(step.title) if step is not None else "–",
                say.of(definition.units[step.unit]) if step is not None else "–",
                head,
                int((now - since).total_seconds()),
                head.is_late(now),
            )
        )
    return lines


def _steps(shown: Shown, say: ProcessSay) -> list[StepLine]:
    """Every step with what became of it."""
    done = {event.step: event for event in shown.instance.completed()}
    lines = []
    for key, step in shown.definition.steps.items():
        labels = [say.of(field.label) for field in step.inputs]
        state, tone = say.words.text("to come"), Tone.NEUTRAL
        event = done.get(key)
        if shown.instance.step == key:
            waits = shown.head.status is Status.WAITING_APPROVAL
            state = say.words.text("waits for approval") if waits else say.words.text("now")
            tone = Tone.WAITING
        elif event is not None:
            state, tone = say.words.text("done"), Tone.OK
        lines.append(
            StepLine(
                say.of(step.title),
                say.of(shown.definition.units[step.unit]),
                ", ".join(labels) or "–",
                state,
                tone,
                event,
            )
        )
    return lines


def _described(steps: list[StepLine]) -> str:
    return "; ".join(f"{line.title}: {line.state}" for line in steps)


def _event(shown: Shown, event_id: str) -> Event:
    if not event_id:
        return shown.instance.events[0]
    event = shown.instance.event(event_id)
    if event is None:
        raise NotFoundError("not_found", "There is no such item.")
    return event


def _correctable(shown: Shown, event: Event) -> tuple[Field, ...]:
    """What of an event can be corrected: what was given, while it still counts."""
    counting = [shown.instance.events[0], *shown.instance.completed()]
    if event.kind not in PRODUCING or event not in counting:
        return ()
    if shown.head.status in (Status.CANCELLED, Status.EXPIRED):
        return ()
    if event.kind is EventKind.STARTED:
        return shown.definition.start
    return shown.definition.steps[event.step].inputs


def _back(shown: Shown, event: Event) -> list[Event]:
    return causes(shown.instance.events, event.id)


def _forth(shown: Shown, event: Event) -> list[Event]:
    return effects(shown.instance.events, event.id)


def _entry(
    shown: Shown, event: Event, say: ProcessSay, me: str, *, raw: bool = False
) -> TimelineEntry:
    fields = dict(shown.definition.fields)
    if event.step in shown.definition.steps:
        step = shown.definition.steps[event.step]
        fields |= {field.name: field for field in step.inputs}
    said = event.inputs if event.kind in PRODUCING else event.outputs
    facts = tuple(
        (say.of(fields[name].label) if name in fields else name, say.value(fields.get(name), value))
        for name, value in said.items()
    )
    detail = event.reason or None
    if event.kind is EventKind.COMPENSATED:
        detail = say.of(shown.definition.steps[event.step].compensation)
    elif "timer" in event.detail and event.step in shown.definition.steps:
        timers = {timer.key: timer for timer in shown.definition.steps[event.step].timers}
        detail = say.of(timers[str(event.detail["timer"])].text)
    title = say.event(event, shown.definition)
    if event.corrects and not raw:
        title = f"{title} ↩"
    return TimelineEntry(
        title,
        at=event.at,
        actor=say.actor(event, me),
        tone=say.tone(event),
        detail=detail,
        facts=facts,
        raw=event_out(event) if raw else None,
    )
