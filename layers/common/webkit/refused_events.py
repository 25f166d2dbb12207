"""The page of signed events that could not be taken: the same for every context that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from webkit.i18n import Language


class Listed(Protocol):
    """Draws the list, also with what is wrong with a form of it."""

    def __call__(self, request: Request, error: KopruError | None = None) -> Reply: ...


def event_columns(words: Language) -> tuple[Column, ...]:
    """Columns of the list (``macros/refused_events.html``)."""
    return (
        Column("received", words.text("Received")),
        Column("document", words.text("Document")),
        Column("reason", words.text("Why it was refused")),
        Column("act", words.text("What to do"), hide_label=True),
    )


def declare_refused_events(
    app: HttpApp,
    path: str,
    *,
    read: str,
    write: str,
    listed: Listed,
    retry: Callable[[Request], object],
    dismiss: Callable[[Request, str], object],
    go: Callable[[str], Reply],
) -> None:
    """Add the page and its two forms.

    Shapes: ``read`` and ``write`` are permissions; ``dismiss`` is given the note why; ``go`` leads
    back to the list and says which code of the page's flashes is shown.
    """

    @app.page("GET", path, permission=read)
    def show_refused_events(request: Request) -> Reply:
        """Events that wait for a person, oldest first."""
        return listed(request)

    @app.page("POST", path + "/{id}/retry", permission=write)
    def retry_event(request: Request) -> Reply:
        """Take an event again."""
        try:
            retry(request)
        except KopruError as error:
            if isinstance(error, NotFoundError) and not error.problems:
                raise  # there is no such event
            return listed(request, _whole(error))
        return go("event_taken")

    @app.page("POST", path + "/{id}/dismiss", permission=write)
    def dismiss_event(request: Request) -> Reply:
        """Put an event aside, with a note why."""
        try:
            dismiss(request, request.form().get("note", ""))
        except NotFoundError:
            raise
        except KopruError as error:
            return listed(request, error)
        return go("event_dismissed")


def _whole(error: KopruError) -> KopruError:
    """The same reasons without places: the page has no fields of the event."""
    problems = [Problem("", one.code, one.message) for one in error.problems]
    return ValidationError(error.code, error.message, problems=problems) if problems else error
