"""Found with the keyboard one has: Turkish and Greek letters, accents, capitals, look-alikes."""

import pytest

from kernel.finding import Findable, code_of, matches, words_of


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("isik", "IŞIK Nalan"),
        ("ışık", "Işık Nalan"),
        ("İŞIK", "ışık"),
        ("sahin", "Elif Şahin"),
        ("ŞAHİN", "Elif Şahin"),
        ("yag", "Yağcı Gıda A.Ş."),
        ("cozum", "Çözüm Ltd. Şti."),
        ("gul oz", "Özgül Güler"),
        ("αλφα", "Άλφα Α.Ε."),
        ("ΑΛΦΑ", "Άλφα Α.Ε."),
        ("νικος", "Νίκος Βλάχος"),
        ("ΒΛΑΧΟΣ", "Νίκος Βλάχος"),
        ("βλαχοσ", "Νίκος Βλάχος"),
        ("AETO", "ΑΕΤΟΣ Μεταφορές"),
        ("ΑΕΤΟ", "Aetos Shipping"),
        ("def yil", "Defne Yıldız"),
        ("yıldız def", "Defne Yıldız"),
    ],
)
def test_every_way_to_type_a_name_finds_it(typed: str, title: str) -> None:
    assert matches(typed, title)


@pytest.mark.parametrize(
    ("typed", "title"), [("ildiz", "Defne Yıldız"), ("defne kaya", "Defne Yıldız"), ("sah", "Asım")]
)
def test_other_names_are_not_found(typed: str, title: str) -> None:
    assert not matches(typed, title)


def test_a_legal_form_is_no_word() -> None:
    assert words_of("Ege Tekstil Sanayi A.Ş.") == ["ege", "tekstil", "sanayi"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("RF12 3456 7890", "rf1234567890"),
        ("KLS-2026/000.123", "kls2026000123"),
        ("ΤΠΥ 12", "t\N{GREEK SMALL LETTER PI}y12".replace("\N{GREEK SMALL LETTER PI}", "")),
        ("Elif", ""),
        ("", ""),
    ],
)
def test_a_code_is_its_letters_and_digits(typed: str, kept: str) -> None:
    assert code_of(typed) == kept


def test_an_item_is_entered_under_few_words_and_its_codes() -> None:
    person = Findable("Ayşe Nur Yılmaz", ("P-100/7", ""), "c1")
    assert list(person.entries()) == [("word", "yil"), ("word", "ays"), ("code", "p1007")]
    company = Findable("Ege Tekstil Sanayi ve Ticaret A.Ş.", most_words=3)
    assert [text for _, text in company.entries()] == ["tic", "ege", "tek"]
    twice = Findable("Ali Alim", ("1", "1"))
    assert list(twice.entries()) == [("word", "ali"), ("code", "1")]
    assert list(Findable("", ("1",)).entries()) == []
