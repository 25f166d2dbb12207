"""The send path of an insurer against zeep alone: processor time per employee, calls per pass (P4).

The floor is what nobody who uses zeep can avoid: it serialises the same request and parses the same
answer, over a transport that does nothing. Our path adds the translation, the HTTP client, the
guard of the envelope, the audit copy, the check against the schema and a verdict per person. Both
must find the same people before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Final

import httpx
import zeep
from lxml import etree

from bench.frame import Report, alternating
from kernel.sensitive import Secret
from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.registry import InsurerRegistry
from pensions.adapters.insurers.usernametoken_batch import client, transformers
from pensions.domain.outcome import Answered
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.domain.transmission import distinct_batches
from pensions.ports import Connection, EnrolmentLine
from tests.support.insurer_world import CONTRACT_NO, USUAL, Evidence, people
from toolkit.http.client import HttpClient
from toolkit.soap.client import _document

CODE: Final = "allianz_yasam"
PEOPLE: Final = 100
REFERENCE: Final = "BENCH-1"
_TYPE: Final = {"content-type": "text/xml"}


class _Silent:
    """zeep's transport without a network: the request is written out, the answer is given."""

    def __init__(self, content: bytes) -> None:
        self.status_code, self.content, self.headers, self.encoding = 200, content, _TYPE, "utf-8"

    def post_xml(self, _address: str, envelope: Any, _headers: Any) -> _Silent:
        """What ``requests`` would have answered."""
        etree.tostring(envelope)
        return self


def paths() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Our sending and zeep's own of the same people, both with the same answer."""
    lines = people(PEOPLE)
    answer = _answer(lines)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answer, headers=_TYPE))
    http = HttpClient(transport=transport)
    registry = InsurerRegistry(
        {CODE: "https://insurer.example.invalid/"}, Evidence(), http=lambda: http
    )
    via = Connection(CODE, CONTRACT_NO, "001", "ws-ornek", Secret(USUAL))
    document = _document(client.WSDL).document
    binding = document.bindings[client.WSDL.binding]
    speaker = zeep.Client(document, transport=_Silent(answer), settings=document.settings)
    request = transformers.enrolment_request(CONFIGS[CODE], via, REFERENCE, lines)

    def ours() -> Any:
        return registry.enrol(via, REFERENCE, lines, deadline_seconds=30)

    def theirs() -> Any:
        arguments = dict(request)
        return binding.send(speaker, {"address": "x"}, "SubmitEnrolments", (), arguments)

    return ours, theirs


def measure(report: Report) -> None:
    """P4: time per employee against zeep's own, and calls per pass."""
    ours, theirs = paths()
    outcome = ours()
    if not isinstance(outcome, Answered):
        raise SystemExit(f"our path was not answered, nothing is timed: {outcome}")
    if set(outcome.lines) != {row.lineKey for row in theirs().result}:
        raise SystemExit("the two do not find the same people, nothing is timed")
    mine, floor = alternating(ours, theirs)
    report.ratio(
        "P4",
        f"processor time per employee, {PEOPLE} sent at once",
        mine / PEOPLE * 1e6,
        floor / PEOPLE * 1e6,
        peer="zeep alone",
        most=1.5,
        unit="µs",
    )
    sizes = (1, 49, 50, 51, 99, 100, 101, 1_000)
    more = [
        f"{provider.code}/{count}"
        for provider in PROVIDERS.values()
        for count in sizes
        if len(distinct_batches(range(count), provider.batch_size, lambda one: one))
        != ceil(count / provider.batch_size)
    ]
    report.add(
        "P4",
        f"calls per pass, {len(PROVIDERS)} insurers x {len(sizes)} sizes",
        f"{len(more)} differ from the fewest possible",
        goal="ceil(lines / batch size)",
        holds=not more,
    )


def _answer(lines: list[EnrolmentLine]) -> bytes:
    """Everybody is accepted."""
    rows = "".join(
        f"<r:result><r:lineKey>{line.line_key}</r:lineKey><r:status>ACCEPTED</r:status>"
        f"<r:policyNo>P{number}</r:policyNo></r:result>"
        for number, line in enumerate(lines)
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<r:SubmitEnrolmentsResponse xmlns:r="urn:oks:batch:v1">'
        f"<r:reference>{REFERENCE}</r:reference>{rows}"
        "</r:SubmitEnrolmentsResponse></s:Body></s:Envelope>"
    ).encode()
