"""Edge models on top of our own value rules: a parser of the kernel as a pydantic field."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from kernel.errors import KopruError, ParseError


class EdgeModel(BaseModel):
    """Base of all request bodies: no unknown members, no coercion between types."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


def parsed(parser: Callable[[Any], Any]) -> BeforeValidator:
    """Read a member with ``parser``; its refusal becomes the problem of this member.

    An explicit null stays None, so optional members can be cleared.
    """

    def validate(value: Any) -> Any:
        if value is None:
            return None
        try:
            return parser(value)
        except ParseError as error:
            raise PydanticCustomError(
                _code(error.code), "{text}", {"text": error.message}
            ) from None
        except KopruError as error:
            raise PydanticCustomError(
                _code(error.code), "{text}", {"text": error.message}
            ) from None

    return BeforeValidator(validate)


def _code(code: str) -> Any:
    return code.lower()
