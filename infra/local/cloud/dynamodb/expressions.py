"""Expressions parsed once.

moto tokenises and parses every condition three times per write, and walks the tree of an update
expression ten times. The product's code uses a few dozen different expressions with ever new
values, so the parsed form is kept by (expression, names) and only the values are bound per call.

What is kept is always a result of moto's own parser. Whatever an update does beyond the simple
assignments below, and whatever goes wrong while it is applied, is left to moto's own executor,
which then also words the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser, OpDefault
from moto.dynamodb.models.dynamo_type import DDBType, DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing.ast_nodes import (
    ExpressionAttribute,
    ExpressionAttributeName,
    ExpressionAttributeValue,
    ExpressionValueOperator,
    UpdateExpressionAddAction,
    UpdateExpressionAddClause,
    UpdateExpressionDeleteAction,
    UpdateExpressionFunction,
    UpdateExpressionPath,
    UpdateExpressionRemoveAction,
    UpdateExpressionRemoveClause,
    UpdateExpressionSetAction,
    UpdateExpressionSetClause,
    UpdateExpressionValue,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

_MAX_KEPT: Final = 4096
_MAX_ITEM_BYTES: Final = 405_000
_CONTAINERS: Final = frozenset({DDBType.LIST, DDBType.MAP, "SS", "NS", "BS"})

_Names: TypeAlias = tuple[tuple[str, str], ...]

parse_condition_slowly = ConditionExpressionParser.parse
make_operand_of_node = ConditionExpressionParser._make_operand
parse_update_slowly = UpdateExpressionParser.make


# ---------------------------------------------------------------------- conditions


class _NodeParser(ConditionExpressionParser):  # type: ignore[misc]
    """moto's parser, stopped before it binds values: answers the syntax tree."""

    parse = parse_condition_slowly

    def _make_op_condition(self, node: Any) -> Any:
        return node


@dataclass(frozen=True, slots=True)
class _ParsedCondition:
    root: Any
    names: tuple[str, ...]
    values: tuple[str, ...]


_conditions: dict[tuple[str, _Names], _ParsedCondition] = {}


def parse_condition(parser: Any) -> Any:
    """``ConditionExpressionParser.parse`` with the syntax tree kept between calls."""
    expression = parser.condition_expression
    if not expression:
        return OpDefault(None, None)
    names = parser.expression_attribute_names or {}
    key = (expression, tuple(sorted(names.items())))
    parsed = _conditions.get(key)
    if parsed is None:
        fresh = _NodeParser(expression, names, parser.expression_attribute_values)
        root = fresh.parse()
        parsed = _ParsedCondition(
            root, tuple(fresh.expr_attr_names_found), tuple(fresh.expr_attr_values_found)
        )
        _keep(_conditions, key, parsed)
    parser.expr_attr_names_found.extend(parsed.names)
    parser.expr_attr_values_found.extend(parsed.values)
    return parser._make_op_condition(parsed.root)


def make_operand(parser: Any, node: Any) -> Any:
    """``ConditionExpressionParser._make_operand`` with the value of this call."""
    if node.kind == ConditionExpressionParser.Kind.EXPRESSION_ATTRIBUTE_VALUE:
        return AttributeValue(parser.expression_attribute_values[node.text])
    return make_operand_of_node(parser, node)


# ---------------------------------------------------------------------- updates


class TooComplicatedError(Exception):
    """This update is moto's business."""


_updates: dict[str, Any] = {}
_compiled: dict[tuple[str, _Names, tuple[str, ...]], CompiledUpdate | None] = {}


def parse_update(expression: str) -> Any:
    """``UpdateExpressionParser.make`` with the tree kept between calls (nobody changes it)."""
    tree = _updates.get(expression)
    if tree is None:
        tree = parse_update_slowly(expression)
        _keep(_updates, expression, tree)
    return tree


_Values: TypeAlias = Mapping[str, Mapping[str, Any]]
_Evaluate: TypeAlias = Callable[[Mapping[str, DynamoType], _Values], DynamoType]


@dataclass(frozen=True, slots=True)
class CompiledUpdate:
    """Assignments, removals and additions of numbers to top-level attributes."""

    assignments: tuple[tuple[str, _Evaluate], ...]
    removals: tuple[str, ...]
    additions: tuple[tuple[str, str], ...]

    def apply(
        self, item: Item, values: _Values, key_types: Mapping[str, str], seen: Mapping[str, Any]
    ) -> None:
        """Change ``item``, a copy nobody else sees. ``seen`` are the attributes before.

        Raises: TooComplicatedError (also for every mistake of the caller).
        """
        try:
            new = {name: evaluate(seen, values) for name, evaluate in self.assignments}
            for name, placeholder in self.additions:
                new[name] = _sum(seen.get(name), values[placeholder])
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise TooComplicatedError from error
        for name, value in new.items():
            # Only attributes of keys have a type, and only they must not be empty.
            if name in key_types and (key_types[name] != value.type or value.value == ""):
                raise TooComplicatedError
            dict.__setitem__(item.attrs, name, value)
        for name in self.removals:
            item.attrs.pop(name, None)
        if item.size() > _MAX_ITEM_BYTES:
            raise TooComplicatedError


