"""Targets of our webhooks: where, which events, and with which secrets (Standard Webhooks 1.0)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, Problem
from kernel.identifiers import webhook_url
from kernel.stamp import NEW, Stamp
from kernel.text import clean_free_text
from workspace.domain.catalogue import CONTEXTS, EVENT_TYPES, WEBHOOK_TESTED
from workspace.domain.problems import invalid, parsed_at

EVERYTHING: Final = "*"
MAX_ENDPOINTS: Final = 20
"""Targets of one company: each event costs one transaction per target."""
MAX_FILTERS: Final = 50
ROTATION: Final = timedelta(hours=24)
"""How long the old secret signs beside the new one, unless asked otherwise."""
MAX_ROTATION: Final = timedelta(days=7)
_MAX_DESCRIPTION: Final = 120
_LOCAL: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{2,5})?(?:/[!-~]*)?")


class EndpointState(StrEnum):
    """Whether events go there. ``REMOVED`` is what other systems call deleted."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"


class DisabledBy(StrEnum):
    """Why nothing goes to a target."""

    NOBODY = ""
    PERSON = "person"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One target.

    Units: ``secret_version`` counts from 1; until the instant ``rotated_until`` the secret before
    it signs as well. Shapes: ``events`` are filters: a type, ``<context>.*`` or ``*``.
    """

    id: str
    url: str
    events: tuple[str, ...]
    description: str = ""
    state: EndpointState = EndpointState.ENABLED
    disabled_by: DisabledBy = DisabledBy.NOBODY
    secret_version: int = 1
    rotated_until: datetime | None = None
    stamp: Stamp = NEW

    @property
    def enabled(self) -> bool:
        """Whether events go there."""
        return self.state is EndpointState.ENABLED

    def wants(self, event_type: str) -> bool:
        """Whether an event of this type is to be sent there; a test is for the one target that a
        person tries out, whatever others listen to.
        """
        if event_type == WEBHOOK_TESTED:
            return False
        context = event_type.partition(".")[0]
        wanted = {EVERYTHING, f"{context}.*", event_type}
        return self.enabled and not wanted.isdisjoint(self.events)

    def signing_versions(self, now: datetime) -> tuple[int, ...]:
        """Versions of the secret that sign now, the newest first."""
        rotating = self.rotated_until is not None and now < self.rotated_until
        return (
            (self.secret_version, self.secret_version - 1) if rotating else (self.secret_version,)
        )


def check_url(text: str, *, allow_local: bool) -> str:
    """The target in canonical form; ``allow_local`` lets this machine through, by HTTP too.

    Raises: ValidationError("invalid_input") naming ``/url``.
    """
    if allow_local and _LOCAL.fullmatch(text):
        return text
    return parsed_at("/url", lambda: webhook_url.parse(text))


def check_filters(filters: Iterable[str]) -> tuple[str, ...]:
    """Filters in order, each once. Raises: ValidationError naming every wrong one."""
    wanted = tuple(dict.fromkeys(filters))
    if not 1 <= len(wanted) <= MAX_FILTERS:
        raise invalid(Problem("/events", "required", "Choose at least one kind of event."))
    known = {EVERYTHING, *EVENT_TYPES, *(f"{context}.*" for context in CONTEXTS)}
    problems = [
        Problem(f"/events/{number}", "event_unknown", "There is no such event.")
        for number, name in enumerate(wanted)
        if name not in known
    ]
    if problems:
        raise invalid(*problems)
    return wanted


def check_description(text: str) -> str:
    """One line about the target. Raises: ValidationError naming ``/description``."""
    cleaned = parsed_at("/description", lambda: clean_free_text(text, _MAX_DESCRIPTION)).strip()
    if "\n" in cleaned:
        raise invalid(Problem("/description", "one_line", "Write one line."))
    return cleaned


def changed(
    endpoint: Endpoint,
    *,
    url: str | None,
    events: Sequence[str] | None,
    description: str | None,
    enabled: bool | None,
) -> Endpoint:
    """The target with checked new values; None leaves a value as it is."""
    after = replace(
        endpoint,
        url=endpoint.url if url is None else url,
        events=endpoint.events if events is None else tuple(events),
        description=endpoint.description if description is None else description,
    )
    if enabled is None or enabled == endpoint.enabled:
        return after
    if enabled:
        return replace(after, state=EndpointState.ENABLED, disabled_by=DisabledBy.NOBODY)
    return replace(after, state=EndpointState.DISABLED, disabled_by=DisabledBy.PERSON)


def gone(endpoint: Endpoint) -> Endpoint:
    """The target answered 410: nothing goes there until a person switches it on again."""
    return replace(endpoint, state=EndpointState.DISABLED, disabled_by=DisabledBy.GONE)


def removed(endpoint: Endpoint) -> Endpoint:
    """The target is withdrawn for good."""
    return replace(endpoint, state=EndpointState.REMOVED, disabled_by=DisabledBy.PERSON)


def rotated(endpoint: Endpoint, now: datetime, overlap: timedelta) -> Endpoint:
    """The target with a new secret; the old one signs as well for ``overlap``.

    Raises: ConflictError("rotation_running"): a third secret would end the second one too early.
    """
    if endpoint.rotated_until is not None and now < endpoint.rotated_until:
        raise ConflictError("rotation_running", "The secret is being changed already.")
    return replace(
        endpoint,
        secret_version=endpoint.secret_version + 1,
        rotated_until=now + min(max(overlap, timedelta(0)), MAX_ROTATION),
    )
