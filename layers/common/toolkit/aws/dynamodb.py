"""DynamoDB access: keys with a fixed grammar, conditions, consistent reads, paginated queries.

Key grammar (reliability.md §8): ``<context>#T#<tenant>#…`` or ``<context>#SYS#…``. Repositories
get a ``Keyspace`` and can build nothing else, so a key of another tenant or context cannot be
written by accident.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

Item = dict[str, Any]
TableRole = Literal["core", "ledger", "flow", "secrets", "audit", "edge"]
CONTEXTS: Final = ("wsp", "pen", "pay", "rec", "crd", "wfl")
PREFIX_OF: Final[Mapping[str, str]] = {
    "workspace": "wsp",
    "pensions": "pen",
    "payment_codes": "pay",
    "reconciliation": "rec",
    "card_contracts": "crd",
    "workflow": "wfl",
}
"""First segment of the keys of a context, by the name of its package."""
DUE_SHARDS: Final = 4
# Physical index names: DynamoDB asks for three characters at least.
INDEX_NAMES: Final[Mapping[str, str]] = {"by": "by_key", "due": "due"}
_BATCH_GET: Final = 100
_BATCH_WRITE: Final = 25
_MAX_ATTEMPTS: Final = 8


class UnfinishedBatchError(RuntimeError):
    """DynamoDB kept returning unprocessed items; the caller's record must be retried."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Physical names of the six tables, by role."""

    core: str
    ledger: str
    flow: str
    secrets: str
    audit: str
    edge: str

    def name(self, role: TableRole) -> str:
        """Physical name of the table with ``role``."""
        return str(getattr(self, role))


