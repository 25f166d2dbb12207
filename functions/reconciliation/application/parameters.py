"""Dated parameters a company sets itself, beside what the product knows."""

from collections.abc import Sequence

from reconciliation.application.context import Scope
from reconciliation.domain.parameters import OwnRows, ParameterRow, check_rows


class SaveParameters:
    """Replace the company's own rows; figures follow at once.

    Raises: ValidationError; PreconditionFailedError when somebody changed them since.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, rows: Sequence[ParameterRow], version: int) -> OwnRows:
        check_rows(rows)
        before = self._scope.store.parameters()
        self._scope.expect(before.stamp.version, version)
        unit = self._scope.store.unit()
        saved = unit.save_parameters(before, OwnRows(tuple(rows), before.stamp))
        self._scope.commit(unit)
        return saved
