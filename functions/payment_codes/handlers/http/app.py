"""The HTTP application of this context and what its routes share."""

from collections.abc import Mapping
from typing import Any

from payment_codes.application.context import news_age_seconds
from payment_codes.bootstrap import PaymentCodes, application
from payment_codes.domain.payment import Payment
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.pages.words import error_page, problem_text, words_of
from payment_codes.schemas import code_out, payment_out
from toolkit.entrypoints.http import HttpApp, Reply, Request, etag


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "payment_codes",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.csrf_key(),
    origin=lambda: application().settings.common.origin,
    error_page=_error_page,
    translate=problem_text,
)


def use_of(request: Request) -> PaymentCodes:
    """The use cases for the tenant and caller of a request."""
    return application().for_tenant(request.tenant)


def payment_shown(request: Request, payment: Payment) -> dict[str, Any]:
    """A payment as the API shows it, with its reasons in the reader's language."""
    return payment_out(payment, words_of(request).whys)


def shown(use: PaymentCodes, code: PaymentCode) -> dict[str, Any]:
    """A code as the API shows it, with the age of its news and its public page."""
    age = news_age_seconds(code, use.scope.organisation(), use.scope.clock.now())
    return code_out(code, age, use.pay_link(code.id))


def code_reply(use: PaymentCodes, code: PaymentCode, status: int = 200) -> Reply:
    """A single code with its version."""
    headers = {"etag": etag(code.stamp.version)}
    if status == 201:
        headers["location"] = f"/v1/payment-codes/{code.id}"
    return Reply(shown(use, code), status, headers)
