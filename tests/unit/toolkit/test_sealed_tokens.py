"""Links without a store: what was not sealed here does not open."""

import pytest

from toolkit.sealed_tokens import SealedTokens

KEY = b"k" * 32


def test_parts_come_back_and_the_same_parts_give_the_same_token() -> None:
    tokens = SealedTokens(KEY, "a")
    token = tokens.seal("tenant", "item", "7")
    assert tokens.open(token) == ("tenant", "item", "7")
    assert tokens.seal("tenant", "item", "7") == token


def test_another_key_purpose_or_byte_opens_nothing() -> None:
    token = SealedTokens(KEY, "a").seal("tenant", "item")
    assert SealedTokens(KEY, "b").open(token) is None
    assert SealedTokens(b"x" * 32, "a").open(token) is None
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert SealedTokens(KEY, "a").open(token[:place] + other + token[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "ü", "a" * 301, "%%%", "AAAA", "=" * 8])
def test_junk_opens_nothing(text: str) -> None:
    assert SealedTokens(KEY, "a").open(text) is None


def test_parts_cannot_be_shifted_against_each_other() -> None:
    tokens = SealedTokens(KEY, "a")
    assert tokens.seal("ab", "c") != tokens.seal("a", "bc")
    with pytest.raises(ValueError, match="zero byte"):
        tokens.seal("a\0b")
