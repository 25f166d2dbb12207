"""Members that several requests share, and values as all answers write them."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from kernel.errors import ParseError, ValidationError
from kernel.parsing import format_instant, parse_date_api, parse_instant
from kernel.sensitive import Email, Secret, Tckn
from toolkit.http.fields import DATE, INSTANT, TEXTS, parsed
from workspace.domain.note import check_note
from workspace.domain.signup import (
    check_accountant_no,
    check_tax_no,
)
from workspace.domain.tenant import check_language, check_name, check_zone
from workspace.domain.user import (
    check_person_name,
    check_roles,
    check_theme,
)

Json = dict[str, Any]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError("TYPE", "A text is expected.")
    return value


def checked(check: Callable[[str], str]) -> Any:
    """A member read by a rule of the domain; its complaint becomes the problem of this member."""

    def parse(value: object) -> str:
        text = _text(value)
        try:
            return check(text)
        except ValidationError as error:
            problem = error.problems[0]
            raise ParseError(problem.code, problem.message) from None

    return parsed(parse)


def _roles(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ParseError("TYPE", "A list of roles is expected.")
    try:
        return check_roles(value)
    except ValidationError as error:
        raise ParseError(error.problems[0].code, error.problems[0].message) from None


def _roles_or_none(value: object) -> tuple[str, ...]:
    return () if value == [] else _roles(value)


ApiEmail = Annotated[Email, parsed(Email)]
ApiTckn = Annotated[Tckn, parsed(Tckn)]
ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiInstant = Annotated[datetime, parsed(parse_instant, INSTANT)]
Password = Annotated[Secret, parsed(Secret)]
Token = Annotated[Secret, parsed(Secret)]
PersonName = Annotated[str, checked(check_person_name)]
CompanyName = Annotated[str, checked(check_name)]
Language = Annotated[str, checked(check_language)]
Zone = Annotated[str, checked(check_zone)]
Theme = Annotated[str, checked(check_theme)]
Note = Annotated[str, checked(check_note)]
Roles = Annotated[tuple[str, ...], parsed(_roles, TEXTS)]
RolesOrNone = Annotated[tuple[str, ...], parsed(_roles_or_none, TEXTS)]
ShortText = Annotated[str, Field(max_length=400)]
TaxNo = Annotated[str, checked(check_tax_no)]
AccountantNo = Annotated[str, checked(check_accountant_no)]
Codes = Annotated[list[str], Field(max_length=60)]


def instant(text: str) -> str | None:
    """A stored moment; None for an empty text."""
    return text or None


def moment(value: datetime | None) -> str | None:
    """A moment as the API writes it."""
    return None if value is None else format_instant(value)


def day(value: date | None) -> str | None:
    """A date as the API writes it."""
    return None if value is None else value.isoformat()


def list_out(items: Iterable[Any], next_cursor: str | None, total: int | None = None) -> Json:
    """A page of a list."""
    out: Json = {"items": list(items), "next_cursor": next_cursor}
    if total is not None:
        out["total"] = total
    return out
