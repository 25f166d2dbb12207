"""How values stand in rows, and what every row tells about itself beside its content."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, overload

from kernel.stamp import Stamp


@overload
def moment(value: datetime) -> str: ...
@overload
def moment(value: None) -> None: ...
@overload
def moment(value: datetime | None) -> str | None: ...
def moment(value: datetime | None) -> str | None:
    """Sortable text of an instant with milliseconds, UTC."""
    if value is None:
        return None
    utc = value.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def instant_of(text: str | None) -> datetime | None:
    """The instant behind its text."""
    return datetime.fromisoformat(text) if text else None


def day(value: date | None) -> str | None:
    """Text of a calendar day."""
    return value.isoformat() if value is not None else None


def day_of(text: str | None) -> date | None:
    """The calendar day behind its text."""
    return date.fromisoformat(text) if text else None


def stamp_of(row: Mapping[str, Any]) -> Stamp:
    """Version and times of a stored row."""
    return Stamp(row["version"], row["audit_hash"], row["created_at"], row["updated_at"])
