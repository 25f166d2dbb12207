"""The envelope of every published event, CloudEvents-like, equal on the bus, in the outbox and out.

``type`` is at once the schema's file name and the detail type on the bus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from kernel.errors import ValidationError

_TYPE: Final = re.compile(r"([a-z][a-z_]*)\.[A-Z][A-Za-z0-9]*\.v[1-9][0-9]*")
_MEMBERS: Final = frozenset({"id", "type", "source", "time", "tenant_id", "subject", "data"})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told to others.

    Shapes: ``type`` = ``<context>.<PastTense>.v<n>``, ``source`` = ``kopru.<context>``,
    ``subject`` = ``<kind>:<id>``, ``time`` aware, ``data`` JSON values only (ids, states, codes,
    amounts as API text), no personal data.
    Raises: ValidationError("event.type" | "event.source" | "event.time").
    """

    id: str
    type: str
    source: str
    time: datetime
    tenant_id: str
    subject: str
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        match = _TYPE.fullmatch(self.type)
        if match is None:
            raise ValidationError("event.type", "an event type reads context.PastTense.v1")
        if self.source != f"kopru.{match[1]}":
            raise ValidationError("event.source", "the source of an event is its own context")
        if self.time.tzinfo is None:
            raise ValidationError("event.time", "the time of an event has an offset")

    @property
    def context(self) -> str:
        """The bounded context that published it."""
        return self.type.partition(".")[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON members of the envelope; ``time`` is RFC 3339 in UTC."""
        return {
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "tenant_id": self.tenant_id,
            "subject": self.subject,
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The envelope read back; members that a newer version added are ignored.

        Raises: ValidationError("event.envelope") when a member is missing or of a wrong type.
        """
        texts = {name: value.get(name) for name in _MEMBERS - {"data"}}
        data = value.get("data")
        if not isinstance(data, Mapping) or not all(isinstance(t, str) for t in texts.values()):
            raise ValidationError("event.envelope", "the event envelope is not complete")
        try:
            time = datetime.fromisoformat(str(texts["time"]))
        except ValueError:
            raise ValidationError("event.time", "the time of an event is an instant") from None
        return cls(
            id=str(texts["id"]),
            type=str(texts["type"]),
            source=str(texts["source"]),
            time=time,
            tenant_id=str(texts["tenant_id"]),
            subject=str(texts["subject"]),
            data=data,
        )
