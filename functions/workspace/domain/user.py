"""People and the companies they work for.

A person exists once, with one address and one password; a membership says which roles the person
holds in one company (*mandate*). Memberships are dated and revocable at once: they are read with
every request, never remembered in a token.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import ForbiddenError, Problem, RuleViolationError
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp
from kernel.text import clean_person_name
from workspace.domain.problems import invalid, parsed_at

COMPANY_ROLES: Final = ("owner", "accountant", "payroll", "finance", "viewer")
"""Roles a company can give; ``operator`` is not among them."""
THEMES: Final = ("auto", "light", "dark")
OWNER: Final = "owner"
OPERATOR: Final = "operator"


class PersonState(StrEnum):
    """``INVITED`` people have no password yet."""

    INVITED = "invited"
    ACTIVE = "active"


class MembershipState(StrEnum):
    """Whether a membership counts: only ``ACTIVE`` gives roles."""

    INVITED = "invited"
    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Company:
    """A company as its member sees it in a list."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in.

    Shapes: ``session_epoch`` rises when all sessions must end; a session of an older epoch is dead.
    ``companies`` are the companies one may switch to, in the order of joining; the names are for
    display, rights come from the memberships. ``operator`` is who runs the installation: given by
    its installer only, beside whatever companies the person works for.
    """

    id: str
    email: Email
    name: str
    language: str = "tr"
    theme: str = "auto"
    state: PersonState = PersonState.INVITED
    session_epoch: int = 0
    companies: tuple[Company, ...] = ()
    operator: bool = False
    stamp: Stamp = NEW


@dataclass(frozen=True, slots=True)
class Membership:
    """One person in one company.

    Units: ``since`` and ``until`` are the first and the last day on which the mandate counts, both
    inclusive, in the company's zone; None is without a beginning or an end. ``last_seen_at`` is
    the instant of the last sign-in.
    """

    person_id: str
    email: Email
    name: str
    roles: tuple[str, ...]
    language: str = "tr"
    state: MembershipState = MembershipState.INVITED
    since: date | None = None
    until: date | None = None
    last_seen_at: str = ""
    stamp: Stamp = NEW

    def counts_on(self, today: date) -> bool:
        """Whether the membership gives its roles on ``today`` (date in the company's zone)."""
        begun = self.since is None or self.since <= today
        ended = self.until is not None and self.until < today
        return self.state is MembershipState.ACTIVE and begun and not ended

    @property
    def is_lasting_owner(self) -> bool:
        """An owner whose mandate has no end: what a company must keep one of."""
        return OWNER in self.roles and self.until is None


def check_person_name(name: str, pointer: str = "/name") -> str:
    """A person's name in canonical form; raises ValidationError("invalid_input")."""
    return parsed_at(pointer, lambda: clean_person_name(name))


def check_roles(roles: Iterable[str], pointer: str = "/roles") -> tuple[str, ...]:
    """Roles in the order of ``COMPANY_ROLES``, each once.

    Raises: ValidationError("invalid_input") for none or an unknown one.
    """
    wanted = set(roles)
    problems = [
        Problem(pointer, "role_unknown", "Choose roles of the list.")
        for role in sorted(wanted)
        if role not in COMPANY_ROLES
    ]
    if not wanted:
        problems.append(Problem(pointer, "role_required", "Give at least one role."))
    if problems:
        raise invalid(*problems)
    return tuple(role for role in COMPANY_ROLES if role in wanted)


def check_mandate(since: date | None, until: date | None) -> None:
    """A mandate ends no earlier than it begins.

    Raises: ValidationError("invalid_input") naming ``/until``.
    """
    if since is not None and until is not None and until < since:
        raise invalid(Problem("/until", "ends_before_start", "The end is before the start."))


def check_theme(theme: str) -> str:
    """The theme, if it is one; raises ValidationError("invalid_input")."""
    if theme not in THEMES:
        raise invalid(Problem("/theme", "theme_unknown", "Choose auto, light or dark."))
    return theme


def with_company(person: Person, company: Company) -> Person:
    """The person with one more company, or with its new name."""
    names = {known.id: known for known in person.companies} | {company.id: company}
    return replace(person, companies=tuple(names.values()))


def without_company(person: Person, tenant_id: str) -> Person:
    """The person without a company they left."""
    rest = tuple(company for company in person.companies if company.id != tenant_id)
    return replace(person, companies=rest)


def remaining_owner(
    others: Iterable[Membership], after: Membership | None, today: date
) -> Membership:
    """The owner a company keeps: ``others`` are the remaining members, ``after`` the changed one.

    An owner whose mandate ends would leave the company without one on that day, unnoticed; so it
    is one without an end. Raises: RuleViolationError("last_owner").
    """
    for member in (*([after] if after else []), *others):
        if member.is_lasting_owner and member.counts_on(today):
            return member
    raise RuleViolationError("last_owner", "A company keeps at least one active owner.")


def refuse_self(actor_person_id: str, person_id: str) -> None:
    """Nobody changes the own roles.

    Raises: ForbiddenError("own_roles").
    """
    if actor_person_id == person_id:
        raise ForbiddenError("own_roles", "Another owner must change your own roles.")
