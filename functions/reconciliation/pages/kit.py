"""What the pages of this context share: drawing a template for a reader, and reading forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import KopruError
from kernel.money import Money
from reconciliation.bootstrap import Reconciliation, application
from reconciliation.pages.words import Say, renderer, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from toolkit.http.problem import status_of
from webkit.components import FieldProblem, Flash, Tone
from webkit.i18n import mark
from webkit.reader import Lists, reply, view_of
from webkit.urls import link, local_path

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "added": mark("It is in the list."),
    "changed": mark("The change is stored."),
    "removed": mark("It is off the list; its documents stay and count."),
    "started": mark("Letters are being made; the runs below show how far."),
    "released": mark("The text is released; letters made from now on use it."),
    "renew": mark("The letter has the figures as they are now; the correction is on its way."),
    "withdraw": mark("The letter is taken back."),
    "confirm_addressee": mark("The letter counts as theirs; its reminders go on."),
    "mail_decided": mark("What you know of the mail is stored with it."),
    "let_through": mark("The address gets mail again."),
    "event_taken": mark("The event is taken."),
    "event_dismissed": mark("The event is put aside."),
    "note": mark("Your remark is there for both sides."),
    "again": mark("The books are compared again. Reload the page in a moment."),
    "case_closed": mark("The case is closed."),
    "invited": mark("The invitation is on its way."),
    "revoked": mark("The counterparty was shut out, from this moment on."),
}


def use_of(request: Request) -> Reconciliation:
    """The use cases for the company and person of a request."""
    return application().for_tenant(request.tenant)


def go(path: str, **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)))


def whole_of(text: str) -> Any:
    """A typed whole number; what cannot be read is refused by the model, at its place."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else text


@dataclass(frozen=True)
class Kit:
    """Draws pages of one HTTP application."""

    app: HttpApp

    def draw(
        self,
        request: Request,
        template: str,
        section: str,
        *,
        status: int = 200,
        error: KopruError | None = None,
        prefix: str = "",
        upload_to: str = "",
        **values: Any,
    ) -> Reply:
        """A page for the reader of this request.

        With ``error`` it is the same form again, with what is wrong at its place; ``prefix`` is
        what the ids of its controls begin with; ``upload_to`` is a bucket that its form posts to.
        """
        words = words_of(request)
        say = Say(words)
        done = DONE.get(request.query.get("done", ""))
        flashes = (Flash(words.text(done), Tone.OK),) if done else ()
        view = view_of(self.app, request, section, flashes)
        problems = {
            f"{prefix}{field}" if field else "": text
            for field, text in fields_of(error, say).items()
        }
        items = [FieldProblem(text, field or None) for field, text in problems.items()]
        if error is not None and not items:
            items = [FieldProblem(say.problem(error.code, error.message))]
        given = {
            "say": say,
            "may": request.principal.may,
            "money": Money,
            "problems": problems,
            "problem_list": items,
            **values,
        }
        shown = status_of(error) if error is not None else status
        draws = renderer().posting_to(upload_to)
        return reply(draws.page(template, view, status=shown, **given))


def fields_of(error: KopruError | None, say: Say) -> dict[str, str]:
    """Sentences by control id: the pointer ``/emails/0`` is ``emails-0``."""
    found: dict[str, str] = {}
    for problem in error.problems if error is not None else ():
        field = problem.pointer.strip("/").replace("/", "-")
        found.setdefault(field, say.problem(problem.code, problem.message))
    return found


_LISTS: Final = Lists(lambda: application().cursors, lambda: application().platform.clock.now())
position_in: Final = _LISTS.position
paging_of: Final = _LISTS.paging
