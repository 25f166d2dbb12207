"""HTTP to third parties: bounded in time and size, and honest about what may have happened.

httpx limits each single read, not the whole call, so a peer that drips a byte per second holds a
worker for as long as it likes. Here one deadline bounds every socket operation of the call, and
the answer is counted while it streams, also while it is unpacked. What goes wrong ends in exactly
two errors: nothing was sent (safe to repeat), or nobody knows (ask before repeating).
"""

from __future__ import annotations

import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NoReturn

import httpcore
import httpx

from kernel.errors import TransientGatewayError, UnknownOutcomeError

MAX_ANSWER_BYTES: Final = 5 * 1024 * 1024
"""Largest answer we read, on the wire and unpacked."""

Monotonic = Callable[[], float]
"""A clock that only measures durations, in seconds."""

Route = Callable[[str, int], str]
"""The address to connect to for a name and port; raises ``RouteRefusedError`` for none."""


class RouteRefusedError(Exception):
    """The peer is not to be called: its name leads nowhere we go. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest single waits. Units: seconds; the total deadline of the call cuts them all."""

    connect: float = 5.0
    read: float = 25.0
    write: float = 10.0
    pool: float = 2.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer. Shapes: header names are lower case, ``body`` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Content type without parameters, lower case; "" when the peer named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception of the HTTP library says about the request.

    Shapes: ``not_sent`` is true only when no byte of the request can have reached the peer.
    """

    code: str
    not_sent: bool


UNREACHABLE: Final = Failure("http.unreachable", not_sent=True)
REFUSED_BY_US: Final = Failure("http.request_refused", not_sent=True)
ADDRESS_REFUSED: Final = Failure("http.address_refused", not_sent=True)
TIMEOUT: Final = Failure("http.timeout", not_sent=False)
CONNECTION_LOST: Final = Failure("http.connection_lost", not_sent=False)
UNREADABLE: Final = Failure("http.unreadable_answer", not_sent=False)
TOO_LARGE: Final = Failure("http.answer_too_large", not_sent=False)

FAILURES: Final[Mapping[type[Exception], Failure]] = MappingProxyType(
    {
        # Before the first byte.
        httpx.ConnectError: UNREACHABLE,
        httpx.ConnectTimeout: UNREACHABLE,
        httpx.PoolTimeout: UNREACHABLE,
        httpx.UnsupportedProtocol: REFUSED_BY_US,
        httpx.InvalidURL: REFUSED_BY_US,
        # Everything after it may have had its effect.
        httpx.ReadTimeout: TIMEOUT,
        httpx.WriteTimeout: TIMEOUT,
        httpx.TimeoutException: TIMEOUT,
        httpx.ReadError: CONNECTION_LOST,
        httpx.WriteError: CONNECTION_LOST,
        httpx.CloseError: CONNECTION_LOST,
        httpx.NetworkError: CONNECTION_LOST,
        httpx.RemoteProtocolError: CONNECTION_LOST,
        httpx.LocalProtocolError: CONNECTION_LOST,
        httpx.ProtocolError: CONNECTION_LOST,
        httpx.ProxyError: CONNECTION_LOST,
        httpx.TransportError: CONNECTION_LOST,
        httpx.RequestError: CONNECTION_LOST,
        httpx.DecodingError: UNREADABLE,
        httpx.TooManyRedirects: UNREADABLE,
        httpx.HTTPStatusError: UNREADABLE,
        httpx.HTTPError: UNREADABLE,
        httpx.CookieConflict: UNREADABLE,
        httpx.StreamError: UNREADABLE,
        httpx.StreamConsumed: UNREADABLE,
        httpx.StreamClosed: UNREADABLE,
        httpx.ResponseNotRead: UNREADABLE,
        httpx.RequestNotRead: UNREADABLE,
    }
)
"""One row per exception class of httpx; whatever is missing here may have had its effect."""


def failure_of(error: Exception) -> Failure:
    """What ``error`` says about the request, by class and never by words."""
    for cls in type(error).__mro__:
        if cls in FAILURES:
            return FAILURES[cls]
    return CONNECTION_LOST


class HttpClient:
    """One connection pool with our limits; holds no cookie, no credential, no tenant.

    Source: security.md section 7 (3, 4, 6); style.md section 11.
    """

    __slots__ = ("_client", "_cut", "_max_bytes", "_monotonic")

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        cut_answers: bool = False,
        verify: ssl.SSLContext | None = None,
        route: Route | None = None,
        transport: httpx.BaseTransport | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        """Build the pool.

        ``cut_answers`` reads no further than ``max_answer_bytes`` and takes what is there: for
        peers whose status is all we ask for. ``verify`` pins an own trust store; there is no way to
        switch verification off. ``route`` chooses the address of every connection; the certificate
        is still that of the name. ``transport`` replaces the network in tests.
        """
        limits = timeouts or Timeouts()
        self._max_bytes = max_answer_bytes
        self._cut = cut_answers
        self._monotonic = monotonic
        self._client = httpx.Client(
            transport=transport or _DeadlineTransport(verify, monotonic, route),
            timeout=httpx.Timeout(
                connect=limits.connect, read=limits.read, write=limits.write, pool=limits.pool
            ),
            follow_redirects=False,
            trust_env=False,
        )

    def exchange(
        self,
        method: str,
        url: str,
        *,
        deadline_seconds: float,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
    ) -> HttpAnswer:
        """Send one request and read the whole answer, whatever its status; never repeats.

        Units: ``deadline_seconds`` bounds the call from now to the last byte.
        Raises: TransientGatewayError("http.unreachable" | "http.request_refused" | "http.no_time" |
        "http.address_refused") when nothing was sent; UnknownOutcomeError("http.timeout" |
        "http.connection_lost" | "http.unreadable_answer" | "http.answer_too_large") otherwise, or
        TransientGatewayError with that code when the caller declares the request ``idempotent``.
        """
        if deadline_seconds <= 0:
            raise TransientGatewayError("http.no_time", "no time is left for the call")
        deadline = self._monotonic() + deadline_seconds
        try:
            request = self._client.build_request(
                method,
                url,
                content=content,
                headers={"accept-encoding": "gzip, deflate", **(headers or {})},
                extensions={_DEADLINE: deadline, "timeout": self._client.timeout.as_dict()},
            )
            # Cookies a peer sets must not reach the next call, which may be another tenant's.
            self._client.cookies.clear()
            response = self._client.send(request, stream=True)
            try:
                body = self._read(response, deadline)
            finally:
                response.close()
                self._client.cookies.clear()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError) as err:
            _raise(failure_of(err), type(err).__name__, idempotent=idempotent)
        except _TooLargeError:
            _raise(TOO_LARGE, "over the limit", idempotent=idempotent)
        except RouteRefusedError as err:
            _raise(ADDRESS_REFUSED, str(err), idempotent=idempotent)
        return HttpAnswer(
            response.status_code,
            MappingProxyType({name.lower(): value for name, value in response.headers.items()}),
            body,
        )

    def close(self) -> None:
        """Close the pool."""
        self._client.close()

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        if response.is_stream_consumed:  # a transport of a test that answers from memory
            if len(response.content) > self._max_bytes and not self._cut:
                raise _TooLargeError
            return response.content[: self._max_bytes]
        unpack = _unpacker(response.headers.get("content-encoding", ""), self._max_bytes)
        parts: list[bytes] = []
        wire = size = 0
        for chunk in response.iter_raw():
            wire += len(chunk)
            if wire > self._max_bytes and not self._cut:
                raise _TooLargeError
            for part in unpack(chunk):
                size += len(part)
                parts.append(part)
                if size > self._max_bytes and not self._cut:
                    raise _TooLargeError
            if self._cut and max(wire, size) >= self._max_bytes:
                break
            if self._monotonic() > deadline:
                raise httpx.ReadTimeout("deadline")
        return b"".join(parts)[: self._max_bytes]


_DEADLINE: Final = "kopru.deadline"
_WRITE_PIECE: Final = 65_536


class _TooLargeError(Exception):
    """The answer exceeds the limit."""


def _raise(failure: Failure, detail: str, *, idempotent: bool) -> NoReturn:
    """Raise ours, without the library's exception: its text may quote bodies and addresses."""
    if failure.not_sent:
        raise TransientGatewayError(
            failure.code, "the third party could not be reached", detail=detail
        ) from None
    if idempotent:
        raise TransientGatewayError(
            failure.code, "the third party did not answer the question", detail=detail
        ) from None
    raise UnknownOutcomeError(
        failure.code, "the third party may have acted; its answer was lost", detail=detail
    ) from None


