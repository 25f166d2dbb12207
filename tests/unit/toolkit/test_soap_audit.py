"""Secrets never reach the evidence, whatever form they take."""

from __future__ import annotations

import pytest

from toolkit.soap.audit import scrub


@pytest.mark.parametrize(
    "raw",
    [
        b"<Password>gizli</Password>",
        b'<wsse:Password Type="x#PasswordText">gizli</wsse:Password>',
        b"<a:Password\n x='1'>gizli</a:Password>",
        b"<Password>gizli",
        b"<html>wrong password gizli</html>",
        b"gizli",
    ],
)
def test_the_secret_is_gone(raw: bytes) -> None:
    clean = scrub(raw, elements=("Password",), values=("gizli",))
    assert b"gizli" not in clean
    assert b"***" in clean


@pytest.mark.parametrize("secret", ["çok&gizli<1>", 'tırnak"lı', "a&amp;b"])
def test_escaped_forms_are_found(secret: str) -> None:
    from xml.sax.saxutils import escape, quoteattr

    raw = f"<a x={quoteattr(secret)}>{escape(secret)} {secret}</a>".encode()
    clean = scrub(raw, values=(secret,)).decode()
    assert secret not in clean
    assert escape(secret) not in clean


def test_the_rest_stays_byte_for_byte() -> None:
    raw = "<a><Password>x</Password><PasswordHint>ş 1</PasswordHint></a>".encode()
    assert scrub(raw, elements=("Password",), values=("xyz",)) == (
        "<a><Password>***</Password><PasswordHint>ş 1</PasswordHint></a>".encode()
    )


def test_a_short_secret_is_found_only_where_it_is_named() -> None:
    raw = b"<parola>1</parola><tutar>11,10</tutar>"
    assert scrub(raw, elements=("parola",), values=("1",)) == (
        b"<parola>***</parola><tutar>11,10</tutar>"
    )
