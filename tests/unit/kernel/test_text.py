"""Casing, folding, sorting, cleaning and masking of Turkish and Greek text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import text as kernel_text
from kernel.errors import ParseError
from kernel.scripts import longest_mark_run, script_of, scripts_of
from kernel.text import (
    Language,
    clean_company_title,
    clean_free_text,
    clean_mail_header,
    clean_payer_name,
    clean_person_name,
    el_upper,
    fold,
    mask_email,
    mask_iban,
    mask_name,
    mask_phone,
    mask_tckn,
    mask_username,
    matching_key,
    sort_key,
    tr_lower,
    tr_upper,
)

TURKISH = "abcçdefgğhıijklmnoöprsştuüvyzâîû"
GREEK = "αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύϋΰφχψωώ"


def code_of(clean: Callable[[object], str], value: object) -> str:
    with pytest.raises(ParseError) as caught:
        clean(value)
    return caught.value.code


PLAIN = "AZazĞğİıŞşÇÖÜçöü ΆΑΡΣΩαςωΐΰϋ 09'’.,&/()-"


@given(st.text(alphabet=PLAIN + "\u0301\u00a0ﬁⅠА", max_size=12) | st.text(alphabet=PLAIN))
@pytest.mark.parametrize("clean", [clean_person_name, clean_company_title])
def test_what_is_plain_needs_no_cleaning(clean: Callable[[object], str], text: str) -> None:
    def outcome() -> str:
        try:
            return clean(text)
        except ParseError as error:
            return error.code

    short = outcome()
    with mock.patch.object(kernel_text, "_PLAIN", re.compile("(?!)")):
        assert outcome() == short


@given(st.text(alphabet=TURKISH + " -'.1"))
def test_turkish_casing_round_trips(text: str) -> None:
    assert tr_lower(tr_upper(text)) == unicodedata.normalize("NFC", text)
    assert tr_upper(tr_lower(text)) == tr_upper(text)
    assert len(tr_upper(text)) == len(text)


def test_turkish_casing_of_the_four_i() -> None:
    assert tr_upper("iıİI") == "İIİI"
    assert tr_lower("İIiı") == "iıiı"
    assert tr_lower("I\u0307stanbul") == "istanbul"


def test_greek_capitals_carry_no_tonos() -> None:
    assert el_upper("Άλφα ΐϊ") == "ΑΛΦΑ ΪΪ"
    assert el_upper("Ünlü é") == "ÜNLÜ É"
    assert el_upper("οδός") == "ΟΔΟΣ"


@given(st.text(alphabet=TURKISH + GREEK + " "))
def test_folding_ignores_case_and_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(tr_upper(text)) == fold(tr_lower(text))
    assert fold(text.upper()) == fold(text)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("ISPARTA", "ısparta", True),
        ("İZMİR", "izmir", True),
        ("Isparta", "Isparta".upper(), True),
        ("i\u0307smail", "İSMAİL", True),
        ("Γιώργος", "ΓΙΩΡΓΟΣ", True),
        ("Αϋφαντή", "ΑΥΦΑΝΤΗ", True),
        ("Şişli", "Sisli", False),
        ("Çağrı", "cagri", False),
    ],
)
def test_folding_for_search(left: str, right: str, same: bool) -> None:
    assert (fold(left) == fold(right)) is same


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ÖRNEK TEKSTİL SAN. VE TİC. A.Ş.", "Örnek Tekstil San ve Tic AŞ"),
        ("Işık Ltd. Şti.", "IŞIK LİMİTED ŞİRKETİ"),
        ("Deneme Anonim Şirketi", "deneme a.ş."),
        ("ΑΛΦΑ Α.Ε.", "Άλφα"),
        ("Βήτα Ε.Π.Ε.", "ΒΗΤΑ ΕΠΕ"),
    ],
)
def test_titles_match_without_legal_form_and_punctuation(left: str, right: str) -> None:
    assert matching_key(left) == matching_key(right)


def test_a_title_that_is_only_a_legal_form_keeps_it() -> None:
    assert matching_key("A.Ş.") == "a ş"
    assert matching_key("Ltd") == "ltd"


@pytest.mark.parametrize(
    ("language", "ordered"),
    [
        ("tr", ["Can", "Çan", "Dere", "Gaz", "Ğ", "Halı", "Isı", "İz", "Jale", "Oğuz", "Öz"]),
        ("tr", ["10", "A", "a1", "Şule", "Tan", "Un", "Ün", "Van", "Yol", "Zil", "Άλφα"]),
        ("el", ["Άλφα", "Αλφάς", "Βήτα", "Γάμμα", "Ωμέγα"]),
        ("en", ["Can", "Çan", "Cup", "Isı", "İz", "Öz", "Pat"]),
    ],
)
def test_sorting_as_people_of_the_language_expect(language: Language, ordered: list[str]) -> None:
    backwards = ordered[::-1]
    assert sorted(backwards, key=lambda text: sort_key(text, language)) == ordered


names = st.text(alphabet=TURKISH + TURKISH.upper() + "ÖÇŞİĞÜ '’-.", min_size=2, max_size=100)


@given(names)
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    try:
        name = clean_person_name(text)
    except ParseError as error:
        assert error.code in {"NO_LETTER", "LENGTH"}  # noqa: PT017 - both are right answers
        return
    assert clean_person_name(name) == name
    assert clean_company_title(name) == name
    assert name == unicodedata.normalize("NFC", name)


@given(st.text(max_size=60))
def test_cleaning_never_breaks_and_is_stable(text: str) -> None:
    cleaners: tuple[Callable[[object], str], ...] = (
        clean_person_name,
        clean_company_title,
        clean_free_text,
        clean_mail_header,
    )
    for clean in cleaners:
        try:
            cleaned = clean(text)
        except ParseError:
            continue
        assert clean(cleaned) == cleaned
        cleaned.encode()


@pytest.mark.parametrize("name", ["J̌an", "Nguyễn", "D’Arc-Müller Jr.", "Ντε Λα", "Lj ş"])
def test_other_good_names(name: str) -> None:
    assert clean_person_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "TYPE"),
        ("A", "LENGTH"),
        ("", "NO_LETTER"),
        (" . ", "NO_LETTER"),
        ("Ali\tCan", "INVISIBLE"),
        ("Ali\u00adCan", "INVISIBLE"),
        ("Ali\ud800", "INVISIBLE"),
        ("Ali\ue000", "INVISIBLE"),
        ("Ali\u0378", "INVISIBLE"),
        ("Ali\ufffd", "LOST_LETTER"),
        ("ＡＬＩ", "LOOKALIKE"),
        ("ﬁliz", "LOOKALIKE"),
        ("Aliª", "LOOKALIKE"),
        ("Al\u0300\u0300\u0300i", "MARKS"),
        ("Al\u0316\u0317\u0318\u0319\u031ci", "MARKS"),
        ("Ali & Can", "CHARACTER"),
        ("Ali\u2003Can", "LOOKALIKE"),
        ("Ali\u2028Can", "CHARACTER"),
        ("-\u0301Ali", "CHARACTER"),
        ("Aliπ", "SCRIPT"),
        ("Ali Παπάς", "SCRIPT"),
        ("Иван", "SCRIPT"),
    ],
)
def test_other_names_are_refused(value: object, code: str) -> None:
    assert code_of(clean_person_name, value) == code


def test_a_stylised_name_comes_with_the_plain_one() -> None:
    with pytest.raises(ParseError) as caught:
        clean_person_name("ＡＬＩ")
    assert caught.value.suggestion == "ALI"


@pytest.mark.parametrize(
    "title",
    ["=Eşit A.Ş.", "1453 Gıda", "Plus+Ltd", "ΑΛΦΑ-BANK", "Örnek / ΒΗΤΑ", "Газ Ltd. Şti.", "A"],
)
def test_titles_of_companies(title: str) -> None:
    assert clean_company_title(title) == title


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (7, "TYPE"),
        ("", "NO_LETTER"),
        ("123", "NO_LETTER"),
        ("A" * 201, "LENGTH"),
        ("Örnek \u0410.Ş.", "SCRIPT"),
        ("Örnek\nA.Ş.", "INVISIBLE"),
        ("Örnek\u2029A.Ş.", "CHARACTER"),
        ("Örnek\u1680A.Ş.", "CHARACTER"),
        ("Örnek\u200bA.Ş.", "INVISIBLE"),
        ("\ufffdrnek", "LOST_LETTER"),
    ],
)
def test_other_titles_are_refused(value: object, code: str) -> None:
    assert code_of(clean_company_title, value) == code


@given(st.text(max_size=300))
def test_a_payer_is_never_refused(text: str) -> None:
    name = clean_payer_name(text)
    assert len(name) <= 140
    assert clean_payer_name(name) == name
    name.encode()


def test_a_lone_surrogate_in_a_payer_is_marked_as_lost() -> None:
    assert clean_payer_name("A\ud800B") == "A\ufffdB"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1, "TYPE"),
        ("a" * 2001, "LENGTH"),
        ("a\rb", "INVISIBLE"),
        ("a\x0bb", "INVISIBLE"),
        ("a\x85b", "INVISIBLE"),
        ("a\u200bb", "INVISIBLE"),
        ("a\ud800", "INVISIBLE"),
        ("a\uffff", "INVISIBLE"),
        ("a\ufffd", "LOST_LETTER"),
        ("a\u0316\u0317\u0318\u0319\u031c", "MARKS"),
    ],
)
def test_other_notes_are_refused(value: object, code: str) -> None:
    assert code_of(clean_free_text, value) == code


def test_a_note_may_have_lines_and_four_marks() -> None:
    assert clean_free_text("a\tb\r\n\nc") == "a\tb\n\nc"
    assert clean_free_text("z\u0316\u0317\u0318\u0319") == "z\u0316\u0317\u0318\u0319"
    assert clean_free_text("a" * 2000)
    assert clean_free_text("") == ""
    assert code_of(lambda value: clean_free_text(value, limit=5), "a" * 6) == "LENGTH"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "TYPE"),
        ("", "LENGTH"),
        ("a\tb", "INVISIBLE"),
        ("a\u2028b", "INVISIBLE"),
        ("a\u2066b", "INVISIBLE"),
        ("Re: =?utf-8?q?x?=", "ENCODED_WORD"),
    ],
)
def test_other_subjects_are_refused(value: object, code: str) -> None:
    assert code_of(clean_mail_header, value) == code


def test_scripts_come_from_the_names_of_letters() -> None:
    assert script_of("Ж") == "CYRILLIC"
    assert script_of("5") is None
    assert scripts_of("aα1-") == {"LATIN", "GREEK"}
    assert longest_mark_run("a\u0301\u0302b\u0303") == 2


def test_masks_show_enough_to_recognise_and_no_more() -> None:
    assert mask_tckn("12345678950") == "123******50"
    assert mask_iban("TR33 0006 1005 1978 6457 8413 26") == "TR33…1326"
    assert mask_phone("+905321234567") == "+90******4567"
    assert mask_email("ayse@ornek.com.tr") == "a***@ornek.com.tr"
    assert mask_name("Ayşe Nur") == "A*** N***"
    assert mask_username("firma1201") == "fi***"


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (mask_tckn, "1234567895"),
        (mask_iban, "TR330006"),
        (mask_phone, "+90532"),
        (mask_email, "@ornek.com"),
        (mask_email, "ayse"),
        (mask_username, "ab"),
    ],
)
def test_a_mask_of_something_wrong_hides_all_of_it(mask: Callable[[str], str], text: str) -> None:
    assert not any(char.isalnum() for char in mask(text))
