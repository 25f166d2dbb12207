"""Cells: grammar, sets, and what they refuse."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ParseError
from workflow.domain.rules.cells import Cell, read_cell
from workflow.domain.rules.facts import Fact, compact


def column(text: str) -> Fact:
    found = compact("x", text)
    assert found is not None
    return found


def holds(text: str, kind: str, value: Any, **parameters: Any) -> bool:
    place = column(kind)
    cell = read_cell(text, place)
    return cell.bind(place, lambda name: parameters[name.key]).holds(value)


@pytest.mark.parametrize(
    ("text", "kind", "value", "expected"),
    [
        ("-", "int?", None, True),
        ("-", "int", 5, True),
        ("null", "int?", None, True),
        ("null", "int?", 0, False),
        ("not(null)", "int?", 0, True),
        ("not(null)", "int?", None, False),
        (">=3", "int?", None, False),
        ("not(3)", "int?", None, True),
        ("<1000.00", "money", Decimal("999.99"), True),
        ("<1000.00", "money", Decimal("1000.00"), False),
        ("[1..3)", "int", 3, False),
        ("(1..3]", "int", 3, True),
        ("1,3,[5..7]", "int", 6, True),
        ("not(1,[5..7])", "int", 6, False),
        ("not(not(2))", "int", 2, True),
        ("A,B", "enum(A|B|C)", "B", True),
        ("not(A,B)", "enum(A|B|C)", "C", True),
        ("true", "bool", False, False),
        ('"two, words"', "text", "two, words", True),
        ("0", "decimal", Decimal("0.000"), True),
        ("= 5", "int", 5, True),
    ],
)
def test_a_cell_holds_what_it_says(text: str, kind: str, value: Any, expected: bool) -> None:
    assert holds(text, kind, value) is expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "int"),
        ("5..7", "int"),
        ("[7..5]", "int"),
        ("(5..5]", "int"),
        ("> A", "enum(A|B)"),
        ("D", "enum(A|B)"),
        ("null", "int"),
        ("1 2", "int"),
        ("1.5", "int"),
        ("10.005", "money"),
        ("2026-02-30", "date"),
        ("not(1", "int"),
        ("__import__('os')", "int"),
        ("1;2", "int"),
        ("amount+1", "int"),
        (5, "int"),
    ],
)
def test_anything_else_is_refused(text: object, kind: str) -> None:
    with pytest.raises(ParseError):
        read_cell(text, column(kind))


def test_parameters_are_values_before_anything_is_compared() -> None:
    assert holds("<@limit", "money", Decimal("9.99"), limit="10.00")
    assert holds("[@low..@high]", "int", 7, low=5, high=7)
    assert holds("@kinds", "enum(A|B|C)", "B", kinds=["A", "B"])
    with pytest.raises(ParseError):
        holds("<@limit", "money", Decimal(1), limit=True)


def test_a_group_is_a_fact_and_anything_else_a_part_of_the_key() -> None:
    groups = frozenset({"subscriber_group"})
    (by_fact,) = read_cell("<@anomaly.min[subscriber_group]", column("int"), groups).parameters()
    (by_key,) = read_cell("<@anomaly.min[INDUSTRIAL]", column("int"), groups).parameters()
    assert (by_fact.key, by_fact.group) == ("anomaly.min", "subscriber_group")
    assert (by_key.key, by_key.group) == ("anomaly.min[INDUSTRIAL]", "")


NUMBERS = st.integers(-4, 4)


def _test(numbers: tuple[int, int], form: int) -> str:
    low, high = sorted(numbers)
    return [f"{low}", f"<{low}", f">={low}", f"[{low}..{high}]", f"[{low}..{high + 1})"][form]


TESTS = st.builds(_test, st.tuples(NUMBERS, NUMBERS), st.integers(0, 4))
CELLS = st.lists(TESTS, min_size=1, max_size=4).map(",".join)


@given(CELLS, st.none() | st.integers(-7, 7))
def test_not_is_the_complement(text: str, value: int | None) -> None:
    assert holds(f"not({text})", "int?", value) is not holds(text, "int?", value)


@given(CELLS, st.integers(-7, 7))
def test_a_list_is_the_union_of_its_tests(text: str, value: int) -> None:
    parts = text.replace("..", "|").split(",")
    assert holds(text, "int", value) is any(
        holds(part.replace("|", ".."), "int", value) for part in parts
    )


@given(CELLS)
def test_the_canonical_text_is_read_as_the_same_cell(text: str) -> None:
    cell: Cell = read_cell(text, column("int"))
    assert read_cell(cell.text, column("int")) == cell
