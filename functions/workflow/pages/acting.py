"""What pages and routes of approvals read of a request: who acts, words of a form, days."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from kernel.clock import local_date
from kernel.errors import ParseError, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import Request
from workflow.application.context import ZONE
from workflow.domain.approvals.chain import Person
from workflow.schemas import long_text

_PERIOD: Final = timedelta(days=90)


def days_of(request: Request, now: datetime) -> tuple[date, date]:
    """``from`` and ``to`` of a report, both included; the last 90 days if they are not said.

    Raises: ValidationError("period_invalid").
    """
    today = local_date(now, ZONE)
    try:
        last = parse_date_api(request.query.get("to") or today.isoformat())
        first = parse_date_api(request.query.get("from") or (last - _PERIOD).isoformat())
    except ParseError as error:
        problems = [error.at("/from")]
        raise ValidationError(
            "period_invalid", "The days cannot be read.", problems=problems
        ) from error
    if first > last:
        raise ValidationError("period_invalid", "The first day is after the last.")
    return first, last


def person_of(request: Request) -> Person:
    """Who acts, with the roles held now."""
    return Person(request.tenant.actor, request.principal.roles, request.principal.name)


def cleaned(form: Mapping[str, str], name: str) -> str:
    """Words of a form. Raises: ValidationError naming the field."""
    try:
        return long_text(form.get(name, ""))
    except ParseError as error:
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=[error.at(f"/{name}")]
        ) from error
