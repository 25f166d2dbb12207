"""Paging cursors: sealed over tenant, route, filter, position and time."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import MalformedError
from toolkit.http.cursor import Cursors

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
CURSORS = Cursors(b"k" * 32)
POSITION = {"pk": "wsp#T#A#X", "sk": "META"}
SCOPE = {"tenant_id": "A", "route": "/v1/jobs", "filters": {"state": "open"}}


def _seal() -> str:
    return CURSORS.seal(POSITION, **SCOPE, now=NOW)  # type: ignore[arg-type]


def test_a_cursor_opens_for_its_own_list() -> None:
    assert CURSORS.open(_seal(), **SCOPE, now=NOW) == POSITION  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "B"},
        {"route": "/v1/users"},
        {"filters": {}},
        {"filters": {"state": "resolved"}},
    ],
)
def test_it_is_worthless_anywhere_else(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError) as refused:
        CURSORS.open(_seal(), **{**SCOPE, **change}, now=NOW)  # type: ignore[arg-type]
    assert refused.value.code == "invalid_cursor"


def test_it_is_good_for_a_day_and_one_key() -> None:
    CURSORS.open(_seal(), **SCOPE, now=NOW + timedelta(hours=24))  # type: ignore[arg-type]
    with pytest.raises(MalformedError):
        CURSORS.open(
            _seal(),
            **SCOPE,  # type: ignore[arg-type]
            now=NOW + timedelta(hours=24, seconds=1),
        )
    with pytest.raises(MalformedError):
        Cursors(b"x" * 32).open(_seal(), **SCOPE, now=NOW)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=2_000), st.integers(min_value=1, max_value=255))
def test_any_flipped_byte_is_refused(place: int, mask: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(_seal() + "=" * (-len(_seal()) % 4)))
    sealed[place % len(sealed)] ^= mask
    forged = base64.urlsafe_b64encode(bytes(sealed)).decode().rstrip("=")
    with pytest.raises(MalformedError):
        CURSORS.open(forged, **SCOPE, now=NOW)  # type: ignore[arg-type]


@given(st.text(max_size=80))
def test_any_text_is_refused_the_same_way(text: str) -> None:
    with pytest.raises(MalformedError) as refused:
        CURSORS.open(text, **SCOPE, now=NOW)  # type: ignore[arg-type]
    assert refused.value.code == "invalid_cursor"


def test_a_readable_position_is_refused() -> None:
    with pytest.raises(MalformedError):
        CURSORS.open("eyJwayI6IngifQ==", **SCOPE, now=NOW)  # type: ignore[arg-type]