def _segment(value: str) -> str:
    if not value or "#" in value:
        message = "a key segment is empty or contains the separator"
        raise ValueError(message)
    return value


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Builds partition keys of one context, for one tenant or for the system."""

    context: str
    tenant_id: str | None = None
    system_wide: bool = False

    def __post_init__(self) -> None:
        if self.context not in CONTEXTS:
            message = f"unknown context prefix {self.context!r}"
            raise ValueError(message)
        if self.tenant_id is not None:
            _segment(self.tenant_id)
            if self.system_wide:
                message = "a keyspace belongs to a tenant or to the system"
                raise ValueError(message)

    @classmethod
    def of_system(cls, context: str) -> Self:
        """Keyspace of entities that belong to no tenant (people, operator keys)."""
        return cls(context, None, system_wide=True)

    def key(self, *segments: str) -> str:
        """Tenant key ``<context>#T#<tenant>#<segments…>``; raises ValueError without a tenant.

        In a system-wide keyspace, the system key instead.
        """
        if self.system_wide:
            return self.system(*segments)
        if self.tenant_id is None:
            message = "a tenant key needs a tenant"
            raise ValueError(message)
        return "#".join((self.context, "T", self.tenant_id, *map(_segment, segments)))

    def system(self, *segments: str) -> str:
        """System key ``<context>#SYS#<segments…>``, for the short list of rows before a tenant is
        known.
        """
        return "#".join((self.context, "SYS", *map(_segment, segments)))

    def due(self, identity: str, waits_for: str = "DUE") -> str:
        """Partition of the ``due`` index for a row: one of four shards of a list, by its id."""
        return self.system(waits_for, str(sum(identity.encode()) % DUE_SHARDS))

    def due_shards(self, waits_for: str = "DUE") -> tuple[str, ...]:
        """All partitions of one list of the ``due`` index of this context."""
        return tuple(self.system(waits_for, str(shard)) for shard in range(DUE_SHARDS))


# ---------------------------------------------------------------------------- conditions


@dataclass(slots=True)
class _Placeholders:
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        if attribute not in self._by_name:
            token = f"#n{len(self._by_name)}"
            self._by_name[attribute] = token
            self.names[token] = attribute
        return self._by_name[attribute]

    def value(self, value: Any) -> str:
        token = f":v{len(self.values)}"
        self.values[token] = to_attribute(value)
        return token


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition expression as data: ``operator`` over ``attribute`` and ``operands``, or a
    conjunction.
    """

    operator: str
    attribute: str = ""
    operands: tuple[Any, ...] = ()
    parts: tuple["Condition", ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition("AND", parts=(self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return Condition("OR", parts=(self, other))

    def render(self, placeholders: _Placeholders) -> str:
        """Expression text, registering its names and values in ``placeholders``."""
        if self.parts:
            return f" {self.operator} ".join(
                f"({part.render(placeholders)})" for part in self.parts
            )
        name = placeholders.name(self.attribute)
        if self.operator in {"attribute_exists", "attribute_not_exists"}:
            return f"{self.operator}({name})"
        tokens = [placeholders.value(operand) for operand in self.operands]
        if self.operator == "IN":
            return f"{name} IN ({', '.join(tokens)})"
        return f"{name} {self.operator} {tokens[0]}"


def exists(attribute: str = "pk") -> Condition:
    """The row (or the attribute) is there."""
    return Condition("attribute_exists", attribute)


def absent(attribute: str = "pk") -> Condition:
    """The row (or the attribute) is not there."""
    return Condition("attribute_not_exists", attribute)


def equals(attribute: str, value: Any) -> Condition:
    """The attribute has exactly this value."""
    return Condition("=", attribute, (value,))


def one_of(attribute: str, values: Sequence[Any]) -> Condition:
    """The attribute has one of these values."""
    return Condition("IN", attribute, tuple(values))


def at_most(attribute: str, value: Any) -> Condition:
    """The attribute is less than or equal to the value."""
    return Condition("<=", attribute, (value,))


def more_than(attribute: str, value: Any) -> Condition:
    """The attribute is greater than the value."""
    return Condition(">", attribute, (value,))


def all_of(*conditions: Condition) -> Condition:
    """Conjunction of one or more conditions."""
    return conditions[0] if len(conditions) == 1 else Condition("AND", parts=conditions)


# ---------------------------------------------------------------------------- values


def to_attribute(value: Any) -> dict[str, Any]:
    """Plain value → DynamoDB attribute. Refuses floats: money is whole minor units, rates are
    text.
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": {str(key): to_attribute(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"L": [to_attribute(item) for item in value]}
    message = f"{type(value).__name__} cannot be stored"
    raise TypeError(message)


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """DynamoDB attribute → plain value; numbers are integers by construction."""
    kind, value = next(iter(attribute.items()))
    if kind == "N":
        return int(value)
    if kind == "M":
        return {key: from_attribute(item) for key, item in value.items()}
    if kind == "L":
        return [from_attribute(item) for item in value]
    if kind == "NULL":
        return None
    return value


def to_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain row → DynamoDB item."""
    return {key: to_attribute(value) for key, value in item.items()}


def from_item(item: Mapping[str, Any]) -> Item:
    """DynamoDB item → plain row."""
    return {key: from_attribute(value) for key, value in item.items()}


# ---------------------------------------------------------------------------- access


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query: rows in order and the sort position to continue after, if there is
    more.
    """

    items: list[Item]
    next_key: Item | None


class Database:
    """Reads and single-row writes. Transactions are in ``toolkit.aws.transactions``."""

    def __init__(self, client: Any, tables: Tables) -> None:
        self.client = client
        self.tables = tables

    def get(self, role: TableRole, pk: str, sk: str) -> Item | None:
        """The row, read consistently, or None."""
        answer = self.client.get_item(
            TableName=self.tables.name(role),
            Key=to_item({"pk": pk, "sk": sk}),
            ConsistentRead=True,
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, role: TableRole, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Item]:
        """The rows that exist, by key, read consistently; 100 keys a request, leftovers asked
        again.
        """
        table = self.tables.name(role)
        found: dict[tuple[str, str], Item] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _BATCH_GET):
            pending: list[Any] = [
                to_item({"pk": pk, "sk": sk}) for pk, sk in wanted[start : start + _BATCH_GET]
            ]
            for _ in range(_MAX_ATTEMPTS):
                answer = self.client.batch_get_item(
                    RequestItems={table: {"Keys": pending, "ConsistentRead": True}}
                )
                for raw in answer["Responses"].get(table, []):
                    row = from_item(raw)
                    found[row["pk"], row["sk"]] = row
                pending = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
                if not pending:
                    break
            else:
                message = "batch read left keys unprocessed"
                raise UnfinishedBatchError(message)
        return found

    def query(
        self,
        role: TableRole,
        pk: str,
        *,
        index: Literal["by", "due"] | None = None,
        prefix: str | None = None,
        since: str | None = None,
        up_to: str | None = None,
        after: Item | None = None,
        limit: int | None = None,
        forward: bool = True,
    ) -> Page:
        """One page of a partition (or of an index partition, which yields keys only).

        ``prefix`` restricts the sort key, ``up_to`` gives an inclusive upper bound and ``since``,
        only beside it, a lower one; ``after`` is the ``next_key`` of the page before. Base-table
        queries are consistent; index queries cannot be.
        """
        hash_name, range_name = (f"{index}_pk", f"{index}_sk") if index else ("pk", "sk")
        names = {"#h": hash_name}
        values = {":h": to_attribute(pk)}
        expression = "#h = :h"
        if prefix is not None:
            names["#r"], values[":r"] = range_name, to_attribute(prefix)
            expression += " AND begins_with(#r, :r)"
        elif up_to is not None:
            names["#r"], values[":r"] = range_name, to_attribute(up_to)
            if since is None:
                expression += " AND #r <= :r"
            else:
                values[":s"] = to_attribute(since)
                expression += " AND #r BETWEEN :s AND :r"
        request: dict[str, Any] = {
            "TableName": self.tables.name(role),
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": forward,
        }
        if index:
            request["IndexName"] = INDEX_NAMES[index]
        else:
            request["ConsistentRead"] = True
        if limit is not None:
            request["Limit"] = limit
        if after is not None:
            request["ExclusiveStartKey"] = to_item(after)
        answer = self.client.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([from_item(raw) for raw in answer["Items"]], from_item(last) if last else None)

    def query_all(
        self,
        role: TableRole,
        pk: str,
        *,
        index: Literal["by", "due"] | None = None,
        prefix: str | None = None,
        up_to: str | None = None,
        forward: bool = True,
    ) -> Iterator[Item]:
        """All rows of a partition in order, page by page; memory stays flat."""
        after: Item | None = None
        while True:
            page = self.query(
                role, pk, index=index, prefix=prefix, up_to=up_to, after=after, forward=forward
            )
            yield from page.items
            after = page.next_key
            if after is None:
                return

    def list_rows(
        self,
        pk: str,
        *,
        prefix: str | None = None,
        up_to: str | None = None,
        after: Item | None = None,
        limit: int | None = None,
        forward: bool = True,
    ) -> Page:
        """Rows found through the ``by`` index of ``core``: keys from the index, content read
        consistently.
        """
        keys = self.query(
            "core",
            pk,
            index="by",
            prefix=prefix,
            up_to=up_to,
            after=after,
            limit=limit,
            forward=forward,
        )
        rows = self.get_many("core", [(item["pk"], item["sk"]) for item in keys.items])
        ordered = [
            rows[item["pk"], item["sk"]] for item in keys.items if (item["pk"], item["sk"]) in rows
        ]
        return Page(ordered, keys.next_key)

    def list_all(self, pk: str, *, prefix: str | None = None) -> Iterator[Item]:
        """Every row of a ``by`` list, page by page."""
        after: Item | None = None
        while True:
            page = self.list_rows(pk, prefix=prefix, after=after, limit=_BATCH_GET)
            yield from page.items
            after = page.next_key
            if after is None:
                return

    def put_new(self, role: TableRole, item: Mapping[str, Any]) -> bool:
        """Write a row that must not exist; False when it does."""
        try:
            self.client.put_item(
                TableName=self.tables.name(role),
                Item=to_item(item),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

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
    ) -> Item | None:
        """Change one row and return it whole; None when the condition does not hold."""
        request = update_request(
            self.tables.name(role), pk, sk, assign=assign, add=add, remove=remove, when=when
        )
        try:
            answer = self.client.update_item(**request, ReturnValues="ALL_NEW")
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(answer["Attributes"])

    def delete_edge(self, pk: str) -> None:
        """Remove a row of the expiring ``edge`` table, the only one that functions may delete
        from.
        """
        self.client.delete_item(
            TableName=self.tables.name("edge"), Key=to_item({"pk": pk, "sk": "-"})
        )

    def overwrite_many(self, role: Literal["flow"], items: Sequence[Mapping[str, Any]]) -> None:
        """Replace outbox rows by their dispatched form; unprocessed ones are repeated."""
        table = self.tables.name(role)
        for batch in _chunks(items, _BATCH_WRITE):
            pending: list[Any] = [{"PutRequest": {"Item": to_item(item)}} for item in batch]
            for _ in range(_MAX_ATTEMPTS):
                answer = self.client.batch_write_item(RequestItems={table: pending})
                pending = answer.get("UnprocessedItems", {}).get(table, [])
                if not pending:
                    break
            else:
                message = "batch write left items unprocessed"
                raise UnfinishedBatchError(message)


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def update_request(
    table: str,
    pk: str,
    sk: str,
    *,
    assign: Mapping[str, Any] | None = None,
    add: Mapping[str, int] | None = None,
    remove: Sequence[str] = (),
    when: Condition | None = None,
) -> dict[str, Any]:
    """Arguments of an UpdateItem (or of an Update inside a transaction)."""
    placeholders = _Placeholders()
    clauses = []
    if assign:
        pairs = ", ".join(
            f"{placeholders.name(key)} = {placeholders.value(value)}"
            for key, value in assign.items()
        )
        clauses.append(f"SET {pairs}")
    if add:
        pairs = ", ".join(
            f"{placeholders.name(key)} {placeholders.value(value)}" for key, value in add.items()
        )
        clauses.append(f"ADD {pairs}")
    if remove:
        clauses.append("REMOVE " + ", ".join(placeholders.name(key) for key in remove))
    request: dict[str, Any] = {
        "TableName": table,
        "Key": to_item({"pk": pk, "sk": sk}),
        "UpdateExpression": " ".join(clauses),
    }
    if when is not None:
        request["ConditionExpression"] = when.render(placeholders)
    request["ExpressionAttributeNames"] = placeholders.names
    if placeholders.values:
        request["ExpressionAttributeValues"] = placeholders.values
    return request


def put_request(table: str, item: Mapping[str, Any], when: Condition) -> dict[str, Any]:
    """Arguments of a Put inside a transaction."""
    placeholders = _Placeholders()
    request: dict[str, Any] = {
        "TableName": table,
        "Item": to_item(item),
        "ConditionExpression": when.render(placeholders),
        "ExpressionAttributeNames": placeholders.names,
    }
    if placeholders.values:
        request["ExpressionAttributeValues"] = placeholders.values
    return request


def check_request(table: str, pk: str, sk: str, when: Condition) -> dict[str, Any]:
    """Arguments of a ConditionCheck inside a transaction."""
    placeholders = _Placeholders()
    request: dict[str, Any] = {
        "TableName": table,
        "Key": to_item({"pk": pk, "sk": sk}),
        "ConditionExpression": when.render(placeholders),
        "ExpressionAttributeNames": placeholders.names,
    }
    if placeholders.values:
        request["ExpressionAttributeValues"] = placeholders.values
    return request
