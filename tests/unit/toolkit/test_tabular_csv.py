"""Reading CSV: encodings, separators, titles above the header, and every way to break a file."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.tabular.csv_reader import detect_encoding, read_csv
from toolkit.tabular.table import FileReason, Table, TableRefusedError

TURKISH = "kod;ünvan\nA1;Şişli Gıda A.Ş.\nA2;İğde Çiçek\n"
GREEK = "κωδικός;επωνυμία\n1;Άλφα Ελληνική ΑΕ\n2;Μύλοι Ήπειρος\n"


def texts(table: Table) -> list[tuple[str, ...]]:
    return [row.texts for row in table.rows()]


def refusal(data: bytes | str, **options: str) -> TableRefusedError:
    with pytest.raises(TableRefusedError) as caught:
        read_csv(data.encode() if isinstance(data, str) else data, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("text", "encoding", "language", "named"),
    [
        (TURKISH, "utf-8", None, "utf-8"),
        (TURKISH, "utf-8-sig", None, "utf-8-sig"),
        (TURKISH, "cp1254", None, "cp1254"),
        (TURKISH, "cp1254", "tr", "cp1254"),
        (TURKISH, "iso-8859-9", "tr", "cp1254"),
        (GREEK, "utf-8", "el", "utf-8"),
        (GREEK, "cp1253", "el", "cp1253"),
        (GREEK, "cp1253", None, "cp1253"),
        (GREEK, "iso-8859-7", "el", "iso-8859-7"),
        (GREEK, "iso-8859-7", None, "iso-8859-7"),
        ("kod;ad\n1;Ali\n", "ascii", None, "utf-8"),
    ],
)
def test_letters_survive_every_encoding_people_use(
    text: str, encoding: str, language: str | None, named: str
) -> None:
    table = read_csv(text.encode(encoding), language=language)
    assert table.source.encoding == named
    assert table.header == tuple(text.splitlines()[0].split(";"))
    assert texts(table) == [tuple(line.split(";")) for line in text.splitlines()[1:]]


def test_a_person_may_override_a_wrong_guess() -> None:
    data = "a,b;c\n1,2;3\n".encode("cp1254")
    assert refusal(data).reason is FileReason.SEPARATOR
    assert read_csv(data, separator=";").header == ("a,b", "c")
    assert read_csv(data, separator=",").header == ("a", "b;c")
    assert read_csv(GREEK.encode("cp1253"), encoding="cp1253", language="tr").header[0] == "κωδικός"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_other_unicode_forms_are_refused_with_advice(encoding: str) -> None:
    error = refusal(TURKISH.encode(encoding))
    assert error.reason in {FileReason.ENCODING, FileReason.NUL}
    assert "UTF-8" in error.message


def test_bytes_no_code_page_has_are_refused() -> None:
    assert refusal(b"a;b\n\x81;\xff\n", language="tr").reason is FileReason.ENCODING
    assert refusal(b"a;b\n\xd2;\xff\n", language="el").reason is FileReason.ENCODING
    assert refusal(b"a;b\n1;2\n", encoding="no-such-encoding").reason is FileReason.ENCODING


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found_and_decimal_commas_do_not_confuse(separator: str) -> None:
    decimal = "." if separator == "," else ","
    table = read_csv(f"kod{separator}tutar\nA{separator}12{decimal}50\n".encode())
    assert table.source.separator == separator
    assert texts(table) == [("A", f"12{decimal}50")]


def test_excel_says_the_separator_in_its_own_line() -> None:
    table = read_csv("\ufeffsep=,\r\na;x,b\r\n1;2,3\r\n".encode())
    assert table.header == ("a;x", "b")
    assert [row.number for row in table.rows()] == [3]


def test_a_single_column_is_a_table() -> None:
    table = read_csv(b"kod\nA\nB\n")
    assert texts(table) == [("A",), ("B",)]


@pytest.mark.parametrize(
    ("text", "reason", "pointer"),
    [
        ("", FileReason.EMPTY, None),
        ("\n\n", FileReason.EMPTY, None),
        ("a;b\n1;\0\n", FileReason.NUL, None),
        ('a;b\n1;2\n3;"x\n', FileReason.QUOTES, "/rows/3"),
        ('a;b\n1;2\n3;5" boru\n', FileReason.QUOTES, "/rows/3"),
        ('a;b\n1;"x"y\n', FileReason.QUOTES, "/rows/2"),
        ('"a;b\n1;2\n', FileReason.QUOTES, "/rows/1"),
        ("a;b\n1,2\n3;4\n", FileReason.ROW_LENGTH, "/rows/2"),
        ("a;b\n1;2\n1;2;3\n", FileReason.ROW_LENGTH, "/rows/3"),
        ("a;b\n1;2;\n", FileReason.ROW_LENGTH, "/rows/2"),
        ("a;A\n1;2\n", FileReason.HEADER_NAME_TWICE, "/header/2"),
        ("ad;AD \n1;2\n", FileReason.HEADER_NAME_TWICE, "/header/2"),
        ("a;\n1;2\n", FileReason.HEADER_NAME_MISSING, "/header/2"),
        ("a; \n1;2\n", FileReason.HEADER_NAME_MISSING, "/header/2"),
        ("a;b\n1;" + "x" * 65_537 + "\n", FileReason.FIELD_TOO_LONG, "/rows/2"),
        ("a;b\n1;" + "ş" * 32_769 + "\n", FileReason.FIELD_TOO_LONG, "/rows/2"),
        ('a;b\n1;"' + "x" * 200_000 + '"\n', FileReason.FIELD_TOO_LONG, "/rows/2"),
        (";".join(f"k{i}" for i in range(257)) + "\n", FileReason.TOO_MANY_COLUMNS, None),
        ("a\n" + "1\n" * 50_001, FileReason.TOO_MANY_ROWS, None),
        ("a\n" + "x" * 10_000_000, FileReason.TOO_LARGE, None),
        ("PK\x03\x04", FileReason.NOT_A_CSV, None),
    ],
)
def test_structural_errors_are_refused_with_their_place(
    text: str, reason: FileReason, pointer: str | None
) -> None:
    error = refusal(text)
    assert error.reason is reason
    assert [problem.pointer for problem in error.problems[:1]] == ([pointer] if pointer else [])


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1;" + "x" * 65_536 + "\n",
        ";".join(f"k{i}" for i in range(256)) + "\n",
        "a\n" + "1\n" * 50_000,
        'a;b\n"x\r\ny;z";"say ""hi"""\n',
    ],
)
def test_the_limits_themselves_are_accepted(text: str) -> None:
    table = read_csv(text.encode())
    assert sum(1 for _ in table.rows()) == table.row_count


