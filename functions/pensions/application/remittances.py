"""The bank order of a contract and month (PEN-09): shown, exported, and marked as paid."""

from collections.abc import Callable, Mapping

from kernel.periods import Period
from pensions.application.attention import clear, deadline
from pensions.application.context import GROUP, Scope
from pensions.application.remittance_approval import CheckSanction
from pensions.domain.contract import Contract
from pensions.domain.contribution import ContributionStatus
from pensions.domain.remittance import Remittance, build_remittance


class ShowRemittance:
    """The order as it stands; raises ConflictError while it is not final or nothing was
    accepted.
    """

    def __init__(self, scope: Scope, provider_accounts: Callable[[], Mapping[str, str]]) -> None:
        self._scope = scope
        self._accounts = provider_accounts

    def __call__(self, contract_id: str, period: Period) -> tuple[Contract, Remittance]:
        """The contract and its remittance."""
        store = self._scope.store
        contract = store.contract(contract_id)
        remittance = build_remittance(
            contract,
            period,
            list(store.contributions(contract_id, period)),
            self._scope.calendar(),
            default_provider_iban=self._accounts().get(contract.provider_code, ""),
        )
        return contract, remittance


class MarkRemittancePaid:
    """Note that the bank order was given: accepted rows become settled, and with the last row of
    the month its deadline leaves Today.
    """

    def __init__(self, scope: Scope, show: ShowRemittance, sanction: CheckSanction) -> None:
        self._scope = scope
        self._show = show
        self._sanction = sanction

    def __call__(self, contract_id: str, period: Period) -> Remittance:
        """Idempotent: rows that are settled already stay as they are.

        Raises: ConflictError("approval_missing").
        """
        contract, remittance = self._show(contract_id, period)
        self._sanction.require(contract, remittance)
        open_rows = [
            item for item in remittance.lines if item.status is ContributionStatus.ACCEPTED
        ]
        last = (len(open_rows) - 1) // GROUP * GROUP
        for start in range(0, len(open_rows), GROUP):
            unit = self._scope.store.unit()
            for item in open_rows[start : start + GROUP]:
                unit.save_contribution(
                    item,
                    item.moved(ContributionStatus.SETTLED),
                    "contribution.settled",
                    {"amount": item.amount.minor},
                )
            if start == last and not remittance.left_open:
                clear(unit, contract_id, deadline(contract_id, period))
            unit.commit()
        return self._show(contract_id, period)[1]
