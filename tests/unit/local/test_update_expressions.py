"""Updates of the product take the short way: the long one costs ten times as much."""

from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from infra.local.cloud.dynamodb.expressions import TooComplicatedError, compile_update

NAMES = {"#a": "reason", "#b": "version", "#c": "due_sk"}
KEY_TYPES = {"pk": "S", "sk": "S", "due_sk": "S"}


def applied(expression: str, values: dict[str, Any]) -> dict[str, Any]:
    attributes = {"pk": {"S": "p"}, "sk": {"S": "s"}, "version": {"N": "1"}}
    item = Item(DynamoType({"S": "p"}), DynamoType({"S": "s"}), attributes)
    compiled = compile_update(expression, NAMES, ("pk", "sk"))
    assert compiled is not None
    compiled.apply(item, values, KEY_TYPES, dict(item.attrs))
    return {name: value.value for name, value in item.attrs.items()}


def test_an_empty_text_is_an_ordinary_value() -> None:
    values = {":a": {"S": ""}, ":b": {"N": "2"}}
    after = applied("SET #a = :a ADD #b :b", values)
    assert after == {"pk": "p", "sk": "s", "reason": "", "version": "3"}


@pytest.mark.parametrize("value", [{"S": ""}, {"N": "1"}])
def test_a_key_of_an_index_is_neither_empty_nor_of_another_type(value: dict[str, str]) -> None:
    """moto words the refusal, so it must get to see the update."""
    with pytest.raises(TooComplicatedError):
        applied("SET #c = :c", {":c": value})
