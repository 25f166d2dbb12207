"""Raw exchanges as somebody may read them who must not read personal values.

Everything is hidden except what the caller names: a field that a third party adds tomorrow is
hidden tomorrow. What can be recognised keeps the shape it has on every other page
(``kernel.masking``), so that a reader can tell one person from another.
"""

import json
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from kernel.exchange import RawText
from kernel.identifiers import iban as iban_rule
from kernel.identifiers import tckn as tckn_rule
from kernel.masking import HIDDEN, mask_email, mask_iban, mask_tckn
from toolkit.redaction import redact_text

if TYPE_CHECKING:
    from lxml import etree

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LAID_OUT: Final = "put below its head"
# Attributes of SOAP and XML Schema, which say what kind of element this is.
_PLAIN_ATTRIBUTES: Final = frozenset({"Type", "type", "EncodingType", "mustUnderstand", "nil"})


def raw_text(raw: bytes, harmless: Collection[str], head: str = "") -> RawText:
    """The clear and the masked text of a kept request or answer.

    Shapes: ``harmless`` are local names of elements or members whose values may be shown. XML and
    JSON are laid out over lines in both texts; of anything else the masked text shows nothing.
    ``head`` stands above both; it is ours and names nobody.
    """
    found = _body_text(raw, harmless)
    if not head:
        return found
    above = redact_text(head)
    return RawText(
        f"{head}\n\n{found.reveal(_LAID_OUT)}".rstrip(), f"{above}\n\n{found.masked}".rstrip()
    )


def _body_text(raw: bytes, harmless: Collection[str]) -> RawText:
    start = raw.lstrip()[:1]
    if start == b"<":
        found = _xml(raw, harmless)
    elif start in (b"{", b"["):
        found = _json(raw, harmless)
    else:
        found = None
    return found or RawText(raw.decode("utf-8", "replace"), HIDDEN if raw else "")


def masked_value(text: str) -> str:
    """What may be shown of a value nobody called harmless."""
    value = text.strip()
    if not value:
        return text
    if tckn_rule.is_valid(value):
        return mask_tckn(value)
    if iban_rule.is_valid(value.replace(" ", "")):
        return mask_iban(value)
    return mask_email(value) if _EMAIL.fullmatch(value) else HIDDEN


def _shown(name: str, text: str, harmless: Collection[str]) -> str:
    """A harmless value still loses what looks like a number of a person: providers put odd things
    into odd places.
    """
    return redact_text(text) if name in harmless else masked_value(text)


def _xml(raw: bytes, harmless: Collection[str]) -> RawText | None:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.internalDTD is not None:
        return None  # no institution sends a document type; of what has one nothing is laid out
    etree.indent(root)
    clear = etree.tostring(root, encoding="unicode")
    for element in root.iter(etree.Element):
        _mask_element(element, harmless)
    return RawText(clear, etree.tostring(root, encoding="unicode"))


def _mask_element(element: "etree._Element", harmless: Collection[str]) -> None:
    name = _local(str(element.tag))
    if element.text:
        element.text = _shown(name, element.text, harmless)
    if element.tail:
        element.tail = masked_value(element.tail)
    for attribute, value in element.attrib.items():
        if _local(str(attribute)) not in _PLAIN_ATTRIBUTES:
            element.attrib[attribute] = masked_value(str(value))


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _json(raw: bytes, harmless: Collection[str]) -> RawText | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return RawText(_laid_out(value), _laid_out(_mask_json(value, "", harmless)))


def _mask_json(value: Any, name: str, harmless: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {key: _mask_json(item, str(key), harmless) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask_json(item, name, harmless) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _shown(name, value, harmless)
    return value if name in harmless else HIDDEN


def _laid_out(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
