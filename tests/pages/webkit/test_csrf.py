"""Tokens hold for one session and for nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webkit import csrf

SECRET = bytes(range(32))


def test_a_token_holds_for_its_session() -> None:
    token = csrf.issue("session-a", SECRET)
    assert csrf.verify(token, "session-a", SECRET)
    assert not csrf.verify(token, "session-b", SECRET)
    assert not csrf.verify(token, "session-a", SECRET[::-1])


def test_two_pages_of_one_session_carry_different_tokens() -> None:
    assert csrf.issue("session-a", SECRET) != csrf.issue("session-a", SECRET)


@pytest.mark.parametrize("token", [None, "", "=", "ä", "a" * 64, "A" * 10_000, " ", "a+/b"])
def test_anything_else_is_refused(token: str | None) -> None:
    assert not csrf.verify(token, "session-a", SECRET)


def test_without_session_or_secret_nothing_holds() -> None:
    assert not csrf.verify(csrf.issue("", SECRET), "", SECRET)
    assert not csrf.verify(csrf.issue("session-a", b""), "session-a", b"")


@given(st.integers(0, 47), st.integers(1, 255))
def test_every_flipped_byte_breaks_it(position: int, flip: int) -> None:
    raw = bytearray(
        base64.urlsafe_b64decode(csrf.issue("s", SECRET, lambda size: b"n" * size) + "==")
    )
    raw[position] ^= flip
    assert not csrf.verify(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), "s", SECRET)


def test_nonce_and_session_cannot_be_shifted_against_each_other() -> None:
    token = csrf.issue("bc", SECRET, lambda size: b"a" * size)
    assert not csrf.verify(token, "abc", SECRET)
    assert not csrf.verify(token + "=", "bc", SECRET)
