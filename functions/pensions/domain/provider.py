"""What we know about an insurer as facts: names in time, what it can do, how it must be handled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

Language = Literal["tr", "el", "en"]


class Capability(StrEnum):
    """What an insurer's web service offers."""

    ENROL = "enrol"
    STATUS = "status"
    COLLECT = "collect"


class CredentialDelivery(StrEnum):
    """How the customer receives the web-service credentials."""

    SMS = "sms"
    EMAIL = "email"
    SCREEN = "screen"


class Dialect(StrEnum):
    """Which way of speaking SOAP an insurer uses; each has one adapter."""

    USERNAMETOKEN_BATCH = "usernametoken_batch"
    """WS-Security header, batches, answers at once, status by reference."""
    SESSION_SINGLE = "session_single"
    """Credentials open a session, one line a call, numeric result codes."""
    PERIOD_ASYNC = "period_async"
    """Batches taken first and numbered later, status by period."""


LIST_SEEN_ON: Final = date(2018, 7, 6)
"""Latest date on the screens of the source document, whose list gives the first names."""


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in the three languages of the product."""

    tr: str
    el: str
    en: str

    def text(self, language: Language) -> str:
        """The text in one language."""
        return {"tr": self.tr, "el": self.el, "en": self.en}[language]


@dataclass(frozen=True, slots=True)
class DatedName:
    """A name and the days on which it was in force; None means that we do not know the day."""

    name: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One insurer.

    Units: ``settle_seconds`` is how long after a call the insurer may still be busy with it, so
    that "not found" proves nothing earlier; ``batch_size`` is lines per call, ``member_batch``
    people per status call, ``max_concurrency`` calls at the same time.
    Shapes: ``echoes_line_keys`` tells whether an answer repeats our key of a line; without it a
    payment is recognised by person and payment day, so one call names such a pair once. ``code``
    never changes; ``names`` are in order of time and start with the name of the source document;
    ``successor_code`` names the company that took the portfolio over.
    """

    code: str
    names: tuple[DatedName, ...]
    dialect: Dialect
    credential_delivery: frozenset[CredentialDelivery]
    credential_help: LocalizedText
    deduplicates: bool
    queries_by_reference: bool
    queries_by_period: bool
    settle_seconds: int
    batch_size: int
    member_batch: int
    max_concurrency: int
    echoes_line_keys: bool
    capabilities: frozenset[Capability] = frozenset(Capability)
    aliases: tuple[str, ...] = ()
    successor_code: str | None = None
    fallback_portal: str | None = None

    @property
    def name(self) -> str:
        """The newest name we know."""
        return self.names[-1].name

    def name_on(self, day: date) -> str:
        """The name in force on ``day``; contracts keep the name of their signing.

        An undated later name counts from the day after the source list was seen, because up to
        then the first name is documented.
        """
        chosen = self.names[0]
        for later in self.names[1:]:
            starts = later.valid_from
            if (day > LIST_SEEN_ON) if starts is None else (day >= starts):
                chosen = later
        return chosen.name

    def can(self, capability: Capability) -> bool:
        """Whether the insurer offers it."""
        return capability in self.capabilities

    @property
    def resend_possible(self) -> bool:
        """Whether a query can ever prove that a transmission did not arrive.

        Without that an unknown outcome goes to a person and is never sent again by itself.
        """
        return self.queries_by_reference
