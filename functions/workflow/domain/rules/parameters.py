"""Dated parameters: numbers and lists that the law or the company changes, without new software."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kernel.business_days import Calendar
from kernel.errors import RuleViolationError
from kernel.stamp import NEW, Stamp
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.scope import DEFAULT, Scopes


class MissingParameterError(RuleViolationError):
    """No value is in force for this parameter, date and place: an error, never zero."""

    def __init__(self, key: str, on: date) -> None:
        text = f"PARAMETER_MISSING({key}): no value is in force on {on.isoformat()}."
        super().__init__("PARAMETER_MISSING", text)
        self.key = key


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of one parameter for a scope and a time.

    Shapes: ``value`` is JSON: text (also for decimals), int, bool or a list of them. ``mark`` says
    how sure the value is (SOURCE, CONFIRMED, UNVERIFIED, DESIGN), ``legal_ref`` where it stands,
    ``verified_by`` and ``verified_at`` who compared it with that, and when.
    """

    id: str
    key: str
    value: Any
    valid_from: date
    recorded_at: datetime
    scope: str = DEFAULT
    valid_to: date | None = None
    retired_at: datetime | None = None
    legal_ref: str = ""
    verified_by: str = ""
    verified_at: date | None = None
    mark: str = ""
    author: str = ""
    stamp: Stamp = NEW

    def trace(self) -> dict[str, Any]:
        """What a decision remembers of the value it used."""
        return {
            "key": self.key,
            "id": self.id,
            "scope": self.scope,
            "value": self.value,
            "valid_from": self.valid_from.isoformat(),
            "legal_ref": self.legal_ref,
        }


@dataclass(frozen=True)
class Parameters:
    """All known versions of all parameters, shipped and own."""

    by_key: Mapping[str, Sequence[Parameter]] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: Iterable[Parameter]) -> Parameters:
        """The same, grouped."""
        grouped: dict[str, list[Parameter]] = {}
        for parameter in parameters:
            grouped.setdefault(parameter.key, []).append(parameter)
        return cls(grouped)

    def plus(self, parameters: Iterable[Parameter]) -> Parameters:
        """These and more."""
        parameters = list(parameters)
        if not parameters:  # what most decisions ask
            return self
        mine = [parameter for versions in self.by_key.values() for parameter in versions]
        return Parameters.of([*mine, *parameters])

    def at(self, key: str, chain: Sequence[str], on: date, known_on: datetime) -> Parameter:
        """The version in force. Raises: MissingParameterError."""
        found = in_force(self.by_key.get(key, ()), chain, on, known_on)
        if found is None:
            raise MissingParameterError(key, on)
        return found

    def changes(self, key: str) -> set[date]:
        """Dates on which a parameter may change, whatever the scope."""
        versions = self.by_key.get(key, ())
        ends = {version.valid_to for version in versions if version.valid_to is not None}
        return {version.valid_from for version in versions} | ends

    def keys_of(self, key: str) -> list[str]:
        """The key itself or the members of its groups (``key[…]``) that exist."""
        return [known for known in self.by_key if known == key or known.startswith(f"{key}[")]


@dataclass
class World:
    """Everything beside the facts that a decision depends on, and what of it was used.

    Units: ``valid_on`` is the business date, ``known_on`` the instant whose knowledge counts.
    """

    parameters: Parameters
    valid_on: date
    known_on: datetime
    calendar: Calendar
    scopes: Scopes = field(default_factory=Scopes)
    used: dict[tuple[str, str], Parameter] = field(default_factory=dict)

    def parameter(self, key: str, on: date | None = None) -> Any:
        """The value in force on a date (of the decision, unless another is named)."""
        day = on or self.valid_on
        found = self.parameters.at(key, self.scopes.chain, day, self.known_on)
        self.used[key, found.id] = found
        return found.value

    def changes(self, key: str, after: date, until: date) -> list[date]:
        """Dates in ``(after, until]`` on which the parameter may change, in order."""
        return sorted(day for day in self.parameters.changes(key) if after < day <= until)

    def on(self, day: date) -> World:
        """The same world on another date, with its own list of what is used."""
        return World(self.parameters, day, self.known_on, self.calendar, self.scopes)
