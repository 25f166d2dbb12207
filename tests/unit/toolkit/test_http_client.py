"""Outgoing HTTP: what is sent, what is read, and which failure means what."""

from __future__ import annotations

import gzip
import inspect
import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from kernel.errors import TransientGatewayError, UnknownOutcomeError
from toolkit.http.client import (
    CONNECTION_LOST,
    FAILURES,
    MAX_ANSWER_BYTES,
    HttpClient,
    Timeouts,
    failure_of,
)

ADDRESS = "https://insurer.example.invalid/service"
NOT_SENT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
}

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, **options: int) -> HttpClient:
    return HttpClient(transport=httpx.MockTransport(handler), **options)  # type: ignore[arg-type]


def always(make: Callable[[], httpx.Response]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        return make()

    return handler


def exceptions_of_httpx() -> list[type[Exception]]:
    return [
        each
        for _, each in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(each, Exception)
    ]


def instance(cls: type[Exception]) -> Exception:
    if cls is httpx.HTTPStatusError:
        request = httpx.Request("POST", ADDRESS)
        return cls("secret text", request=request, response=httpx.Response(500))
    if cls in (
        httpx.StreamConsumed,
        httpx.StreamClosed,
        httpx.ResponseNotRead,
        httpx.RequestNotRead,
    ):
        return cls()
    return cls("secret text")


def test_every_exception_of_the_library_has_a_row() -> None:
    assert {each.__name__ for each in exceptions_of_httpx()} == {each.__name__ for each in FAILURES}


@pytest.mark.parametrize("cls", exceptions_of_httpx(), ids=lambda cls: cls.__name__)
def test_only_what_happens_before_the_first_byte_is_not_sent(cls: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise instance(cls)

    expected = TransientGatewayError if cls in NOT_SENT else UnknownOutcomeError
    with pytest.raises(expected) as caught:
        client(fail).exchange("POST", ADDRESS, deadline_seconds=5)
    assert type(caught.value) is expected
    assert "secret" not in f"{caught.value} {caught.value.detail}"


def test_an_exception_nobody_listed_may_have_had_its_effect() -> None:
    class NewError(Exception):
        """Not of the library."""

    assert failure_of(NewError()) is CONNECTION_LOST


@pytest.mark.parametrize("cls", [httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_lost_answer_to_a_question_leaves_no_doubt(cls: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise instance(cls)

    with pytest.raises(TransientGatewayError):
        client(fail).exchange("GET", ADDRESS, deadline_seconds=5, idempotent=True)


def test_without_time_nothing_is_started() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with pytest.raises(TransientGatewayError, match=r"http\.no_time"):
        client(handler).exchange("POST", ADDRESS, deadline_seconds=0)
    assert seen == []


def test_any_status_is_an_answer_and_redirects_are_not_followed() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": "http://127.0.0.1/private"})

    answer = client(handler).exchange("POST", ADDRESS, deadline_seconds=5)
    assert answer.status == 307


def test_the_answer_carries_headers_in_lower_case_and_its_media_type() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"<x/>", headers={"Content-Type": "Text/XML; q=1"})

    answer = client(handler).exchange("POST", ADDRESS, deadline_seconds=5)
    assert answer.headers["content-type"] == "Text/XML; q=1"
    assert answer.media_type == "text/xml"


def test_no_cookie_survives_a_call() -> None:
    seen: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "tenant=a; Path=/"})

    one = client(handler)
    one.exchange("POST", ADDRESS, deadline_seconds=5)
    one.exchange("POST", ADDRESS, deadline_seconds=5)
    assert seen == [None, None]


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"direct")

    assert client(handler).exchange("POST", ADDRESS, deadline_seconds=5).body == b"direct"


def test_waits_grow_from_connect_to_read_and_none_is_open() -> None:
    waits = Timeouts()
    assert 0 < waits.pool < waits.connect < waits.write < waits.read < 30


class Once(httpx.SyncByteStream):
    """A body in small pieces, as a slow network delivers it."""

    def __init__(self, body: bytes, piece: int = 1) -> None:
        self._body, self._piece = body, piece

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), self._piece):
            yield self._body[start : start + self._piece]


class Endless(httpx.SyncByteStream):
    """A body that never ends, counted."""

    def __init__(self) -> None:
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += 65_536
            yield b"x" * 65_536


def test_an_endless_answer_is_cut_at_the_limit() -> None:
    body = Endless()
    one = client(always(lambda: httpx.Response(200, stream=body)))
    with pytest.raises(UnknownOutcomeError, match=r"http\.answer_too_large"):
        one.exchange("POST", ADDRESS, deadline_seconds=5)
    assert body.sent <= MAX_ANSWER_BYTES + 2 * 65_536


@pytest.mark.parametrize(
    ("size", "fits"), [(MAX_ANSWER_BYTES, True), (MAX_ANSWER_BYTES + 1, False)]
)
def test_the_limit_also_counts_unpacked_bytes(size: int, fits: bool) -> None:
    packed = gzip.compress(b"\0" * size, compresslevel=1)
    one = client(
        always(
            lambda: httpx.Response(
                200, stream=Once(packed, 4096), headers={"Content-Encoding": "gzip"}
            )
        )
    )
    if fits:
        assert len(one.exchange("POST", ADDRESS, deadline_seconds=5).body) == size
    else:
        with pytest.raises(UnknownOutcomeError, match=r"http\.answer_too_large"):
            one.exchange("POST", ADDRESS, deadline_seconds=5)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"answer", mtime=0)),
        ("deflate", zlib.compress(b"answer")),
        ("", b"answer"),
    ],
)
def test_packed_answers_are_unpacked(encoding: str, body: bytes) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    one = client(always(lambda: httpx.Response(200, stream=Once(body), headers=headers)))
    assert one.exchange("POST", ADDRESS, deadline_seconds=5).body == b"answer"


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip", b"not gzip")])
def test_what_cannot_be_unpacked_is_unreadable(encoding: str, body: bytes) -> None:
    one = client(
        always(
            lambda: httpx.Response(200, stream=Once(body), headers={"Content-Encoding": encoding})
        )
    )
    with pytest.raises(UnknownOutcomeError, match=r"http\.unreadable_answer"):
        one.exchange("POST", ADDRESS, deadline_seconds=5)


def test_a_dripping_answer_ends_at_the_total_deadline() -> None:
    now = [0.0]

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                now[0] += 1.0
                yield b"x"

    one = HttpClient(
        transport=httpx.MockTransport(always(lambda: httpx.Response(200, stream=Drip()))),
        monotonic=lambda: now[0],
    )
    with pytest.raises(UnknownOutcomeError, match=r"http\.timeout"):
        one.exchange("POST", ADDRESS, deadline_seconds=10)
    assert now[0] <= 12
