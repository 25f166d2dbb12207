"""Order of Today, and where a chain is broken."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from workspace.domain.attention import Attention, today_of, updated
from workspace.domain.audit import GENESIS, ChainFault, first_fault

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def _row(key: str, *, minutes: int = 0, **changes: Any) -> Attention:
    at = NOW + timedelta(minutes=minutes)
    base = Attention(key, "contract:c", "code", "medium", at, at)
    return replace(base, **changes)


def test_exceptions_come_by_urgency_then_money_then_age() -> None:
    rows = [
        _row("old", minutes=-60),
        _row("rich", amount=Money(500, "TRY")),
        _row("urgent", severity="high", minutes=5),
        _row("new"),
        _row("strange", severity="?"),
        _row("gone", open=False),
    ]
    assert [row.key for row in today_of(rows, NOW).exceptions] == [
        "urgent",
        "rich",
        "old",
        "new",
        "strange",
    ]


def test_what_is_due_is_a_deadline_and_connections_stand_alone() -> None:
    rows = [
        _row("b", due_on=date(2026, 6, 3)),
        _row("a", due_on=date(2026, 6, 2)),
        _row("credentials:c1", open=False),
        _row("credentials:c2", minutes=9),
    ]
    today = today_of(rows, NOW)
    assert [row.key for row in today.deadlines] == ["a", "b"]
    assert [row.key for row in today.connections] == ["credentials:c2", "credentials:c1"]
    assert today.exceptions == ()
    assert today.news_at == NOW + timedelta(minutes=9)
    assert today_of([], NOW).news_at is None


def test_the_end_of_a_trouble_that_nobody_heard_of_is_not_shown() -> None:
    today = today_of([_row("connection:x", code="", open=False)], NOW)
    assert today.connections == ()


def test_age_is_that_of_the_trouble_not_of_its_last_news() -> None:
    first = _row("k")
    again = updated(first, _row("k", minutes=10, count=4))
    assert again is not None
    assert again.raised_at == NOW
    assert again.count == 4
    assert again.age_seconds(NOW + timedelta(minutes=30)) == 1_800
    assert updated(again, _row("k", minutes=5)) is None
    cleared = updated(again, _row("k", minutes=20, open=False, code=""))
    assert cleared is not None
    assert (cleared.open, cleared.code) == (False, "code")


@given(st.permutations([(0, True), (1, False), (2, True), (3, False)]))
def test_news_in_any_order_end_with_the_newest(order: list[tuple[int, bool]]) -> None:
    known: Attention | None = None
    for minutes, is_open in order:
        after = updated(known, _row("k", minutes=minutes, open=is_open))
        known = after or known
    assert known is not None
    assert not known.open
    assert known.news_at == NOW + timedelta(minutes=3)


# ---------------------------------------------------------------------------- audit


def _digest(row: Mapping[str, Any]) -> str:
    content = {key: value for key, value in row.items() if key != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _chain(length: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    previous = GENESIS
    for number in range(1, length + 1):
        row: dict[str, Any] = {
            "seq": number,
            "entity": "user:u",
            "action": "x",
            "prev_hash": previous,
        }
        row["hash"] = previous = _digest(row)
        rows.append(row)
    return rows


def test_an_untouched_chain_holds() -> None:
    assert first_fault("user:u", _chain(4), _digest, 4) is None
    assert first_fault("user:u", [], _digest, 0) is None


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_changed_row_is_named(at: int) -> None:
    rows = _chain(4)
    rows[at - 1]["action"] = "forged"
    assert first_fault("user:u", rows, _digest, 4) == ChainFault("user:u", at, "content_changed")


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_rewritten_row_breaks_the_next_link(at: int) -> None:
    rows = _chain(4)
    rows[at - 1]["action"] = "forged"
    rows[at - 1]["hash"] = _digest(rows[at - 1])
    fault = first_fault("user:u", rows, _digest, 4)
    expected = None if at == 4 else ChainFault("user:u", at + 1, "link_broken")
    assert fault == expected, "the head of the last row is what the daily root seals"


def test_missing_cut_off_and_foreign_rows_are_named() -> None:
    rows = _chain(4)
    assert first_fault("user:u", rows[:2] + rows[3:], _digest, 4) == ChainFault(
        "user:u", 3, "row_missing"
    )
    assert first_fault("user:u", rows[:3], _digest, 4) == ChainFault("user:u", 4, "row_missing")
    assert first_fault("user:v", rows, _digest, 4) == ChainFault("user:v", 1, "row_of_other_entity")


def test_what_ends_by_itself_waits_to_the_instant_and_not_longer() -> None:
    row = _row("k", candidates=("role:owner",), ends_at=NOW)
    assert [each.key for each in today_of([row], NOW - timedelta(milliseconds=1)).tasks] == ["k"]
    assert today_of([row], NOW).tasks == ()
