"""Addresses are built from values and never lead out of the site."""

from __future__ import annotations

import pytest

from webkit.components import Column, Sort
from webkit.urls import link, local_path, query_pairs, relink, segment


def test_links_encode_their_values() -> None:
    assert link("/a", q="ışıl & co", page=2, empty="", none=None, on=True, off=False) == (
        "/a?q=%C4%B1%C5%9F%C4%B1l+%26+co&page=2&on=1"
    )
    assert link("/a") == "/a"
    assert segment("../a/b c") == "..%2Fa%2Fb%20c"


def test_relinking_changes_only_what_is_named() -> None:
    url = "/a?q=x&status=rejected&cursor=c1"
    assert relink(url, status="enrolled", cursor=None) == "/a?q=x&status=enrolled"
    assert query_pairs(url, without=("cursor",)) == [("q", "x"), ("status", "rejected")]


@pytest.mark.parametrize("good", ["/", "/a/b?c=d#e", "/a:b", "/ığ"])
def test_local_paths_are_kept(good: str) -> None:
    assert local_path(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "a",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:x",
        "/a\nb",
        "/\t/evil.example",
        "/a b",
        "\\/evil.example",
        "/\x7f",
    ],
)
def test_anything_else_becomes_the_start_page(bad: str | None) -> None:
    assert local_path(bad) == "/"
    assert local_path(bad, "/today") == "/today"


def test_sort_order_reads_and_turns() -> None:
    name, due = Column("n", "Name", "name"), Column("d", "Due", "due_at")
    order = Sort.parse("-due_at")
    assert (order.aria(due), order.aria(name)) == ("descending", None)
    assert (order.toggled(due), order.toggled(name)) == ("due_at", "name")
    assert Sort.parse("due_at").toggled(due) == "-due_at"
    assert Sort.parse(None).aria(Column("x", "X")) is None
