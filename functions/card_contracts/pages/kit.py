"""What the pages of this context share: drawing a template for a reader, and reading forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from card_contracts.bootstrap import CardContracts, application
from card_contracts.pages.words import Say, renderer, words_of
from kernel.errors import KopruError, ParseError
from kernel.money import Money
from kernel.parsing import parse_amount_tr
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from toolkit.http.problem import status_of
from webkit.components import FieldProblem, Flash, Tone
from webkit.i18n import mark
from webkit.reader import Lists, reply, view_of
from webkit.urls import link, local_path

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "registered": mark("The contract is registered."),
    "asked": mark("The change waits for its approval; nothing has changed yet."),
    "revised": mark("The new revision is stored; what was posted before stays as it is."),
    "locked": mark("The contract is closed for collections."),
    "opened": mark("The contract is open for collections."),
    "added": mark("It is in the list."),
    "changed": mark("The entry is changed."),
    "contract_removed": mark("The contract is off the list; what was posted under it stays."),
    "removed": mark("It is off the list; contracts that name it keep it."),
    "day": mark("The calendar is changed; what was posted stays as it is."),
    "match_confirm": mark("Matched; its payments have arrived."),
    "match_undo": mark("Taken back; lines and payments are free again."),
    "lines_aside": mark("Set aside; the lines wait no longer."),
    "lines_back": mark("The lines wait again."),
    "settings": mark("The settings are stored; what was matched before stays as it is."),
    "event_taken": mark("The event is taken."),
    "event_dismissed": mark("The event is put aside."),
    "refunded": mark("The refund is posted."),
    "cancelled": mark("The sale is cancelled."),
    "renewed": mark("The calendar has a new secret address; the old one stopped working."),
}


def use_of(request: Request) -> CardContracts:
    """The use cases for the company and person of a request."""
    return application().for_tenant(request.tenant)


def go(path: str, **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)))


def code_in(request: Request) -> str:
    """The contract that the path names; letters beyond ASCII may come encoded."""
    return unquote(request.path_values["contract_code"])


def amount_of(text: str, currency: str) -> dict[str, str]:
    """A typed amount in the form of the API; what cannot be read is refused by the model."""
    try:
        return parse_amount_tr(text, currency).to_api()
    except ParseError:
        return {"amount": text, "currency": currency}


def whole_of(text: str) -> Any:
    """A typed whole number; what cannot be read is refused by the model, at its place."""
    stripped = text.strip()
    digits = stripped.removeprefix("-")
    return int(stripped) if digits.isascii() and digits.isdigit() and len(digits) < 9 else text


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
    """Sentences by control id: the pointer ``/terms/0/from`` is ``terms-0-from``."""
    found: dict[str, str] = {}
    for problem in error.problems if error is not None else ():
        field = problem.pointer.strip("/").replace("/", "-")
        field = {"amount-amount": "amount", "amount-currency": "amount"}.get(field, field)
        found.setdefault(field, say.problem(problem.code, problem.message))
    return found


_LISTS: Final = Lists(lambda: application().cursors, lambda: application().platform.clock.now())
position_in: Final = _LISTS.position
paging_of: Final = _LISTS.paging
