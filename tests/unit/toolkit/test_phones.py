"""Mobile numbers: accepted spellings become one E.164 form, everything else has a reason."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ParseError
from toolkit import phones
from toolkit.phones import parse_mobile

NUMBER = "+905321234567"


@pytest.mark.parametrize(
    "text",
    [
        "+905321234567",
        "0532 123 45 67",
        "5321234567",
        "532 123 45 67",
        "00905321234567",
        "905321234567",
        "+90 (532) 123-45-67",
        "(0532) 123.45.67",
        "0532/1234567",
        " 0532 1234567 ",
        "(+90) 532 123 45 67",
    ],
)
def test_accepted_spellings_become_e164(text: str) -> None:
    assert parse_mobile(text) == NUMBER


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0212 555 12 34", "NOT_MOBILE"),
        ("+90 212 555 12 34", "NOT_MOBILE"),
        ("0850 222 00 00", "NOT_MOBILE"),
        ("0592 123 45 67", "INVALID"),
        ("", "INVALID"),
        ("   ", "INVALID"),
        ("+", "INVALID"),
        ("()", "INVALID"),
        ("0532 123 45 6", "INVALID"),
        ("0532 123 45 678", "INVALID"),
        ("0532 123 45 67 / 0533 123 45 67", "INVALID"),
        ("0532-ABC-DEFG", "INVALID"),
        ("0532 123 45 67 ext 5", "INVALID"),
        ("0532 123 45 67x5", "INVALID"),
        ("tel:+905321234567", "INVALID"),
        ("0532\t1234567", "INVALID"),
        ("0532\u00a01234567", "INVALID"),
        ("0532 1234567\n", "INVALID"),
        ("٠٥٣٢١٢٣٤٥٦٧", "INVALID"),
        ("０５３２１２３４５６７", "INVALID"),
        ("＋905321234567", "INVALID"),
        ("++905321234567", "INVALID"),
        ("0532+1234567", "INVALID"),
        ("0532 123 45 67" + " " * 40, "INVALID"),
        ("0" * 100_000, "INVALID"),
    ],
)
def test_everything_else_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_mobile(text)
    assert caught.value.code == code
    assert not text.strip() or text not in caught.value.message


def test_a_greek_mobile_number_is_read_for_its_own_region() -> None:
    assert parse_mobile("694 123 4567", region="GR") == "+306941234567"


@given(st.text(max_size=30))
def test_any_text_ends_in_a_number_or_a_reason(text: str) -> None:
    try:
        result = parse_mobile(text)
    except ParseError:
        return
    assert parse_mobile(result) == result


DIGITS = st.text("0123456789", min_size=6, max_size=9)
SIGNS = st.sampled_from(["", " ", "-"])


@given(
    st.sampled_from([("TR", "05"), ("TR", "5"), ("GR", "69"), ("TR", "69"), ("GR", "05")]),
    DIGITS,
    st.tuples(SIGNS, SIGNS, SIGNS),
)
def test_what_is_written_as_usual_is_read_as_the_library_reads_it(
    start: tuple[str, str], digits: str, signs: tuple[str, str, str]
) -> None:
    region, first = start
    parts = (first + digits[:2], digits[2:5], digits[5:7], digits[7:])
    text = "".join(part + sign for part, sign in zip(parts, (*signs, ""), strict=True))

    def outcome() -> str:
        try:
            return parse_mobile(text, region)
        except ParseError as error:
            return error.code

    short = outcome()
    with mock.patch.object(phones, "_USUAL", {}):
        assert outcome() == short
