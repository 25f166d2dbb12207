"""Dated parameters a company sets itself, beside what the product knows."""

from collections.abc import Sequence

from kernel.errors import PreconditionFailedError
from kernel.storing import WriteRefusedError
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
        stale = PreconditionFailedError("stale_version", "Somebody changed this; read it again.")
        if before.stamp.version != version:
            raise stale
        unit = self._scope.store.unit()
        saved = unit.save_parameters(before, OwnRows(tuple(rows), before.stamp))
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise stale from error
        return saved
