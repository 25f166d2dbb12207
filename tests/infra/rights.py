"""Evaluates our table policies the way IAM does, for one function and one request.

IAM is not emulated locally. This covers exactly what our statements use: actions, one table with
its indexes, ``ForAllValues:StringLike`` over leading keys, and ``Null``.
"""

import re
from collections.abc import Sequence
from typing import Final

from tests.infra import stack

TABLES: Final = {
    "core": "CoreTable",
    "ledger": "LedgerTable",
    "flow": "FlowTable",
    "secrets": "SecretsTable",
    "audit": "AuditTable",
    "edge": "EdgeTable",
}


def _matches(pattern: str, text: str) -> bool:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text) is not None


def allows(
    function: str, action: str, role: str, keys: Sequence[str], *, index: bool = False
) -> bool:
    """Whether a function may do ``action`` on the table of this role with these partition keys."""
    for statement in stack.statements(function):
        if f"dynamodb:{action}" not in statement.actions or TABLES[role] not in statement.tables:
            continue
        if index and not any("/index/" in str(resource) for resource in statement.resources):
            continue
        condition = statement.condition
        if not keys and condition.get("Null", {}).get("dynamodb:LeadingKeys") == "false":
            continue
        patterns = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        if all(any(_matches(pattern, key) for pattern in patterns) for key in keys):
            return True
    return False
