"""Envelopes of a simulated insurer: read with its own schema, written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from lxml import etree

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"
_XSD: Final = "http://www.w3.org/2001/XMLSchema"
_FOLDER: Final = Path(__file__).parent / "wsdl"


class NotSoapError(Exception):
    """The request is not an envelope of this service."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A WSDL: its text and the schema it declares."""

    text: bytes
    schema: etree.XMLSchema


def contract(name: str) -> Contract:
    """The WSDL of a dialect, as the insurer publishes it."""
    text = (_FOLDER / f"{name}.wsdl").read_bytes()
    schema = etree.fromstring(text).find(f".//{{{_XSD}}}schema")
    if schema is None:
        raise ValueError(f"{name}.wsdl declares no schema")
    # A document of its own, because a schema inside another loses the prefixes declared outside.
    return Contract(text, etree.XMLSchema(etree.fromstring(etree.tostring(schema))))


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed, schema-valid request: the operation's element and the header's entries."""

    operation: str
    body: etree._Element
    headers: tuple[etree._Element, ...]


def read_request(raw: bytes, namespace: str, envelope: str, schema: etree.XMLSchema) -> Request:
    """Read a request.

    Raises: NotSoapError when it is not an envelope of this SOAP version, with one operation of
    this namespace that the schema allows.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        raise NotSoapError("not XML") from None
    body = root.find(f"{{{envelope}}}Body")
    if root.tag != f"{{{envelope}}}Envelope" or body is None or len(body) != 1:
        raise NotSoapError("not an envelope")
    name = etree.QName(body[0])
    if name.namespace != namespace or not schema.validate(body[0]):
        raise NotSoapError("not valid")
    header = root.find(f"{{{envelope}}}Header")
    return Request(name.localname, body[0], () if header is None else tuple(header))


Field = tuple[str, object]
"""A name and a text, a number, a date, None (left out), a mapping or a list of those."""


def element(namespace: str, name: str, fields: Iterable[Field]) -> etree._Element:
    """An element with children in the given order."""
    node = etree.Element(f"{{{namespace}}}{name}", nsmap={"a": namespace})
    _fill(node, namespace, fields)
    return node


def _fill(node: etree._Element, namespace: str, fields: Iterable[Field]) -> None:
    for name, value in fields:
        if value is None:
            continue
        for each in value if isinstance(value, list) else [value]:
            child = etree.SubElement(node, f"{{{namespace}}}{name}")
            if isinstance(each, Mapping):
                _fill(child, namespace, each.items())
            else:
                child.text = str(each).lower() if isinstance(each, bool) else str(each)


def wrap(envelope: str, content: etree._Element) -> bytes:
    """An envelope around one element."""
    root = etree.Element(f"{{{envelope}}}Envelope", nsmap={"soapenv": envelope})
    etree.SubElement(root, f"{{{envelope}}}Body").append(content)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault(envelope: str, detail: etree._Element | None, text: str) -> etree._Element:
    """A fault of either SOAP version."""
    node = etree.Element(f"{{{envelope}}}Fault", nsmap={"soapenv": envelope})
    if envelope == SOAP_11:
        etree.SubElement(node, "faultcode").text = "soapenv:Client"
        etree.SubElement(node, "faultstring").text = text
        holder = etree.SubElement(node, "detail")
    else:
        code = etree.SubElement(node, f"{{{envelope}}}Code")
        etree.SubElement(code, f"{{{envelope}}}Value").text = "soapenv:Sender"
        reason = etree.SubElement(node, f"{{{envelope}}}Reason")
        words = etree.SubElement(reason, f"{{{envelope}}}Text")
        words.set("{http://www.w3.org/XML/1998/namespace}lang", "tr")
        words.text = text
        holder = etree.SubElement(node, f"{{{envelope}}}Detail")
    if detail is not None:
        holder.append(detail)
    return node


def text_of(node: etree._Element, namespace: str, name: str) -> str:
    """Text of a child, "" when it is missing."""
    return (node.findtext(f"{{{namespace}}}{name}") or "").strip()


def optional_text(node: etree._Element, namespace: str, name: str) -> str | None:
    """Text of a child, None when it is missing or empty."""
    return text_of(node, namespace, name) or None


def day(year: str, month: str, number: str) -> date | None:
    """A calendar day, or None when there is none like it."""
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        return None
