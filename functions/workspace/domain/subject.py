"""Which item is meant: ``<kind>:<id>``, as timelines, incidents and events name it."""

import re
from dataclasses import dataclass
from typing import Final, Self

from kernel.errors import NotFoundError
from kernel.ids import is_id

_KIND: Final = re.compile(r"[a-z][a-z_]{0,39}")


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
        if _KIND.fullmatch(kind) is None or not is_id(identity):
            raise NotFoundError("not_found", "There is no such item.")
        return cls(kind, identity)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"
