"""How simulated insurers write and read: one module per dialect, nothing shared with adapters."""

from __future__ import annotations

from typing import Final, Protocol

from lxml import etree

from infra.local.simulators.insurers.dialects import batch, period, session
from infra.local.simulators.insurers.messages import Command, Result
from infra.local.simulators.insurers.soap import Request


class DialectModule(Protocol):
    """What a dialect module offers."""

    NAMESPACE: str
    ENVELOPE: str

    def read(self, request: Request) -> Command:
        """The request in the simulator's own words."""
        ...

    def write(self, prefix: str, command: Command, result: Result) -> etree._Element:
        """The answer; ``prefix`` stands before every code of the insurer."""
        ...

    def refuse(
        self, prefix: str, command: Command | None, reason: str
    ) -> tuple[int, etree._Element]:
        """HTTP status and content of a refusal of the whole request."""
        ...


DIALECTS: Final[dict[str, DialectModule]] = {
    "usernametoken_batch": batch,
    "session_single": session,
    "period_async": period,
}
"""Dialect modules by name."""
