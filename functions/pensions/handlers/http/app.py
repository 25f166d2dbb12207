"""The HTTP application of this context and what its routes share."""

from collections.abc import Mapping
from typing import Any, Final

from pensions.bootstrap import Pensions, application
from pensions.pages.words import error_page, problem_text
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.reader import language_of

REVEAL: Final = "pensions:person:reveal"


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "pensions",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.app_secret.derive("csrf"),
    error_page=_error_page,
    translate=problem_text,
)


def pensions(request: Request) -> Pensions:
    """The use cases for the tenant and caller of a request."""
    return application().for_tenant(request.tenant)


def reveals(request: Request) -> bool:
    """Whether clear personal values may be in the answer: for programs with that right, not pages.

    A payroll program gets back what it sent; people see masked values and reveal one by an act of
    its own.
    """
    return request.principal.kind == "api_key" and request.principal.may(REVEAL)


__all__ = ["app", "language_of", "pensions", "reveals"]
