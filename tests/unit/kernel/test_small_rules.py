"""CSV cells, instalment ranges, links, reasons."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.csv_cells import csv_cell, neutralise, restore
from kernel.errors import ParseError
from kernel.links import Links
from kernel.ranges import RangeConflict, find_conflict, gaps, parse_instalment_ranges
from kernel.why import Why

texts = st.text(alphabet="=+-@'\"; \t\r\nabş＝＋－＠|,", max_size=12)


@given(texts)
def test_export_and_import_of_a_cell_is_the_identity(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(st.lists(texts, min_size=2, max_size=4))
def test_a_written_line_reads_back_and_never_calculates(cells: list[str]) -> None:
    line = ";".join(map(csv_cell, cells)) + "\r\n"
    [read] = csv.reader(io.StringIO(line, newline=""), delimiter=";", strict=True)
    assert [restore(cell) for cell in read] == cells
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in read)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        (" a", '" a"'),
        ("a ", '"a "'),
        ('say "x"', '"say ""x"""'),
        ("a,b", "a,b"),
        ("＝1", "'＝1"),
        ("", ""),
    ],
)
def test_cells_as_written(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_restoring_leaves_ordinary_apostrophes() -> None:
    assert restore("'") == "'"
    assert restore("''") == "'"
    assert restore("'n'aber") == "'n'aber"


ranges = st.lists(
    st.tuples(st.integers(min_value=1, max_value=99), st.integers(min_value=1, max_value=99)).map(
        lambda pair: (min(pair), max(pair))
    ),
    max_size=5,
)


@given(ranges)
def test_disjoint_means_no_instalment_twice(pairs: list[tuple[int, int]]) -> None:
    counts = [n for first, last in pairs for n in range(first, last + 1)]
    conflict = find_conflict(pairs)
    assert (conflict is None) == (len(counts) == len(set(counts)))
    if conflict is None and pairs:
        uncovered = {n for first, last in gaps(pairs) for n in range(first, last + 1)}
        assert uncovered == set(range(min(counts), max(counts))) - set(counts)


def test_the_first_conflict_in_input_order_is_named_shapes_first() -> None:
    assert find_conflict([(1, 6), (6, 9), (0, 3)]) == RangeConflict("BAD_RANGE", ((0, 3),))
    assert find_conflict([(1, 6), (8, 9), (6, 9)]) == RangeConflict("OVERLAP", ((1, 6), (6, 9)))
    assert find_conflict([(0, 0), (1, 1)]) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "SHAPE"),
        ("1-6", "SHAPE"),
        ([[1]], "SHAPE"),
        ([[1, 2, 3]], "SHAPE"),
        ([["1", "2"]], "SHAPE"),
        ([[True, 2]], "SHAPE"),
        ([[1.0, 2]], "SHAPE"),
        ([[6, 1]], "BAD_RANGE"),
        ([[1, 100]], "BAD_RANGE"),
        ([[-1, 3]], "BAD_RANGE"),
        ([[2, 2], [2, 2]], "OVERLAP"),
    ],
)
def test_other_ranges_are_refused(value: object, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_instalment_ranges(value)
    assert caught.value.code == code


def test_ranges_keep_their_order() -> None:
    assert parse_instalment_ranges([[7, 12], [1, 1]]) == ((7, 12), (1, 1))
    assert gaps([(7, 12), (0, 0), (1, 1)]) == ((2, 6),)


def test_links_start_with_the_configured_address() -> None:
    links = Links("https://app.kopru.example/")
    assert links.base_url == "https://app.kopru.example"
    assert links.to("/") == "https://app.kopru.example/"
    assert links.to("/r/abc", lang="tr") == "https://app.kopru.example/r/abc?lang=tr"
    assert Links("http://127.0.0.1:8080").to("/a") == "http://127.0.0.1:8080/a"


@pytest.mark.parametrize(
    "path", ["", "r", "//evil.example", "/a b", "/\\evil", "/a\n", "/ş", "/?x"]
)
def test_a_link_leads_to_a_path_of_ours(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Links("https://app.kopru.example").to(path)


@pytest.mark.parametrize(
    "base", ["http://app.kopru.example", "https://", "https://a/b", "https://u@a", "ftp://a"]
)
def test_a_base_address_is_a_plain_origin(base: str) -> None:
    with pytest.raises(ValueError, match="base"):
        Links(base)


def test_a_reason_is_a_key_and_its_values() -> None:
    assert Why("a.b", {"n": 1}).to_dict() == {"key": "a.b", "params": {"n": 1}}
    assert Why("a.b").to_dict() == {"key": "a.b", "params": {}}
