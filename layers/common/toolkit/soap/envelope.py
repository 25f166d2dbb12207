"""What must be true of an answer before any library reads it.

zeep takes the first Body it finds, keeps external entities as a setting and reads what a comment
splits. Here an answer is refused unless it is one plain envelope with one Body and one child that
we expect; what passes is written anew, so that the library reads exactly what was checked.
"""

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lxml import etree

MAX_DEPTH: Final = 64
MAX_TEXT: Final = 1024 * 1024
MAX_BYTES: Final = 5 * 1024 * 1024

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"
_WSU_ID: Final = (
    "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id"
)
_ID_ATTRIBUTES: Final = frozenset(
    {_WSU_ID, "Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"}
)


class EnvelopeRefusedError(Exception):
    """The answer is not an envelope we read; ``reason`` is a code, never a quotation."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FaultFields:
    """A SOAP fault as plain data.

    Shapes: ``code`` is the local name of the fault code; ``detail`` maps the local names of the
    leaf elements of the detail to their texts, first one wins.
    """

    code: str | None
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckedEnvelope:
    """An answer that passed.

    Shapes: ``name`` is the qualified name of the Body's only child; ``xml`` is the envelope
    without comments, instructions and CDATA sections; ``fault`` is set when the child is a fault.
    """

    name: str
    xml: bytes
    body: etree._Element
    fault: FaultFields | None


def check_envelope(raw: bytes, *, expected: Collection[str]) -> CheckedEnvelope:
    """Refuse everything that is not one plain envelope with an expected child or a fault.

    Shapes: ``expected`` are qualified names such as ``{urn:x}submitResponse``.
    Raises: EnvelopeRefusedError with reason size, encoding, doctype, syntax, depth, text, root,
    body, child, duplicate_id or unexpected.
    Source: bad_inputs.json field soap_xml; security.md S34–S36.
    """
    if len(raw) > MAX_BYTES:
        raise EnvelopeRefusedError("size")
    text = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise EnvelopeRefusedError("encoding") from None
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise EnvelopeRefusedError("doctype")
    root = _parse(text)
    _check_tree(root)
    namespace = _namespace_of_envelope(root)
    bodies = [child for child in root if child.tag == f"{{{namespace}}}Body"]
    if len(bodies) != 1:
        raise EnvelopeRefusedError("body")
    children = list(bodies[0])
    if len(children) != 1 or (bodies[0].text or "").strip() or (children[0].tail or "").strip():
        raise EnvelopeRefusedError("child")
    child = children[0]
    name = str(child.tag)
    is_fault = name == f"{{{namespace}}}Fault"
    if not is_fault and name not in expected:
        raise EnvelopeRefusedError("unexpected")
    return CheckedEnvelope(
        name=name,
        xml=etree.tostring(root, encoding="utf-8"),
        body=child,
        fault=_fault(child, namespace) if is_fault else None,
    )


def _parse(text: bytes) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        huge_tree=False,
        recover=False,
    )
    try:
        return etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise EnvelopeRefusedError("syntax") from None


def _check_tree(root: etree._Element) -> None:
    """Bound depth and texts, refuse ids that two elements claim and leftovers of entities."""
    seen: set[str] = set()
    stack: list[tuple[etree._Element, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise EnvelopeRefusedError("depth")
        if not isinstance(node.tag, str):
            raise EnvelopeRefusedError("syntax")
        if len(node.text or "") > MAX_TEXT or len(node.tail or "") > MAX_TEXT:
            raise EnvelopeRefusedError("text")
        for attribute, value in node.items():
            if attribute in _ID_ATTRIBUTES:
                if str(value) in seen:
                    raise EnvelopeRefusedError("duplicate_id")
                seen.add(str(value))
        stack.extend((child, depth + 1) for child in node)


def _namespace_of_envelope(root: etree._Element) -> str:
    for namespace in (SOAP_11, SOAP_12):
        if root.tag == f"{{{namespace}}}Envelope":
            return namespace
    raise EnvelopeRefusedError("root")


def _fault(fault: etree._Element, namespace: str) -> FaultFields:
    if namespace == SOAP_11:
        code, detail = fault.findtext("faultcode"), fault.find("detail")
    else:
        env = {"s": namespace}
        code = fault.findtext("s:Code/s:Value", namespaces=env)
        detail = fault.find("s:Detail", namespaces=env)
    fields: dict[str, str] = {}
    if detail is not None:
        for node in detail.iter():
            if node is not detail and len(node) == 0 and node.text is not None:
                fields.setdefault(etree.QName(node).localname, node.text.strip())
    local = code.strip().rpartition(":")[2] if code else None
    return FaultFields(local or None, MappingProxyType(fields))
