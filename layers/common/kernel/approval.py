"""What waits for an approval: the gate of a context in front of something it must not do yet.

The asking context keeps its own copy of what workflow decided, bound to the hash of exactly the
content that was asked about (I-12): other content is another question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from kernel.events import Event
from kernel.stamp import NEW, Stamp


class GateState(StrEnum):
    """What is known of an approval where it was asked for."""

    ASKED = "asked"
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def opens(self) -> bool:
        """Whether the work may go on."""
        return self is GateState.APPROVED


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that waits. Shapes: ``subject`` is ``<kind>:<id>``; ``request_id`` names the
    question at workflow; ``payload`` is what the context does when it opens.
    """

    id: str
    subject: str
    request_id: str
    content_hash: str
    state: GateState
    approval_id: str = ""
    stage: str = ""
    reason: str = ""
    asked_by: str = ""
    payload: Mapping[str, Any] | None = None
    stamp: Stamp = NEW

    def allows(self, content: Mapping[str, Any]) -> bool:
        """Whether exactly this was approved."""
        return self.state.opens and self.content_hash == content_hash(content)


class GateKeeper(Protocol):
    """Gates and dated settings of one tenant in one context."""

    def setting(self, key: str, day: date) -> Any:
        """The company's value of a parameter in force on a day; None where it has none."""
        ...

    def gate(self, subject: str) -> Gate | None: ...
    def ask(
        self,
        subject: str,
        kind: str,
        *,
        facts: Mapping[str, Any],
        content: Mapping[str, Any],
        payload: Mapping[str, Any] | None = None,
    ) -> Gate:
        """Ask for an approval in one transaction with the gate; the same again is asked once.

        Raises: ConflictError while somebody else asks.
        """
        ...

    def hear_decision(self, event: Event) -> Gate | None:
        """Take what workflow decided, once; the gate it is about, None for a stale one."""
        ...

    def hear_setting(self, event: Event) -> None:
        """Keep a copy of a dated value, once."""
        ...


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: the text that is hashed and signed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical content; what an approval is bound to."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()
