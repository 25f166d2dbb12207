"""Search codes by any fragment of code, customer or document (PAY-05)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.identifiers import rf
from kernel.storing import Position
from kernel.text import fold
from payment_codes.domain.payment_code import CodeStatus, PaymentCode
from payment_codes.ports import PaymentsStore

STATUSES: Final = frozenset(status.value for status in CodeStatus)
_STEP: Final = 200
_LOOKED_AT: Final = 5_000
"""Most rows one answer looks at; the cursor goes on where it stopped."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is restricted to; empty members restrict nothing."""

    status: str = ""
    query: str = ""
    source_kind: str = ""
    customer_id: str = ""

    def holds(self, code: PaymentCode) -> bool:
        """Whether a code is asked for."""
        if self.status and code.status.value != self.status:
            return False
        if self.source_kind and code.source.kind.value != self.source_kind:
            return False
        if self.customer_id and code.customer.id != self.customer_id:
            return False
        if not self.query:
            return True
        compact, folded = rf.compact(self.query), fold(self.query)
        texts = (code.customer.name, code.customer.id, code.source.id, code.description)
        return (bool(compact) and compact in code.code) or any(
            folded in fold(text) for text in texts
        )


def find_codes(
    store: PaymentsStore, search: Search, *, limit: int, after: Position | None
) -> tuple[list[PaymentCode], Position | None]:
    """Up to ``limit`` codes, newest first, and where the list goes on.

    Shapes: the position names the last code given and the place inside its page, so that no code is
    skipped or shown twice while new ones arrive.
    """
    found: list[PaymentCode] = []
    place: Mapping[str, Any] | None = (after or {}).get("page")
    skip = int((after or {}).get("skip", 0))
    looked = 0
    while True:
        step = limit if search == Search() else _STEP
        page, following = store.code_page(limit=step, after=place)
        for number, code in enumerate(page):
            if number < skip or not search.holds(code):
                continue
            found.append(code)
            if len(found) == limit:
                rest = number + 1
                if rest < len(page):
                    return found, {"page": place, "skip": rest}
                return found, {"page": following, "skip": 0} if following else None
        looked += len(page)
        if following is None:
            return found, None
        place, skip = following, 0
        if looked >= _LOOKED_AT:
            return found, {"page": place, "skip": 0}
