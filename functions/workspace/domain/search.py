"""What a search over everything found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """One item of any context that fits: what it is called, and which item holds it, if any."""

    kind: str
    id: str
    title: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, kind by kind.

    Shapes: ``groups`` holds only kinds with something in them, each by title; ``cut`` is whether
    more fits than one search reads or shows; ``too_short`` whether the text was too short to ask.
    """

    groups: tuple[tuple[str, tuple[Found, ...]], ...] = ()
    cut: bool = False
    too_short: bool = False
