"""All rules, versions and parameters that one tenant can decide with, shipped and own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from kernel.errors import NotFoundError
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.parameters import Parameter, Parameters
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.versions import TableVersion


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a source document: its words, and the table that holds it.

    Several rules may share a table (R22 to R24 are one).
    """

    no: int
    key: str
    table: str
    title: Mapping[str, str]
    quote: str
    source: str


@dataclass(frozen=True)
class Catalogue:
    """Rules by key, versions by table, parameters by key."""

    rules: Mapping[str, Rule]
    versions: Mapping[str, tuple[TableVersion, ...]]
    parameters: Parameters

    @classmethod
    def of(
        cls,
        rules: Iterable[Rule],
        versions: Iterable[TableVersion],
        parameters: Iterable[Parameter],
    ) -> Catalogue:
        """The same, grouped."""
        grouped: dict[str, list[TableVersion]] = {}
        for version in versions:
            grouped.setdefault(version.key, []).append(version)
        ordered = sorted(rules, key=lambda rule: rule.no)
        return cls(
            {rule.key: rule for rule in ordered},
            {key: tuple(group) for key, group in grouped.items()},
            Parameters.of(parameters),
        )

    def plus(
        self, versions: Iterable[TableVersion] = (), parameters: Iterable[Parameter] = ()
    ) -> Catalogue:
        """This and what a company added."""
        grown = dict(self.versions)
        for version in versions:
            grown[version.key] = (*grown.get(version.key, ()), version)
        return replace(self, versions=grown, parameters=self.parameters.plus(parameters))

    def table_of(self, key: str) -> str:
        """Key of the table that holds a rule; a table's own key is itself."""
        rule = self.rules.get(key)
        return rule.table if rule is not None else key

    def version(self, key: str, scopes: Scopes, valid_on: date, known_on: datetime) -> TableVersion:
        """The version of a rule's table in force.

        Raises: NotFoundError("rule_unknown") for a key nobody knows;
        NotFoundError("no_version") when none is in force on the date.
        """
        versions = self.versions.get(self.table_of(key))
        if versions is None:
            raise NotFoundError("rule_unknown", "There is no such rule.")
        decided = [version for version in versions if version.decides]
        found = in_force(decided, scopes.chain, valid_on, known_on)
        if found is None:
            raise NotFoundError("no_version", "No version of this rule is in force on that date.")
        return found
