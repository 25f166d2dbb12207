"""What the pages of this context share: drawing a template for a reader, and reading forms."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from kernel.errors import KopruError
from payment_codes.bootstrap import PaymentCodes, application
from payment_codes.pages.words import ZONE, Say, renderer, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from toolkit.http.idempotency import Command, body_hash, parse_key
from toolkit.http.problem import status_of
from webkit.components import FieldProblem, Flash, Tone
from webkit.i18n import mark
from webkit.reader import Lists, reply, view_of
from webkit.urls import link, local_path

KEY_FIELD: Final = "idempotency_key"
_NOT_CONTENT: Final = frozenset({"csrf_token", KEY_FIELD})

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "issued": mark("The payment code is issued."),
    "exists": mark("This document has this code already."),
    "mailed": mark("The mail is on its way."),
    "asked": mark("The provider is being asked. Reload the page in a moment."),
    "cancelled": mark("The code is cancelled."),
    "saved": mark("The organisation is saved."),
    "assigned": mark("The payment is booked under the code."),
    "returned": mark("Noted."),
    "decided_book": mark("The line is booked as a payment of its own."),
    "decided_same": mark("The line is noted as the payment that is known."),
    "split": mark("The parts are booked under their codes."),
    "event_taken": mark("The event is taken."),
    "event_dismissed": mark("The event is put aside."),
}


def use_of(request: Request) -> PaymentCodes:
    """The use cases for the company and person of a request."""
    return application().for_tenant(request.tenant)


def go(path: str, **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)))


def command_of(request: Request) -> Command:
    """Identity of a command sent by a form: its key was drawn with the form."""
    pairs = parse_qsl(request.raw_body.decode("utf-8", "replace"), keep_blank_values=True)
    content = urlencode([pair for pair in pairs if pair[0] not in _NOT_CONTENT])
    return Command(
        principal=request.principal.id,
        route=f"{request.method} {request.path}",
        key=parse_key(request.form().get(KEY_FIELD)),
        body_hash=body_hash(content.encode()),
    )


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
        upload_to: str = "",
        **values: Any,
    ) -> Reply:
        """A page for the reader of this request.

        With ``error`` it is the same form again, with what is wrong at its place; ``upload_to`` is
        a bucket that its form may post to.
        """
        draws = renderer().posting_to(upload_to)
        words = words_of(request)
        say = Say(words)
        done = DONE.get(request.query.get("done", ""))
        flashes = (Flash(words.text(done), Tone.OK),) if done else ()
        view = view_of(self.app, request, section, flashes, zone=ZONE)
        if "form" in values:  # a field that was not sent is drawn empty
            values["form"] = defaultdict(str, values["form"])
        problems = _fields_of(error, say)
        items = [FieldProblem(text, field or None) for field, text in problems.items()]
        if error is not None and not items:
            items = [FieldProblem(say.problem(error.code, error.message))]
        given = {
            "say": say,
            "may": request.principal.may,
            "problems": problems,
            "problem_list": items,
            **values,
        }
        shown = status_of(error) if error is not None else status
        return reply(draws.page(template, view, status=shown, **given))


def _fields_of(error: KopruError | None, say: Say) -> dict[str, str]:
    """Sentences by control id, from the pointers of an error: ``/source/id`` is ``source_id``."""
    found: dict[str, str] = {}
    for problem in error.problems if error is not None else ():
        field = problem.pointer.strip("/").replace("/", "_")
        field = {"amount_amount": "amount", "amount_currency": "amount"}.get(field, field)
        found.setdefault(field, say.problem(problem.code, problem.message))
    return found


_LISTS: Final = Lists(lambda: application().cursors, lambda: application().platform.clock.now())
position_in: Final = _LISTS.position
paging_of: Final = _LISTS.paging
