"""The approval of a bank order above a limit: the order is written only once it is given."""

from typing import Final

from kernel.approval import Gate, GateKeeper
from kernel.errors import ConflictError
from kernel.money import Money
from kernel.why import Why
from pensions.application.context import Scope
from pensions.domain.contract import Contract
from pensions.domain.remittance import Remittance
from pensions.domain.sanction import Sanction, content_of, subject_of

LIMIT: Final = "approval.limit[pension_remittance]"
KIND: Final = "pension_remittance"


class CheckSanction:
    """Find out whether an order needs an approval and has it; nothing is written."""

    def __init__(self, scope: Scope, gates: GateKeeper) -> None:
        self._scope = scope
        self._gates = gates

    def __call__(self, contract: Contract, remittance: Remittance) -> Sanction:
        said = self._gates.setting(LIMIT, self._scope.today())
        if said is None or remittance.settled:
            return Sanction(None, needed=False, open=True)
        limit = Money.from_api(str(said), remittance.payable.currency, allow_zero=True)
        params = {"amount": remittance.payable.to_api(), "limit": limit.to_api()}
        if remittance.payable <= limit:
            within = Why("pensions.why.approval_within", params)
            return Sanction(limit, needed=False, open=True, why=(within,))
        gate = self._gates.gate(subject_of(remittance))
        granted = gate is not None and gate.allows(content_of(contract, remittance))
        above = Why("pensions.why.approval_above", params)
        return Sanction(limit, needed=True, open=granted, gate=gate, why=(above,))

    def require(self, contract: Contract, remittance: Remittance) -> None:
        """Raises: ConflictError("approval_missing") until exactly this order is approved."""
        if not self(contract, remittance).open:
            raise ConflictError(
                "approval_missing", "This bank order needs an approval before it can be given."
            )


class AskSanction:
    """Ask for the approval of a bank order; raises ConflictError when none is needed."""

    def __init__(self, check: CheckSanction, gates: GateKeeper) -> None:
        self._check = check
        self._gates = gates

    def __call__(self, contract: Contract, remittance: Remittance) -> Gate:
        if not self._check(contract, remittance).needed:
            raise ConflictError("approval_not_needed", "This bank order needs no approval.")
        return self._gates.ask(
            subject_of(remittance),
            KIND,
            facts={"amount": remittance.payable.to_api()["amount"]},
            content=content_of(contract, remittance),
        )
