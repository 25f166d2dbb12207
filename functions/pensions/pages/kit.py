"""What the pages of this context share: drawing a template for a reader, and reading forms."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from kernel.errors import KopruError, MalformedError, NotFoundError, ValidationError
from kernel.parsing import parse_period
from kernel.periods import Period
from kernel.storing import Position
from pensions.application.overview import wage_month
from pensions.bootstrap import Pensions, application
from pensions.domain.contract import Contract
from pensions.pages.words import Say, renderer, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from toolkit.http.idempotency import Command, body_hash, parse_key
from toolkit.http.problem import status_of
from webkit.components import Chip, FieldProblem, Flash, Paging, Tone
from webkit.i18n import mark
from webkit.reader import Lists, reply, view_of
from webkit.urls import link, local_path

SECTION: Final = "pensions.contracts"
KEY_FIELD: Final = "idempotency_key"
_NOT_CONTENT: Final = frozenset({"csrf_token", KEY_FIELD})

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "registered": mark("The contract is saved."),
    "changed": mark("The change is saved."),
    "removed": mark("It is removed. Its history stays."),
    "credentials": mark("The credentials are stored encrypted. Test the connection now."),
    "test_ok": mark("The connection works: the insurer let us in."),
    "added": mark("The person is added and ready to be sent."),
    "corrected": mark("The correction is saved. The person is ready to be sent."),
    "elsewhere": mark("Noted: done elsewhere. The next status query confirms it."),
    "row_added": mark("The contribution is added."),
    "paid": mark("Noted: the bank order was given. The contributions are settled."),
    "asked": mark("The approval is asked for. You see here when it is given."),
    "undone": mark("The import is taken back, as far as nothing was sent since."),
}


def use_of(request: Request) -> Pensions:
    """The use cases for the company and person of a request."""
    return application().for_tenant(request.tenant)


def go(path: str, **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)))


def period_of(request: Request) -> Period:
    """The month named by the path; anything else is the same 404 as an unknown item."""
    try:
        return parse_period(request.path_values["period"])
    except ValidationError:
        raise NotFoundError("not_found", "There is no such item.") from None


def version_of(form: Mapping[str, str]) -> int:
    """The version a form was drawn from.

    Raises: MalformedError("form_incomplete").
    """
    text = form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MalformedError("form_incomplete", "The form is not complete; open it again.")
    return int(text)


def command_of(request: Request) -> Command:
    """Identity of a command sent by a form: its key was drawn with the form.

    The token of the session is no part of the content: the same form sent again after signing in
    is the same command.
    """
    pairs = parse_qsl(request.raw_body.decode("utf-8", "replace"), keep_blank_values=True)
    content = urlencode([pair for pair in pairs if pair[0] not in _NOT_CONTENT])
    return Command(
        principal=request.principal.id,
        route=f"{request.method} {request.path}",
        key=parse_key(request.form().get(KEY_FIELD)),
        body_hash=body_hash(content.encode()),
    )


def decimal_text(text: str) -> str:
    """A percentage as people type it (``%3,00``) in the form the API takes (``3.00``)."""
    plain = text.strip().strip("%").strip()
    return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain


@dataclass(frozen=True)
class Kit:
    """Draws pages of one HTTP application."""

    app: HttpApp

    def draw(
        self,
        request: Request,
        template: str,
        section: str = SECTION,
        *,
        status: int = 200,
        upload_to: str = "",
        **values: Any,
    ) -> Reply:
        """A page for the reader of this request; ``upload_to`` is a bucket its form may post to."""
        words = words_of(request)
        done = DONE.get(request.query.get("done", ""))
        flashes = (Flash(words.text(done), Tone.OK),) if done else ()
        view = view_of(self.app, request, section, flashes)
        draws = renderer().posting_to(upload_to)
        common = {"say": Say(words), "may": request.principal.may, "problems": {}}
        if "values" in values:  # a field that was not sent is drawn empty
            values["values"] = defaultdict(str, values["values"])
        given = {"problem_list": [], **common, **values}
        return reply(draws.page(template, view, status=status, **given))

    def form(
        self,
        request: Request,
        template: str,
        error: KopruError,
        *,
        section: str = SECTION,
        prefix: str = "",
        **values: Any,
    ) -> Reply:
        """The same form again with what is wrong with it; nothing typed is lost but passwords."""
        found = fields_of(error, Say(words_of(request)), prefix)
        items = [FieldProblem(text, field or None) for field, text in found.items()]
        if not items:
            items = [FieldProblem(Say(words_of(request)).problem(error.code, error.message))]
        return self.draw(
            request,
            template,
            section,
            status=status_of(error),
            problems=found,
            problem_list=items,
            **values,
        )

    def contract_nav(self, request: Request, contract: Contract, here: str) -> list[Chip]:
        """The parts of a contract, as links at the top of each of its pages."""
        words = words_of(request)
        use = use_of(request)
        base = f"/pensions/contracts/{contract.id}"
        counts = use.store.employee_counts(contract.id)
        waiting = sum(counts.by_status.get(s, 0) for s in ("invalid", "rejected", "held"))
        parts: list[tuple[str, str, str, int | None, str]] = [
            ("contract", words.text("Contract"), base, None, "contract"),
            (
                "employees",
                words.text("Personnel"),
                f"{base}/employees",
                counts.employees,
                "employee",
            ),
            ("problems", words.text("Problems"), f"{base}/problems", waiting, "employee"),
            (
                "months",
                words.text("Contributions"),
                f"{base}/months/{wage_month(contract, use.scope.today())}",
                None,
                "contribution",
            ),
        ]
        return [
            Chip(label, href, count, key == here)
            for key, label, href, count, resource in parts
            if request.principal.may(f"pensions:{resource}:read")
        ]


def fields_of(error: KopruError, say: Say, prefix: str = "") -> dict[str, str]:
    """Sentences by control id, from the pointers of an error; ``/pay_days/0`` is ``pay_days``."""
    found: dict[str, str] = {}
    for problem in error.problems:
        field = problem.pointer.strip("/").partition("/")[0]
        found.setdefault(
            prefix + field if field else "", say.problem(problem.code, problem.message)
        )
    return found


# ---------------------------------------------------------------------------- paging


def ids_of(request: Request, name: str = "ids") -> Sequence[str]:
    """Distinct ids of a form's check boxes, in order."""
    return list(dict.fromkeys(request.form_list(name)))


_LISTS: Final = Lists(lambda: application().cursors, lambda: application().platform.clock.now())
position_in: Final = _LISTS.position


def paging_of(
    request: Request, shown: int, following: Position | None, total: int | None, **filters: str
) -> Paging:
    """Links of a list that goes on at ``following``, with how many there are in all."""
    return replace(_LISTS.paging(request, shown, following, **filters), total=total)
