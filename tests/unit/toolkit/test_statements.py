"""Readers of bank statements: one meaning in every format, every problem with its place."""

import io
import resource
import tracemalloc
from datetime import UTC, date, datetime
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statement_memory import FORMS, Form, Made
from kernel.bank_statement import (
    Direction,
    StatementEntry,
    StatementItem,
    StatementProblem,
    StatementSummary,
)
from kernel.errors import ValidationError
from kernel.money import Money
from tests.support.statements import ACCOUNT, Move, camt, csv_text, mt940
from tests.support.wrong_statements import FIXED_PROFILE
from toolkit.statements.camt import read_camt
from toolkit.statements.csv_profile import PROFILES, CsvProfile, profile_from
from toolkit.statements.reader import format_of, read_statement
from toolkit.statements.values import StatementReason, StatementRefusedError, entry_date

RF = "RF91912346100000000000001"


def _read(data: bytes, profile: CsvProfile | None = None) -> list[StatementItem]:
    return list(read_statement(io.BytesIO(data), profile=profile))


def _entries(data: bytes, profile: CsvProfile | None = None) -> list[StatementEntry]:
    items = _read(data, profile)
    assert [item for item in items if isinstance(item, StatementProblem)] == []
    return [item for item in items if isinstance(item, StatementEntry)]


def _problems(data: bytes, profile: CsvProfile | None = None) -> list[tuple[str, str]]:
    return [
        (item.place.path, item.code)
        for item in _read(data, profile)
        if isinstance(item, StatementProblem)
    ]


def _refused(data: bytes, profile: CsvProfile | None = None) -> StatementReason:
    with pytest.raises(StatementRefusedError) as refused:
        _read(data, profile)
    return refused.value.reason


MOVES = [
    Move(125_000, RF, "Service", bank_reference="B1", end_to_end="E1"),
    Move(-4_250, "", "Fee"),
    Move(-125_000, RF, "Back", reversal=True),
]


@pytest.mark.parametrize("kind", ["053", "054"])
@pytest.mark.parametrize("version", ["02", "08"])
def test_camt_in_its_versions(kind: str, version: str) -> None:
    first, fee, back = _entries(camt(MOVES, kind=kind, version=version))
    assert (first.account, first.amount) == (ACCOUNT, Money(125_000, "EUR"))
    assert (first.direction, first.reversal) == (Direction.CREDIT, False)
    assert first.creditor_references == (RF,)
    assert first.remittance == ("Service",)
    assert (first.bank_reference, first.end_to_end_id) == ("B1", "E1")
    assert (first.counterparty, first.counterparty_bank) == ("Ελένη Δοκιμή", "PIRBGRAA")
    assert first.transaction_code == "PMNT/RCDT/ESCT"
    assert (fee.direction, fee.end_to_end_id) == (Direction.DEBIT, "")
    assert (back.direction, back.reversal, back.counterparty) == (
        Direction.DEBIT,
        True,
        "Ελένη Δοκιμή",
    )


def test_a_collective_entry_gives_its_transactions() -> None:
    group = [Move(1_000, RF), Move(2_000, RF, bank_reference="T2"), Move(3_000)]
    found = _entries(camt([group, Move(500)]))
    assert [entry.amount.minor for entry in found] == [1_000, 2_000, 3_000, 500]
    assert [entry.place.path for entry in found] == [
        "Stmt[1]/Ntry[1]/TxDtls[1]",
        "Stmt[1]/Ntry[1]/TxDtls[2]",
        "Stmt[1]/Ntry[1]/TxDtls[3]",
        "Stmt[1]/Ntry[2]/TxDtls[1]",
    ]
    assert [entry.bank_reference for entry in found] == ["", "T2", "", ""]


def test_a_collective_entry_must_add_up() -> None:
    data = camt([[Move(1_000), Move(2_000)]])
    broken = data.replace(b'<Amt Ccy="EUR">20.00</Amt>', b'<Amt Ccy="EUR">20.01</Amt>')
    assert _problems(broken) == [("Stmt[1]/Ntry[1]", "batch_sum")]


