"""Explanations of computed values: a translation key and the values its sentence needs.

Whatever computes a date, an amount or a decision returns the reasons with it, so that a page can
say "why" in Turkish, Greek or English. Rendering belongs to ``webkit.i18n``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Why:
    """One sentence to be.

    Shapes: ``key`` is a stable dotted message key (``pensions.why.deadline``); ``params`` holds
    JSON values only: texts, ints, ISO dates, API amounts, and lists or objects of them.
    """

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON members, ``{"key": …, "params": …}``."""
        return {"key": self.key, "params": dict(self.params)}
