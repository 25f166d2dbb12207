"""Persons who act here, with the name others are shown (never in keys, events or history)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who decided, asked or stands in. Shapes: ``id`` is ``user:<id>``."""

    id: str
    name: str = field(repr=False)
    roles: tuple[str, ...] = ()
