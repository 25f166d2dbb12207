"""Personal values mask themselves on every way text is made of them."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest

from kernel.errors import ParseError
from kernel.sensitive import Email, Iban, Phone, Secret, Sensitive, Tckn, Unchecked

VALUES = [
    (Tckn, "12345678950", "123******50"),
    (Iban, "TR330006100519786457841326", "TR33…1326"),
    (Phone, "+905321234567", "+90******4567"),
    (Email, "ayse@ornek.com.tr", "a***@ornek.com.tr"),
    (Unchecked, "1234567895", "********"),
    (Secret, "hunter2-canary", "********"),
]


@dataclass(frozen=True)
class Holder:
    """Something with a personal value in it."""

    value: Sensitive


@pytest.mark.parametrize(
    ("kind", "clear", "mask"), VALUES, ids=lambda x: getattr(x, "__name__", "")
)
def test_nothing_but_reveal_shows_the_value(
    kind: type[Sensitive], clear: str, mask: str, caplog: pytest.LogCaptureFixture
) -> None:
    value = kind(clear)
    logging.getLogger("test").warning("%s %r", value, {"v": value})
    shown = [
        str(value),
        repr(value),
        f"{value:>40}",
        "%s" % value,  # noqa: UP031 - one more way to make text
        json.dumps({"v": value}, default=str, ensure_ascii=False),
        repr(Holder(value)),
        str(asdict(Holder(value))),
        caplog.text,
    ]
    assert all(clear not in text for text in shown)
    assert all(mask in text for text in shown)
    assert value.masked == mask
    assert value.reveal("test") == clear


@pytest.mark.parametrize(
    ("kind", "clear", "mask"), VALUES, ids=lambda x: getattr(x, "__name__", "")
)
def test_values_are_immutable_comparable_and_never_pickled(
    kind: type[Sensitive], clear: str, mask: str
) -> None:
    value = kind(clear)
    assert value == kind(clear)
    assert value != clear
    assert hash(value) == hash(kind(clear))
    assert value != Secret(mask)
    assert copy.copy(value) is value
    assert copy.deepcopy({"v": value})["v"] is value
    with pytest.raises(AttributeError):
        value._clear = "x"
    with pytest.raises(AttributeError):
        del value._clear
    with pytest.raises(TypeError):
        pickle.dumps(value)
    with pytest.raises(TypeError):
        json.dumps(value)


def test_revealing_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Secret("x").reveal(" ")


def test_values_are_canonical() -> None:
    assert Tckn(" 12345678950 ") == Tckn("12345678950")
    assert Iban("TR33 0006 1005 1978 6457 8413 26").reveal("test") == "TR330006100519786457841326"
    assert Email("Ali@ORNEK.com").reveal("test") == "Ali@ornek.com"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Tckn, "11111111111"),
        (Iban, "TR00"),
        (Phone, "05321234567"),
        (Phone, "+90532123456712345"),
        (Email, "ayse"),
        (Secret, 5),
    ],
)
def test_a_wrong_value_cannot_exist(kind: type[Sensitive], value: str) -> None:
    with pytest.raises(ParseError):
        kind(value)
