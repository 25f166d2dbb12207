"""What a mail about a task leads to, also without a session: the mail again, and the door."""

from kernel.errors import ForbiddenError, KopruError, NotFoundError, TooManyRequestsError
from kernel.sensitive import Secret
from toolkit.entrypoints.http import HttpApp, Reply, Request
from workspace.application.task_links import TaskLinkView
from workspace.pages.addresses import item_address
from workspace.pages.kit import Kit, signed_in, status_of, use
from workspace.pages.words import (
    attention_status,
    attention_summary,
    money,
    redirect,
    words_of,
)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page behind the link."""

    def draw(request: Request, view: TaskLinkView, error: KopruError | None = None) -> Reply:
        words, task, principal = words_of(request), view.task, request.principal
        facts = [(words.text("Company"), view.company)]
        if task.amount is not None:
            facts.append((words.text("Amount"), money(task.amount, words)))
        if task.due_on is not None:
            facts.append((words.text("Decide by"), words.formats.date(task.due_on)))
        known = principal.kind == "session"
        values = {
            "company": view.company,
            "title": attention_summary(words, task),
            "facts": facts,
            "urgency": attention_status(words, task),
            "signed_in": known,
            "mine": known and principal.id == view.link.person_id,
            "here": request.path,
        }
        return kit.draw(
            request, "entry/task.html", "", values, status=status_of(error), error=error
        )

    def dead(request: Request, error: KopruError) -> Reply:
        return kit.draw(request, "entry/dead_task.html", status=404, error=error)

    @app.page("GET", "/task-links/{token}", permission=None)
    def show_task(request: Request) -> Reply:
        """What the mail said; opening it a hundred times changes nothing."""
        try:
            view = use().show_task_link()(Secret(request.path_values["token"]))
        except NotFoundError as error:
            return dead(request, error)
        return draw(request, view)

    @app.page("POST", "/task-links/{token}", permission=None)
    def follow(request: Request) -> Reply:
        """Go on to the task, as the reader of the mail."""
        person, token = signed_in(request), Secret(request.path_values["token"])
        try:
            view = use().follow_task_link()(token, person, request.principal.session_hash)
        except NotFoundError as error:
            return dead(request, error)
        except (ForbiddenError, TooManyRequestsError) as error:
            return draw(request, use().show_task_link()(token), error)
        return redirect(item_address(view.task.subject))
