"""A finished mail, and what is known after it was handed over: the same for every context."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Mail:
    """The same thing said twice: as text and as HTML, in one language."""

    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. Shapes: ``name`` is plain ASCII."""

    name: str
    content_type: str
    content: bytes


class MailResult(StrEnum):
    """How handing a mail over ended; ``UNKNOWN`` is the default reading."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MailOutcome:
    """Result of one hand-over: the service's id when it was taken, a code when it was not."""

    result: MailResult
    provider_id: str = ""
    code: str = ""
