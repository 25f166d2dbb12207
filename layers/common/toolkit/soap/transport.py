"""The transport zeep speaks through: our HTTP client, an audit copy, the envelope guard.

One object serves exactly one call, so deadline, reference and secrets are its arguments and the
cached WSDL document holds none of them. It never loads anything: a WSDL that wants to import a
file or an address fails here.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from lxml import etree

from kernel.errors import TransientGatewayError, UnknownOutcomeError
from kernel.exchange import Direction
from toolkit.http.client import HttpAnswer, HttpClient
from toolkit.soap.audit import AuditSink, scrub
from toolkit.soap.envelope import EnvelopeRefusedError, FaultFields, check_envelope

_LOG: Final = logging.getLogger(__name__)
_XML_TYPES: Final = frozenset({"text/xml", "application/xml", "application/soap+xml"})


class FaultAnswerError(Exception):
    """The answer is a fault; carried out of zeep before zeep interprets it."""

    def __init__(self, fault: FaultFields) -> None:
        super().__init__("fault")
        self.fault = fault


class EmptyAnswerError(Exception):
    """The peer took the request and said nothing."""


@dataclass(slots=True)
class Reply:
    """The part of a ``requests`` response that zeep reads."""

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


class ExchangeTransport:
    """Sends one envelope and hands back one checked answer."""

    __slots__ = (
        "_audit",
        "_deadline_seconds",
        "_expected",
        "_http",
        "_idempotent",
        "_is_valid",
        "_reference",
        "_secret_elements",
        "_secret_values",
        "sent",
    )

    def __init__(
        self,
        http: HttpClient,
        *,
        reference: str,
        deadline_seconds: float,
        expected: Collection[str],
        is_valid: Callable[[etree._Element], bool],
        audit: AuditSink,
        secret_elements: Collection[str],
        secret_values: Sequence[str],
        idempotent: bool,
    ) -> None:
        self._http = http
        self._reference = reference
        self._deadline_seconds = deadline_seconds
        self._expected = expected
        self._is_valid = is_valid
        self._audit = audit
        self._secret_elements = secret_elements
        self._secret_values = secret_values
        self._idempotent = idempotent
        self.sent = False
        """Whether the request was handed to the network."""

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Reply:
        """Send, record both halves, refuse what is not a plain answer.

        Raises: TransientGatewayError, UnknownOutcomeError, FaultAnswerError, EmptyAnswerError.
        """
        raw = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        try:
            self._record(Direction.REQUEST, raw)
        except Exception as error:  # any sink, any failure: without evidence nothing is sent
            raise TransientGatewayError(
                "soap.audit_unavailable",
                "the exchange could not be recorded",
                detail=type(error).__name__,
            ) from None
        self.sent = True
        answer = self._http.exchange(
            "POST",
            address,
            deadline_seconds=self._deadline_seconds,
            content=raw,
            headers=dict(headers),
            idempotent=self._idempotent,
        )
        try:
            self._record(Direction.ANSWER, answer.body)
        except Exception as error:  # the effect has happened: losing the copy must not change it
            _LOG.warning("answer of %s not recorded: %s", self._reference, type(error).__name__)
        return self._checked(answer)

    def load(self, _url: str) -> NoReturn:
        """Refuse: everything a bundled WSDL needs is inside it."""
        raise ValueError("a bundled WSDL loads nothing")

    def _record(self, direction: Direction, raw: bytes) -> None:
        if not self._reference:
            return
        self._audit.record(
            self._reference,
            direction,
            scrub(raw, elements=self._secret_elements, values=self._secret_values),
        )

    def _checked(self, answer: HttpAnswer) -> Reply:
        success = 200 <= answer.status < 300
        if not answer.body.strip():
            if success:
                raise EmptyAnswerError
            self._unknown("soap.server_error", f"status {answer.status}, empty")
        if answer.media_type not in _XML_TYPES:
            code = "soap.unreadable_answer" if success else "soap.server_error"
            self._unknown(code, f"status {answer.status}, {answer.media_type[:40]}")
        try:
            envelope = check_envelope(answer.body, expected=self._expected)
        except EnvelopeRefusedError as refused:
            code = "soap.unreadable_answer" if success else "soap.server_error"
            self._unknown(code, refused.reason)
        if envelope.fault is not None:
            raise FaultAnswerError(envelope.fault)
        if not success:
            self._unknown("soap.server_error", f"status {answer.status} with an ordinary answer")
        if not self._is_valid(envelope.body):
            self._unknown("soap.unreadable_answer", "schema")
        # zeep must see 200 and no headers: it would act on content types and encodings itself.
        return Reply(200, envelope.xml)

    def _unknown(self, code: str, detail: str) -> NoReturn:
        if self._idempotent:
            raise TransientGatewayError(code, "the question was not answered", detail=detail)
        raise UnknownOutcomeError(code, "the answer could not be understood", detail=detail)
