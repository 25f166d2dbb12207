"""Scopes: for whom a version counts, from one subscriber up to everybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kernel.errors import ParseError

DEFAULT: Final = "default"
"""Shipped with the product; a company cannot change it, only say something closer."""
COMPANY: Final = "company"
_NAMED: Final = re.compile(r"(?:subscriber|group|region):[A-Za-z0-9_.\-]{1,64}")


def read_scope(value: object) -> str:
    """A scope a company may write: ``company``, ``region:R1``, ``group:G`` or ``subscriber:S``.

    Raises: ParseError("SCOPE").
    """
    if value == COMPANY or (isinstance(value, str) and _NAMED.fullmatch(value)):
        return str(value)
    raise ParseError("SCOPE", "A scope is company, region:…, group:… or subscriber:….")


@dataclass(frozen=True, slots=True)
class Scopes:
    """The place of one subject: which versions count for it."""

    subscriber: str = ""
    group: str = ""
    region: str = ""

    @property
    def chain(self) -> tuple[str, ...]:
        """Scopes, most specific first: subscriber, group, region, company, default."""
        named = (("subscriber", self.subscriber), ("group", self.group), ("region", self.region))
        return (*(f"{kind}:{name}" for kind, name in named if name), COMPANY, DEFAULT)

    @classmethod
    def around(cls, scope: str) -> Scopes:
        """The place in which a version of ``scope`` counts first."""
        kind, _, name = scope.partition(":")
        return cls(**{kind: name}) if name else cls()

    def to_dict(self) -> dict[str, str]:
        """What was named."""
        return {
            name: value
            for name in ("subscriber", "group", "region")
            if (value := getattr(self, name))
        }
