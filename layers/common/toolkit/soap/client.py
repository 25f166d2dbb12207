"""SOAP calls through zeep without its defaults.

zeep fetches WSDLs, waits without limit, reads DTDs and prints whole bodies in its exceptions.
Here the WSDL comes from our own package and is checked against its checksum, is parsed once per
process and holds neither address nor credentials; each call gets its own transport, and nothing
leaves this module but plain data and our own errors. zeep is imported on the first call, because
most functions never speak SOAP.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from kernel.errors import KopruError, TransientGatewayError, UnknownOutcomeError
from toolkit.http.client import HttpClient
from toolkit.soap.audit import AuditSink
from toolkit.soap.envelope import FaultFields
from toolkit.soap.transport import EmptyAnswerError, ExchangeTransport, FaultAnswerError

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"


@dataclass(frozen=True, slots=True)
class BundledWsdl:
    """A WSDL file of our own package.

    Shapes: ``sha256`` is the hexadecimal digest of the file; ``binding`` the qualified name of the
    binding that is used, ``{namespace}name``.
    """

    package: str
    name: str
    sha256: str
    binding: str

    def read(self) -> bytes:
        """The file.

        Raises: ValueError when it is not the file that was reviewed.
        """
        raw = files(self.package).joinpath(self.name).read_bytes()
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise ValueError(f"{self.package}/{self.name} is not the reviewed file")
        return raw


@dataclass(frozen=True, slots=True)
class SoapReply:
    """An ordinary answer as plain dictionaries, lists and values."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A fault: a local fault code and the leaf texts of the detail."""

    code: str | None
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SoapEmpty:
    """Success without a body: taken, not answered."""


SoapAnswer = SoapReply | SoapFault | SoapEmpty
"""Everything a peer can answer that we can read."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What belongs to one call and must not outlive it.

    Shapes: without a ``reference`` no copy is kept: there is nothing to file it under.
    Units: ``deadline_seconds`` is total. ``secrets`` are values that no record may contain;
    ``headers`` are SOAP header elements. ``idempotent`` marks a question: then a lost answer is
    no reason for doubt.
    """

    reference: str
    deadline_seconds: float
    secrets: tuple[str, ...] = ()
    headers: tuple[etree._Element, ...] = ()
    idempotent: bool = False


class SoapService:
    """One WSDL, callable at any address."""

    def __init__(
        self,
        wsdl: BundledWsdl,
        http: HttpClient,
        audit: AuditSink,
        *,
        secret_elements: Sequence[str] = (),
    ) -> None:
        self._wsdl = wsdl
        self._http = http
        self._audit = audit
        self._secret_elements = frozenset(secret_elements)

    def call(
        self, address: str, operation: str, payload: Mapping[str, Any], options: CallOptions
    ) -> SoapAnswer:
        """Call one operation once.

        Raises: TransientGatewayError when nothing was sent ("soap.request_refused" when zeep
        refuses to build the request, "soap.audit_unavailable", "http.…"), UnknownOutcomeError
        ("soap.unreadable_answer" | "soap.server_error" | "http.…") when the answer was lost or is
        not one we read; for an idempotent call always TransientGatewayError.
        """
        import zeep

        wsdl = _document(self._wsdl)
        binding = wsdl.document.bindings[self._wsdl.binding]
        transport = ExchangeTransport(
            self._http,
            reference=options.reference,
            deadline_seconds=options.deadline_seconds,
            expected=(wsdl.answers[operation],),
            is_valid=wsdl.is_valid,
            audit=self._audit,
            secret_elements=self._secret_elements,
            secret_values=options.secrets,
            idempotent=options.idempotent,
        )
        client = zeep.Client(wsdl.document, transport=transport, settings=wsdl.document.settings)
        arguments = dict(payload)
        if options.headers:
            arguments["_soapheaders"] = list(options.headers)
        try:
            result = binding.send(client, {"address": address}, operation, (), arguments)
            return SoapReply(_plain(result))
        except FaultAnswerError as answered:
            fault: FaultFields = answered.fault
            return SoapFault(fault.code, fault.detail)
        except EmptyAnswerError:
            return SoapEmpty()
        except KopruError:
            raise
        except Exception as error:
            raise translate(error, sent=transport.sent, idempotent=options.idempotent) from None


