"""Changes of contracts that somebody else must approve before they count."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.application.contracts import ChangeContract, CheckContract
from card_contracts.domain.contract import Contract
from kernel.approval import Gate, GateKeeper, canonical, content_hash
from kernel.errors import Problem, ValidationError

REQUIRED: Final = "approval.required[card_contract_change]"
KIND: Final = "card_contract_change"


class PublishChange:
    """Make a new revision, or ask for its approval where the company wants one.

    What is approved is exactly the document: another document is another question. Nothing of the
    contract changes before; who publishes an approved change sends it again or presses the button.
    """

    def __init__(self, scope: Scope, gates: GateKeeper, change: ChangeContract) -> None:
        self._scope = scope
        self._gates = gates
        self._change = change

    def __call__(
        self,
        code: str,
        version: int,
        draft: Contract,
        effective_from: date | None,
        found: Sequence[Problem],
        document: Mapping[str, Any],
    ) -> Contract | Gate:
        """``document`` is the change as it was stated, with which it can be published later.

        Raises: as ``ChangeContract``; nothing is asked for what is wrong.
        """
        if self._gates.setting(REQUIRED, self._scope.today()) is not True:
            return self._change(code, version, draft, effective_from, found)
        before = self._scope.store.contract(code)
        content = content_of(before, document)
        gate = self._gates.gate(subject_of(code))
        if gate is not None and gate.allows(content):
            return self._change(code, version, draft, effective_from, found)
        problems = [*found, *CheckContract(self._scope)(draft)]
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        return self._gates.ask(
            subject_of(code),
            KIND,
            facts={"change": "REVISION"},
            content=content,
            payload={"version": version, "document": dict(document)},
        )


def subject_of(code: str) -> str:
    """Name of a contract in events."""
    return f"card_contract:{code}"


def content_of(before: Contract, document: Mapping[str, Any]) -> dict[str, Any]:
    """What an approver sees: which contract and revision, and the fingerprint of all of it."""
    effective = document.get("effective_from") or before.effective_from.isoformat()
    return {
        "title": before.code,
        "amount": None,
        "fields": [
            {"label": "contract", "value": before.code},
            {"label": "description", "value": str(document.get("description") or "")},
            {"label": "revision", "value": str(before.revision + 1)},
            {"label": "effective_from", "value": str(effective)},
            {"label": "document", "value": content_hash({"document": canonical(dict(document))})},
        ],
        "href": f"/card-contracts/contracts/{before.code}",
    }