def compile_update(
    expression: str, names: Mapping[str, str], table_keys: tuple[str, ...]
) -> CompiledUpdate | None:
    """The simple form of an update expression, or None when it has none."""
    key = (expression, tuple(sorted(names.items())), table_keys)
    if key not in _compiled:
        try:
            compiled: CompiledUpdate | None = _compile(parse_update(expression), names, table_keys)
        except TooComplicatedError:
            compiled = None
        _keep(_compiled, key, compiled)
    return _compiled[key]


def copy_of(item: Item) -> Item:
    """A copy whose attributes can be changed without touching the original."""
    copy = Item.__new__(Item)
    copy.hash_key = item.hash_key
    copy.range_key = item.range_key
    copy.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    for name, value in item.attrs.items():
        kept = DynamoType.__deepcopy__(value, {}) if value.type in _CONTAINERS else value
        dict.__setitem__(copy.attrs, name, kept)
    return copy


def _compile(tree: Any, names: Mapping[str, str], table_keys: tuple[str, ...]) -> CompiledUpdate:
    assignments: list[tuple[str, _Evaluate]] = []
    removals: list[str] = []
    additions: list[tuple[str, str]] = []
    for clause in (
        UpdateExpressionSetClause,
        UpdateExpressionRemoveClause,
        UpdateExpressionAddClause,
    ):
        if len(tree.find_clauses([clause])) > 1:
            raise TooComplicatedError
    for action in tree.find_clauses(
        [
            UpdateExpressionSetAction,
            UpdateExpressionRemoveAction,
            UpdateExpressionAddAction,
            UpdateExpressionDeleteAction,
        ]
    ):
        target = _attribute(action.children[0], names)
        match action:
            case UpdateExpressionSetAction():
                assignments.append((target, _evaluation(action.children[1], names)))
            case UpdateExpressionRemoveAction():
                removals.append(target)
            case UpdateExpressionAddAction():
                additions.append((target, _placeholder(action.children[1])))
            case _:
                raise TooComplicatedError
    targets = [*(name for name, _ in (*assignments, *additions)), *removals]
    if not targets or len(set(targets)) < len(targets) or not set(targets).isdisjoint(table_keys):
        raise TooComplicatedError
    return CompiledUpdate(tuple(assignments), tuple(removals), tuple(additions))


def _attribute(path: Any, names: Mapping[str, str]) -> str:
    """Name of a top-level attribute."""
    if not isinstance(path, UpdateExpressionPath) or len(path.children) != 1:
        raise TooComplicatedError
    (node,) = path.children
    if isinstance(node, ExpressionAttributeName):
        name = names.get(node.get_attribute_name_placeholder())
        if name is None:
            raise TooComplicatedError
        return name
    if isinstance(node, ExpressionAttribute):
        plain: str = node.get_attribute_name()
        if plain.upper() not in ReservedKeywords.get_reserved_keywords():
            return plain
    raise TooComplicatedError


def _placeholder(node: Any) -> str:
    if not isinstance(node, ExpressionAttributeValue):
        raise TooComplicatedError
    name: str = node.get_value_name()
    return name


def _evaluation(node: Any, names: Mapping[str, str]) -> _Evaluate:
    if not isinstance(node, UpdateExpressionValue):
        raise TooComplicatedError
    if len(node.children) == 1:
        return _operand(node.children[0], names)
    if len(node.children) != 3 or not isinstance(node.children[1], ExpressionValueOperator):
        raise TooComplicatedError
    left = _operand(node.children[0], names)
    right = _operand(node.children[2], names)
    if node.children[1].get_operator() == "+":
        return lambda seen, values: _number(left(seen, values)) + _number(right(seen, values))
    return lambda seen, values: _number(left(seen, values)) - _number(right(seen, values))


def _operand(node: Any, names: Mapping[str, str]) -> _Evaluate:
    if isinstance(node, ExpressionAttributeValue):
        placeholder = _placeholder(node)
        return lambda _, values: DynamoType(values[placeholder])
    if isinstance(node, UpdateExpressionPath):
        name = _attribute(node, names)
        return lambda seen, _: seen[name]
    if isinstance(node, UpdateExpressionFunction) and node.get_function_name() == "if_not_exists":
        attribute = _attribute(node.get_nth_argument(1), names)
        otherwise = _operand(node.get_nth_argument(2), names)
        return lambda seen, values: (
            seen[attribute] if attribute in seen else otherwise(seen, values)
        )
    raise TooComplicatedError


def _number(value: DynamoType) -> DynamoType:
    if value.type != DDBType.NUMBER:
        raise TypeError(value.type)
    return value


def _sum(present: DynamoType | None, given: Mapping[str, Any]) -> DynamoType:
    return _number(present or DynamoType({DDBType.NUMBER: "0"})) + _number(DynamoType(given))


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    if len(kept) >= _MAX_KEPT:
        kept.clear()
    kept[key] = value