def zeep_failures() -> Mapping[type[Exception], str]:
    """One row per exception class of zeep: our code once the request has left.

    Before that every one of them means that we refused to send.
    """
    from zeep import exceptions as theirs

    return MappingProxyType(
        {
            theirs.TransportError: "soap.server_error",
            theirs.Fault: "soap.unreadable_answer",
            theirs.XMLSyntaxError: "soap.unreadable_answer",
            theirs.XMLParseError: "soap.unreadable_answer",
            theirs.UnexpectedElementError: "soap.unreadable_answer",
            theirs.ValidationError: "soap.unreadable_answer",
            theirs.SignatureVerificationFailed: "soap.unreadable_answer",
            theirs.DTDForbidden: "soap.unreadable_answer",
            theirs.EntitiesForbidden: "soap.unreadable_answer",
            theirs.ExternalReferenceForbidden: "soap.unreadable_answer",
            theirs.WsdlSyntaxError: "soap.unreadable_answer",
            theirs.LookupError: "soap.unreadable_answer",
            theirs.NamespaceError: "soap.unreadable_answer",
            theirs.IncompleteMessage: "soap.unreadable_answer",
            theirs.IncompleteOperation: "soap.unreadable_answer",
            theirs.ZeepWarning: "soap.unreadable_answer",
            theirs.Error: "soap.unreadable_answer",
        }
    )


def translate(error: Exception, *, sent: bool, idempotent: bool) -> KopruError:
    """Our error for anything zeep can raise; only the class name survives as detail.

    The texts of zeep's exceptions quote whole bodies (security.md S4).
    """
    detail = type(error).__name__
    if not sent:
        return TransientGatewayError(
            "soap.request_refused", "the request could not be built", detail=detail
        )
    rows = zeep_failures()
    code = next((rows[cls] for cls in type(error).__mro__ if cls in rows), "soap.unreadable_answer")
    if idempotent:
        return TransientGatewayError(code, "the question was not answered", detail=detail)
    return UnknownOutcomeError(code, "the answer could not be understood", detail=detail)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A parsed WSDL, the names of its answers by operation, and its schema."""

    document: Any
    answers: Mapping[str, str]
    schema: etree.XMLSchema
    lock: threading.Lock

    def is_valid(self, answer: etree._Element) -> bool:
        """Whether an answer is what the schema promises; zeep alone reads over surplus parts."""
        with self.lock:  # a schema validates one document at a time
            return self.schema.validate(answer)


_PARSED: Final[dict[BundledWsdl, _Parsed]] = {}
_LOCK: Final = threading.Lock()


def _document(wsdl: BundledWsdl) -> _Parsed:
    """The parsed WSDL, once per process; it knows no address, credential or tenant."""
    with _LOCK:
        if wsdl not in _PARSED:
            _PARSED[wsdl] = _parse(wsdl)
        return _PARSED[wsdl]


def _parse(wsdl: BundledWsdl) -> _Parsed:
    from zeep import Settings
    from zeep.wsdl import Document

    for name in ("zeep", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = Settings(
        strict=True,
        raw_response=False,
        forbid_dtd=True,
        forbid_entities=True,
        forbid_external=True,
        xml_huge_tree=False,
        force_https=False,  # the address is ours, from the registry; nothing is rewritten
    )
    raw = wsdl.read()
    document = Document(BytesIO(raw), _NoLoading(), settings=settings)
    answers: dict[str, str] = {}
    for name, operation in document.bindings[wsdl.binding].all().items():
        answers[name] = str(operation.output.body.qname)
    return _Parsed(document, MappingProxyType(answers), _schema(raw), threading.Lock())


def _schema(wsdl: bytes) -> etree.XMLSchema:
    """The one schema a bundled WSDL declares.

    Raises: ValueError when there is not exactly one.
    """
    schemas = etree.fromstring(wsdl).findall(f".//{_XSD}schema")
    if len(schemas) != 1:
        raise ValueError("a bundled WSDL declares one schema")
    # Written out and read again: inside the WSDL it would lose the prefixes declared above it.
    return etree.XMLSchema(etree.fromstring(etree.tostring(schemas[0])))


class _NoLoading:
    """Transport of the parser: whoever imports anything from outside is refused."""

    def load(self, _url: str) -> bytes:
        """Refuse."""
        raise ValueError("a bundled WSDL loads nothing")


def _plain(result: Any) -> Mapping[str, Any]:
    """Plain data of a zeep result.

    Raises: TypeError when zeep unwrapped the answer to a single value or found nothing.
    """
    from zeep.helpers import serialize_object

    plain = serialize_object(result, dict)
    if not isinstance(plain, dict):
        raise TypeError("the answer is not a structure")
    return plain
