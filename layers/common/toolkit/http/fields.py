"""Edge models on top of our own value rules: a parser of the kernel as a pydantic field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic import ValidationError as ModelError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from kernel.errors import KopruError, ParseError, Problem, ValidationError

Model = TypeVar("Model", bound=BaseModel)

TEXT: Final[Mapping[str, Any]] = {"type": "string"}
TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": TEXT}
DATE: Final[Mapping[str, Any]] = {"type": "string", "format": "date"}
INSTANT: Final[Mapping[str, Any]] = {"type": "string", "format": "date-time"}
MONEY: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,12})\.[0-9]{2}$"},
        "currency": {"type": "string", "enum": ["TRY", "EUR"]},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
}


class EdgeModel(BaseModel):
    """Base of all request bodies: no unknown members, no coercion between types."""

    model_config = ConfigDict(
        extra="forbid", strict=True, arbitrary_types_allowed=True, defer_build=True
    )


@dataclass(frozen=True, slots=True)
class Parsed:
    """How a member is read, and what it looks like in the API description."""

    parser: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=lambda: TEXT, hash=False)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The parser before pydantic's own check of the type."""
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """What a client sends."""
        return dict(self.schema)

    def _read(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return self.parser(value)
        except KopruError as error:
            code: Any = error.code.lower()
            raise PydanticCustomError(code, "{text}", {"text": error.message}) from None


def sized(least: int, most: int) -> dict[str, Any]:
    """What the API description says about a text of so many characters."""
    return {**TEXT, "minLength": least, "maxLength": most}


def parsed(parser: Callable[[Any], Any], schema: Mapping[str, Any] = TEXT) -> Parsed:
    """Read a member with ``parser``; its refusal becomes the problem of this member.

    An explicit null stays None, so optional members can be cleared. ``schema`` is what the API
    description says about it.
    """
    return Parsed(parser, schema)


def choice(kind: type[StrEnum]) -> Parsed:
    """Read one of the words of an enumeration; the description lists them."""
    words = [item.value for item in kind]

    def read(value: object) -> StrEnum:
        if isinstance(value, str) and value in words:
            return kind(value)
        raise ParseError("CHOICE", "choose one of: " + ", ".join(words))

    return Parsed(read, {"type": "string", "enum": words})


def parse_model(model: type[Model], document: Any) -> Model:
    """Validate plain data against an edge model; every problem at once, values never quoted."""
    try:
        return model.model_validate(document)
    except ModelError as error:
        problems = [
            _problem_of(item) for item in error.errors(include_url=False, include_input=False)
        ]
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=problems
        ) from None


def _problem_of(item: Mapping[str, Any]) -> Problem:
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in item["loc"])
    cause = (item.get("ctx") or {}).get("error")
    if isinstance(cause, ParseError):
        return Problem(pointer, cause.code.lower(), cause.message)
    if isinstance(cause, KopruError):
        return Problem(pointer, cause.code, cause.message)
    code = {"missing": "required", "extra_forbidden": "unknown_field"}.get(
        item["type"], item["type"]
    )
    return Problem(pointer, code, str(item["msg"]))
