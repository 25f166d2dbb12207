"""A tenant: one company whose books Köprü connects (*firma*)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kernel.errors import Problem
from kernel.stamp import NEW, Stamp
from kernel.text import clean_company_title
from workspace.domain.problems import invalid, parsed_at

LANGUAGES: Final = ("tr", "el", "en")
DEFAULT_ZONE: Final = "Europe/Istanbul"


class TenantState(StrEnum):
    """Whether the tenant may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One company. Business dates are dates in ``zone``; ``language`` is the one to begin with.

    Shapes: ``second_factor_roles`` are the roles that count only in a session with a second factor.
    """

    id: str
    name: str
    language: str = "tr"
    zone: str = DEFAULT_ZONE
    state: TenantState = TenantState.ACTIVE
    second_factor_roles: tuple[str, ...] = ()
    stamp: Stamp = NEW

    def demands_second_factor(self, roles: Iterable[str]) -> bool:
        """Whether somebody with these roles needs more than a password here."""
        return not set(self.second_factor_roles).isdisjoint(roles)


def check_name(name: str, pointer: str = "/name") -> str:
    """The company's title in canonical form; raises ValidationError("invalid_input")."""
    return parsed_at(pointer, lambda: clean_company_title(name))


def check_language(language: str, pointer: str = "/language") -> str:
    """The language, if the product speaks it.

    Raises: ValidationError("invalid_input") naming ``pointer``.
    """
    if language not in LANGUAGES:
        raise invalid(Problem(pointer, "language_unknown", "Choose tr, el or en."))
    return language


def check_zone(zone: str, pointer: str = "/zone") -> str:
    """The IANA time zone, if it exists.

    Raises: ValidationError("invalid_input") naming ``pointer``.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problem = Problem(pointer, "zone_unknown", "Choose a time zone such as Europe/Istanbul.")
        raise invalid(problem) from None
    return zone


def new_tenant(identity: str, name: str, language: str, zone: str) -> Tenant:
    """A tenant with checked fields; raises ValidationError("invalid_input")."""
    return Tenant(identity, check_name(name), check_language(language), check_zone(zone))
