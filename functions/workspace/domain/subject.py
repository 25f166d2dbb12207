"""Which item is meant: ``<kind>:<id>``, as timelines, incidents and events name it."""

import re
from dataclasses import dataclass
from typing import Final, Self

from kernel.errors import NotFoundError
from kernel.ids import is_id

_KIND: Final = re.compile(r"[a-z][a-z_]{0,39}")
# Items that a company names by a code of its own.
_BY_CODE: Final = frozenset(
    {"babs_parameters", "bank_account", "card", "card_contract", "deduction"}
)
_CODE: Final = re.compile(r"[^\s#:/]{1,40}")


@dataclass(frozen=True, slots=True)
class Subject:
    """Kind and id of an item of any context."""

    kind: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``<kind>:<id>``.

        Raises: NotFoundError("not_found"), the same answer as for an item that does not exist.
        """
        kind, _, identity = text.partition(":")
        named = is_id(identity) or (kind in _BY_CODE and _CODE.fullmatch(identity) is not None)
        if _KIND.fullmatch(kind) is None or not named:
            raise NotFoundError("not_found", "There is no such item.")
        return cls(kind, identity)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"
