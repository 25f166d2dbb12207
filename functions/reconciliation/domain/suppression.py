"""An address to which nothing is sent, because it bounced for good or complained (REC-07)."""

from dataclasses import dataclass

from kernel.sensitive import Email


@dataclass(frozen=True, slots=True)
class Suppression:
    """Shapes: ``reason`` is what the mail service reported, ``bounced`` or ``complained``; ``at``
    is when.
    """

    email: Email
    reason: str
    at: str
