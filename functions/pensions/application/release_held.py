"""Release what was held for a reason that is gone, and send it again (new credentials, solved
incident).
"""

from collections.abc import Collection
from typing import Final

from pensions.application.context import Scope
from pensions.application.submissions import ENROLMENT_SUBMISSION, start_job
from pensions.domain.contract import ContractState
from pensions.domain.employee import EmployeeStatus
from pensions.domain.outcome import TransmissionKind

CREDENTIAL_REASONS: Final = frozenset(
    {
        "auth_failed",
        "credentials_locked",
        "contract_credentials_invalid",
        "contract_credentials_missing",
        "secret_unavailable",
    }
)


class ReleaseHeld:
    """Start one submission of the HELD people of a contract; it binds them as they are.

    Nothing else is written, so that a process that dies here has either released nobody or
    everybody.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, contract_id: str, reasons: Collection[str] | None = CREDENTIAL_REASONS
    ) -> int:
        """Number of people it is about: those held for ``reasons``, or with None for any.

        What an insurer refused for a reason that an operator must solve is not released by new
        credentials.
        """
        store = self._scope.store
        contract = store.contract(contract_id)
        if contract.state(self._scope.today()) is not ContractState.READY:
            return 0
        held = sum(
            person.status is EmployeeStatus.HELD and (reasons is None or person.reason in reasons)
            for person in store.employees(contract_id)
        )
        if held:
            start_job(
                self._scope,
                None,
                kind=ENROLMENT_SUBMISSION,
                contract_id=contract_id,
                private={
                    "purpose": TransmissionKind.ENROLMENT.value,
                    "contract_id": contract_id,
                    "held": True,
                    "reasons": sorted(reasons) if reasons is not None else None,
                },
            )
        return held
