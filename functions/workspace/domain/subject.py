"""Which item is meant: ``<kind>:<id>``, as timelines, incidents and events name it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from kernel.errors import NotFoundError
from kernel.ids import is_id

_KIND: Final = re.compile(r"[a-z][a-z_]{0,39}")
# Items that a company names by a code of its own.
_BY_CODE: Final = frozenset(
    {"babs_parameters", "bank_account", "card", "card_contract", "deduction"}
)
# Which kind of item a member of a message or of a history row names.
ITEM_OF: Final[Mapping[str, str]] = {
    "transmission_id": "transmission",
    "employee_id": "employee",
    "contribution_id": "contribution",
    "code_id": "payment_code",
    "payment_id": "payment",
    "reversal_id": "payment",
    "organisation_id": "organisation",
    "sale_id": "card_sale",
    "refund_id": "card_refund",
    "match_id": "card_match",
    "line_id": "statement_line",
    "letter_id": "letter",
    "counterparty_id": "counterparty",
    "approval_id": "approval",
    "process_id": "process",
    "proposal_id": "proposal",
    "decision_id": "decision",
    "incident_id": "incident",
    "message_id": "message",
    "endpoint_id": "webhook_endpoint",
    "import_id": "import",
    "job_id": "job",
    "contract_id": "contract",
}
_CODE: Final = re.compile(r"[^\s#:/]{1,40}")


def items_named(members: Mapping[str, object]) -> tuple[str, ...]:
    """Items that the members of a message or of a history row name, as ``<kind>:<id>``, each once.

    Shapes: what it names as its subject comes first, then by the order of ``ITEM_OF``.
    """
    subject = members.get("subject")
    found = [subject] if isinstance(subject, str) and is_id(subject.partition(":")[2]) else []
    found += [
        f"{kind}:{members[member]}"
        for member, kind in ITEM_OF.items()
        if is_id(members.get(member))
    ]
    return tuple(dict.fromkeys(found))


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