def test_all_rows_with_problems_are_listed_at_once_up_to_a_hundred() -> None:
    few = refusal("a;b\n1\n1;2\n1;2;3\n")
    assert [problem.pointer for problem in few.problems] == ["/rows/2", "/rows/4"]
    assert len(refusal("a;b\n" + "1\n" * 500).problems) == 100


def test_lines_are_those_of_the_file_even_with_line_breaks_inside_quotes() -> None:
    table = read_csv(b'a;b\r\n"1\r\n2";x\r\n\r\n;\r\n3;y\r\n')
    assert [(row.number, row.texts) for row in table.rows()] == [
        (2, ("1\r\n2", "x")),
        (6, ("3", "y")),
    ]
    assert table.row_count == 2


def test_a_header_below_titles_is_found_by_known_names() -> None:
    known = frozenset({"tckimlikno", "ad", "soyad"})
    text = "ÖRNEK TEKSTİL A.Ş.;;\nDönem: 03/2024;;\n\nT.C. Kimlik No;Ad;Soyad\n10000000146;Ali;Er\n"
    table = read_csv(text.encode(), known_headers=known)
    assert (table.header, table.header_line) == (("T.C. Kimlik No", "Ad", "Soyad"), 4)
    assert texts(table) == [("10000000146", "Ali", "Er")]


def test_one_apostrophe_of_our_exports_is_removed() -> None:
    table = read_csv(b"a;b;c\n'=1+1;''x;'tis\n")
    assert texts(table) == [("=1+1", "'x", "'tis")]


def test_rows_can_be_read_again_and_are_not_held_in_memory() -> None:
    line = "10000000146;" + "x" * 150 + "\n"
    data = ("tckn;not\n" + line * 50_000).encode()
    table = read_csv(data)
    tracemalloc.start()
    first = sum(1 for _ in table.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert first == sum(1 for _ in table.rows()) == 50_000
    assert peak < 1_000_000


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(cells, cells), max_size=6))
def test_what_the_standard_writer_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    output = io.StringIO(newline="")
    writer = csv.writer(output, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows([("anahtar", "a", "b"), *[("x", *row) for row in rows]])
    table = read_csv(output.getvalue().encode(), separator=";")
    read = [row.texts[1:] for row in table.rows()]
    assert len(read) == len(rows)
    for (found_a, found_b), (a, b) in zip(read, rows, strict=True):
        assert found_a in (a, a[1:])
        assert found_b in (b, b[1:])


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_table_or_a_refusal(data: bytes) -> None:
    try:
        table = read_csv(data)
    except TableRefusedError:
        return
    assert sum(1 for _ in table.rows()) == table.row_count


def test_detection_alone_reports_what_the_preview_shows() -> None:
    assert detect_encoding(TURKISH.encode("cp1254")) == "cp1254"
    assert detect_encoding("José;ş\n".encode("cp1254"), "tr") == "cp1254"
