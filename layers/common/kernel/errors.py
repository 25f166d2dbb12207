"""One family of errors for the whole product.

Every error carries a stable ``code`` (for programs), a safe ``message`` (for people: it never
quotes the refused value, which may be personal data) and a private ``detail`` (for operators, never
shown to a caller). What each class means for HTTP, SQS and Step Functions is decided at the edges;
see style.md, section 11.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one place of a request.

    Shapes: ``pointer`` is an RFC 6901 JSON pointer such as ``/lines/3/iban``; "" is the whole body.
    """

    pointer: str
    code: str
    message: str

    def under(self, prefix: str) -> Problem:
        """The same problem seen from the enclosing document, where ``prefix`` leads to ours."""
        return Problem(prefix + self.pointer, self.code, self.message)


class KopruError(Exception):
    """Base of all our errors: stable code, safe message, problems per field, private detail."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        problems: Iterable[Problem] = (),
        detail: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ValidationError(KopruError):
    """The input is well formed but wrong; the caller can fix it."""


class RuleViolationError(KopruError):
    """A rule of the business forbids it; the caller can fix it."""


class ParseError(ValidationError):
    """One value could not be read.

    ``code`` is the reason in capitals (``SHAPE``, ``CHECK``, …); ``suggestion`` is a corrected form
    to offer to a person, never applied by itself.
    """

    def __init__(
        self,
        code: str,
        message: str,
        suggestion: str | None = None,
        *,
        problems: Iterable[Problem] = (),
        detail: str | None = None,
    ) -> None:
        super().__init__(code, message, problems=problems, detail=detail)
        self.suggestion = suggestion

    def at(self, pointer: str) -> Problem:
        """This error as the problem of the field at ``pointer``."""
        return Problem(pointer, self.code, self.message)


class MalformedError(KopruError):
    """The request cannot be understood at all (not JSON, a missing header, a broken cursor)."""


class UnauthorizedError(KopruError):
    """Nobody is signed in, or the proof is not valid."""


class ForbiddenError(KopruError):
    """The principal is known and may not do this."""


class NotFoundError(KopruError):
    """There is no such thing for this tenant; foreign things look exactly the same."""


class ConflictError(KopruError):
    """The thing exists already, or its state does not allow this now."""


class PreconditionFailedError(KopruError):
    """The caller holds an older version than the stored one."""


class PreconditionRequiredError(KopruError):
    """The caller must say which version it changes."""


class TooLargeError(KopruError):
    """The input is larger than the stated limit."""


class UnsupportedMediaTypeError(KopruError):
    """The body is of a type this route does not read."""


class LaterError(KopruError):
    """Not now; the same may succeed later.

    Units: ``retry_after`` is whole seconds, None when nobody knows.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        problems: Iterable[Problem] = (),
        detail: str | None = None,
    ) -> None:
        super().__init__(code, message, problems=problems, detail=detail)
        self.retry_after = retry_after


class TooManyRequestsError(LaterError):
    """A limit is used up."""


class GatewayError(KopruError):
    """Something about a third party; only its three subclasses are raised."""


class TransientGatewayError(LaterError, GatewayError):
    """Never sent, or the third party said "try later" explicitly: safe to send again."""


class PermanentGatewayError(GatewayError):
    """The third party said no; sending the same again will not help."""


class UnknownOutcomeError(GatewayError):
    """Sent, but the answer was lost or not understood: ask before anything is sent again."""
