"""Store and test the web-service credentials of a contract (PEN-03): write-only, versioned,
tested.
"""

from dataclasses import replace
from typing import Final

from kernel.errors import ConflictError
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from pensions.application.attention import clear, topic
from pensions.application.context import Scope, provider_of
from pensions.domain.contract import (
    Contract,
    Credentials,
    CredentialsState,
    CredentialTest,
    mask_username,
)
from pensions.ports import Connection, CredentialCheck, InsurerGateway, PensionsUnit

_TRIES: Final = 3


class StoreCredentials:
    """Seal a new version of the credentials; what was held because of the old ones is released."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract_id: str, username: str, password: Secret) -> None:
        before = self._scope.store.contract(contract_id)
        version = before.credentials.version + 1
        credentials = Credentials(
            version=version,
            state=CredentialsState.UNTESTED,
            username_masked=mask_username(username),
            updated_at=self._scope.clock.now().isoformat().replace("+00:00", "Z"),
        )
        unit = self._scope.store.unit()
        unit.store_credentials(contract_id, version, username, password)
        unit.save_contract(
            before,
            replace(before, credentials=credentials),
            "contract.credentials_stored",
            {"version": version},
        )
        if before.credentials.state is CredentialsState.INVALID:
            clear(unit, contract_id, topic("credentials", contract_id))
        unit.enqueue("prepare", {"release_contract_id": contract_id})
        unit.commit()


class TestCredentials:
    """Log in once with the stored credentials and remember what came of it."""

    __test__ = False  # pytest must not collect this class

    def __init__(self, scope: Scope, gateway: InsurerGateway) -> None:
        self._scope = scope
        self._gateway = gateway

    def __call__(self, contract_id: str, *, deadline_seconds: float) -> CredentialCheck:
        """Raises: ConflictError("credentials_missing" | "credentials_invalid").

        A version that the insurer refused is not tried again: one more wrong log-in may lock the
        account.
        """
        store = self._scope.store
        before = store.contract(contract_id)
        if before.credentials.state is CredentialsState.MISSING:
            raise ConflictError("credentials_missing", "Enter the credentials first.")
        if before.credentials.state is CredentialsState.INVALID:
            raise ConflictError(
                "credentials_invalid",
                "The insurer refused these credentials; enter the new ones before testing.",
            )
        check = self._gateway.check_credentials(
            connection(self._scope, before), deadline_seconds=deadline_seconds
        )
        now = self._scope.clock.now().isoformat().replace("+00:00", "Z")
        state: CredentialsState = before.credentials.state
        if check.ok:
            state = CredentialsState.VALID
        elif check.refused:
            state = CredentialsState.INVALID
        after = replace(
            before,
            credentials=replace(
                before.credentials,
                state=state,
                last_test=CredentialTest(now, check.ok, "" if check.ok else check.code),
            ),
        )
        unit = store.unit()
        unit.save_contract(
            before, after, "contract.credentials_tested", {"ok": check.ok, "code": check.code}
        )
        if state is CredentialsState.INVALID:
            announce_refused(unit, before, check.code)
        unit.commit()
        return check


def connection(scope: Scope, contract: Contract) -> Connection:
    """How to reach the insurer of a contract, loaded for one call."""
    username, password = scope.store.credentials(contract)
    provider_of(contract)
    return Connection(
        provider_code=contract.provider_code,
        contract_no=contract.contract_no,
        contract_code=contract.contract_code,
        username=username,
        password=password,
    )


def announce_refused(unit: PensionsUnit, contract: Contract, code: str) -> None:
    """Tell the tenant once that the insurer refused this version of the credentials."""
    unit.publish(
        "pensions.CredentialsRefused.v1",
        f"contract:{contract.id}",
        {"contract_id": contract.id, "provider_code": contract.provider_code, "code": code},
    )
    unit.publish(
        "pensions.AttentionRaised.v1",
        f"contract:{contract.id}",
        {
            "key": f"credentials:{contract.id}",
            "subject": f"contract:{contract.id}",
            "code": "credentials_refused",
            "severity": "high",
            "contract_id": contract.id,
        },
    )


def refuse_credentials(scope: Scope, contract: Contract, code: str) -> None:
    """Mark the used version as refused, once; somebody newer or quicker wins.

    Raises: ConflictError when others keep changing the contract.
    """
    for _ in range(_TRIES):
        try:
            _refuse(scope, contract, code)
        except WriteRefusedError:
            continue  # the contract was changed meanwhile: look again
        return
    raise ConflictError("too_much_contention", "Others changed the same data; try again.")


def _refuse(scope: Scope, contract: Contract, code: str) -> None:
    fresh = scope.store.contract(contract.id)
    same = fresh.credentials.version == contract.credentials.version
    if not same or fresh.credentials.state is CredentialsState.INVALID:
        return
    after = replace(
        fresh,
        credentials=replace(
            fresh.credentials,
            state=CredentialsState.INVALID,
            last_test=CredentialTest(
                scope.clock.now().isoformat().replace("+00:00", "Z"), False, code
            ),
        ),
    )
    unit = scope.store.unit()
    unit.save_contract(fresh, after, "contract.credentials_refused", {"code": code})
    announce_refused(unit, fresh, code)
    unit.commit()
