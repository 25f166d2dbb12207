"""Paths, people and time limits of the field register."""

from datetime import date
from typing import Any

import pytest

from kernel.errors import ValidationError
from kernel.personal_data import (
    DROP,
    Basis,
    Datum,
    Ground,
    Holding,
    Person,
    PersonalField,
    Retention,
    RetentionRule,
    digest,
    kept_for,
    parse_person,
)
from toolkit.aws.personal_records import Paths, PersonalRecord, Wanted

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("12345678950", Person(number="12345678950")),
        (" 1234567890 ", Person(number="1234567890")),
        ("094014201", Person(number="094014201")),
        ("Ayse@Ornek.example", Person(email="Ayse@ornek.example")),
        ("+905321234567", Person(phone="+905321234567")),
    ],
)
def test_what_is_typed_says_what_it_is(text: str, person: Person) -> None:
    assert parse_person(text) == person


@pytest.mark.parametrize("text", ["", "Ayşe Yılmaz", "12345678951", "0532 123 45 67", "a@", "١٢٣"])
def test_what_names_nobody_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_person(text)
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code) == ("/person", "person_unreadable")
    assert not text or text not in problem.message


def test_digests_are_keyed_apart_by_kind_and_blind_to_case() -> None:
    one = digest(KEY, Datum.EMAIL, "A@x.example")
    assert one == digest(KEY, Datum.EMAIL, "a@X.example ")
    assert one != digest(KEY, Datum.PHONE, "a@x.example")
    assert one != digest(b"other", Datum.EMAIL, "a@x.example")
    assert "A@x" not in repr(Person(email="A@x.example"))


def test_a_rule_holds_from_its_day_on_and_months_are_clamped() -> None:
    rules = Retention((RetentionRule(120, "old"), RetentionRule(60, "new", date(2027, 1, 1))))
    assert rules.on(date(2026, 12, 31)).months == 120
    assert rules.on(date(2027, 1, 1)).months == 60
    assert kept_for(1, "x").ends(date(2026, 1, 31), date(2026, 2, 1)) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", ["x"]),
        ("missing", []),
        ("l[].v", [1, 2]),
        ("m{}[1]", ["p", "q"]),
        ("a.b", []),
        ("l[9]", []),
    ],
)
def test_paths_lead_to_values(path: str, found: list[Any]) -> None:
    row = {"a": "x", "l": [{"v": 1}, {"v": 2}], "m": {"k": ["_", "p"], "j": ["_", "q"]}}
    assert list(Paths().values(row, path)) == found


def test_changes_leave_the_original_as_it_is() -> None:
    row = {"l": [{"v": 1}, {"v": 2}], "t": ["a", "b"]}
    after = Paths().replaced(row, "l[].v", lambda value: value + 1)
    assert after == {"l": [{"v": 2}, {"v": 3}], "t": ["a", "b"]}
    assert row["l"] == [{"v": 1}, {"v": 2}]
    assert Paths().replaced(row, "t[]", lambda v: DROP if v == "a" else v)["t"] == ["b"]


def _holding(**more: Any) -> Holding:
    given: dict[str, Any] = {
        "kind": "card",
        "ground": Ground("p", Basis.CONTRACT, kept_for(12, "x"), ()),
        "fields": (PersonalField("number", Datum.NUMBER), PersonalField("name", Datum.NAME, "—")),
        **more,
    }
    return Holding(**given)


def _wanted(number: str, *owners: str) -> Wanted:
    return Wanted(KEY, frozenset(Person(number=number).digests(KEY)), owners)


def test_a_part_is_erased_where_it_is_the_persons_and_nowhere_else() -> None:
    lines = [{"number": "12345678950", "name": "A"}, {"number": "98765432150", "name": "B"}]
    row = {"pk": "p", "sk": "META", "id": "1", "lines": lines}
    record = PersonalRecord([_holding(part="lines[]")], {"META": row}, {}, Paths())
    wanted = _wanted("12345678950")
    assert record.is_about(wanted)
    assert not record.is_whole(wanted)
    changed = record.erased(wanted)["p", "META"]["lines"]
    assert changed == [{"number": None, "name": "—"}, lines[1]]
    assert not record.is_about(_wanted("11111111110"))


def test_a_record_belongs_to_whom_its_owner_belongs_to() -> None:
    row = {"pk": "p", "sk": "META", "id": "1", "owner": "7", "name": "A", "number": ""}
    record = PersonalRecord([_holding(by={"owner": "person"})], {"META": row}, {}, Paths())
    assert record.is_whole(_wanted("12345678950", "person:7"))
    assert not record.is_about(_wanted("12345678950", "person:8"))
    assert record.erased(_wanted("12345678950", "person:7")) == {("p", "META"): {"name": "—"}}


def test_what_is_erased_already_changes_nothing() -> None:
    row = {"pk": "p", "sk": "META", "id": "1", "owner": "7", "name": "—", "number": None}
    record = PersonalRecord([_holding(by={"owner": "person"})], {"META": row}, {}, Paths())
    wanted = _wanted("12345678950", "person:7")
    assert record.erased(wanted) == {}
    assert record.held(wanted) == []


def test_a_list_that_runs_along_loses_the_same_elements() -> None:
    row = {"pk": "p", "sk": "META", "id": "1", "to": ["A@x.example", "b@x.example"], "by": [1, 2]}
    address = (PersonalField("", Datum.EMAIL, DROP),)
    holding = _holding(fields=address, part="to[]", along="by")
    record = PersonalRecord([holding], {"META": row}, {}, Paths())
    wanted = Wanted(KEY, frozenset(Person(email="a@x.example").digests(KEY)), ())
    assert record.erased(wanted) == {("p", "META"): {"to": ["b@x.example"], "by": [2]}}
