"""What the store remembers about an entity beside its content: version, chain head and times."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Stamp:
    """Opaque to the rules; the store uses it to refuse writes based on a stale read.

    Units: ``created_at`` and ``updated_at`` are RFC 3339 instants in UTC. ``version`` 0 is "not
    stored yet".
    """

    version: int = 0
    audit_hash: str = ""
    created_at: str = ""
    updated_at: str = ""


NEW: Final = Stamp()
