"""One TransactWriteItems as a value: built by a use case, committed once, safe against lost
responses.

Every row a transaction writes is stamped with the transaction's ``write_id`` (attribute ``w``).
When a condition fails and the row that is there carries our own stamp, an earlier attempt of ours
succeeded and only its response was lost (reliability.md §2 rule 6): that is success, not a
conflict. The SDK's ``ClientRequestToken`` is not relied on; AWS forgets it after ten minutes (X6).
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import ConflictError
from toolkit.aws.dynamodb import (
    Condition,
    Database,
    Item,
    TableRole,
    absent,
    check_request,
    from_item,
    put_request,
    update_request,
)

WRITE_STAMP: Final = "w"
MAX_ACTIONS: Final = 100
_RETRIES: Final = 5
_TRANSIENT: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)


@dataclass(frozen=True, slots=True)
class RefusedWrite:
    """One failed condition: the label of the write and the row as it is now (None when absent)."""

    label: str
    current: Item | None


class TransactionRefusedError(ConflictError):
    """At least one condition did not hold; nothing was written."""

    def __init__(self, refused: Sequence[RefusedWrite]) -> None:
        super().__init__("conflict", "The data changed in the meantime; nothing was written.")
        self.refused = tuple(refused)

    def current(self, label: str) -> Item | None:
        """Current row behind the failed write ``label``."""
        return next((item.current for item in self.refused if item.label == label), None)

    def failed(self, label: str) -> bool:
        """Whether the write ``label`` was among the refused ones."""
        return any(item.label == label for item in self.refused)


@dataclass(slots=True)
class _Action:
    kind: str
    label: str
    role: TableRole
    pk: str
    sk: str
    item: dict[str, Any] = field(default_factory=dict)
    assign: dict[str, Any] = field(default_factory=dict)
    add: dict[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    when: Condition | None = None


class Transaction:
    """Collects writes; ``commit`` applies all of them or none."""

    def __init__(self, write_id: str) -> None:
        self.write_id = write_id
        self._actions: list[_Action] = []
        self._by_key: dict[tuple[str, str, str], _Action] = {}

    def __len__(self) -> int:
        return len(self._actions)

    def _append(self, action: _Action) -> None:
        key = (action.role, action.pk, action.sk)
        if key in self._by_key:
            message = "one transaction touches a row once"
            raise ValueError(message)
        self._by_key[key] = action
        self._actions.append(action)

    def put_new(
        self,
        role: TableRole,
        item: Mapping[str, Any],
        *,
        label: str = "",
        over: Condition | None = None,
    ) -> None:
        """Write a row that must not exist yet, or only as one that ``over`` says is void.

        DynamoDB deletes an expired row hours or days late; what nobody honours any more must not
        stand in the way of its successor.
        """
        row = {**item, WRITE_STAMP: self.write_id}
        when = absent() if over is None else absent() | over
        self._append(
            _Action("Put", label, role, str(item["pk"]), str(item["sk"]), item=row, when=when)
        )

    def update(
        self,
        role: TableRole,
        pk: str,
        sk: str,
        *,
        assign: Mapping[str, Any] | None = None,
        add: Mapping[str, int] | None = None,
        remove: Sequence[str] = (),
        when: Condition | None = None,
        label: str = "",
    ) -> None:
        """Change one row under a condition; ``when`` is None only for pure counters beside a
        guard.
        """
        assigned = {**(assign or {}), WRITE_STAMP: self.write_id}
        self._append(
            _Action(
                "Update",
                label,
                role,
                pk,
                sk,
                assign=assigned,
                add=dict(add or {}),
                remove=tuple(remove),
                when=when,
            )
        )

    def count(self, role: TableRole, pk: str, sk: str, deltas: Mapping[str, int]) -> None:
        """Add to counters of a row; several calls for one row become one ADD (reliability.md §2
        rule 5).

        Safe against repetition because every use case commits it beside a guarded write.
        """
        action = self._by_key.get((role, pk, sk))
        if action is None:
            self.update(role, pk, sk, add=deltas)
            return
        for name, delta in deltas.items():
            action.add[name] = action.add.get(name, 0) + delta

    def check(self, role: TableRole, pk: str, sk: str, when: Condition, *, label: str = "") -> None:
        """Require a condition on a row that is not written here."""
        if (role, pk, sk) not in self._by_key:
            self._append(_Action("ConditionCheck", label, role, pk, sk, when=when))

    def requests(self, database: Database) -> list[dict[str, Any]]:
        """The TransactItems of this transaction."""
        return [self._request(database, action) for action in self._actions]

    def _request(self, database: Database, action: _Action) -> dict[str, Any]:
        table = database.tables.name(action.role)
        if action.kind == "Put":
            request = put_request(table, action.item, action.when or absent())
        elif action.kind == "Update":
            add = {name: delta for name, delta in action.add.items() if delta}
            request = update_request(
                table,
                action.pk,
                action.sk,
                assign=action.assign,
                add=add,
                remove=action.remove,
                when=action.when,
            )
        else:
            assert action.when is not None  # noqa: S101  (check() always sets it)
            request = check_request(table, action.pk, action.sk, action.when)
        if action.when is not None:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {action.kind: request}

    def commit(self, database: Database, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Apply everything or nothing.

        Raises: TransactionRefusedError with the rows as they are now; ConflictError
        ("too_much_contention") when other writers keep winning; whatever the SDK raises when no
        answer could be had, after which the caller's record is retried.
        """
        if not self._actions:
            return
        if len(self._actions) > MAX_ACTIONS:
            message = f"{len(self._actions)} actions do not fit one transaction"
            raise ValueError(message)
        requests = self.requests(database)
        for attempt in range(_RETRIES):
            try:
                database.client.transact_write_items(TransactItems=requests)
            except database.client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                refused = self._refused(reasons)
                if any((item.current or {}).get(WRITE_STAMP) == self.write_id for item in refused):
                    return
                if refused:
                    raise TransactionRefusedError(refused) from error
                if not any(reason.get("Code") in _TRANSIENT for reason in reasons):
                    raise
                # Full jitter; the wait is short because the rows are narrow (reliability.md §8).
                sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
            else:
                return
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _refused(self, reasons: Sequence[Mapping[str, Any]]) -> list[RefusedWrite]:
        return [
            RefusedWrite(action.label, from_item(reason["Item"]) if reason.get("Item") else None)
            for action, reason in zip(self._actions, reasons, strict=True)
            if reason.get("Code") == "ConditionalCheckFailed"
        ]
