"""Gates of approvals in memory: what a company demands, and what somebody decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from kernel.approval import Gate, GateState, content_hash
from kernel.events import Event


@dataclass
class FakeGates:
    """``GateKeeper`` of one tenant; ``settings`` are in force on every day."""

    settings: dict[str, Any] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)

    def setting(self, key: str, day: date) -> Any:
        return self.settings.get(key)

    def gate(self, subject: str) -> Gate | None:
        return self.gates.get(subject)

    def ask(
        self,
        subject: str,
        kind: str,
        *,
        facts: Mapping[str, Any],
        content: Mapping[str, Any],
        payload: Mapping[str, Any] | None = None,
    ) -> Gate:
        made = Gate(subject, subject, "request", content_hash(content), GateState.ASKED)
        self.gates[subject] = made
        return made

    def decide(self, subject: str, state: GateState) -> None:
        """What workflow would say."""
        self.gates[subject] = replace(self.gates[subject], state=state)

    def hear_decision(self, event: Event) -> Gate | None:
        raise NotImplementedError

    def hear_setting(self, event: Event) -> None:
        raise NotImplementedError
