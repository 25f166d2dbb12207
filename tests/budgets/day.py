"""Acts of one world, one after the other, each counted alone.

The rarer acts of a context share a world: they need each other, and a world for each would cost
more than all of them.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.budgets.committed import check_committed
from tests.budgets.counts import CALLS, count
from tests.support.events import Answer

T = TypeVar("T")


@dataclass(frozen=True)
class Day:
    """Compares what acts cost with ``file``; an answer that is a refusal fails the test."""

    file: Path

    def counted(self, name: str, act: Callable[[], T], log: io.StringIO | None = None) -> T:
        """Do it, compare what it cost, give its answer; ``log`` as in ``count``."""
        answers: list[T] = []
        check_committed(self.file, name, count(lambda: answers.append(act()), log))
        (answer,) = answers
        if isinstance(answer, Answer):
            assert answer.status < 400, (name, answer.body)
        return answer

    def grows_by_the_line(self, name: str, sizes: tuple[int, int, int]) -> None:
        """Of n, 2n and 4n lines, the second doubling adds at most twice the calls of the first.

        ``name`` has ``{}`` where the size stands.
        """
        known = json.loads(self.file.read_text(encoding="utf-8"))
        first, second, third = (
            sum(n for kind, n in known[name.format(size)].items() if kind in CALLS)
            for size in sizes
        )
        assert third - second <= 2 * (second - first) + 1, (first, second, third)
