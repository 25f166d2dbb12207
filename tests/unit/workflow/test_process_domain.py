"""Definitions and instances: what is refused before anything runs, and what events add up to."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ValidationError
from workflow.adapters.shipped_packs import shipped
from workflow.adapters.shipped_processes import PACKS, shipped_processes
from workflow.domain.processes.analysis import analyse, known_before
from workflow.domain.processes.definition import read_definition
from workflow.domain.processes.instance import Event, EventKind, Status, causes, effects, fold
from workflow.domain.rules.table import Table, digest

START = datetime(2026, 6, 1, tzinfo=UTC)
# The sha256 of what shipped: processes that run read their definition from these files, so a
# change is a new version in a new file.
SHIPPED = json.loads((PACKS.parent / "process_packs" / "SHIPPED").read_text(encoding="utf-8"))


def tables(rule: str) -> Table | None:
    versions = shipped().versions.get(shipped().table_of(rule))
    return versions[0].table if versions else None


def document(key: str = "connection") -> dict[str, Any]:
    (version,) = shipped_processes().by_key[key]
    return copy.deepcopy(dict(version.document))


def found(changed: dict[str, Any]) -> set[tuple[str, str]]:
    problems = analyse(read_definition(changed), tables)
    return {(problem.code, problem.pointer) for problem in problems}


@pytest.mark.parametrize("key", sorted(shipped_processes().by_key))
def test_what_ships_is_fit_to_run_and_never_edited(key: str) -> None:
    (version,) = shipped_processes().by_key[key]
    assert analyse(version.definition, tables) == []
    assert SHIPPED[version.id] == digest(dict(version.document))


def test_the_processes_of_the_source_ship() -> None:
    assert set(shipped_processes().by_key) >= {
        "connection", "termination", "maintenance", "bank_debt_file", "purchase",
        "invoice_cancellation", "voucher_cancellation",
    }  # fmt: skip


def test_a_step_no_way_leads_to_is_found() -> None:
    changed = document()
    changed["steps"][0]["next"] = [{"to": "end"}]
    assert ("unreachable", "/steps/1") in found(changed)


def test_a_way_without_otherwise_and_a_ring_are_dead_ends() -> None:
    changed = document("termination")
    changed["steps"][0]["next"] = changed["steps"][0]["next"][:1]
    assert ("dead_end", "/steps/0/next") in found(changed)
    ring = document()
    ring["steps"][1]["next"] = [{"to": "collect_fees"}]
    assert {("dead_end", "/steps/0"), ("dead_end", "/steps/1")} <= found(ring)


def test_what_only_one_of_two_ways_produces_counts_as_unknown() -> None:
    changed = document("termination")
    changed["steps"][2]["needs"] = ["debt_decision"]
    assert ("not_produced", "/steps/2/needs") in found(changed)
    known = known_before(read_definition(document("termination")))
    assert "order_no" in known["read_meter"]
    assert "debt_decision" not in known["read_meter"]


def test_rules_and_their_facts_are_checked() -> None:
    changed = document("termination")
    guard = changed["steps"][5]["guards"][0]
    guard["facts"].pop("offset_allowed")
    guard["require"] = {"nothing": True}
    changed["steps"][1]["guards"][0]["rule"] = "no.such_rule"
    assert found(changed) >= {
        ("rule_facts", "/steps/5/guards/0/facts/offset_allowed"),
        ("rule_output", "/steps/5/guards/0/require/nothing"),
        ("unknown_rule", "/steps/1/guards/0/rule"),
    }


def test_names_units_and_types_are_checked() -> None:
    changed = document()
    changed["steps"][0]["unit"] = "nobody"
    changed["steps"][0]["checks"][0]["than"] = "receipt_no"
    changed["steps"][0]["timers"][0]["base"] = "connection_fee"
    changed["steps"][1]["next"] = [{"to": "nowhere"}]
    assert found(changed) >= {
        ("unknown_unit", "/steps/0/unit"),
        ("types", "/steps/0/checks/0"),
        ("types", "/steps/0/timers/0/base"),
        ("unknown_step", "/steps/1/next/0/to"),
    }


def test_the_form_of_a_document_is_refused_with_everything_wrong() -> None:
    changed = document()
    changed["steps"][0]["title"] = {"tr": "x"}
    changed["steps"][1]["command"] = "print it"
    changed["more"] = 1
    with pytest.raises(ValidationError) as refused:
        read_definition(changed)
    assert {problem.pointer for problem in refused.value.problems} == {
        "/more", "/steps/0/title/el", "/steps/0/title/en", "/steps/1/command",
    }  # fmt: skip


# ---------------------------------------------------------------------------- events


def event(seq: int, kind: EventKind, **more: Any) -> Event:
    said = {"step": "", "at": START + timedelta(hours=seq), "actor": "user:1", **more}
    return Event(id=f"e{seq}", seq=seq, kind=kind, **said)


def test_a_correction_counts_where_the_corrected_event_stands() -> None:
    """A later step that produced the same fact still wins over an earlier one's correction."""
    events = [
        event(1, EventKind.STARTED, outputs={"a": 1, "b": 1}),
        event(2, EventKind.STEP_COMPLETED, step="s", outputs={"b": 2}),
        event(3, EventKind.CORRECTED, corrects="e1", outputs={"a": 9, "b": 9}),
    ]
    assert fold(events).data == {"a": 9, "b": 2}
    assert fold(events).data_before(events[1]) == {"a": 9, "b": 9}


def test_a_cancelled_process_has_no_step() -> None:
    events = [
        event(1, EventKind.STARTED),
        event(2, EventKind.STEP_STARTED, step="s"),
        event(3, EventKind.CANCELLED, step="s"),
    ]
    assert (fold(events).status, fold(events).step) == (Status.CANCELLED, "")


@given(st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=30))
def test_forward_and_backward_are_two_sides_of_one_timeline(parents: list[int]) -> None:
    """Whatever led to an event has that event among its effects, and the other way round."""
    events = [
        event(n, EventKind.REMINDED, causation_id=f"e{parent}" if 0 < parent < n else "")
        for n, parent in enumerate(parents, start=1)
    ]
    for one in events:
        for cause in causes(events, one.id):
            assert one in effects(events, cause.id)
        for effect in effects(events, one.id):
            assert one in causes(events, effect.id)