Unpack = Callable[[bytes], Iterator[bytes]]


def _unpacker(encoding: str, limit: int) -> Unpack:
    """Incremental decoder that never holds more than one bounded piece of unpacked data."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda chunk: iter((chunk,))
    if name not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError("content encoding we did not ask for")
    state = zlib.decompressobj(wbits=47 if name != "deflate" else 15)

    def unpack(chunk: bytes) -> Iterator[bytes]:
        data = chunk
        while data:
            try:
                part = state.decompress(data, min(limit + 1, 65_536))
            except zlib.error:
                raise httpx.DecodingError("broken compression") from None
            data = state.unconsumed_tail
            if part:
                yield part
            if state.eof:
                return

    return unpack


class _DeadlineTransport(httpx.BaseTransport):
    """httpx transport whose sockets know the deadline of the call they serve."""

    def __init__(
        self, verify: ssl.SSLContext | None, monotonic: Monotonic, route: Route | None
    ) -> None:
        self._backend = _DeadlineBackend(monotonic, route)
        # A pool without proxies and without HTTP/2; retries would be a second, hidden send.
        self._pool = httpcore.ConnectionPool(
            ssl_context=verify or httpx.create_ssl_context(trust_env=False),
            max_connections=10,
            max_keepalive_connections=10,
            keepalive_expiry=5.0,
            http1=True,
            http2=False,
            retries=0,
            network_backend=self._backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Run one request under its deadline."""
        self._backend.until(request.extensions.get(_DEADLINE))
        with _Translated():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        assert isinstance(response.stream, Iterable)  # noqa: S101  (httpcore's own contract)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """Body of an answer with httpcore's exceptions translated."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _Translated():
            yield from self._stream

    def close(self) -> None:
        """Give the connection back or drop it."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


_TRANSLATED: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.TimeoutException, httpx.TimeoutException),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.NetworkError, httpx.NetworkError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.ProtocolError, httpx.ProtocolError),
    (httpcore.ProxyError, httpx.ProxyError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
)


class _Translated:
    """Turn httpcore's exceptions into httpx's, most specific first."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        for theirs, ours in _TRANSLATED:
            if isinstance(error, theirs):
                raise ours(type(error).__name__) from None