def test_a_transaction_of_a_collection_needs_its_amount() -> None:
    data = camt([[Move(1_000), Move(2_000)]])
    broken = data.replace(b'<Amt Ccy="EUR">20.00</Amt>', b"")
    assert _problems(broken) == [("Stmt[1]/Ntry[1]/TxDtls[2]", "amount")]


def test_a_collection_without_details_says_how_many() -> None:
    data = camt([Move(1_000)])
    start, end = data.index(b"<NtryDtls>"), data.index(b"</NtryDtls>")
    whole = data[:start] + b"<NtryDtls><Btch><NbOfTxs>7</NbOfTxs></Btch>" + data[end:]
    (entry,) = _entries(whole)
    assert (entry.transactions, entry.place.path) == (7, "Stmt[1]/Ntry[1]")


def test_pending_entries_are_counted_and_not_given() -> None:
    items = _read(camt([Move(1_000)], kind="054", pending=True))
    (summary,) = items
    assert isinstance(summary, StatementSummary)
    assert (summary.entries, summary.pending) == (0, 1)


@pytest.mark.parametrize("style", ["?", "/", "free"])
def test_mt940_in_its_styles(style: str) -> None:
    first, fee, back = _entries(mt940(MOVES, style=style))
    assert (first.account, first.amount) == (ACCOUNT, Money(125_000, "EUR"))
    assert (first.booking_date, first.bank_reference) == (date(2026, 6, 1), "B1")
    assert RF in first.remittance[0].replace(" ", "")
    assert (fee.direction, fee.reversal) == (Direction.DEBIT, False)
    assert (back.direction, back.reversal) == (Direction.DEBIT, True)
    if style == "?":
        assert (first.counterparty, first.counterparty_bank) == ("Ελένη Δοκιμή", "PIRBGRAAXXX")
    if style == "/":
        assert first.end_to_end_id == "E1"


def test_mt940_details() -> None:
    text = (
        ":20:A\n:25:GR1601101250000000012300695EUR\n:28C:1\n:60F:D251231EUR0,5\n"
        ":61:2601020102RD10,NTRFREF//BANKREF\nsupplement\n"
        ":86:/TRTP/SEPA/REMI/STRD/CUR/RF18 5390 0754 7034/NAME/Somebody/EREF/X\n"
        ":61:2512311231RCR9,5NMSC\n"
        ":62F:C260102EUR0,00\n:86:closing note\n-\n"
    )
    first, second = _entries(text.encode())
    assert first.account == "GR1601101250000000012300695"
    assert (first.direction, first.reversal) == (Direction.CREDIT, True)
    assert first.creditor_references == ("RF18 5390 0754 7034",)
    assert (first.counterparty, first.end_to_end_id) == ("Somebody", "X")
    assert first.remittance[-1] == "supplement"
    assert (second.amount.minor, second.direction) == (950, Direction.DEBIT)
    assert second.remittance == ()


def test_mt940_sepa_keywords_and_code_pages() -> None:
    text = (
        ":20:A\r\n:25:X\r\n:28C:1\r\n:60F:C260531EUR0,\r\n:61:260601C1,NTRFNONREF\r\n"
        ":86:166?00ΠΙΣΤΩΣΗ?20EREF+E-9?21SVWZ+RF9191234610000?220000000001?32ΕΛΕΝΗ\r\n"
        ":62F:C260601EUR1,\r\n"
    )
    for encoding in ("utf-8", "cp1253"):
        (entry,) = _entries(text.encode(encoding))
        assert entry.end_to_end_id == "E-9"
        assert entry.remittance == (RF, "ΠΙΣΤΩΣΗ")
        assert entry.counterparty == "ΕΛΕΝΗ"


