"""Find an item of any context by what it is called or by its code, as far as one may see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kernel.finding import SHORTEST, code_of, words_of
from toolkit.auth import TenantContext
from workspace.domain.search import Findings
from workspace.ports import SystemStore

MOST_SHOWN: Final = 100
PERMISSION_OF: Final[Mapping[str, tuple[str, str]]] = {
    "employee": ("pensions", "pensions:employee:read"),
    "payment_code": ("payment_codes", "payment_codes:code:read"),
    "counterparty": ("reconciliation", "reconciliation:counterparty:read"),
    "e_invoice": ("reconciliation", "reconciliation:invoice:read"),
    "card_contract": ("card_contracts", "card_contracts:contract:read"),
    "card_sale": ("card_contracts", "card_contracts:sale:read"),
}
"""Kinds that can be found, in the order they are shown: their context and who may read them."""


@dataclass(frozen=True, slots=True)
class SearchEverything:
    """Looks in the contexts of which the reader may see something, twice each at most."""

    store: SystemStore

    def __call__(self, context: TenantContext, query: str, may: Callable[[str], bool]) -> Findings:
        """``may`` says whether the reader holds a permission."""
        text = query.strip()[:100]
        words = max(map(len, words_of(text)), default=0)
        if words < SHORTEST and len(code_of(text)) < SHORTEST:
            return Findings(too_short=True)
        kinds = [kind for kind, (_, permission) in PERMISSION_OF.items() if may(permission)]
        contexts = dict.fromkeys(PERMISSION_OF[kind][0] for kind in kinds)
        found, cut = self.store.shared(context).search(contexts, text)
        groups = []
        for kind in kinds:
            members = sorted(
                (each for each in found if each.kind == kind),
                key=lambda each: (words_of(each.title), each.id),
            )
            cut = cut or len(members) > MOST_SHOWN
            if members:
                groups.append((kind, tuple(members[:MOST_SHOWN])))
        return Findings(tuple(groups), cut)
