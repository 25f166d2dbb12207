"""Look at a plan without posting anything, under one contract or under all (CRD-04, CRD-06)."""

from collections.abc import Sequence
from datetime import date

from card_contracts.application.context import Scope
from card_contracts.domain.comparison import Alternative, ranked
from card_contracts.domain.contract import Contract, ContractState, in_force
from card_contracts.domain.plan import Plan
from kernel.errors import KopruError, NotFoundError, Problem
from kernel.money import Money


class PreviewPlan:
    """The plan of a sale that is not posted.

    Raises: NotFoundError; RuleViolationError with the reason when it cannot be sold.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, code: str, sold_on: date, amount: Money, instalments: int
    ) -> tuple[Contract, Plan]:
        conditions = self._scope.store.conditions(code, sold_on)
        plan = self._scope.plan(conditions, sold_on, amount, instalments)
        return conditions.deciding, plan


class PreviewDraft:
    """The plan of a sale under a contract that is not stored: the example while typing."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, draft: Contract, sold_on: date, amount: Money, instalments: int) -> Plan:
        return draft.plan(sold_on, amount, instalments, self._scope.calendar(draft.calendar))


class CompareContracts:
    """The same sale under every contract, or under those that are named.

    Raises: NotFoundError with a pointer to each code that is no contract.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, sold_on: date, amount: Money, instalments: int, codes: Sequence[str] = ()
    ) -> tuple[Alternative, ...]:
        known = {contract.code: contract for contract in self._scope.store.contracts()}
        missing = [
            Problem(f"/contract_codes/{number}", "not_found", "There is no such contract.")
            for number, code in enumerate(codes)
            if code not in known
        ]
        if missing:
            raise NotFoundError("not_found", "There is no such item.", problems=missing)
        chosen = [known[code] for code in dict.fromkeys(codes)] if codes else list(known.values())
        return ranked(self._alternative(one, sold_on, amount, instalments) for one in chosen)

    def _alternative(
        self, newest: Contract, sold_on: date, amount: Money, instalments: int
    ) -> Alternative:
        store = self._scope.store
        contract = newest
        if sold_on < newest.effective_from:
            contract = in_force(store.revisions(newest.code), sold_on)
        try:
            if newest.state is not ContractState.OPEN:
                newest.for_posting()
            plan = PreviewDraft(self._scope)(contract, sold_on, amount, instalments)
        except KopruError as error:
            return Alternative(contract, None, error)
        return Alternative(contract, plan)
