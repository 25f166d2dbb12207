"""Raw answers of an insurer: the guard decides what any library may see."""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from kernel.errors import ValidationError
from tests.acceptance.inputs import decode
from toolkit.soap.envelope import EnvelopeRefusedError, check_envelope

_ANSWER: Final = "{urn:insurer:v1}submitResponse"


def run(case: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Verdict on one raw answer and what may be read out of it.

    Raises: ValidationError for an answer that is refused.
    """
    given = decode(case["input"])
    raw = given if isinstance(given, bytes) else str(given).encode()
    try:
        checked = check_envelope(raw, expected=(_ANSWER,))
    except EnvelopeRefusedError as refused:
        raise ValidationError("soap_xml", refused.reason) from None
    if checked.fault is not None:
        return "accept", {"class": "fault"}
    read = etree.fromstring(checked.xml).find(f".//{_ANSWER}")
    fields = {} if read is None else {etree.QName(node).localname: node.text or "" for node in read}
    if not fields.get("reference"):
        raise ValidationError("soap_xml", "the answer names no reference")
    return "accept", fields
