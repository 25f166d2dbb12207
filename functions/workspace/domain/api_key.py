"""API keys: 256 random bits, shown once, stored as a hash, with scopes and an end."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import ForbiddenError, Problem
from kernel.stamp import NEW, Stamp
from workspace.domain.problems import invalid

LIVE: Final = "kopru_live_"
TEST: Final = "kopru_test_"
_SHAPE: Final = re.compile(r"kopru_(?:live|test)_[A-Za-z0-9_-]{43}")
_SCOPE: Final = re.compile(r"[a-z_]+:(?:[a-z_]+|\*):(?:[a-z_]+|\*)")
_MAX_SCOPES: Final = 50
VISIBLE_CHARACTERS: Final = 16


class ApiKeyState(StrEnum):
    """Whether the key opens anything."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Units: ``expires_on`` is the last day on which it works, UTC; None is without end.
    Shapes: ``hint`` is the beginning of the secret, to recognise it by. ``roles`` are set for keys
    of the operator only; a company's keys have scopes.
    """

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...] = ()
    expires_on: date | None = None
    state: ApiKeyState = ApiKeyState.ACTIVE
    created_by: str = ""
    last_used_at: str = ""
    stamp: Stamp = NEW

    def works_on(self, today: date) -> bool:
        """Whether the key opens anything on ``today`` (UTC)."""
        in_time = self.expires_on is None or today <= self.expires_on
        return self.state is ApiKeyState.ACTIVE and in_time


def secret_of(token: str, *, live: bool) -> str:
    """The key as its holder sees it, once."""
    return f"{LIVE if live else TEST}{token}"


def looks_like_key(text: str) -> bool:
    """Whether a text has the shape of a key; nothing is looked up for one that has not."""
    return _SHAPE.fullmatch(text) is not None


def check_scopes(
    scopes: Iterable[str], issuer_may: Callable[[str], bool], pointer: str = "/scopes"
) -> tuple[str, ...]:
    """Scopes in order, each once; nobody passes on more than they hold.

    Raises: ValidationError("invalid_input"), ForbiddenError("scope_exceeds_own").
    """
    wanted = tuple(dict.fromkeys(scopes))
    if not wanted or len(wanted) > _MAX_SCOPES:
        raise invalid(Problem(pointer, "scope_required", "Give 1 to 50 scopes."))
    problems = [
        Problem(f"{pointer}/{number}", "scope_shape", "A scope reads context:resource:action.")
        for number, scope in enumerate(wanted)
        if _SCOPE.fullmatch(scope) is None
    ]
    if problems:
        raise invalid(*problems)
    if not all(issuer_may(scope) for scope in wanted):
        raise ForbiddenError("scope_exceeds_own", "A key cannot do more than its issuer.")
    return wanted
