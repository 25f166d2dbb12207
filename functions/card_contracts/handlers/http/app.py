"""The HTTP application of this context and what its routes share."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import unquote

from card_contracts.bootstrap import CardContracts, application
from card_contracts.pages.words import error_page, problem_text, words_of
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.parsing import parse_date_api
from kernel.why import Why
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.reader import language_of

BASE: Final = "/v1/card-contracts"


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "card_contracts",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.csrf_key(),
    error_page=_error_page,
    translate=problem_text,
)


def use_of(request: Request) -> CardContracts:
    """The use cases for the tenant and caller of a request."""
    return application().for_tenant(request.tenant)


def code_of(request: Request, name: str = "contract_code") -> str:
    """A code in the path; one that could be no code is the same 404 as an unknown one."""
    code = unquote(request.path_values.get(name, ""))
    if not 1 <= len(code) <= 40 or "#" in code:
        raise NotFoundError("not_found", "There is no such item.")
    return code


def say_of(request: Request) -> Any:
    """Turns reasons into sentences in the reader's language."""
    words = words_of(request)

    def say(whys: Iterable[Why]) -> list[str]:
        return [words.why(why) for why in whys]

    return say


def days_of(request: Request) -> tuple[date | None, date | None]:
    """``?from=&to=`` as dates. Raises: ValidationError with what is wrong."""
    found: dict[str, date | None] = {}
    problems = []
    for name in ("from", "to"):
        text = request.query.get(name)
        try:
            found[name] = parse_date_api(text) if text else None
        except KopruError as error:
            problems.append(Problem(f"/{name}", error.code.lower(), error.message))
    if problems:
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=problems)
    return found["from"], found["to"]


__all__ = [
    "BASE",
    "app",
    "code_of",
    "days_of",
    "language_of",
    "say_of",
    "use_of",
]
