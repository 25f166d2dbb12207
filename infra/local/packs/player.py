"""Plays a pack on a running stack, step by step, and says where the story went another way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from infra.local.client import LocalClient, RefusedError, path_of
from infra.local.packs.pack import Pack, PackError, Step, part
from infra.local.packs.values import MISSING, ExpressionError, differences, filled
from infra.local.packs.world import OWNER, Answer, StackRefusedError, World

_PAUSE_SECONDS: Final = 0.15


class StoryError(AssertionError):
    """The story went another way: which step of which pack, and what was different."""


@dataclass(frozen=True, slots=True)
class Told:
    """One step that was played. Units: seconds of real time."""

    number: str
    say: str
    seconds: float


Listener = Callable[[Told], None]


@dataclass(frozen=True, slots=True)
class Played:
    """A whole play: the company it left behind with a key to it, its people, and its steps.

    Shapes: ``people`` are mail addresses by the pack's own names; they sign in with ``PASSWORD``.
    """

    pack: str
    title: str
    company: Mapping[str, Any]
    people: Mapping[str, str]
    key: str
    steps: Sequence[Told]
    seconds: float


@dataclass(slots=True)
class Player:
    """Plays packs on one stack; each play opens a company of its own.

    ``owner_email`` is whoever shall see that company when they sign in.
    """

    base_url: str
    operator_key: str
    local: LocalClient
    owner_email: str = OWNER
    listener: Listener = lambda _told: None

    def play(self, pack: Pack) -> Played:
        """The whole pack. Raises: StoryError, NotRunningError."""
        started = time.monotonic()
        world = World(self.base_url, self.operator_key, self.owner_email, self.local)
        name = f"{pack.context}/{pack.name}"
        try:
            with _told_as(name, "before the first step", "a company is opened"):
                world.open(pack)
            steps = list(self._steps(world, name, pack))
        finally:
            world.close()
        seconds = time.monotonic() - started
        known = world.known
        people = {key: person["email"] for key, person in known["people"].items()}
        return Played(name, pack.title, known["company"], people, world.key, steps, seconds)

    def _steps(self, world: World, name: str, pack: Pack) -> Iterator[Told]:
        for number, step in enumerate(pack.steps, 1):
            for label, each in _unfolded(str(number), step, world.known):
                started = time.monotonic()
                with _told_as(name, f"step {label}", each.say):
                    _Act(world, each).run()
                    world.note_time(pack.zone)
                told = Told(label, each.say, time.monotonic() - started)
                self.listener(told)
                yield told


def _unfolded(label: str, step: Step, known: dict[str, Any]) -> Iterator[tuple[str, Step]]:
    """A step, or the steps of the part it uses, which then know what the part was given."""
    if not step.use:
        yield label, step
        return
    used = part(step.use)
    known.update(filled({**used.needs, **step.given}, known))
    for number, each in enumerate(used.steps, 1):
        yield from _unfolded(f"{label}.{number}", each, known)


@contextmanager
def _told_as(pack: str, where: str, say: str) -> Iterator[None]:
    try:
        yield
    except (StackRefusedError, RefusedError, ExpressionError, PackError, StoryError) as error:
        raise StoryError(f"{pack}, {where} ({say}): {error}") from None


class _Act:
    """One step in its world."""

    def __init__(self, world: World, step: Step) -> None:
        self._world = world
        self._step = step
        self._known = world.known

    def run(self) -> None:
        """Do it, look until it is as it must be, keep what later steps need.

        Raises: StoryError and what the world raises.
        """
        step = self._step
        if step.clock:
            done = self._world.local.post("clock", {"advance": step.clock})
            failed = [run["schedule"] for run in done["runs"] if not run["ok"]]
            if failed or not done["settled"]:
                raise StoryError(f"schedules failed: {', '.join(failed) or 'work goes on'}")
            return
        if step.tick:
            self._world.local.post(path_of("schedules", step.tick, "run"))
            return
        end = time.monotonic() + step.within
        while True:
            answer = self._answer()
            wrong = self._wrong(answer, step.until)
            if not wrong or time.monotonic() > end:
                break
            time.sleep(_PAUSE_SECONDS)
        wrong += self._wrong(answer, step.expect)
        if wrong:
            raise StoryError("; ".join(wrong))
        self._keep(answer)
        if step.then and step.mail is not None:
            self._world.after_mail(answer.body, step.then)

    def _wrong(self, answer: Answer, wanted: Mapping[str, Any]) -> list[str]:
        found = []
        for path, value in filled(wanted, self._known).items():
            found += differences(answer.part(path), value, path)
        return found

    def _keep(self, answer: Answer) -> None:
        for name, path in self._step.keep.items():
            value = answer.part(str(filled(path, self._known)))
            if value is MISSING:
                raise StoryError(f"there is no {path} to keep as {name}")
            self._known[name] = value

    def _answer(self) -> Answer:
        step, world = self._step, self._world
        if step.call:
            return self._called()
        if step.visit:
            form = None if step.form is None else filled(step.form, self._known)
            return self._checked(world.visit(str(filled(step.visit, self._known)), form))
        if step.simulator:
            path = path_of("simulators", step.simulator)
            if step.script is None:
                return Answer(200, {}, world.local.get(path))
            done = world.local.post(path, filled(step.script, self._known))
            return Answer(200, {}, done["done"])
        if step.mail is not None:
            wish = step.mail.model_validate(filled(step.mail.model_dump(), self._known))
            return Answer(200, {}, world.mail(wish, step.within))
        receiver = world.receiver()
        if step.receiver != "look":
            receiver.is_down = step.receiver == "down"
        return Answer(200, {}, {"url": receiver.url, **receiver.look()})

    def _called(self) -> Answer:
        step, world = self._step, self._world
        method, _, path = str(filled(step.call, self._known)).partition(" ")
        file = step.file and step.file.model_validate(filled(step.file.model_dump(), self._known))
        send = filled(step.send, self._known)
        answer = self._checked(
            world.call(
                method,
                path,
                by=step.by,
                send=send,
                file=file,
                headers=filled(step.headers, self._known),
            )
        )
        if not step.job:
            return answer
        done = world.job(answer, step.within, step.by)
        if not step.expect and done.body.get("status") != "succeeded":
            raise StoryError(f"the job ended as {done.body.get('status')}: {done.body}")
        return done

    def _checked(self, answer: Answer) -> Answer:
        wanted = self._step.status
        if answer.status == wanted or (not wanted and answer.status < 400):
            return answer
        raise StoryError(
            f"{answer.status} instead of {wanted or 'success'}: {str(answer.body)[:600]}"
        )
