"""What the pages of this context share: drawing a template for a reader, and paging lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import KopruError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from toolkit.http.problem import status_of
from webkit.components import FieldProblem, Flash, Tone
from webkit.reader import Lists, reply, view_of
from webkit.urls import link, local_path
from workflow.bootstrap import Workflow, application
from workflow.pages.words import Say, renderer, words_of

NOTHING_DONE: Final[Mapping[str, str]] = {}


def use_of(request: Request) -> Workflow:
    """The use cases for the company and person of a request."""
    return application().for_tenant(request.tenant)


def go(path: str, **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)))


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
        done: Mapping[str, str] = NOTHING_DONE,
        say: Say | None = None,
        upload_to: str = "",
        **values: Any,
    ) -> Reply:
        """A page for the reader of this request.

        ``done`` is what this page may say about the form that led to it, by the code in
        ``?done=``. With ``error`` it is the same form again, with what is wrong at its place: the
        pointer ``/rows/0/cells/1`` is the control ``rows-0-cells-1``. ``say`` are the words of the
        part of the context that draws; ``upload_to`` is a bucket that a form may post to.
        """
        draws = renderer().posting_to(upload_to)
        words = words_of(request)
        spoken = say or Say(words)
        told = done.get(request.query.get("done", ""))
        flashes = (Flash(words.text(told), Tone.OK),) if told else ()
        problems = fields_of(error, spoken)
        items = [FieldProblem(text, field or None) for field, text in problems.items()]
        if error is not None and not items:
            items = [FieldProblem(spoken.problem(error.code, error.message))]
        given = {
            "say": spoken,
            "may": request.principal.may,
            "problems": problems,
            "problem_list": items,
            **values,
        }
        shown = status_of(error) if error is not None else status
        view = view_of(self.app, request, section, flashes)
        return reply(draws.page(template, view, status=shown, **given))


def fields_of(error: KopruError | None, say: Say) -> dict[str, str]:
    """Sentences by control id, the first one of each control."""
    found: dict[str, str] = {}
    for problem in error.problems if error is not None else ():
        field = problem.pointer.strip("/").replace("/", "-")
        found.setdefault(field, say.problem(problem.code, problem.message))
    return found


_LISTS: Final = Lists(lambda: application().cursors, lambda: application().platform.clock.now())
position_in: Final = _LISTS.position
paging_of: Final = _LISTS.paging
