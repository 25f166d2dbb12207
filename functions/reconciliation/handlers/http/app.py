"""The HTTP application of this context and what its routes share."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.errors import NotFoundError, ParseError, Problem, ValidationError
from kernel.periods import Period
from kernel.storing import Position
from kernel.why import Why
from reconciliation.application.imports import JOB_KINDS
from reconciliation.bootstrap import Reconciliation, application
from reconciliation.pages.words import error_page, problem_text, words_of
from reconciliation.ports import ImportKind
from reconciliation.schemas import FileImportIn, Say
from toolkit.entrypoints.http import HttpApp, Reply, Request, accepted
from toolkit.http.files import direct_file
from webkit.reader import language_of

BASE: Final = "/v1/reconciliation"
Choice = TypeVar("Choice", bound=StrEnum)


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "reconciliation",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.csrf_key(),
    error_page=_error_page,
    translate=problem_text,
)


def use_of(request: Request) -> Reconciliation:
    """The use cases for the tenant and caller of a request."""
    return application().for_tenant(request.tenant)


def say_of(request: Request) -> Say:
    """Turns reasons into sentences in the reader's language."""
    words = words_of(request)

    def say(whys: Iterable[Why]) -> list[str]:
        return [words.why(why) for why in whys]

    return say


def wrong_filter(name: str, code: str, message: str) -> ValidationError:
    """A query parameter that cannot be read."""
    problems = [Problem(f"/{name}", code, message)]
    return ValidationError("invalid_input", "Some filters are wrong.", problems=problems)


def period_of(request: Request) -> Period:
    """The month that the path names. Raises: NotFoundError."""
    try:
        return Period.parse(request.path_values["period"])
    except ParseError:
        raise NotFoundError("not_found", "There is no such item.") from None


def period_filter(request: Request, otherwise: Period) -> Period:
    """The month of ``?period=``. Raises: ValidationError."""
    try:
        text = request.query.get("period")
        return Period.parse(text) if text is not None else otherwise
    except ParseError as error:
        raise wrong_filter("period", error.code.lower(), error.message) from None


def choice_of(request: Request, name: str, kind: type[Choice]) -> Choice:
    """A query parameter with a closed list of values. Raises: ValidationError."""
    words = [item.value for item in kind]
    if request.query.get(name) not in words:
        raise wrong_filter(name, "choice", "Choose one of: " + ", ".join(words))
    return kind(request.query[name])


def flag_of(request: Request, name: str) -> bool | None:
    """A query parameter that is true, false or absent. Raises: ValidationError."""
    text = request.query.get(name)
    if text not in (None, "true", "false"):
        raise wrong_filter(name, "choice", "Choose one of: true, false")
    return None if text is None else text == "true"


def cursor_scope(request: Request, route: str, **filters: str) -> dict[str, Any]:
    """What a paging cursor is sealed with."""
    return {
        "tenant_id": request.tenant.tenant_id,
        "route": route,
        "filters": filters,
        "now": application().platform.clock.now(),
    }


def position_of(request: Request, scope: dict[str, Any]) -> Position | None:
    """Where the list goes on."""
    cursor = request.query.get("cursor")
    return application().cursors.open(cursor, **scope) if cursor else None


def sealed(position: Position | None, scope: dict[str, Any]) -> str | None:
    """The cursor of the next page."""
    return application().cursors.seal(position, **scope) if position else None


def page_reply(
    items: list[dict[str, Any]], following: Position | None, scope: dict[str, Any]
) -> Reply:
    """One page of a list."""
    return Reply({"items": items, "next_cursor": sealed(following, scope)})


def import_reply(request: Request, kind: ImportKind) -> Reply:
    """Start an import: an upload, or the table itself up to 1 MiB."""
    start = use_of(request).start_import()
    if (file := direct_file(request, kind)) is not None:
        dry_run = flag_of(request, "dry_run") or False
        job_id = start(kind, file=file, dry_run=dry_run, language=language_of(request))
    else:
        body = request.json(FileImportIn)
        job_id = start(kind, upload_id=body.upload_id, dry_run=body.dry_run, language=body.language)
    return accepted(job_id, JOB_KINDS[kind])
