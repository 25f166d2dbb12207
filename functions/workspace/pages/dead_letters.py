"""Pages of the operator about queues: dead letters, what a redrive would do, what stands still."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from kernel.errors import NotFoundError, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.actors import who
from webkit.components import Column, Status, Tone
from webkit.i18n import Language, mark
from webkit.urls import link
from workspace.domain.dead_letter import DeadLetter, Redrive, RedriveState
from workspace.domain.stuck_item import by_context
from workspace.pages.kit import Kit, status_of, use
from workspace.pages.spine import instant_of, subject_label
from workspace.pages.words import (
    actor_of,
    context_name,
    redirect,
    redrive_effect,
    state_word,
    subject_name,
    words_of,
)

READ: Final = "operator:dead_letter:read"
REDRIVE: Final = "operator:dead_letter:redrive"
_LIST: Final = "/operator/dead-letters"
_REDRIVES: Final = 20
FAILURES: Final[Mapping[str, str]] = {
    "unsupported_version": mark("written by a newer version of the product"),
    "retry_later": mark("somebody else held the item every time"),
    "unreadable": mark("cannot be read"),
    "missing_member": mark("not whole"),
    "too_many_hops": mark("handed on too often"),
}
"""Reasons of ``toolkit.entrypoints.queue``; other failures are errors of the program."""


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    @app.page("GET", _LIST, permission=READ)
    def list_dead_letters(request: Request) -> Reply:
        """Groups of dead letters, and who sent what back before."""
        groups = use().list_dead_letters()()
        words = words_of(request)
        redrives = use().list_redrives()(_REDRIVES).items
        values = {
            "groups": groups,
            "effect": {each.queue: redrive_effect(words, each.queue) for each in groups},
            "columns": (
                Column("queue", words.text("Queue")),
                Column("error", words.text("Error")),
                Column("count", words.text("Messages"), numeric=True),
                Column("oldest", words.text("Oldest")),
                Column("effect", words.text("What sending back does")),
            ),
            "redrives": redrives,
            "redrive_columns": (
                Column("at", words.text("When")),
                Column("queue", words.text("Queue")),
                Column("sent", words.text("Sent back"), numeric=True),
                Column("actor", words.text("By")),
                Column("state", words.text("State")),
            ),
            "badges": {each.id: _redrive_status(words, each) for each in redrives},
            "by": {
                actor: _name_of(actor, request.principal.id, words)
                for actor in {each.actor for each in redrives}
            },
            "failure": _failure(words),
            "at": instant_of,
        }
        return kit.draw(request, "operator/dead_letters.html", "operator.dead_letters", values)

    def draw_queue(request: Request, queue: str, error: ValidationError | None = None) -> Reply:
        letters = use().read_dead_letters()(queue)
        words = words_of(request)
        values = {
            "queue": queue,
            "letters": letters,
            "effect": redrive_effect(words, queue),
            "columns": (
                Column("item", words.text("Item")),
                Column("state", words.text("State now")),
                Column("error", words.text("Error")),
                Column("sent", words.text("Since")),
                Column("redrives", words.text("Sent back before"), numeric=True),
                Column("raw", words.text("Message")),
            ),
            "item": {each.id: _item(words, each) for each in letters},
            "state": {each.id: state_word(words, each.state) for each in letters if each.state},
            "failure": _failure(words),
            "may_redrive": request.principal.may(REDRIVE) and any(each.returns for each in letters),
        }
        return kit.draw(
            request,
            "operator/queue.html",
            "operator.dead_letters",
            values,
            status=status_of(error),
            error=error,
        )

    @app.page("GET", f"{_LIST}/{{queue}}", permission=READ)
    def show_queue(request: Request) -> Reply:
        """The dead letters of one queue with the states of their items: the dry run."""
        return draw_queue(request, request.path_values["queue"])

    @app.page("POST", f"{_LIST}/{{queue}}/redrive", permission=REDRIVE)
    def redrive_chosen(request: Request) -> Reply:
        """Send the chosen messages back."""
        queue = request.path_values["queue"]
        chosen = list(dict.fromkeys(request.form_list("ids")))
        try:
            use().redrive_dead_letters()(queue, chosen, actor=actor_of(request))
        except ValidationError as error:
            return draw_queue(request, queue, error)
        return redirect(link(_LIST, done="redriven"))

    @app.page("GET", "/operator/stuck-items", permission=READ)
    def list_stuck_items(request: Request) -> Reply:
        """Work whose time passed and that nobody takes."""
        found = use().list_stuck_items()()
        words = words_of(request)
        now = use().platform.clock.now()
        values = {
            "contexts": [
                (context_name(words, context), context, items)
                for context, items in by_context(found).items()
            ],
            "columns": (
                Column("item", words.text("Item")),
                Column("id", words.text("Id")),
                Column("since", words.text("Since")),
                Column("late", words.text("Late by")),
            ),
            "kind": {each.kind: subject_name(words, each.kind) for each in found},
            "late": {each.id: each.late_seconds(now) for each in found},
        }
        return kit.draw(request, "operator/stuck.html", "operator.stuck", values)


def _name_of(actor: str, reader: str, words: Language) -> str:
    """Who sent something back; operators tell each other apart by name."""
    kind, _, identity = actor.partition(":")
    if kind == "user" and identity != reader:
        with suppress(NotFoundError):
            return use().store.person(identity).name
    return who(actor, reader, words)


def _failure(words: Language) -> Callable[[str], str]:
    """Why a message failed: in words where it was ours to say, else the name of the error."""
    return lambda code: words.text(FAILURES[code]) if code in FAILURES else code


def _item(words: Language, letter: DeadLetter) -> str:
    return subject_label(words)(letter.subject) if letter.subject else words.text("no item")


def _redrive_status(words: Language, redrive: Redrive) -> Status:
    if redrive.state is RedriveState.DONE:
        return Status(words.text("done"), Tone.OK)
    return Status(words.text("not finished"), Tone.UNKNOWN)
