"""zeep under our conditions: bundled WSDL, one transport per call, only our errors."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kernel.errors import TransientGatewayError, UnknownOutcomeError
from kernel.exchange import Direction
from pensions.adapters.insurers.usernametoken_batch.client import WSDL
from toolkit.http.client import HttpClient
from toolkit.soap.client import (
    BundledWsdl,
    CallOptions,
    SoapEmpty,
    SoapFault,
    SoapReply,
    SoapService,
    translate,
    zeep_failures,
)

ADDRESS = "https://insurer.example.invalid/service"
QUESTION = {"contractNo": "K1"}
ENV = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
Handler = Callable[[httpx.Request], httpx.Response]


class Sink:
    """Remembers what it was given."""

    def __init__(self, fail: str = "") -> None:
        self.kept: list[tuple[str, str, bytes]] = []
        self.fail = fail

    def record(self, reference: str, direction: Direction, raw: bytes) -> None:
        if self.fail == direction:
            raise OSError("no bucket")
        self.kept.append((reference, direction.value, raw))


def plain(status: int, raw: bytes = b"", content_type: str = "text/xml") -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=raw, headers={"Content-Type": content_type})

    return handler


def xml(body: str, status: int = 200, content_type: str = "text/xml") -> Handler:
    raw = f"<s:Envelope {ENV}><s:Body>{body}</s:Body></s:Envelope>".encode()
    return plain(status, raw, content_type)


ACCESS = (
    '<CheckAccessResponse xmlns="urn:oks:batch:v1"><status>OK</status>'
    "<contractNo>K1</contractNo></CheckAccessResponse>"
)


def service(handler: Handler, sink: Sink | None = None) -> SoapService:
    http = HttpClient(transport=httpx.MockTransport(handler))
    return SoapService(WSDL, http, sink or Sink(), secret_elements=("Password",))


def options(**changes: object) -> CallOptions:
    fields: dict[str, object] = {"reference": "T-1", "deadline_seconds": 5.0}
    return CallOptions(**{**fields, **changes})  # type: ignore[arg-type]


def test_an_answer_is_plain_data() -> None:
    answer = service(xml(ACCESS)).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert answer == SoapReply({"status": "OK", "contractNo": "K1"})


def test_the_address_is_ours_not_the_one_in_the_wsdl() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return xml(ACCESS)(request)

    service(handler).call(ADDRESS + "/other", "CheckAccess", QUESTION, options())
    assert seen == [ADDRESS + "/other"]


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_empty_success_is_taken_not_answered(status: int) -> None:
    answer = service(plain(status)).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert answer == SoapEmpty()


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_fault_is_an_answer_whatever_its_status(status: int) -> None:
    fault = "<s:Fault><faultcode>s:Client</faultcode><detail><code>X</code></detail></s:Fault>"
    answer = service(xml(fault, status)).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert isinstance(answer, SoapFault)
    assert (answer.code, dict(answer.detail)) == ("Client", {"code": "X"})


@pytest.mark.parametrize(
    ("code", "handler"),
    [
        ("soap.server_error", plain(503)),
        ("soap.server_error", xml("<html/>", 502, "text/html")),
        ("soap.server_error", xml(ACCESS, 500)),
        ("soap.unreadable_answer", xml(ACCESS, 200, "text/html")),
        ("soap.unreadable_answer", xml(ACCESS, 200, "multipart/related; boundary=x")),
        ("soap.unreadable_answer", xml(ACCESS + ACCESS)),
        ("soap.unreadable_answer", xml(ACCESS.replace("OK", "OK<x/>"))),
        ("soap.unreadable_answer", xml(ACCESS.replace("<status>", "<a/><status>"))),
        ("soap.unreadable_answer", xml('<GetMembersResponse xmlns="urn:oks:batch:v1"/>')),
        ("soap.server_error", plain(307)),
    ],
)
def test_everything_else_leaves_doubt(code: str, handler: Handler) -> None:
    with pytest.raises(UnknownOutcomeError) as caught:
        service(handler).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert caught.value.code == code


def test_a_request_the_wsdl_does_not_allow_is_never_sent() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    for payload in ({}, {"unknown": 1}, {"contractNo": "\x00"}):
        with pytest.raises(TransientGatewayError) as caught:
            service(handler).call(ADDRESS, "CheckAccess", payload, options())
        assert caught.value.code == "soap.request_refused"
    assert seen == []


def test_both_halves_are_kept_without_secrets() -> None:
    sink = Sink()
    secret = "gizli-parola"
    echo = ACCESS.replace("OK", secret)
    service(xml(echo), sink).call(ADDRESS, "CheckAccess", QUESTION, options(secrets=(secret,)))
    assert [(reference, half) for reference, half, _ in sink.kept] == [
        ("T-1", "request"),
        ("T-1", "answer"),
    ]
    assert all(secret.encode() not in raw for _, _, raw in sink.kept)


def test_without_a_reference_nothing_is_kept() -> None:
    sink = Sink()
    service(xml(ACCESS), sink).call(ADDRESS, "CheckAccess", QUESTION, options(reference=""))
    assert sink.kept == []


def test_without_evidence_nothing_is_sent() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return xml(ACCESS)(request)

    with pytest.raises(TransientGatewayError) as caught:
        service(handler, Sink("request")).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert caught.value.code == "soap.audit_unavailable"
    assert seen == []


def test_losing_the_copy_of_an_answer_does_not_change_the_answer() -> None:
    answer = service(xml(ACCESS), Sink("answer")).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert isinstance(answer, SoapReply)


def test_a_question_without_answer_leaves_no_doubt() -> None:
    with pytest.raises(TransientGatewayError):
        service(plain(503)).call(ADDRESS, "CheckAccess", QUESTION, options(idempotent=True))


# The library


def exceptions_of_zeep() -> list[type[Exception]]:
    from zeep import exceptions

    return [
        each
        for _, each in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(each, Exception)
    ]


def test_every_exception_of_zeep_has_a_row() -> None:
    assert set(exceptions_of_zeep()) == set(zeep_failures())


@pytest.mark.parametrize("cls", exceptions_of_zeep(), ids=lambda cls: cls.__name__)
def test_before_it_left_it_was_not_sent_and_after_it_nobody_knows(cls: type[Exception]) -> None:
    arguments = {
        "DTDForbidden": ("secret", None, None),
        "EntitiesForbidden": ("secret", "x"),
    }.get(cls.__name__, ("secret",))
    error = cls(*arguments)
    before = translate(error, sent=False, idempotent=False)
    after = translate(error, sent=True, idempotent=False)
    assert (type(before), before.code) == (TransientGatewayError, "soap.request_refused")
    assert type(after) is UnknownOutcomeError
    assert "secret" not in f"{before} {before.detail} {after} {after.detail}"


def test_an_exception_nobody_listed_leaves_doubt() -> None:
    assert translate(KeyError("x"), sent=True, idempotent=False).code == "soap.unreadable_answer"


def test_a_wsdl_that_was_changed_is_refused(tmp_path: Path) -> None:
    changed = BundledWsdl(WSDL.package, WSDL.name, "0" * 64, WSDL.binding)
    with pytest.raises(ValueError, match="not the reviewed file"):
        changed.read()


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://127.0.0.1:9/x.xsd", "other.xsd"]
)
def test_a_wsdl_that_imports_is_refused(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    from toolkit.soap import client as module

    raw = WSDL.read().replace(
        b"<wsdl:types>",
        f'<wsdl:import namespace="urn:y" location="{location}"/><wsdl:types>'.encode(),
        1,
    )
    package = tmp_path / "importing_wsdl"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "service.wsdl").write_bytes(raw)
    monkeypatch.syspath_prepend(str(tmp_path))
    wsdl = BundledWsdl(
        "importing_wsdl", "service.wsdl", hashlib.sha256(raw).hexdigest(), WSDL.binding
    )
    from zeep.exceptions import ExternalReferenceForbidden

    with pytest.raises((ValueError, ExternalReferenceForbidden)):
        module._parse(wsdl)


def test_the_library_is_imported_only_by_who_calls() -> None:
    code = (
        "import sys; import toolkit.soap.client, pensions.adapters.insurers.registry;"
        "assert 'zeep' not in sys.modules, 'zeep'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def test_the_registry_alone_imports_no_client_library() -> None:
    code = (
        "import sys; import pensions.adapters.insurers.registry;"
        "assert not {'zeep', 'lxml', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[3]
    return {"PYTHONPATH": f"{root / 'functions'}:{root / 'layers' / 'common'}"}


def test_parsing_twice_is_parsing_once() -> None:
    from toolkit.soap import client as module

    service(xml(ACCESS)).call(ADDRESS, "CheckAccess", QUESTION, options())
    first = module._document(WSDL)
    service(xml(ACCESS)).call(ADDRESS, "CheckAccess", QUESTION, options())
    assert module._document(WSDL) is first
