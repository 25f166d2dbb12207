"""Versions, scopes, simulation, records: from a draft to a decision made again."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ParseError,
    ValidationError,
)
from tests.support.rule_tables import NOW, PURCHASE_AS_WRITTEN, TODAY, parameter, world_of
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.catalogue import Catalogue
from workflow.domain.rules.evaluation import Outcome, evaluate
from workflow.domain.rules.parameters import World
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.record import DecisionRecord, explain, replay
from workflow.domain.rules.scope import Scopes, read_scope
from workflow.domain.rules.simulation import Situation, compare
from workflow.domain.rules.versions import TableVersion, VersionStatus

CHAIN = "approval.purchase_chain"


def version(
    number: int, valid_from: date, *, scope: str = "company", known: datetime = NOW, **more: Any
) -> TableVersion:
    given: dict[str, Any] = {"status": VersionStatus.PUBLISHED, **more}
    return TableVersion(
        id=f"v{number}",
        key=CHAIN,
        scope=scope,
        document=PURCHASE_AS_WRITTEN,
        sha256=f"hash{number}",
        valid_from=valid_from,
        recorded_at=known,
        author="user:a",
        **given,
    )


def found(catalogue: Catalogue, on: date = TODAY, known: datetime = NOW, **scopes: str) -> str:
    return catalogue.version(CHAIN, Scopes(**scopes), on, known).id


def test_the_latest_published_version_of_the_closest_scope_counts() -> None:
    catalogue = shipped().plus(
        [
            version(1, date(2026, 1, 1)),
            version(2, date(2026, 8, 1)),
            version(3, date(2026, 8, 1), known=NOW + timedelta(days=1)),
            version(4, date(2020, 1, 1), scope="region:R1"),
            version(5, date(2026, 8, 15), status=VersionStatus.DRAFT),
        ]
    )
    assert found(catalogue, date(2025, 12, 31)).startswith("approvals.1.")
    assert found(catalogue, date(2026, 7, 31)) == "v1"
    assert found(catalogue) == "v2"
    assert found(catalogue, known=NOW + timedelta(days=2)) == "v3"
    assert found(catalogue, region="R1") == "v4"


def test_of_two_recorded_at_the_same_instant_the_later_one_counts() -> None:
    first, second = version(1, date(2026, 1, 1)), version(2, date(2026, 1, 1))
    for order in ([first, second], [second, first]):
        known = Catalogue.of([], order, [])
        assert known.version(CHAIN, Scopes(), TODAY, NOW) is second


def test_a_retired_version_still_counts_for_what_was_known_then() -> None:
    later = NOW + timedelta(days=5)
    catalogue = shipped().plus([version(1, date(2026, 1, 1)).retired(later)])
    assert found(catalogue, known=NOW) == "v1"
    assert found(catalogue, known=later).startswith("approvals.1.")


def test_nothing_decides_before_the_first_version_or_without_a_rule() -> None:
    with pytest.raises(NotFoundError, match="no_version"):
        shipped().version(CHAIN, Scopes(), date(1999, 12, 31), NOW)
    with pytest.raises(NotFoundError, match="rule_unknown"):
        shipped().version("nobody.knows", Scopes(), TODAY, NOW)


def test_an_author_does_not_publish_and_a_published_version_stays() -> None:
    draft = version(1, TODAY, status=VersionStatus.DRAFT)
    with pytest.raises(ForbiddenError, match="four_eyes"):
        draft.published("user:a", NOW)
    done = draft.submitted().published("user:b", NOW)
    assert (done.status, done.publisher, done.recorded_at) == (
        VersionStatus.PUBLISHED,
        "user:b",
        NOW,
    )
    for change in (done.submitted, lambda: done.published("user:c", NOW)):
        with pytest.raises(ConflictError):
            change()


@pytest.mark.parametrize("text", ["default", "", "region:", "region:a b", "town:x", None, 5])
def test_a_company_writes_only_scopes_of_its_own(text: object) -> None:
    with pytest.raises(ParseError):
        read_scope(text)


# ------------------------------------------------------------------ simulation


def situations(world: World, *amounts: str) -> list[Situation]:
    return [Situation(amount, {"amount": amount}, world) for amount in amounts]


def test_a_draft_is_compared_with_what_is_published() -> None:
    published = shipped().version(CHAIN, Scopes(), TODAY, NOW).table
    rows = [
        {"id": "all", "cells": ["<50000.00"], "outputs": {"chain": ["CHIEF"]}},
        {"id": "huge", "cells": [">=50000.00"], "outputs": {"chain": ["CHIEF", "MANAGER"]}},
    ]
    draft = read_table({**PURCHASE_AS_WRITTEN, "rows": rows})
    amounts = [f"{number}.00" for number in range(980, 1030)]
    report = compare(draft, published, situations(world_of(), *amounts)).to_dict()
    assert (report["total"], report["same"], report["changed"]) == (50, 20, 30)
    assert report["hits"] == {"all": 50, "huge": 0}
    assert report["never_hit"] == ["huge"]
    assert len(report["differences"]) == 20
    assert report["differences"][0] == {
        "id": "1000.00",
        "facts": {"amount": "1000.00"},
        "before": {"chain": ["CHIEF", "MANAGER"]},
        "after": {"chain": ["CHIEF"]},
    }


def test_an_error_is_a_result_that_can_be_compared() -> None:
    draft = read_table(PURCHASE_AS_WRITTEN)
    report = compare(draft, None, situations(world_of(), "-1.00"))
    assert report.differences[0].after == {"error": "facts_invalid"}


# ------------------------------------------------------------------ records


def record_of(world: World, facts: dict[str, Any]) -> DecisionRecord:
    chosen = shipped().version(CHAIN, Scopes(), TODAY, NOW)
    decision = evaluate(chosen.table, facts, world)
    return DecisionRecord(
        id="D1",
        rule=CHAIN,
        table=chosen.key,
        version_id=chosen.id,
        sha256=chosen.sha256,
        scopes=Scopes(),
        valid_on=world.valid_on,
        known_on=world.known_on,
        decided_at=NOW,
        actor="user:a",
        facts=chosen.table.facts.masked(facts),
        outcome=decision.outcome,
        result=decision.result,
        rows=decision.rows,
        hits=decision.hits,
        reason_codes=decision.reason_codes,
        parameters=tuple(parameter.trace() for parameter in decision.parameters),
        derived=decision.derived,
        trace_hash=decision.trace_hash,
        duration_us=12,
    )


def test_a_decision_is_made_again_with_the_knowledge_of_its_time() -> None:
    record = record_of(world_of(), {"amount": "1500.00"})
    table = shipped().version(CHAIN, Scopes(), TODAY, NOW).table
    later = parameter(
        "purchase.limit", "9000.00", date(2026, 1, 1), recorded_at=NOW + timedelta(days=1)
    )
    again = replay(record, table, world_of(later, known_on=record.known_on))
    assert again.same
    now = replay(record, table, world_of(later, known_on=NOW + timedelta(days=2)))
    assert not now.same
    assert now.decision.result == {"chain": ["CHIEF"]}


def test_a_changed_record_does_not_replay() -> None:
    record = record_of(world_of(), {"amount": "1500.00"})
    table = shipped().version(CHAIN, Scopes(), TODAY, NOW).table
    forged = replace(record, facts={"amount": "15.00"})
    assert not replay(forged, table, world_of()).same


def test_reasons_name_rule_row_cell_and_parameter() -> None:
    record = record_of(world_of(), {"amount": "1000.00"})
    table = shipped().version(CHAIN, Scopes(), TODAY, NOW).table
    said = explain(
        table,
        rule=record.rule,
        valid_on=record.valid_on,
        outcome=Outcome.DECIDED,
        rows=record.rows,
        hits=record.hits,
        parameters=record.parameters,
    )
    assert [why.key for why in said] == [
        "workflow.why.decided",
        "workflow.why.reason",
        "workflow.why.failed",
        "workflow.why.parameter",
    ]
    assert said[1].params["reason_tr"].startswith("Sınıra eşit")
    assert said[2].params == {
        "row": "below",
        "column": "amount",
        "cell": "<@purchase.limit",
        "value": "1000.00",
    }
    assert said[3].params["value"] == "1000.00"


# A social tariff: the birth date decides and is shown nowhere.
SOCIAL: dict[str, Any] = {
    "facts": [
        {"name": "on", "type": "date"},
        {"name": "born_on", "type": "date", "personal": True},
        {"name": "customer", "type": "text", "personal": True, "nullable": True},
    ],
    "derived": [
        {
            "name": "days",
            "type": "int",
            "function": "days_between",
            "args": {"start": "born_on", "end": "on"},
        },
    ],
    "columns": ["born_on", "days"],
    "outputs": [{"name": "discount", "type": "int"}],
    "rows": [
        {"id": "old", "cells": ["<1960-01-01", ">=0"], "outputs": {"discount": 50}},
        {"id": "young", "cells": [">=1960-01-01", ">=0"], "outputs": {"discount": 0}},
    ],
}


def test_a_personal_fact_decides_and_is_shown_nowhere() -> None:
    table = read_table(SOCIAL)
    assert table.place("days").personal
    facts = {"on": "2026-09-01", "born_on": "1950-03-04", "customer": None}
    decision = evaluate(table, facts, world_of())
    assert decision.result == {"discount": 50}
    assert decision.derived == {"days": "•••"}
    assert decision.rows[1].to_dict()["failed"]["value"] == "•••"
    assert table.facts.masked(facts) == {**facts, "born_on": "•••"}
    assert table.facts.personal(facts) == {"born_on": "1950-03-04"}
    # The same table, written and read again, hides the same.
    assert read_table(table.to_dict()).to_dict() == table.to_dict()


def test_personal_facts_are_no_columns_unless_asked_for() -> None:
    facts = [
        {"name": "amount", "type": "money"},
        {"name": "customer", "type": "text", "personal": True},
    ]
    table = read_table({"facts": facts, "rows": [{"id": "a", "cells": ["-"]}]})
    assert [column.name for column in table.columns] == ["amount"]


@pytest.mark.parametrize("name", ["born_on", "days"])
def test_a_personal_fact_is_never_put_out(name: str) -> None:
    rows = [{"id": "a", "cells": ["-", "-"], "outputs": {"discount": {"fact": name}}}]
    with pytest.raises(ValidationError) as refused:
        read_table({**SOCIAL, "rows": rows})
    assert {problem.code for problem in refused.value.problems} == {"PERSONAL"}


def test_a_comparison_shows_personal_facts_masked() -> None:
    other = {
        **SOCIAL,
        "rows": [{**SOCIAL["rows"][0], "outputs": {"discount": 60}}, SOCIAL["rows"][1]],
    }
    facts = {"on": "2026-09-01", "born_on": "1950-03-04", "customer": "Ayşe Örnek"}
    made = compare(read_table(other), read_table(SOCIAL), [Situation("1", facts, world_of())])
    assert made.differences[0].before == {"discount": 50}
    assert made.differences[0].facts == {
        "on": "2026-09-01", "born_on": "•••", "customer": "•••",
    }  # fmt: skip