def test_mt940_of_a_turkish_account_is_read_in_its_code_page() -> None:
    text = (
        ":20:A\r\n:25:TR330006100519786457841326\r\n:28C:1\r\n:60F:C260531TRY0,\r\n"
        ":61:260601C1,NTRFNONREF\r\n:86:POS SATIŞI ĞÜ\r\n:62F:C260601TRY1,\r\n"
    )
    for encoding in ("utf-8", "cp1254"):
        (entry,) = _entries(text.encode(encoding))
        assert entry.remittance == ("POS SATIŞI ĞÜ",)
    assert _refused(text.encode("cp1254").replace(b"POS", b"\x81")) is StatementReason.ENCODING


def test_years_of_entry_dates() -> None:
    assert entry_date("1231", date(2026, 1, 2)) == date(2025, 12, 31)
    assert entry_date("0102", date(2025, 12, 31)) == date(2026, 1, 2)
    assert entry_date("0229", date(2024, 3, 1)) == date(2024, 2, 29)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1253"])
def test_csv_by_profile(encoding: str) -> None:
    profile = PROFILES["greek" if encoding == "utf-8" else "greek_cp1253"]
    data = csv_text([MOVES[0], MOVES[1]]).encode(encoding)
    first, fee = _entries(data, profile)
    assert (first.amount, first.place.line) == (Money(125_000, "EUR"), 3)
    assert first.remittance == (f"Service {RF}",)
    assert (fee.direction, fee.amount.minor) == (Direction.DEBIT, 4_250)


def test_csv_newest_first_and_both_ways_of_an_amount() -> None:
    lines = csv_text(MOVES[:2]).split("\r\n")
    turned = "\r\n".join([*lines[:2], lines[3], lines[2], ""])
    items = _read(turned.encode(), PROFILES["greek"])
    (summary,) = [item for item in items if isinstance(item, StatementSummary)]
    assert summary.opening == Money(100_000, "EUR")
    assert summary.closing == Money(220_750, "EUR")
    split = 'Date,Debit,Credit,Details\n2026-06-01,,"1,250.00",x\n2026-06-01,3.5,,y\n'
    found = _entries(split.encode(), PROFILES["english"])
    assert [entry.signed.minor for entry in found] == [125_000, -350]


