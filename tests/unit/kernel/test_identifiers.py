"""Identity and tax numbers, accounts, references, addresses: arithmetic and shapes."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable
from types import ModuleType

import idna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kernel.errors import ParseError
from kernel.identifiers import (
    afm,
    banks,
    contract_no,
    creditor_reference,
    domain_name,
    email,
    iban,
    ledger_party,
    rf,
    tckn,
    vkn,
    webhook_url,
)
from kernel.scripts import scripts_of

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(alphabet="0123456789", min_size=count, max_size=count)


def code_of(read: Callable[..., object], *values: object) -> str:
    with pytest.raises(ParseError) as caught:
        read(*values)
    return caught.value.code


def with_tckn_digits(nine: str) -> str:
    d = [int(char) for char in nine]
    tenth = (7 * (d[0] + d[2] + d[4] + d[6] + d[8]) - (d[1] + d[3] + d[5] + d[7])) % 10
    return f"{nine}{tenth}{(sum(d) + tenth) % 10}"


@st.composite
def tckns(draw: st.DrawFn) -> str:
    return with_tckn_digits(draw(st.sampled_from("123456789")) + draw(digits(8)))


@st.composite
def vkns(draw: st.DrawFn) -> str:
    nine = draw(digits(9))
    return nine + vkn.check_digit(nine)


@st.composite
def afms(draw: st.DrawFn) -> str:
    eight = draw(digits(8))
    return eight + afm.check_digit(eight)


@st.composite
def ibans(draw: st.DrawFn) -> str:
    account = draw(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=16))
    if draw(st.booleans()):
        return iban.build("TR", draw(digits(5)), account)
    return iban.build("GR", draw(digits(3)), account, draw(digits(4)))


@st.composite
def rf_codes(draw: st.DrawFn) -> str:
    reference = "9" + draw(digits(20))
    return f"RF{creditor_reference.check_digits(reference)}{reference}"


SAMPLES: list[tuple[ModuleType, st.SearchStrategy[str]]] = [
    (tckn, tckns()),
    (vkn, vkns()),
    (afm, afms()),
    (iban, ibans()),
    (rf, rf_codes()),
    (creditor_reference, rf_codes()),
]


@pytest.mark.parametrize(("module", "numbers"), SAMPLES, ids=lambda x: getattr(x, "__name__", ""))
def test_one_wrong_digit_and_any_stranger_script_is_refused(
    module: ModuleType, numbers: st.SearchStrategy[str]
) -> None:
    @given(numbers, st.data())
    def check(number: str, data: st.DataObject) -> None:
        assume(number != "000000000")
        assert module.is_valid(number)
        for stranger in (number.translate(ARABIC), number.translate(FULL_WIDTH), number + "\n"):
            assert not module.is_valid(stranger)
            with pytest.raises(ParseError):
                module.parse(stranger)
        assert not module.is_valid(int(number) if number.isdigit() else None)

        place = data.draw(st.sampled_from([i for i, char in enumerate(number) if char.isdigit()]))
        other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
        changed = number[:place] + other + number[place + 1 :]
        if module in (iban, rf, creditor_reference, tckn):
            assert not module.is_valid(changed)

    check()


@given(tckns())
def test_a_plausible_identity_number_is_read_without_blanks(number: str) -> None:
    assume(len(set(number[:10])) > 1)
    assert tckn.parse(f"  {number} ") == number
    assert vkn.is_valid(number) is False


@given(st.sampled_from("123456789"))
def test_ten_equal_digits_belong_to_nobody(digit: str) -> None:
    number = with_tckn_digits(digit * 9)
    assert tckn.is_valid(number)
    expected = "IMPLAUSIBLE" if number[9] == digit else None
    if expected:
        assert code_of(tckn.parse, number) == expected
    else:
        assert tckn.parse(number) == number


@pytest.mark.parametrize(
    ("read", "value", "code"),
    [
        (tckn.parse, 12345678950, "TYPE"),
        (tckn.parse, "1234567895", "SHAPE"),
        (tckn.parse, "12345678901", "CHECK"),
        (tckn.parse, "\t12345678950", "SHAPE"),
        (vkn.parse, None, "TYPE"),
        (vkn.parse, "1234567891", "CHECK"),
        (vkn.parse, "12345678950", "SHAPE"),
        (vkn.parse, "0000000001", "IMPLAUSIBLE"),
        (afm.parse, 94259216, "TYPE"),
        (afm.parse, "94259216", "SHAPE"),
        (afm.parse, "GR094259216", "SHAPE"),
        (afm.parse, "el094259216", "SHAPE"),
        (afm.parse, "EL 094259216", "SHAPE"),
        (afm.parse, "000000000", "CHECK"),
        (iban.parse, 1, "TYPE"),
        (iban.parse, "TR33-0006-1005-1978-6457-8413-26", "SHAPE"),
        (iban.parse, "DE89370400440532013000", "SHAPE"),
        (iban.parse, "", "SHAPE"),
        (iban.parse, "TR990006200000000000000042", "CHECK"),
        (iban.parse, "TR120006250000000000000001", "RESERVE_DIGIT"),
        (rf.parse, 1, "TYPE"),
        (rf.parse, "RF18539007547034", "PATTERN"),
        (rf.parse, "RF87912348100000000000001", "CHECK_DIGITS"),
        (rf.parse, "RF01912348000000000000032", "NON_CANONICAL"),
        (creditor_reference.parse, "RF18", "PATTERN"),
        (creditor_reference.parse, "RF18539007547034ABCDEFGHIJK", "PATTERN"),
        (creditor_reference.parse, "RF19539007547034", "CHECK_DIGITS"),
        (creditor_reference.parse, "RF99000036", "NON_CANONICAL"),
    ],
)
def test_the_reason_is_named(read: Callable[[object], str], value: object, code: str) -> None:
    assert code_of(read, value) == code


def test_placeholders_are_known_and_never_numbers_of_somebody() -> None:
    assert tckn.special("11111111111") == "UNNAMED_CONSUMER"
    assert vkn.special("2222222222") == "FOREIGN_BUYER"
    assert vkn.special("2222222222", {}) is None
    assert not tckn.is_valid("11111111111")
    assert not vkn.is_valid("2222222222")


def test_a_ledger_names_a_company_a_person_or_nobody() -> None:
    person = ledger_party.parse(" 12345678950")
    assert (person.kind, person.special) == ("TCKN", None)
    assert "12345678950" not in repr(person)
    assert ledger_party.parse("1234567890").kind == "VKN"
    nobody = ledger_party.parse("2222222222 ")
    assert (nobody.kind, nobody.number, nobody.special) == (
        "SPECIAL",
        "2222222222",
        "FOREIGN_BUYER",
    )
    assert code_of(ledger_party.parse, 1234567890) == "TYPE"
    assert code_of(ledger_party.parse, "123") == "SHAPE"
    assert code_of(ledger_party.parse, "12345678951") == "CHECK"
    with pytest.raises(ParseError):
        ledger_party.parse("2222222222", placeholders={})


@given(ibans())
def test_an_iban_survives_printing(number: str) -> None:
    printed = iban.format_groups(number)
    assert iban.parse(printed) == number
    assert iban.is_valid(printed)
    assert 2 <= int(number[2:4]) <= 98
    assert len(number) == (26 if number.startswith("TR") else 27)


@given(ibans())
def test_a_lower_case_iban_is_refused_with_the_right_form(number: str) -> None:
    with pytest.raises(ParseError) as caught:
        iban.parse(number.lower().replace("0", "\u00a00"))
    assert caught.value.code == "SHAPE"
    assert caught.value.suggestion == number


def test_a_wrong_iban_has_no_suggestion() -> None:
    with pytest.raises(ParseError) as caught:
        iban.parse("tr330006100519786457841327")
    assert caught.value.suggestion is None


def test_the_country_of_a_field_counts() -> None:
    assert iban.fault("GR1601101250000000012300695", "TR") == "SHAPE"
    assert iban.is_valid("GR1601101250000000012300695", "GR")


@pytest.mark.parametrize(
    "parts",
    [
        ("TR", "0001", "1"),
        ("TR", "00001", "1" * 17),
        ("TR", "00001", "i"),
        ("GR", "011", "1"),
        ("DE", "00001", "1"),
    ],
)
def test_wrong_parts_make_no_iban(parts: tuple[str, str, str]) -> None:
    assert code_of(iban.build, *parts) == "SHAPE"


def test_the_official_worked_example() -> None:
    assert iban.mod_97("00001001000003509300012927" + "00") == 51
    assert iban.check_digits("TR", "0000100100000350930001") == "47"


def test_banks_are_names_for_display() -> None:
    bank = banks.by_iban("GR1601101250000000012300695")
    assert bank is not None
    assert (bank.bic, bank.mark) == ("ETHNGRAA", "CONFIRMED")
    assert banks.by_bic("ERBKGRAAXXX") == banks.by_code("GR", "026")
    assert banks.by_iban("TR470000100100000350930001") is None


@given(rf_codes(), st.data())
def test_a_typed_code_becomes_the_stored_one(code: str, data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from([" ", "-", "  "]))
    typed = separator.join(code[i : i + 4] for i in range(0, len(code), 4)).lower()
    assert rf.parse(typed) == creditor_reference.parse(typed) == code
    assert rf.parse(rf.format_groups(code)) == code
    assert not rf.is_valid(typed)


labels = st.text(alphabet="abcçdeğıöşüz0189-αβγδςσώß", min_size=1, max_size=20)


@given(labels)
def test_labels_are_those_of_idna_2008(label: str) -> None:
    try:
        expected: str | None = idna.encode(label + ".gr").decode()
    except idna.IDNAError:
        expected = None
    if len(scripts_of(label)) > 1:
        # Stricter than the standard in one point: a label does not mix scripts.
        expected = None
    if expected is None:
        assert code_of(domain_name.parse, label + ".gr") in {"LABEL", "SCRIPT"}
    else:
        assert domain_name.parse(label + ".gr") == expected
        assert domain_name.parse(expected) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("localhost", "LABEL"),
        ("127.0.0.1", "LABEL"),
        ("0x7f.0x1", "LABEL"),
        ("ornek.com.", "LABEL"),
        ("-ornek.com", "LABEL"),
        ("ornek_x.com", "LABEL"),
        ("ornek%2e.com", "LABEL"),
        (f"{'a' * 64}.com", "LABEL"),
        (f"{'ç' * 60}.com", "LABEL"),
        (".".join(["abcdefgh"] * 29), "LENGTH"),
        ("\u043ernek.com", "SCRIPT"),
        ("xn--rnek-hye.com", "SCRIPT"),
        ("xn--ornek-.com", "LABEL"),
        ("xn--99999999.com", "LABEL"),
        ("xn--a.com", "LABEL"),
        ("ça--b.com", "LABEL"),
        ("\u0327a.com", "LABEL"),
        ("ç\u200da.com", "LABEL"),
        ("\u05d0\u05d1.com", "LABEL"),
        ("ｏrnek。com.tr", "LABEL"),
        ("☃.com", "LABEL"),
    ],
)
def test_other_names_are_refused(name: str, code: str) -> None:
    assert code_of(domain_name.parse, name) == code


def test_turkish_capitals_of_a_domain() -> None:
    assert domain_name.parse("ÇİÇEK.COM.TR") == "xn--iek-1lab.com.tr"
    assert domain_name.parse("BİLGİ.com") == "bilgi.com"


def test_a_greek_final_sigma_stays() -> None:
    assert domain_name.parse("ελλάς.gr") == idna.encode("ελλάς.gr").decode()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("ayse", "SHAPE"),
        ("@ornek.com", "SHAPE"),
        ("ayse@", "SHAPE"),
        ("a@b@ornek.com", "SHAPE"),
        (".a@ornek.com", "LOCAL_PART"),
        ("a.@ornek.com", "LOCAL_PART"),
        ("a..b@ornek.com", "LOCAL_PART"),
        ("Ayşe Nur <a@ornek.com>", "LOCAL_PART"),
        ("a(x)@ornek.com", "LOCAL_PART"),
        (f"{'a' * 65}@ornek.com", "LOCAL_PART"),
        ("=?a?=@ornek.com", "ENCODED_WORD"),
        ("a@ornek", "LABEL"),
        ("a@[127.0.0.1]", "LABEL"),
        ("a@ornek.com\n", "LABEL"),
        ("\ta@ornek.com", "LOCAL_PART"),
        (f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}", "LENGTH"),
        (5, "TYPE"),
    ],
)
def test_other_addresses_are_refused(address: object, code: str) -> None:
    assert code_of(email.parse, address) == code
    assert not email.is_valid(address)


@given(st.text(max_size=30))
def test_reading_an_address_never_breaks_and_is_stable(text: str) -> None:
    try:
        address = email.parse(text)
    except ParseError:
        return
    assert email.parse(address) == address
    assert email.is_valid(address)
    assert address.isascii()


@given(st.emails(domains=st.sampled_from(["ornek.com.tr", "kopru.example"])))
def test_ordinary_addresses_are_read(address: str) -> None:
    assume(len(address) <= 254 and "=?" not in address)
    assert email.parse(address) == address


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://hooks.ornek.com.tr", "https://hooks.ornek.com.tr"),
        ("https://hooks.ornek.com.tr?a=b@c", "https://hooks.ornek.com.tr?a=b@c"),
        ("HTTPS://HOOKS.ornek.com.tr:443/A?b=C", "https://hooks.ornek.com.tr/A?b=C"),
        ("https://çiçek.com.tr/k", "https://xn--iek-1lab.com.tr/k"),
    ],
)
def test_targets_in_canonical_form(url: str, canonical: str) -> None:
    assert webhook_url.parse(url) == canonical
    assert webhook_url.is_valid(canonical)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (None, "TYPE"),
        ("//hooks.ornek.com.tr/", "SCHEME"),
        (" https://hooks.ornek.com.tr/", "SCHEME"),
        ("https:/hooks.ornek.com.tr/", "SCHEME"),
        ("https://hooks.ornek.com.tr/#a", "SCHEME"),
        ("javascript:alert(1)", "SCHEME"),
        ("https://hooks.ornek.com.tr/a b", "CHARACTER"),
        ("https://hooks.ornek.com.tr/a\n", "CHARACTER"),
        ("https://hooks.ornek.com.tr/a\\b", "CHARACTER"),
        ("https://hooks.ornek.com.tr/ş", "CHARACTER"),
        ("https://hooks.ornek.com.tr\\@evil.example/", "USER_INFO"),
        ("https://@hooks.ornek.com.tr/", "USER_INFO"),
        ("https://hooks.ornek.com.tr:8443/", "PORT"),
        ("https://hooks.ornek.com.tr:/", "PORT"),
        ("https://hooks.ornek.com.tr:0443/", "PORT"),
        ("https:///kopru", "LABEL"),
        ("https://[::1]/", "PORT"),
        ("https://0x7f000001/", "LABEL"),
        ("https://0177.0.0.1/", "LABEL"),
        ("https://１２７.0.0.1/", "LABEL"),
        ("https://hooks.ornek.com.tr./", "LABEL"),
        ("https://a.internal/", "LOCAL_NAME"),
        ("https://a.LOCALHOST/", "LOCAL_NAME"),
        ("https://\u043ernek.com/", "SCRIPT"),
        (f"https://ornek.com/{'a' * 2048}", "LENGTH"),
        (f"https://çiçek.com.tr/{'a' * 2026}", "LENGTH"),
    ],
)
def test_other_targets_are_refused(url: object, code: str) -> None:
    assert code_of(webhook_url.parse, url) == code
    assert not webhook_url.is_valid(url)


@pytest.mark.parametrize("text", ["001", "KM13870", "SÖZ-1/a_b.c", "ΣΥΜ-7", "1" * 30])
def test_contract_numbers_are_text(text: str) -> None:
    assert contract_no.parse(text) == text
    assert contract_no.is_valid(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (1201465, "TYPE"),
        ("", "LENGTH"),
        ("1" * 31, "LENGTH"),
        ("12 34", "CHARACTER"),
        ("12\u0660", "CHARACTER"),
        ("１２", "CHARACTER"),
        ("ﬁ", "CHARACTER"),
        ("12#", "CHARACTER"),
        ("\u041a\u041c13870", "SCRIPT"),
        ("Κ\u004d13870", "SCRIPT"),
    ],
)
def test_other_contract_numbers_are_refused(text: object, code: str) -> None:
    assert code_of(contract_no.parse, text) == code
    assert not contract_no.is_valid(text)


def test_a_card_contract_code_has_no_slash_and_keeps_its_blanks_out() -> None:
    assert contract_no.parse_card_contract_code("GARANTI-2026") == "GARANTI-2026"
    assert code_of(contract_no.parse_card_contract_code, "A/B") == "CHARACTER"
    assert code_of(contract_no.parse_card_contract_code, " A") == "CHARACTER"
    assert code_of(contract_no.parse_card_contract_code, "A" * 16) == "LENGTH"


@pytest.mark.parametrize("name", ["tckn", "vkn", "afm", "iban", "creditor_reference", "rf"])
def test_the_examples_in_the_documentation_are_true(name: str) -> None:
    module = importlib.import_module(f"kernel.identifiers.{name}")
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
