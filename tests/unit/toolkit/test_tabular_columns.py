"""Column names to canonical fields: aliases, remembered choices, conflicts, templates."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.tabular.columns import Column, ColumnSet, Conflict, header_key
from toolkit.tabular.csv_reader import read_csv
from toolkit.tabular.table import CellKind, Row, is_machine_row, locate_header

EMPLOYEES = ColumnSet(
    "test.employees",
    (
        Column(
            "national_id",
            {"tr": "T.C. Kimlik No", "el": "Αρ. ταυτότητας", "en": "National id"},
            ("TCKN", "Kimlik Numarası"),
            required=True,
            example="10000000146",
        ),
        Column("first_name", {"tr": "Adı"}, ("Ad", "İsim"), required=True, example="Örnek"),
        Column("gender", {"tr": "Cinsiyet"}, choices=("K", "E")),
    ),
)


@pytest.mark.parametrize(
    "names",
    [
        ("T.C. Kimlik No", "tc kimlik no", "TC KİMLİK NO", "TC KIMLIK NO", " T.C.KİMLİK-NO "),
        ("Doğum Tarihi", "DOGUM TARİHİ", "dogum_tarihi", "DOĞUM TARIHI"),
        ("İşe Giriş", "ISE GIRIS", "ise giriş"),
        ("Επώνυμο", "ΕΠΩΝΥΜΟ", "επωνυμο"),
    ],
)
def test_spellings_of_one_name_are_one_key(names: tuple[str, ...]) -> None:
    assert len({header_key(name) for name in names}) == 1


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(name: str) -> None:
    assert header_key(header_key(name)) == header_key(name)


def test_aliases_are_proposed_and_the_rest_is_named() -> None:
    mapping = EMPLOYEES.map(["TCKN", "İSİM", "Sicil"])
    assert mapping.fields == ("national_id", "first_name", None)
    assert mapping.unknown == ("Sicil",)
    assert mapping.complete


def test_missing_and_doubled_fields_are_reported() -> None:
    assert EMPLOYEES.map(["Cinsiyet"]).missing == ("national_id", "first_name")
    doubled = EMPLOYEES.map(["TCKN", "Kimlik Numarası", "Ad"])
    assert doubled.conflicts == (Conflict("national_id", ("TCKN", "Kimlik Numarası")),)
    assert not doubled.complete


def test_a_remembered_choice_is_plain_data_and_wins_over_aliases() -> None:
    chosen = EMPLOYEES.map(["Sicil No", "TCKN", "Ad"], {"sicil no": "national_id"})
    assert chosen.fields == ("national_id", None, "first_name")
    stored = json.loads(json.dumps(chosen.remember()))
    again = EMPLOYEES.map(["SİCİL NO", "tckn", "AD"], stored)
    assert again.fields == chosen.fields
    assert again.unknown == ()


def test_a_remembered_field_of_long_ago_is_ignored() -> None:
    mapping = EMPLOYEES.map(["TCKN", "Ad"], {"tckn": "abolished"})
    assert mapping.fields == ("national_id", "first_name")


def test_two_fields_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="adi"):
        ColumnSet("x", (Column("a", {"tr": "Adı"}), Column("b", {"tr": "ADİ"})))


def test_rows_are_read_by_field_and_keep_their_kind() -> None:
    mapping = EMPLOYEES.map(["x", "TCKN", "Ad"])
    row = mapping.apply(Row(7, ("?", "10000000146", "Ali"), {1: CellKind.NUMBER}))
    assert (row.number, row.text("first_name")) == (7, "Ali")
    assert row["national_id"].kind is CellKind.NUMBER
    assert row.text("gender") == ""


def test_the_example_row_of_a_template_is_left_out() -> None:
    table = read_csv("TCKN;Ad;Cinsiyet\n10000000146;Örnek;\n10000000146;Ali;E\n".encode())
    mapping = EMPLOYEES.map(table.header)
    assert [row.text("first_name") for row in EMPLOYEES.rows(table, mapping)] == ["Ali"]


def test_a_header_needs_two_known_names_or_is_the_first_row() -> None:
    known = EMPLOYEES.header_keys({"Sicil": "national_id"})
    rows = [["", ""], ["Ad", "Rapor"], ["Sicil", "Ad"], ["TCKN", "Ad"], ["1", "2"]]
    place = locate_header(rows, header_key, known)
    assert place is not None
    assert (place.index, place.data_index) == (2, 3)
    first = locate_header([["", ""], ["Rapor", "x"], ["1", "2"]], header_key, known)
    assert first is not None
    assert first.index == 1
    assert locate_header([["", " "]], header_key, known) is None


def test_the_machine_row_is_the_header_and_hides_the_names_below_it() -> None:
    rows = [["kopru:national_id", "kopru:first_name"], ["T.C. Kimlik No *", "Adı *"], ["1", "2"]]
    place = locate_header(rows, header_key, EMPLOYEES.header_keys())
    assert place is not None
    assert (place.index, place.data_index) == (0, 2)
    assert is_machine_row(rows[0])
    assert not is_machine_row(rows[1])
    assert EMPLOYEES.map(rows[0]).fields == ("national_id", "first_name")
