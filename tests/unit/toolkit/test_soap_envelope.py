"""The guard before any SOAP library: what passes, and what each refusal is called."""

from __future__ import annotations

import pytest
from lxml import etree

from toolkit.soap.envelope import (
    MAX_BYTES,
    MAX_TEXT,
    SOAP_11,
    SOAP_12,
    EnvelopeRefusedError,
    check_envelope,
)

OK = "{urn:x}ok"


def envelope(content: str, namespace: str = SOAP_11, header: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{namespace}">{header}<s:Body>{content}</s:Body></s:Envelope>'
    ).encode()


def refused(raw: bytes) -> str:
    with pytest.raises(EnvelopeRefusedError) as caught:
        check_envelope(raw, expected=(OK,))
    return caught.value.reason


def test_a_plain_answer_passes_in_both_versions() -> None:
    for namespace in (SOAP_11, SOAP_12):
        checked = check_envelope(envelope('<ok xmlns="urn:x">1</ok>', namespace), expected=(OK,))
        assert (checked.name, checked.fault) == (OK, None)


def test_what_passes_is_written_anew_without_comments_and_sections() -> None:
    raw = envelope('<ok xmlns="urn:x">a<!-- b -->c<?pi x?><![CDATA[<d>]]></ok>')
    checked = check_envelope(raw, expected=(OK,))
    assert b"<!--" not in checked.xml
    assert b"CDATA" not in checked.xml
    assert etree.fromstring(checked.xml).findtext(f".//{OK}") == "ac<d>"


def test_a_byte_order_mark_is_allowed() -> None:
    raw = b"\xef\xbb\xbf" + envelope('<ok xmlns="urn:x"/>')
    assert check_envelope(raw, expected=(OK,)).name == OK


@pytest.mark.parametrize(
    ("reason", "raw"),
    [
        ("size", b"<x>" + b"a" * MAX_BYTES + b"</x>"),
        ("encoding", b"<x>\xff\xfe</x>"),
        ("encoding", envelope('<ok xmlns="urn:x">ş</ok>').decode().encode("cp1254")),
        ("doctype", b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>'),
        ("syntax", b"<a>"),
        ("syntax", b""),
        ("syntax", b"\x00\x01"),
        ("syntax", envelope("&unknown;")),
        ("root", b"<a/>"),
        ("root", b'<Envelope xmlns="urn:other"><Body/></Envelope>'),
        ("body", f'<s:Envelope xmlns:s="{SOAP_11}"/>'.encode()),
        ("child", envelope("")),
        ("child", envelope('<ok xmlns="urn:x"/><ok xmlns="urn:x"/>')),
        ("child", envelope('text<ok xmlns="urn:x"/>')),
        ("child", envelope('<ok xmlns="urn:x"/>text')),
        ("unexpected", envelope('<other xmlns="urn:x"/>')),
        ("unexpected", envelope("<ok/>")),
        ("depth", envelope('<ok xmlns="urn:x">' + "<a>" * 62 + "</a>" * 62 + "</ok>")),
        ("text", envelope(f'<ok xmlns="urn:x">{"a" * (MAX_TEXT + 1)}</ok>')),
        ("duplicate_id", envelope('<ok xmlns="urn:x" Id="b"><a Id="b"/></ok>')),
        ("duplicate_id", envelope('<ok xmlns="urn:x" xml:id="b"><a ID="b"/></ok>')),
    ],
)
def test_everything_else_is_refused_by_name(reason: str, raw: bytes) -> None:
    assert refused(raw) == reason


def test_limits_are_inclusive() -> None:
    deep = envelope('<ok xmlns="urn:x">' + "<a>" * 61 + "</a>" * 61 + "</ok>")
    long = envelope(f'<ok xmlns="urn:x">{"a" * MAX_TEXT}</ok>')
    for raw in (deep, long):
        assert check_envelope(raw, expected=(OK,)).name == OK


def test_a_fault_of_either_version_is_read_as_fields() -> None:
    old = envelope(
        "<s:Fault><faultcode>s:Client.Auth</faultcode><faultstring>no</faultstring>"
        "<detail><e xmlns='urn:x'><code> A-1 </code><code>A-2</code></e></detail></s:Fault>"
    )
    new = envelope(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang='tr'>"
        "no</s:Text></s:Reason><s:Detail><code>B-1</code></s:Detail></s:Fault>",
        SOAP_12,
    )
    first = check_envelope(old, expected=(OK,)).fault
    second = check_envelope(new, expected=(OK,)).fault
    assert first is not None
    assert (first.code, dict(first.detail)) == ("Client.Auth", {"code": "A-1"})
    assert second is not None
    assert (second.code, dict(second.detail)) == ("Sender", {"code": "B-1"})


def test_a_fault_without_anything_is_still_a_fault() -> None:
    fault = check_envelope(envelope("<s:Fault/>"), expected=(OK,)).fault
    assert fault is not None
    assert (fault.code, dict(fault.detail)) == (None, {})
