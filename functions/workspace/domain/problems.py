"""Refusals that name the field: a parser's complaint becomes the problem of a pointer."""

from collections.abc import Callable
from typing import TypeVar

from kernel.errors import ParseError, Problem, ValidationError

T = TypeVar("T")


def invalid(*problems: Problem) -> ValidationError:
    """The refusal that carries these problems."""
    return ValidationError("invalid_input", "Some fields are wrong.", problems=problems)


def parsed_at(pointer: str, parse: Callable[[], T]) -> T:
    """What ``parse`` gives; raises ValidationError("invalid_input") naming ``pointer``."""
    try:
        return parse()
    except ParseError as error:
        raise invalid(Problem(pointer, error.code.lower(), error.message)) from None
