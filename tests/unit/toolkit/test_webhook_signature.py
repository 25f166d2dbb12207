"""Signatures of webhooks: raw bytes, five minutes, several secrets (security.md S31)."""

import pytest

from kernel.errors import UnauthorizedError
from kernel.sensitive import Secret
from toolkit.http.webhook_signature import headers, key_of, secret_text, verify

KEY, OTHER = b"k" * 32, b"o" * 32
BODY = b'{"a":1}'
NOW = 1_767_225_600


def test_what_was_signed_verifies_with_any_of_the_active_secrets() -> None:
    signed = headers(KEY, "msg_1", NOW, BODY)
    assert verify(signed, BODY, [OTHER, KEY], now_seconds=NOW + 300).id == "msg_1"


@pytest.mark.parametrize("change", ["body", "id", "time", "signature", "late", "early", "no keys"])
def test_anything_else_is_one_refusal(change: str) -> None:
    signed = headers(KEY, "msg_1", NOW, BODY)
    body, now, keys = BODY, NOW, [KEY]
    if change == "body":
        body = b'{"a": 1}'
    elif change == "id":
        signed["webhook-id"] = "msg_2"
    elif change == "time":
        signed["webhook-timestamp"] = str(NOW + 1)
    elif change == "signature":
        signed["webhook-signature"] = "v1,é"
    elif change == "late":
        now = NOW + 301
    elif change == "early":
        now = NOW - 301
    else:
        keys = []
    with pytest.raises(UnauthorizedError, match="webhook_signature"):
        verify(signed, body, keys, now_seconds=now)


def test_secrets_travel_as_text_and_back() -> None:
    assert key_of(secret_text(KEY)) == KEY
    for wrong in ("whsec_%%%", "secret_a2V5"):
        with pytest.raises(ValueError, match="webhook secret"):
            key_of(Secret(wrong))