class _DeadlineBackend(httpcore.NetworkBackend):
    """Opens sockets whose every wait ends at the deadline of the running call."""

    def __init__(self, monotonic: Monotonic, route: Route | None) -> None:
        self._backend = httpcore.SyncBackend()
        self._monotonic = monotonic
        self._route = route
        self._call = threading.local()

    def until(self, deadline: float | None) -> None:
        """Set the deadline of the call this thread runs."""
        self._call.deadline = deadline

    def left(self, timeout: float | None) -> float | None:
        """The wait that is still allowed; zero or less means none."""
        deadline: float | None = getattr(self._call, "deadline", None)
        if deadline is None:
            return timeout
        left = deadline - self._monotonic()
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within the deadline, to the address the route gives."""
        if self._route is not None:
            host = self._route(host, port)
        left = self.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ConnectTimeout("deadline")
        stream = self._backend.connect_tcp(host, port, left, local_address, socket_options)
        return _DeadlineStream(stream, self)


class _DeadlineStream(httpcore.NetworkStream):
    """A socket that belongs to whatever call currently uses it."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within the deadline."""
        left = self._backend.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within the deadline, in pieces, because each piece waits anew."""
        for start in range(0, len(buffer), _WRITE_PIECE):
            left = self._backend.left(timeout)
            if left is not None and left <= 0:
                raise httpcore.WriteTimeout("deadline")
            self._stream.write(buffer[start : start + _WRITE_PIECE], left)

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Negotiate TLS within the deadline."""
        left = self._backend.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ConnectTimeout("deadline")
        return _DeadlineStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._backend
        )

    def get_extra_info(self, info: str) -> Any:
        """Facts about the socket."""
        return self._stream.get_extra_info(info)
