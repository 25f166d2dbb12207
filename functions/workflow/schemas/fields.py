"""Members that several requests share, and values as all answers write them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from kernel.errors import ParseError
from kernel.parsing import parse_date_api, parse_instant
from kernel.text import clean_free_text
from kernel.why import Why
from toolkit.http.fields import parsed


def _short(value: object) -> str:
    return clean_free_text(value, 300)


def _scalar(value: object) -> Any:
    members = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not 0 < len(value) <= 200:
        raise ParseError("TYPE", "a list has 1 to 200 members")
    for member in members:
        if type(member) not in (str, int, bool) or (isinstance(member, str) and len(member) > 200):
            raise ParseError("TYPE", "a value is text, a whole number, true or false, or a list")
    return value


ApiDate = Annotated[date, parsed(parse_date_api)]
ApiInstant = Annotated[datetime, parsed(parse_instant)]
Text = Annotated[str, parsed(_short)]
Scalar = Annotated[Any, parsed(_scalar)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


def plain_numbers(value: Any) -> Any:
    """JSON numbers for the few facts that are numbers and no amounts (hours)."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: plain_numbers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain_numbers(member) for member in value]
    return value


def why_out(why: Why, texts: Mapping[str, str]) -> dict[str, Any]:
    """A reason as key and values, and as a sentence in each language."""
    return {**why.to_dict(), "text": dict(texts)}


def long_text(value: object) -> str:
    """Words of a person. Raises: ParseError."""
    return clean_free_text(value, 2000)


LongText = Annotated[str, parsed(long_text)]
ShortText = Annotated[str, parsed(long_text), Field(max_length=300)]
