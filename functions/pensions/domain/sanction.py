"""How a bank order stands with the approval it may need, and exactly what is approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.approval import Gate
from kernel.money import Money
from kernel.why import Why
from pensions.domain.contract import Contract
from pensions.domain.remittance import Remittance


@dataclass(frozen=True, slots=True)
class Sanction:
    """How a bank order stands with its approval.

    Shapes: ``limit`` is None for a company that wants none; ``gate`` None before anybody asked;
    ``open`` says that the order may be given.
    """

    limit: Money | None
    needed: bool
    open: bool
    gate: Gate | None = None
    why: tuple[Why, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether something else was approved than what is payable now."""
        return self.gate is not None and self.gate.state.opens and not self.open


def subject_of(remittance: Remittance) -> str:
    """Name of an order in events: contract and month."""
    return f"remittance:{remittance.contract_id}.{remittance.period}"


def content_of(contract: Contract, remittance: Remittance) -> Mapping[str, Any]:
    """What is approved: amount, receiver's contract and days; no personal data."""
    return {
        "title": str(remittance.period),
        "amount": remittance.payable.to_api(),
        "fields": [
            {"label": "provider", "value": contract.provider_code},
            {"label": "contract", "value": contract.contract_no},
            {"label": "period", "value": str(remittance.period)},
            {"label": "people", "value": str(len(remittance.lines))},
            {"label": "due_on", "value": remittance.due_on.isoformat()},
        ],
        "href": f"/pensions/contracts/{contract.id}/remittances/{remittance.period}",
    }
