"""Record a dated value of a parameter: a change of the law without new software (WFL-01)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kernel.errors import Problem, ValidationError
from kernel.storing import CommandIdentity, Remembered
from workflow.application.context import Scope, once
from workflow.domain.rules.gate import check
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.scope import COMPANY, Scopes
from workflow.domain.rules.versions import TableVersion, VersionStatus

PARAMETER_RECORDED: Final = "workflow.ParameterRecorded.v1"
TOLD: Final = frozenset(
    {"approval.limit[pension_remittance]", "approval.required[card_contract_change]"}
)
"""Values that other contexts keep a copy of, because they decide there when to ask."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a user states: the value counts from ``valid_from`` to before ``valid_to``."""

    key: str
    value: Any
    valid_from: date
    valid_to: date | None = None
    scope: str = COMPANY
    legal_ref: str = ""
    verified_by: str = ""
    verified_at: date | None = None


class RecordParameter:
    """Add a value; a correction is a new value for the same dates, and the old one stays known.

    Raises: ValidationError("parameter_breaks_tables") when a table in force would overlap, have a
    gap or could not read the value: a parameter must not undo what the gate of a table holds.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, value: Value, command: CommandIdentity | None = None) -> Parameter:
        return once(
            self._scope.store,
            command,
            lambda first: self._known(str(first.body["parameter_id"])),
            lambda: self._record(value, command),
        )

    def _known(self, parameter_id: str) -> Parameter:
        return next(p for p in self._scope.store.parameters() if p.id == parameter_id)

    def _record(self, value: Value, command: CommandIdentity | None) -> Parameter:
        scope = self._scope
        if value.valid_to is not None and value.valid_to <= value.valid_from:
            problem = Problem("/valid_to", "range", "The value ends before it begins.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        parameter = Parameter(
            id=scope.ids.new(),
            key=value.key,
            value=value.value,
            valid_from=value.valid_from,
            valid_to=value.valid_to,
            recorded_at=scope.clock.now(),
            scope=value.scope,
            legal_ref=value.legal_ref,
            verified_by=value.verified_by,
            verified_at=value.verified_at,
            author=scope.actor,
        )
        problems = list(self._broken(parameter))
        if problems:
            raise ValidationError(
                "parameter_breaks_tables",
                "Tables in force cannot work with this value.",
                problems=problems,
            )
        unit = scope.store.unit()
        unit.add_parameter(parameter)
        if parameter.key in TOLD and parameter.scope == COMPANY:
            unit.publish(
                PARAMETER_RECORDED,
                f"parameter:{parameter.id}",
                {
                    "key": parameter.key,
                    "scope": parameter.scope,
                    "value": parameter.value,
                    "valid_from": parameter.valid_from.isoformat(),
                    "valid_to": parameter.valid_to.isoformat() if parameter.valid_to else None,
                },
            )
        if command is not None:
            unit.remember(command, Remembered(201, {"parameter_id": parameter.id}, {}))
        unit.commit()
        return parameter

    def _broken(self, parameter: Parameter) -> Iterator[Problem]:
        """What each table in force that names the parameter would lose by it."""
        scope = self._scope
        catalogue = scope.shipped.plus(parameters=scope.store.parameters())
        place = (parameter.valid_from, scope.clock.now(), Scopes.around(parameter.scope))
        before = scope.world(catalogue, *place)
        after = scope.world(catalogue, *place, [parameter])
        for version in self._naming(parameter):
            known, found = (check(version.table, world, ()) for world in (before, after))
            told = {problem.message for problem in known.refusals}
            for problem in found.refusals:
                if problem.message not in told:
                    yield Problem("/value", problem.code, f"{version.key}: {problem.message}")
            unread = {(each.row, each.parameter) for each in known.analysis.unbound}
            for each in found.analysis.unbound:
                if "[" in each.parameter and (each.row, each.parameter) not in unread:
                    text = f"{version.key}: the row {each.row} cannot read the value."
                    yield Problem("/value", "TYPE", text)

    def _naming(self, parameter: Parameter) -> Iterator[TableVersion]:
        """Published versions that name the parameter or its group."""
        scope = self._scope
        versions = [version for group in scope.shipped.versions.values() for version in group]
        for table in scope.store.tables():
            versions += scope.store.versions(table)
        names = {parameter.key, parameter.key.partition("[")[0]}
        for version in versions:
            if version.status is VersionStatus.PUBLISHED and any(
                name.key in names for name in version.table.parameters()
            ):
                yield version
