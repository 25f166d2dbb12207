"""The strict JSON loader: what reaches a schema is one object that means one thing."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import KopruError, MalformedError, TooLargeError, UnsupportedMediaTypeError
from toolkit.http.json_body import MAX_BYTES, load_json_object

JSON = "application/json"


def refusal(body: bytes, content_type: str | None = JSON) -> str:
    with pytest.raises(KopruError) as caught:
        load_json_object(body, content_type)
    return caught.value.code


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON ; charset="utf-8"',
    ],
)
def test_json_content_types_are_read(content_type: str) -> None:
    assert load_json_object(b'{"a": [1, {"b": null}]}', content_type) == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/jsonp",
        "text/plain, application/json",
    ],
)
def test_other_content_types_are_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        load_json_object(b"{}", content_type)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_empty"),
        (b" \n", "body_empty"),
        (b'\xef\xbb\xbf{"a": 1}', "body_not_utf8"),
        ('{"a": 1}'.encode("utf-16"), "body_not_utf8"),
        ('{"a": 1}'.encode("utf-16-le"), "body_not_json"),
        (b'{"a": "\xff"}', "body_not_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "body_not_utf8"),
        (b"[1]", "body_not_object"),
        (b"1", "body_not_object"),
        (b'{"a": 1} {"b": 2}', "body_not_json"),
        (b"{'a': 1}", "body_not_json"),
        (b'{"a": 1,}', "body_not_json"),
        (b'{"a": 01}', "body_not_json"),
        (b'{"a": +1}', "body_not_json"),
        (b'{"a": "x\ny"}', "body_not_json"),
        (b'{"a": 1, "a": 1}', "duplicate_member"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_member"),
        (b'{"x": {"a": 1, "a": 2}}', "duplicate_member"),
        (b'{"a": NaN}', "number_not_allowed"),
        (b'{"a": Infinity}', "number_not_allowed"),
        (b'{"a": -Infinity}', "number_not_allowed"),
        (b'{"a": 1234567890123456}', "number_not_allowed"),
        (b'{"a": -1234567890123456}', "number_not_allowed"),
        (b'{"a": 1.234567890123456}', "number_not_allowed"),
        (b'{"a": 1e15}', "number_not_allowed"),
        (b'{"a": 1e-15}', "number_not_allowed"),
        (b'{"a": 1e999999999}', "number_not_allowed"),
        (b'{"a": "\\ud800"}', "text_not_unicode"),
        (b'{"a": ["\\udc00\\ud800"]}', "text_not_unicode"),
        (b'{"\\ud800": 1}', "text_not_unicode"),
        (b"{" + b"}" * 3, "body_not_json"),
    ],
)
def test_broken_bodies_are_refused(body: bytes, code: str) -> None:
    assert refusal(body) == code


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 123456789012345}', 123456789012345),
        (b'{"a": -0}', 0),
        (b'{"a": 1.50}', Decimal("1.50")),
        (b'{"a": 1e14}', Decimal("1e14")),
        (b'{"a": "\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"a": "]]]]]]]]]]]]]]]]]]]]]]]]]]"}', "]" * 26),
        (b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[["}', '"' + "[" * 24),
    ],
)
def test_values_keep_their_exact_meaning(body: bytes, value: object) -> None:
    read = load_json_object(body, JSON)["a"]
    assert read == value
    assert type(read) is type(value)


def test_twenty_levels_are_read_and_twenty_one_refused() -> None:
    assert load_json_object(b'{"a":' + b"[" * 19 + b"]" * 19 + b"}", JSON)
    assert refusal(b'{"a":' + b"[" * 20 + b"]" * 20 + b"}") == "body_too_deep"
    assert refusal(b"[" * 100_000) == "body_too_deep"


def test_the_limit_is_256_kib_of_raw_bytes() -> None:
    frame = len(b'{"a": ""}')
    load_json_object(b'{"a": "' + b"x" * (MAX_BYTES - frame) + b'"}', JSON)
    with pytest.raises(TooLargeError):
        load_json_object(b'{"a": "' + b"x" * (MAX_BYTES - frame + 1) + b'"}', JSON)


def test_the_refused_value_is_never_quoted_in_the_message() -> None:
    with pytest.raises(MalformedError) as caught:
        load_json_object(b'{"iban": TR470000100100000350930001}', JSON)
    assert "TR47" not in str(caught.value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15) + 1, 10**15 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), json_values), st.booleans())
def test_every_ordinary_object_is_read_as_written(value: dict[str, object], ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    assert load_json_object(body, JSON) == value


@given(st.binary(max_size=200))
def test_any_bytes_end_in_an_object_or_our_own_error(body: bytes) -> None:
    try:
        value = load_json_object(body, JSON)
    except KopruError:
        return
    assert isinstance(value, dict)