def test_every_problem_is_listed_with_its_place() -> None:
    text = "Date,Amount,Balance\n2026-06-01,1.00,11.00\nx,2.00,13.00\n2026-06-01,y,9\n"
    text += "2026-06-01,1.00,12.00\n2026-06-02,5.00,18.00\n"
    places = [
        (item.place.line, item.code)
        for item in _read(text.encode(), PROFILES["english"])
        if isinstance(item, StatementProblem)
    ]
    assert places == [(3, "date"), (4, "amount"), (6, "balance_mismatch")]
    broken = mt940(MOVES).replace(b":61:260601", b":61:261301", 1)
    assert _problems(broken) == [(":20:[1]/:61:[1]", "date")]
    assert _problems(mt940(MOVES, closing=1)) == [(":20:[1]", "balance_mismatch")]
    assert _problems(camt(MOVES, closing=1)) == [("Stmt[1]", "balance_mismatch")]
    twice = camt(MOVES).replace(b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<Sts>")
    assert _problems(twice) == [("Stmt[1]/Ntry[1]/TxDtls[1]", "direction")]


def test_thousands_and_signs_of_csv_amounts() -> None:
    for text, minor in (
        ("1.250,00", 125_000),
        ("1250,5", 125_050),
        ("12,30-", -1_230),
        ("-7", -700),
        ("1 250,00", 125_000),
    ):
        data = f"Ημερομηνία;Ποσό\n01/06/2026;{text}\n".encode()
        assert [entry.signed.minor for entry in _entries(data, PROFILES["greek"])] == [minor]
    for text in ("1.25", "12.50,00", "1,2,3", "--1", "1,005", "١", "1e3", ""):
        data = f"Ημερομηνία;Ποσό\n01/06/2026;{text}\n".encode()
        assert _problems(data, PROFILES["greek"]) == [("row", "amount")]


def test_own_profiles_are_checked_as_a_whole() -> None:
    with pytest.raises(ValidationError) as refused:
        profile_from({"columns": {"colour": "x", "amount": ""}, "delimiter": "#", "more": 1})
    assert [problem.pointer for problem in refused.value.problems] == [
        "/delimiter",
        "/columns/colour",
        "/columns/amount",
        "/columns/booking_date",
        "/columns/amount",
        "/more",
    ]
    profile = profile_from(
        {"columns": {"booking_date": "D", "amount": ["A"]}, "delimiter": "|", "decimal": "."}
    )
    assert [e.amount.minor for e in _entries(b"D|A\n01/06/2026|2.50\n", profile)] == [250]


def test_files_that_are_no_statements_are_refused() -> None:
    good = camt(MOVES)
    assert _refused(b"") is StatementReason.EMPTY
    assert _refused(b"a;b\n") is StatementReason.PROFILE_MISSING
    assert _refused(b"a;b\n", PROFILES["greek"]) is StatementReason.HEADER_MISSING
    assert _refused(b"<a/>") is StatementReason.NOT_A_STATEMENT
    assert _refused(good[:-20]) is StatementReason.SYNTAX
    assert _refused(good.replace(b"camt.053", b"camt.052")) is StatementReason.VERSION
    assert _refused(good.replace(b"UTF-8", b"UTF-7")) is StatementReason.ENCODING
    entity = b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document'
    assert _refused(good.replace(b"<Document", entity, 1)) is StatementReason.DTD
    cp1253 = csv_text(MOVES).encode("cp1253")
    assert _refused(cp1253, PROFILES["greek"]) is StatementReason.ENCODING


def test_formats_are_told_by_their_content() -> None:
    assert format_of(camt([])) == "camt"
    assert format_of(b"\xef\xbb\xbf <Document") == "camt"
    assert format_of(mt940([])) == "mt940"
    assert format_of(b":20:X\r\n:25:Y") == "mt940"
    assert format_of(csv_text([]).encode()) == "csv"


def test_an_accepted_order_has_its_instant() -> None:
    (entry,) = _entries(camt([Move(1, accepted="2026-05-30T23:10:00+03:00")]))
    assert entry.accepted_at == datetime(2026, 5, 30, 20, 10, tzinfo=UTC)
    (without,) = _entries(camt([Move(1, accepted="2026-05-30T23:10:00")]))
    assert without.accepted_at is None


@pytest.mark.parametrize("name", list(FORMS))
def test_memory_does_not_grow_with_the_file(name: str) -> None:
    """Four times the file takes the memory of one: n and 4n in one process, the peak of each."""

    def peak(size: int) -> int:
        form = FORMS[name]()
        stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", Made(form, size))))
        tracemalloc.start()
        try:
            items = read_statement(stream, profile=form.profile)
            assert sum(isinstance(item, StatementEntry) for item in items) > size // 1_000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20_000)  # what is made once, such as patterns and the tables of the XML reader
    # Entries of the difference, were they kept, would take several times as much.
    assert peak(400_000) < peak(100_000) + 150_000


def _process_peak(size: int) -> int:
    """KiB of the process: libxml2 keeps its tree outside of Python."""
    group = [Move(1_00, RF), Move(1_00, RF)]
    whole = camt([group], kind="054")
    start = whole.index(b"<TxDtls>")
    end = whole.index(b"</TxDtls>") + len(b"</TxDtls>")
    # One entry with very many transactions; the sum is not what is tested here.
    form = Form(whole[start:end], lambda _: (whole[:start], whole[end:]))
    stream = cast("BinaryIO", Made(form, size))
    assert sum(isinstance(item, StatementEntry) for item in read_camt(stream)) > size // 1_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_an_entry_of_very_many_transactions_is_read_in_the_memory_of_one() -> None:
    before = _process_peak(400_000)
    assert _process_peak(3_200_000) - before < 4_000


_MOVE = st.builds(
    Move,
    st.integers(-(10**9), 10**9).filter(bool),
    rf=st.sampled_from(["", RF]),
    text=st.text("abcΑΒΓ ?:", max_size=60).map(lambda text: "x" + text.strip()),
    day=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    reversal=st.booleans(),
    bank_reference=st.sampled_from(["", "B7"]),
)


@given(st.lists(_MOVE, max_size=8), st.integers(-(10**10), 10**10))
def test_formats_agree_about_the_same_movements(moves: list[Move], opening: int) -> None:
    def essence(entries: list[StatementEntry]) -> list[tuple[int, date, bool]]:
        return [(e.signed.minor, e.booking_date, e.reversal) for e in entries]

    plain = [(move.amount, move.day, move.reversal) for move in moves]
    assert essence(_entries(camt(moves, opening=opening))) == plain
    if opening >= 0:
        assert essence(_entries(mt940(moves, opening=opening, style="/"))) == plain


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for start in (
        b"",
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>",
        b":20:",
    ):
        try:
            _read(start + data, PROFILES["greek"])
        except StatementRefusedError:
            continue


def test_a_camt_row_takes_the_first_of_each_path_and_nothing_foreign() -> None:
    """One walk over the children gives what a look-up of every path would."""
    file = camt([Move(12_345, text="one", bank_reference="B-1")]).decode()
    foreign = (
        '<x:Ext xmlns:x="urn:bank"><x:Amt Ccy="EUR">9.99</x:Amt></x:Ext>'
        "<Refs><EndToEndId>LATER</EndToEndId></Refs>"
    )
    file = file.replace("</TxDtls>", f"{foreign}<AddtlTxInf>two</AddtlTxInf></TxDtls>")
    file = file.replace("NOTPROVIDED", "FIRST").replace(
        "<NtryDtls>", "<NtryDtls><Btch><NbOfTxs>7</NbOfTxs></Btch>"
    )
    rows = [
        item for item in read_camt(io.BytesIO(file.encode())) if isinstance(item, StatementEntry)
    ]
    (row,) = rows
    assert (row.amount.minor, row.end_to_end_id, row.bank_reference) == (12_345, "FIRST", "B-1")
    assert row.remittance[:2] == ("one", "two")
    assert row.transactions == 1


_FIXED = {**FIXED_PROFILE, "currency": "TRY", "encoding": "cp1254", "skip_lines": 1}


def test_fixed_width_by_profile() -> None:
    """The characters of each field are data; what is cut off on the right is blank."""
    lines = (
        "BASLIK 20260601",
        "20260601A000000012345POS SATIŞ FTR-1",
        "20260602B000000000250",
        "",
        "20260603A00000001",
        "20261303A000000012345",
        "20260604A0000000123,5",
    )
    items = _read("\r\n".join(lines).encode("cp1254"), profile_from(_FIXED))
    rows = [item for item in items if isinstance(item, StatementEntry)]
    assert [row.signed.minor for row in rows] == [12_345, -250]
    assert rows[0].remittance == ("POS SATIŞ FTR-1",)
    problems = [item for item in items if isinstance(item, StatementProblem)]
    assert [(each.place.line, each.code) for each in problems] == [
        (5, "row_length"),
        (6, "date"),
        (7, "amount"),
    ]


def test_a_profile_of_fixed_width_is_checked_as_a_whole() -> None:
    wrong = {
        **_FIXED,
        "characters": {"amount": [9, 4], "nothing": [1, 2]},
        "columns": {"amount": "Tutar"},
        "skip_lines": -1,
    }
    with pytest.raises(ValidationError) as caught:
        profile_from(wrong)
    assert {problem.pointer for problem in caught.value.problems} >= {
        "/characters/amount",
        "/characters/nothing",
        "/skip_lines",
        "/columns/booking_date",
    }
