"""What every use case of this context is built from: the tenant's store, time, ids and the
calendar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.business_days import Calendar
from kernel.clock import Clock
from kernel.errors import ConflictError, NotFoundError
from kernel.ids import IdSource
from pensions.domain.contract import Contract, ContractState
from pensions.domain.provider import Provider
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import PensionsStore

ZONE: Final = "Europe/Istanbul"  # pension contracts are Turkish; business dates are dates there
GROUP: Final = 10  # lines per transaction (reliability.md §2 rule 5)


class TryAgainError(Exception):
    """The message must come again: somebody alive holds the item, or time is short."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant."""

    store: PensionsStore
    clock: Clock
    ids: IdSource
    calendar: Callable[[], Calendar]

    def today(self) -> date:
        """Business date of the tenant."""
        return self.clock.today(ZONE)

    def ready_contract(self, contract_id: str) -> Contract:
        """A contract that can send today.

        Raises: NotFoundError; ConflictError("contract_numbers_differ" | "contract_<state>").
        """
        contract = self.store.contract(contract_id)
        if not contract.numbers_match:
            raise ConflictError(
                "contract_numbers_differ",
                "The contract number in payroll and the number here are different.",
            )
        state = contract.state(self.today())
        if state is not ContractState.READY:
            raise ConflictError(
                f"contract_{state}", f"The contract is {state}; nothing can be sent."
            )
        return contract


def provider_of(contract: Contract) -> Provider:
    """Provider of a contract; raises NotFoundError for a code that left the catalogue."""
    provider = PROVIDERS.get(contract.provider_code)
    if provider is None:
        raise NotFoundError("provider_not_found", "This pension company is not in the catalogue.")
    return provider
