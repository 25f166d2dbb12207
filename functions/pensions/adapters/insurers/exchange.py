"""One call to an insurer, from building the request to the judged outcome; never raises.

Whatever goes wrong before the request leaves is NotSent, whatever goes wrong later is Ambiguous:
that is the whole policy, written once for all dialects (reliability.md section 4).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from lxml import etree

from kernel.errors import TransientGatewayError, UnknownOutcomeError
from pensions.domain.outcome import (
    Ambiguous,
    AmbiguousReason,
    Fault,
    FaultMeaning,
    Incident,
    IncidentNote,
    NotSent,
    NotSentReason,
    Outcome,
    ParsedAnswer,
    Sent,
    TransmissionKind,
    read_answer,
)
from pensions.ports import CredentialCheck
from toolkit.soap.client import (
    CallOptions,
    SoapAnswer,
    SoapEmpty,
    SoapFault,
    SoapReply,
    SoapService,
)

_LOG: Final = logging.getLogger(__name__)

_NOT_SENT: Final[Mapping[str, NotSentReason]] = MappingProxyType(
    {
        "http.unreachable": NotSentReason.UNREACHABLE,
        "http.request_refused": NotSentReason.REQUEST_REFUSED,
        "http.no_time": NotSentReason.NO_TIME,
        "soap.request_refused": NotSentReason.REQUEST_REFUSED,
        "soap.audit_unavailable": NotSentReason.NOT_RECORDED,
    }
)
_AMBIGUOUS: Final[Mapping[str, AmbiguousReason]] = MappingProxyType(
    {
        "http.timeout": AmbiguousReason.TIMEOUT,
        "http.connection_lost": AmbiguousReason.CONNECTION_LOST,
        "http.unreadable_answer": AmbiguousReason.UNREADABLE_ANSWER,
        "http.answer_too_large": AmbiguousReason.ANSWER_TOO_LARGE,
        "soap.unreadable_answer": AmbiguousReason.UNREADABLE_ANSWER,
        "soap.server_error": AmbiguousReason.SERVER_ERROR,
    }
)

Build = Callable[[], Mapping[str, Any]]
"""Makes the request; what it raises means that nothing was sent."""
Parse = Callable[[Mapping[str, Any]], ParsedAnswer]
ParseFault = Callable[[SoapFault], ParsedAnswer]
_T = TypeVar("_T")


class ForeignAnswerError(Exception):
    """The answer is about another contract than the one we asked about."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where, what, how to build it and how to read a fault.

    Units: ``deadline_seconds`` is total. ``reference`` is empty for a question without a
    transmission, which leaves no audit copy; ``headers`` makes the SOAP headers.
    """

    service: SoapService
    address: str
    operation: str
    build: Build
    parse_fault: ParseFault
    deadline_seconds: float
    reference: str = ""
    secrets: tuple[str, ...] = ()
    headers: Callable[[], tuple[etree._Element, ...]] = tuple


def exchange(call: Call, sent: Sent, parse: Parse) -> Outcome:
    """Build, send, translate and judge one call about a transmission."""
    answer = speak(call)
    if isinstance(answer, (NotSent, Ambiguous)):
        return answer
    if isinstance(answer, SoapEmpty):
        return read_answer(sent, ParsedAnswer(empty=True))
    try:
        if isinstance(answer, SoapFault):
            return read_answer(sent, call.parse_fault(answer))
        return read_answer(sent, parse(answer.body))
    except Exception as error:  # an answer must never crash the worker that waits for it
        return _not_understood(call.operation, error)


def ask(call: Call, parse: Callable[[Mapping[str, Any]], _T]) -> _T | Ambiguous | NotSent | Fault:
    """Build, send and translate a question that has no transmission of its own."""
    answer = speak(call)
    if isinstance(answer, (NotSent, Ambiguous)):
        return answer
    if isinstance(answer, SoapEmpty):
        return Ambiguous(AmbiguousReason.EMPTY_ANSWER)
    try:
        if isinstance(answer, SoapReply):
            return parse(answer.body)
        return judge_question(call.parse_fault(answer))
    except Exception as error:  # see above
        return _not_understood(call.operation, error)


def judge_question(refused: ParsedAnswer) -> Ambiguous | NotSent | Fault:
    """The outcome of a question that was refused."""
    outcome = read_answer(_QUESTION, refused)
    if isinstance(outcome, (NotSent, Ambiguous, Fault)):
        return outcome
    return Ambiguous(AmbiguousReason.UNKNOWN_FAULT)


def speak(call: Call) -> SoapAnswer | NotSent | Ambiguous:
    """Build and send one call; the answer is not judged."""
    try:
        payload = call.build()
        options = CallOptions(call.reference, call.deadline_seconds, call.secrets, call.headers())
    except Exception as error:  # a line we cannot express: nothing has left
        _LOG.warning("%s: request not built: %s", call.operation, type(error).__name__)
        return NotSent(NotSentReason.REQUEST_REFUSED)
    try:
        return call.service.call(call.address, call.operation, payload, options)
    except TransientGatewayError as error:
        return NotSent(_NOT_SENT.get(error.code, NotSentReason.UNREACHABLE), error.retry_after)
    except UnknownOutcomeError as error:
        return Ambiguous(_AMBIGUOUS.get(error.code, AmbiguousReason.CONNECTION_LOST))


_QUESTION: Final = Sent("", TransmissionKind.ENROLMENT, (), effect_free=True)


def _not_understood(operation: str, error: Exception) -> Ambiguous:
    _LOG.warning("%s: answer not understood: %s", operation, type(error).__name__)
    if isinstance(error, ForeignAnswerError):
        return Ambiguous(
            AmbiguousReason.FOREIGN_REFERENCE, (IncidentNote(Incident.FOREIGN_ANSWER),)
        )
    return Ambiguous(AmbiguousReason.UNREADABLE_ANSWER)


_REFUSED: Final = frozenset({FaultMeaning.AUTH_FAILED, FaultMeaning.CREDENTIALS_LOCKED})


def credential_check(outcome: object) -> CredentialCheck:
    """The result of a log-in attempt, from the outcome of its call."""
    if isinstance(outcome, Fault):
        return CredentialCheck(
            ok=False,
            code=outcome.code,
            message_code=outcome.code,
            refused=outcome.meaning in _REFUSED,
        )
    if isinstance(outcome, NotSent) and outcome.reason is NotSentReason.NO_ENDPOINT:
        return CredentialCheck(ok=False, code="no_endpoint", message_code="no_endpoint")
    if isinstance(outcome, (NotSent, Ambiguous)):
        return CredentialCheck(
            ok=False, code="insurer_unavailable", message_code="insurer_unavailable"
        )
    return CredentialCheck(ok=True, code="credentials_ok", message_code="credentials_ok")
