"""Dead letters and stuck items: for the operator only, by a function with rights of its own."""

from kernel.errors import Problem
from toolkit.entrypoints.http import Reply, Request
from workspace.domain.problems import invalid
from workspace.domain.stuck_item import by_context
from workspace.handlers.http.app import app, use
from workspace.pages import dead_letters
from workspace.pages.kit import Kit
from workspace.pages.words import actor_of, redrive_effect, words_of
from workspace.schemas import (
    RedriveIn,
    dead_letter_group_out,
    dead_letter_out,
    list_out,
    redrive_out,
    stuck_out,
)

READ = "operator:dead_letter:read"
REDRIVE = "operator:dead_letter:redrive"


@app.api("GET", "/v1/dead-letters", permission=READ)
def list_dead_letters(request: Request) -> Reply:
    """Messages that failed for good, by queue and error; ``?queue=`` shows those of one queue."""
    groups = use().list_dead_letters()(request.query.get("queue", ""))
    words = words_of(request)
    items = [dead_letter_group_out(each, redrive_effect(words, each.queue)) for each in groups]
    return Reply(list_out(items, None, sum(each.count for each in groups)))


@app.api("GET", "/v1/dead-letters/redrives", permission=READ)
def list_redrives(request: Request) -> Reply:
    """Who sent messages back, newest first."""
    page = use().list_redrives()(request.limit())
    return Reply(list_out(map(redrive_out, page.items), None))


@app.api("GET", "/v1/stuck-items", permission=READ)
def list_stuck_items(request: Request) -> Reply:
    """Work whose time passed a quarter of an hour ago and that nobody takes, oldest first."""
    found = use().list_stuck_items()()[: request.limit(200)]
    now = use().platform.clock.now()
    counts = {context: len(items) for context, items in by_context(found).items()}
    out = list_out([stuck_out(each, now) for each in found], None, len(found))
    return Reply({**out, "by_context": counts})


@app.api("GET", "/v1/dead-letters/messages/{message_id}", permission=READ)
def show_dead_letter(request: Request) -> Reply:
    """One message: the item it is about, its state now, and what sending it back would do."""
    letter = use().find_dead_letter()(request.path_values["message_id"])
    return Reply(dead_letter_out(letter, redrive_effect(words_of(request), letter.queue)))


@app.api("POST", "/v1/dead-letters/redrive", permission=REDRIVE)
def redrive_dead_letters(request: Request) -> Reply:
    """Send messages back to their queue, or with ``dry_run`` say what that would meet."""
    body = request.json(RedriveIn)
    if not body.queue:
        raise invalid(Problem("/queue", "required", "Name the queue."))
    if body.dry_run:
        letters = use().read_dead_letters()(body.queue, body.ids)
        effect = redrive_effect(words_of(request), body.queue)
        items = [dead_letter_out(each, effect) for each in letters]
        going = sum(each.returns for each in letters)
        out = {"queue": body.queue, "dry_run": True, "redriven": 0, "would_redrive": going}
        return Reply({**out, "items": items})
    redrive = use().redrive_dead_letters()
    done = redrive(body.queue, body.ids, actor=actor_of(request), keep=body.keep)
    return Reply({**redrive_out(done), "dry_run": False})


dead_letters.declare(app, Kit(app))
