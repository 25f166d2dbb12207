"""The door to all insurers: picks dialect, settings and address by provider code.

Addresses come from the deployment, never from a WSDL or a tenant (security.md S32). Dialects,
and with them httpx, lxml and zeep, are imported when an insurer is first called: functions that
never call one do not pay for it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.dialect import DialectClient, MemberAnswer, Target
from pensions.domain.outcome import NotSent, NotSentReason, Outcome, TransmissionKind
from pensions.domain.provider import Capability, Dialect
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import (
    CollectionLine,
    Connection,
    CredentialCheck,
    EnrolmentLine,
    MemberRef,
)

if TYPE_CHECKING:
    from toolkit.http.client import HttpClient
    from toolkit.soap.audit import AuditSink


class InsurerRegistry:
    """Implements ``InsurerGateway`` for every insurer of the catalogue."""

    def __init__(
        self,
        endpoints: Mapping[str, str],
        audit: "AuditSink",
        *,
        http: "Callable[[], HttpClient] | None" = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``endpoints`` maps provider codes to addresses; ``http`` makes the client in tests.

        Raises: ValueError for an address that would carry passwords in clear over a network.
        """
        for code, address in endpoints.items():
            if not _is_safe(address):
                raise ValueError(f"the address of {code} is neither https nor this machine")
        self._endpoints = dict(endpoints)
        self._audit = audit
        self._make_http = http or _default_http
        self._monotonic = monotonic
        self._http: HttpClient | None = None
        self._dialects: dict[Dialect, DialectClient] = {}

    def check_credentials(
        self, connection: Connection, *, deadline_seconds: float
    ) -> CredentialCheck:
        """See ``InsurerGateway``."""
        target = self._target(connection)
        if target is None:
            return CredentialCheck(ok=False, code="no_endpoint", message_code="no_endpoint")
        return self._dialect(target).check_credentials(target, deadline_seconds=deadline_seconds)

    def enrol(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        target = self._ready(connection, Capability.ENROL, lines)
        if isinstance(target, NotSent):
            return target
        return self._dialect(target).enrol(
            target, reference, lines, deadline_seconds=deadline_seconds
        )

    def collect(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        target = self._ready(connection, Capability.COLLECT, lines)
        if isinstance(target, NotSent):
            return target
        return self._dialect(target).collect(
            target, reference, lines, deadline_seconds=deadline_seconds
        )

    def query(
        self,
        connection: Connection,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        target = self._ready(connection, Capability.STATUS, lines)
        if isinstance(target, NotSent):
            return target
        return self._dialect(target).query(
            target, reference, kind, lines, deadline_seconds=deadline_seconds
        )

    def member_statuses(
        self, connection: Connection, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> MemberAnswer:
        """See ``InsurerGateway``."""
        if not members:
            return ()
        target = self._target(connection)
        if target is None:
            return NotSent(NotSentReason.NO_ENDPOINT)
        provider = PROVIDERS[connection.provider_code]
        if not provider.can(Capability.STATUS):
            return NotSent(NotSentReason.CAPABILITY_MISSING)
        if len(members) > provider.member_batch:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        return self._dialect(target).member_statuses(
            target, members, deadline_seconds=deadline_seconds
        )

    def _ready(
        self,
        connection: Connection,
        capability: Capability,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
    ) -> Target | NotSent:
        """The target, or why nothing may be sent to it."""
        target = self._target(connection)
        if target is None:
            return NotSent(NotSentReason.NO_ENDPOINT)
        provider = PROVIDERS[connection.provider_code]
        if not provider.can(capability):
            return NotSent(NotSentReason.CAPABILITY_MISSING)
        keys = {line.line_key for line in lines}
        if not 1 <= len(lines) <= provider.batch_size or len(keys) != len(lines):
            return NotSent(NotSentReason.REQUEST_REFUSED)
        return target

    def _target(self, connection: Connection) -> Target | None:
        config = CONFIGS.get(connection.provider_code)
        address = self._endpoints.get(connection.provider_code)
        if config is None or not address:
            return None
        return Target(config, address, connection)

    def _dialect(self, target: Target) -> DialectClient:
        dialect = target.config.dialect
        if dialect not in self._dialects:
            if self._http is None:
                self._http = self._make_http()
            self._dialects[dialect] = self._client(dialect, self._http)
        return self._dialects[dialect]

    def _client(self, dialect: Dialect, http: "HttpClient") -> DialectClient:
        if dialect is Dialect.USERNAMETOKEN_BATCH:
            from pensions.adapters.insurers.usernametoken_batch.client import (
                UsernameTokenBatchClient,
            )

            return UsernameTokenBatchClient(http, self._audit)
        if dialect is Dialect.SESSION_SINGLE:
            from pensions.adapters.insurers.session_single.client import SessionSingleClient

            return SessionSingleClient(http, self._audit, monotonic=self._monotonic)
        from pensions.adapters.insurers.period_async.client import PeriodAsyncClient

        return PeriodAsyncClient(http, self._audit)


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


@cache
def _default_http() -> "HttpClient":
    """One pool for the process: it holds no credential, no cookie and no tenant."""
    from toolkit.http.client import HttpClient

    return HttpClient()
